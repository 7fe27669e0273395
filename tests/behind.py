"""What tests do to a database behind the store's back, whichever engine it is on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from servers import mariadb, postgres


def connected(url: str) -> Any:
    """A connection of the driver's, in autocommit mode."""
    if url.startswith("sqlite:"):
        return sqlite3.connect(urlsplit(url).path.removeprefix("/"), isolation_level=None)
    return postgres.connect(url) if url.startswith("postgresql:") else mariadb.connect(url)


def ask(connection: Any, text: str) -> list[tuple[Any, ...]]:
    """What a statement finds, if anything."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(text)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def once_asked(url: str, text: str) -> list[tuple[Any, ...]]:
    """The same, on a connection of its own."""
    with closing(connected(url)) as connection:
        return ask(connection, text)
