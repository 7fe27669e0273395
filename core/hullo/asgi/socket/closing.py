"""Why a socket is closed by the server, in the codes of the wire protocol."""

from __future__ import annotations

from typing import Final, NamedTuple


class Closing(NamedTuple):
    """A close code, and a word for whoever writes the client."""

    code: int
    reason: str = ""


BAD_FRAME: Final = Closing(4400, "bad_frame")
SESSION_REVOKED: Final = Closing(4401, "session_revoked")
BAD_ORIGIN: Final = Closing(4403, "bad_origin")
UNKNOWN_APP: Final = Closing(4403, "unknown_app")
NO_JOIN: Final = Closing(4408, "no_join")
TOO_LARGE: Final = Closing(4413, "too_large")
TOO_FAST: Final = Closing(4429, "rate_limited")
TOO_MANY: Final = Closing(4429, "too_many_sockets")
SLOW_READER: Final = Closing(4429, "slow_reader")
SERVER_RESTARTS: Final = Closing(1012, "restarting")
UNAVAILABLE: Final = Closing(1013, "unavailable")
"""Nothing is wrong with the client: try again later (RFC 6455's registry of codes)."""


class Ended(Exception):
    """The conversation over this socket is over."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.reason)
        self.closing = closing
