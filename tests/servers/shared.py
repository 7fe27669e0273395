"""A server that the whole test run shares: each test has a database of its own in it, or an emptied one."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from contextlib import suppress
from urllib.parse import urlsplit

from servers.private import PrivateServer

KEPT = "hullo_migration"
"""The table that says how a database was migrated; an emptied database is still migrated."""

PREFIX = "hullo_test_"
"""How the names of all databases begin that are made here; no other is ever dropped."""


class SharedServer(ABC):
    """`behind` is the process, if it was started for this one's sake."""

    def __init__(self, url: str, behind: PrivateServer | None = None) -> None:
        self.url = url
        self._behind = behind
        self._made: set[str] = set()

    def new_database(self, options: str = "") -> str:
        name = PREFIX + secrets.token_hex(8)
        self.create_named(name, options)
        self._made.add(name)
        return self._url_of(name)

    def drop(self, url: str) -> None:
        name = urlsplit(url).path[1:]
        assert name.startswith(PREFIX), f"{name} is not a database of the tests"
        self.drop_named(name)
        self._made.discard(name)

    @abstractmethod
    def create_named(self, name: str, options: str) -> None: ...

    @abstractmethod
    def drop_named(self, name: str) -> None: ...

    @abstractmethod
    def empty(self, url: str) -> None: ...

    def close(self) -> None:
        """Drops what was made and not dropped, as far as the server is still there."""
        if self._behind is not None:
            return self._behind.close()
        for name in list(self._made):
            with suppress(Exception):
                self.drop_named(name)

    def _url_of(self, name: str) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")
