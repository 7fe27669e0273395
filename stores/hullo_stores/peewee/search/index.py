"""The indexes of substrings that engines have themselves. Other engines keep trigrams as rows: see `grams.py`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from peewee import Database, PeeweeException

from hullo.errors import StoreUnavailable
from hullo_stores.peewee.connection import Connection
from hullo_stores.peewee.ddl import execute

FTS_TABLE: Final = "contact_fts"
"""SQLite keeps the index in tables whose names begin like this."""
_REMOVE: Final = f"INSERT INTO {FTS_TABLE} ({FTS_TABLE}, rowid, text) VALUES ('delete', old.number, old.text)"
_ADD: Final = f"INSERT INTO {FTS_TABLE} (rowid, text) VALUES (new.number, new.text)"
FTS_SCHEMA: Final[Mapping[str, str]] = {
    FTS_TABLE: f"CREATE VIRTUAL TABLE {FTS_TABLE} USING fts5 (text, content='contact_search', content_rowid='number', "
    "tokenize='trigram case_sensitive 1', detail='none', columnsize=0)",
    f"{FTS_TABLE}_added": f"CREATE TRIGGER {FTS_TABLE}_added AFTER INSERT ON contact_search BEGIN {_ADD}; END",
    f"{FTS_TABLE}_removed": f"CREATE TRIGGER {FTS_TABLE}_removed AFTER DELETE ON contact_search BEGIN {_REMOVE}; END",
    f"{FTS_TABLE}_replaced": f"CREATE TRIGGER {FTS_TABLE}_replaced AFTER UPDATE ON contact_search "
    f"BEGIN {_REMOVE}; {_ADD}; END",
}
"""SQLite's index and its triggers by name, as `sqlite_master` shows them: hullo's only code in a database."""
FTS_TABLES: Final = frozenset(f"{FTS_TABLE}_{part}" for part in ("config", "content", "data", "docsize", "idx"))
"""The tables in which SQLite keeps the index."""
SECURE_DELETE_VERSION: Final = (3, 42)
TRIGRAM_INDEX: Final = "contact_search_trigrams"


class Fts5Index:
    """SQLite's full-text index over trigrams, maintained by triggers.

    It holds which text has which trigram, and not where: texts are compared afterwards, and the index is a third of the
    size.
    """

    name = "SQLite's FTS5"
    advice = "use a Python whose SQLite has FTS5, in version 3.34 or newer"
    source = f"{FTS_TABLE} CROSS JOIN contact_search AS s ON s.number = {FTS_TABLE}.rowid"
    latest_first: str | None = f"ORDER BY {FTS_TABLE}.rowid DESC"

    def is_built(self, connection: Connection) -> bool:
        """See `SubstringIndex`."""
        return bool(connection.rows(f"SELECT 1 FROM sqlite_master WHERE name = '{FTS_TABLE}'"))

    def is_available(self, connection: Connection) -> bool:
        """See `SubstringIndex`."""
        if not _has_fts5() and self.is_built(connection):
            raise StoreUnavailable(f"the database has an index that this Python cannot write to; {self.advice}")
        return _has_fts5()

    def prepare(self, database: Database) -> bool:  # noqa: ARG002  # a question to this Python's SQLite
        """See `SubstringIndex`."""
        return _has_fts5()

    def build(self, database: Database) -> None:
        """See `SubstringIndex`."""
        untyped: Any = database
        if untyped.table_exists(FTS_TABLE):
            return
        for text in (*FTS_SCHEMA.values(), f"INSERT INTO {FTS_TABLE} ({FTS_TABLE}) VALUES ('rebuild')"):
            execute(database, text)
        # P2: without it the index keeps the trigrams of erased texts until it merges its parts.
        if sqlite3.sqlite_version_info >= SECURE_DELETE_VERSION:
            execute(database, f"INSERT INTO {FTS_TABLE} ({FTS_TABLE}, rank) VALUES ('secure-delete', 1)")

    def condition(self, grams: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
        """See `SubstringIndex`."""
        # Quoted, as a trigram may look like an operator of the query language.
        terms = ['"{}"'.format(gram.replace('"', '""')) for gram in grams]
        return f"{FTS_TABLE} MATCH ?", (" AND ".join(terms),)


class TrigramIndex:
    """PostgreSQL's index over trigrams, of the extension `pg_trgm`. Comparisons by LIKE use it."""

    name = "pg_trgm"
    advice = (
        "type  CREATE EXTENSION pg_trgm  as a superuser, then stop the servers and run 'hullo migrate': searches and "
        "new contacts will be faster"
    )
    source = "contact_search AS s"
    latest_first: str | None = None

    def is_built(self, connection: Connection) -> bool:
        """See `SubstringIndex`."""
        return bool(connection.rows(f"SELECT 1 WHERE to_regclass('{TRIGRAM_INDEX}') IS NOT NULL"))

    def is_available(self, connection: Connection) -> bool:
        """See `SubstringIndex`."""
        return bool(connection.rows("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'"))

    def prepare(self, database: Database) -> bool:
        """See `SubstringIndex`. Without the right to make the extension, and without the extension, there is none."""
        untyped: Any = database
        try:
            # A savepoint: the refused statement would end the transaction that holds the migration lock.
            with untyped.atomic():
                execute(database, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except PeeweeException:
            return False
        return True

    def build(self, database: Database) -> None:
        """See `SubstringIndex`."""
        execute(database, f"CREATE INDEX IF NOT EXISTS {TRIGRAM_INDEX} ON contact_search USING gin (text gin_trgm_ops)")
        # At once: until the server does so by itself, it plans searches without knowing the texts.
        execute(database, "ANALYZE contact_search")

    def condition(self, grams: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:  # noqa: ARG002  # LIKE finds them
        """See `SubstringIndex`."""
        return None


@cache
def _has_fts5() -> bool:
    """Return whether this Python's SQLite was built with the index, in a version that knows trigrams."""
    try:
        with sqlite3.connect(":memory:") as trial:
            trial.execute("CREATE VIRTUAL TABLE trial USING fts5 (text, tokenize='trigram case_sensitive 1')")
    except sqlite3.OperationalError:
        return False
    return True
