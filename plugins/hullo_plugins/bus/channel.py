"""The parameter of a bus's URL that says under which name it speaks."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from hullo.errors import SettingsError

_NAME: Final = re.compile(r"[A-Za-z0-9_:.-]{1,63}")  # PostgreSQL keeps no more than 63 bytes of one


def split_channel(url: str) -> tuple[str, str | None]:
    """The URL without its parameter `channel`, and what that said.

    Raises `SettingsError` for a name that no server would take.
    """
    rest, _, query = url.partition("?")
    parameters = parse_qsl(query, keep_blank_values=True)
    named = [value for name, value in parameters if name == "channel"]
    if not named:
        return url, None
    if not _NAME.fullmatch(named[-1]):
        raise SettingsError("the channel of a bus is 1 to 63 letters A to Z, digits, and _ : . -")
    others = urlencode([each for each in parameters if each[0] != "channel"], quote_via=quote)
    return (f"{rest}?{others}" if others else rest), named[-1]
