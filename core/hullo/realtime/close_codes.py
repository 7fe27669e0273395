"""Why the server closes a socket: the close codes of the wire protocol."""

from __future__ import annotations

from typing import Final, NamedTuple


class CloseFrame(NamedTuple):
    """Pair a close code with a word for the author of the client."""

    code: int
    reason: str = ""


# 4000 to 4999 are an application's own codes (RFC 6455 §7.4.2). Ours end like the HTTP status they stand for.
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
"""The client did nothing wrong and should try again later (RFC 6455's registry of codes)."""
