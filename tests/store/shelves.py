"""A store that can be copied, in memory: what copying asks of one, and what it may meet."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from hullo.store.maintenance import PortableRow, PortableTable
from hullo.store.protocol import APPLIED, Applied, StoreConflict

LETTERS = PortableTable(name="letter", columns=("id", "text"), key=("id",))
PAIRS = PortableTable(name="pair", columns=("left", "right", "body"), key=("right", "left"))


class Interrupted(Exception):
    """As when the process is killed: whatever was added before stays."""


class Shelves:
    """Implements `SupportsCopy` and `CopyTarget`. After `writes_left` writes every other one fails."""

    def __init__(
        self,
        place: str,
        rows: Mapping[str, Sequence[PortableRow]] | None = None,
        tables: Sequence[PortableTable] = (LETTERS, PAIRS),
    ) -> None:
        self.location = place
        self.held = {table.name: sorted((rows or {}).get(table.name, ()), key=table.key_of) for table in tables}
        self.writes_left: int | None = None
        self.copy_of: str | None = None
        self.rewrites = 0
        """Writes that left every row as it was."""
        self._tables = tuple(tables)

    @contextmanager
    def as_source(self) -> Generator[ShelfSource]:
        yield ShelfSource(self)

    @contextmanager
    def as_target(self) -> Generator[Shelves]:
        yield self

    def tables(self) -> Sequence[PortableTable]:
        return self._tables

    def count(self, table: PortableTable) -> int:
        return len(self.held[table.name])

    def rows(self, table: PortableTable, after: PortableRow | None, limit: int) -> Sequence[PortableRow]:
        rows = self.held[table.name]
        start = 0 if after is None else bisect_right(rows, after, key=table.key_of)
        return rows[start : start + limit]

    def unfinished_copy(self) -> str | None:
        return self.copy_of

    def begin(self, source: str) -> Applied | StoreConflict:
        for name, rows in self.held.items():
            if rows:
                return StoreConflict(name)
        self._write()
        self.copy_of = source
        return APPLIED

    def last_key(self, table: PortableTable) -> PortableRow | None:
        rows = self.held[table.name]
        return table.key_of(rows[-1]) if rows else None

    def add(self, table: PortableTable, rows: Sequence[PortableRow]) -> Applied | StoreConflict:
        held = self.held[table.name]
        if {table.key_of(row) for row in rows} & {table.key_of(row) for row in held}:
            return StoreConflict(table.name)
        self._write()
        self.held[table.name] = sorted([*held, *rows], key=table.key_of)
        return APPLIED

    def finish(self) -> None:
        self._write()
        self.copy_of = None

    def _write(self) -> None:
        if self.writes_left == 0:
            raise Interrupted
        if self.writes_left is not None:
            self.writes_left -= 1


class ShelfSource(Shelves):
    """Implements `CopySource`: what shelves held at one moment."""

    def __init__(self, shelves: Shelves) -> None:
        super().__init__(shelves.location, shelves.held, shelves.tables())
        self._shelves = shelves

    def advance(self) -> None:
        self.held = {name: list(rows) for name, rows in self._shelves.held.items()}
        self.rewrites, self.copy_of = self._shelves.rewrites, self._shelves.copy_of

    def change_mark(self) -> object:
        return self.held, self.rewrites
