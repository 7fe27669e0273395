"""Databases for tests: one a session and kind of server, made and migrated once and emptied for each test."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

import sqlite_file
from hullo.hooks.entry_points import open_store
from servers import postgres
from servers.fixtures import Kind, require

Engine = Literal["sqlite", "postgresql", "mysql"]
ENGINES: tuple[Engine, ...] = ("sqlite", "postgresql", "mysql")

before_any_database = pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
"""For tests of many values about which all is decided before a database is asked: one database will do."""


class Databases:
    """Skips the test that asks for a server which is not there. `folder` is the session's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shared: dict[Kind, str] = {}

    def shared(self, engine: Engine) -> str:
        """The URL of a migrated, empty database that is every test's and need not survive a power cut."""
        return self._sqlite() if engine == "sqlite" else self.empty(engine, self._folder)

    def empty(self, engine: Engine, folder: Path) -> str:
        """The URL of a migrated, empty database; SQLite's is new, in that folder."""
        if engine == "sqlite":
            return f"sqlite:///{folder}/hullo.db"
        server = require(engine)
        if engine not in self._shared:
            self._shared[engine] = url = server.new_database()
            if engine == "postgresql":
                postgres.commit_without_waiting(url)
            _migrate(url)
        server.empty(self._shared[engine])
        return self._shared[engine]

    def drop(self) -> None:
        """All of them."""
        for kind, url in self._shared.items():
            require(kind).drop(url)

    def _sqlite(self) -> str:
        path = self._folder / "hullo.db"
        url = f"sqlite:///{path}?synchronous=normal"
        if path.exists():
            sqlite_file.empty(path)
        else:
            _migrate(url)
        return url


def _migrate(url: str) -> None:
    store = open_store(url)
    store.open()
    store.close()
