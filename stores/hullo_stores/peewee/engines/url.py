"""What the engines' URLs share: splitting them, and their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

from hullo.errors import SettingsError
from hullo.value import Value

MAX_NUMBER: Final = 31_536_000
"""The largest number that every driver accepts: a year in seconds, nine hours in milliseconds."""


class SplitUrl(Value, kw_only=False):
    """A URL, split at its `?`."""

    rest: str
    """The part between `scheme://` and `?`."""
    query: str

    def without_query(self, scheme: str) -> str:
        """Return the URL without its query, under another scheme."""
        return f"{scheme}://{self.rest}"


def split_url(url: str) -> SplitUrl:
    """Split `scheme://…?…`. Raises `SettingsError` if an unescaped password would spill into other parts, which errors
    may show."""
    _, _, rest = url.partition("://")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    if authority.count("@") > 1 or "@" in path or ("@" in query and "@" not in authority):
        raise SettingsError(
            "what is not a letter or digit in a URL's password is written as %XX: '@' as %40, '/' as %2F, '?' as %3F"
        )
    return SplitUrl(rest, query)


class Parameters:
    """The parameters after a URL's `?`. Raises `SettingsError` for values and names that it does not accept."""

    def __init__(self, query: str, subject: str) -> None:
        """`subject` begins a sentence: "an SQLite URL"."""
        self._subject = subject
        self._texts = dict(parse_qsl(query, keep_blank_values=True))
        self._known: list[str] = []

    def whole_number(self, name: str, default: int, *, minimum: int = 0) -> int:
        """Take a number between `minimum` and `MAX_NUMBER`."""
        text = self._take(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal()):
            raise SettingsError(f"{name} is a whole number, not {text!r}")
        if not minimum <= int(text[:20]) <= MAX_NUMBER:
            raise SettingsError(f"{name} is between {minimum} and {MAX_NUMBER}, not {text}")
        return int(text)

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """Take one of a few words."""
        text = self._take(name)
        if text is None:
            return default
        if text not in choices:
            raise SettingsError(f"{name} is {' or '.join(map(repr, choices))}, not {text!r}")
        return text

    def take_remaining(self, *names: str) -> dict[str, str]:
        """Return those among `names` that are given. Called last: any other parameter is unknown, and refused."""
        found = {name: text for name in names if (text := self._take(name)) is not None}
        if self._texts:
            *known, last = self._known
            raise SettingsError(
                f"{self._subject} has no parameter {next(iter(self._texts))!r}, only {', '.join(known)} and {last}"
            )
        return found

    def _take(self, name: str) -> str | None:
        self._known.append(name)
        return self._texts.pop(name, None)
