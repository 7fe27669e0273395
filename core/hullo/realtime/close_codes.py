"""Why a socket is closed by the server, in the codes of the wire protocol."""

from __future__ import annotations

from typing import Final, NamedTuple


class CloseFrame(NamedTuple):
    """A close code, and a word for whoever writes the client."""

    code: int
    reason: str = ""


BAD_FRAME: Final = CloseFrame(4400, "bad_frame")
SESSION_REVOKED: Final = CloseFrame(4401, "session_revoked")
BAD_ORIGIN: Final = CloseFrame(4403, "bad_origin")
UNKNOWN_APP: Final = CloseFrame(4403, "unknown_app")
JOIN_TIMED_OUT: Final = CloseFrame(4408, "no_join")
TOO_LARGE: Final = CloseFrame(4413, "too_large")
RATE_LIMITED: Final = CloseFrame(4429, "rate_limited")
TOO_MANY_SOCKETS: Final = CloseFrame(4429, "too_many_sockets")
SLOW_READER: Final = CloseFrame(4429, "slow_reader")
RESTARTING: Final = CloseFrame(1012, "restarting")
UNAVAILABLE: Final = CloseFrame(1013, "unavailable")
"""Nothing is wrong with the client: try again later (RFC 6455's registry of codes)."""


class SocketClosed(Exception):
    """The conversation over this socket is over."""

    def __init__(self, close_frame: CloseFrame) -> None:
        super().__init__(close_frame.reason)
        self.close_frame = close_frame
