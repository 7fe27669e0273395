"""Databases for tests: one a session and kind of server, made and migrated once and emptied for each test."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hullo.hooks.discovery import open_store
from servers.fixtures import Kind, require

Engine = Literal["sqlite", "postgresql", "mysql"]
ENGINES: tuple[Engine, ...] = ("sqlite", "postgresql", "mysql")


class Databases:
    """Skips the test that asks for a server which is not there."""

    def __init__(self) -> None:
        self._shared: dict[Kind, str] = {}

    def empty(self, engine: Engine, folder: Path) -> str:
        """The URL of a migrated, empty database; SQLite's is new, in that folder."""
        if engine == "sqlite":
            return f"sqlite:///{folder}/hullo.db"
        server = require(engine)
        if engine not in self._shared:
            self._shared[engine] = url = server.new_database()
            store = open_store(url)
            store.open()
            store.close()
        server.empty(self._shared[engine])
        return self._shared[engine]

    def drop(self) -> None:
        """All of them."""
        for kind, url in self._shared.items():
            require(kind).drop(url)
