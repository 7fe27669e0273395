"""Store URLs, as they may be shown."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "***"
_SECRET_PARAMETER: Final = re.compile(r"(?i)([?&][^=&]*(?:pass|pwd|secret|token)[^=&]*=)[^&]*")


def mask_secrets(url: str) -> str:
    """Hide the secrets of a URL. Every URL that is printed or logged goes through here.

    Hides too much rather than too little: a password that was not escaped may hold any delimiter.
    """
    scheme, slashes, rest = url.partition("://")
    # A path may hold an `@` without being a password: `sqlite:////home/me@work/hullo.db`.
    if not rest.startswith("/") and "@" in rest:
        # The last one: a password that was not escaped may hold an `@` too.
        userinfo, _, where = rest.rpartition("@")
        user, colon, _ = userinfo.partition(":")
        rest = f"{user}:{MASK}@{where}" if colon else f"{user}@{where}"
    return _SECRET_PARAMETER.sub(rf"\g<1>{MASK}", f"{scheme}{slashes}{rest}")
