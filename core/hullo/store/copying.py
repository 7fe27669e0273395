"""Copies every row of one store to another, and proves that it did.

Rows go in the order of their keys, a chunk at a time, each committed. Where a copy was interrupted the target says
itself: after its last key. The target is marked until both sides have been read again and are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Final

import msgspec

from hullo.errors import Conflicting, Unstorable
from hullo.store.maintenance import (
    CopySource,
    CopyTarget,
    PortableRow,
    PortableTable,
    Progress,
    SupportsCopy,
    no_progress,
)
from hullo.store.protocol import StoreConflict
from hullo.value import Value

CHUNK: Final = 2000
"""Rows a commit: enough that its cost does not count, and few enough for memory with the longest messages."""

SAME_DATABASE: Final = "source and target are the same database"
RETRY_ADVICE: Final = "stop every server that uses either, make the target a new, empty database, and copy again"


class CopiedTable(Value):
    """What both sides hold of a table: how many rows, and the SHA-256 of them all in the order of their keys."""

    name: str
    rows: int
    digest: str


def copy_store(
    source: SupportsCopy, target: SupportsCopy, progress: Progress = no_progress, *, chunk: int = CHUNK
) -> tuple[CopiedTable, ...]:
    """Copies and verifies. Called again after an interruption it goes on where it was.

    Raises `Conflicting` for a target that is not empty, unless with an unfinished copy of this very source, and
    when the two sides are not the same at the end.
    """
    if source.location == target.location:
        raise Conflicting(SAME_DATABASE)
    with source.as_source() as old, target.as_target() as new:
        tables = _common_tables(old, new)
        _begin(old, new, fingerprint(source.location))
        _copy(old, new, tables, _ProgressCounter(progress, "copying", sum(map(old.count, tables))), chunk)
        rows = sum(map(old.count, tables)) + sum(map(new.count, tables))
        copied = _verify(old, new, tables, _ProgressCounter(progress, "verifying", rows), chunk)
        new.finish()
    return copied


def fingerprint(place: str) -> str:
    """What an unfinished copy remembers of its source."""
    return sha256(place.encode()).hexdigest()[:32]


class _ProgressCounter:
    """Counts rows for whoever watches."""

    def __init__(self, progress: Progress, doing: str, total: int) -> None:
        self._progress = progress
        self._doing = doing
        self._total = total
        self._done = 0
        self(0)

    def __call__(self, rows: int) -> None:
        self._done += rows
        # A source that grows meanwhile is not done before its end.
        self._progress(self._doing, min(self._done, self._total), self._total)


def _common_tables(old: CopySource, new: CopyTarget) -> tuple[PortableTable, ...]:
    tables = tuple(old.tables())
    if tables != tuple(new.tables()):
        raise Conflicting("source and target keep their rows in different tables: neither can hold the other's")
    return tables


def _begin(old: CopySource, new: CopyTarget, source: str) -> None:
    begun = new.unfinished_copy()
    if begun == source:
        return
    if begun is not None:
        raise Conflicting("the target holds an unfinished copy of another database; copy into a new, empty one")
    held = new.begin(source)
    if old.unfinished_copy() == source:  # by two names, which only now shows
        new.finish()
        raise Conflicting(SAME_DATABASE)
    if isinstance(held, StoreConflict):
        raise Conflicting(f"the target is not empty: its table {held.reason} has rows; copy into a new, empty database")


def _copy(
    old: CopySource, new: CopyTarget, tables: Sequence[PortableTable], told: Callable[[int], None], chunk: int
) -> None:
    for table in tables:
        last = new.last_key(table)
        if last is not None:
            told(new.count(table))
        for rows in _pages(old, table, last, chunk):
            try:
                refused = new.add(table, rows)
            except Unstorable as error:
                where = f"in table {table.name}, in the {len(rows)} rows from key {table.key_of(rows[0])}"
                raise Unstorable(f"{error.detail}: it is {where}") from error
            if isinstance(refused, StoreConflict):
                raise Conflicting(
                    f"a row of {table.name} was refused by the target ({refused.reason}): source or target was "
                    f"written to meanwhile, or another copy is under way; {RETRY_ADVICE}"
                )
            told(len(rows))


def _verify(
    old: CopySource, new: CopyTarget, tables: Sequence[PortableTable], told: Callable[[int], None], chunk: int
) -> tuple[CopiedTable, ...]:
    sides = [(_digest_table(old, table, told, chunk), _digest_table(new, table, told, chunk)) for table in tables]
    if unequal := [ours.name for ours, theirs in sides if ours != theirs]:
        raise Conflicting(
            f"the target is not the same as its source in {', '.join(unequal)}: source or target was written to "
            f"meanwhile; {RETRY_ADVICE}"
        )
    return tuple(ours for ours, _ in sides)


def _digest_table(side: CopySource, table: PortableTable, told: Callable[[int], None], chunk: int) -> CopiedTable:
    # MessagePack tells text from bytes and writes every value in one way only: it is canonical for what rows hold.
    encode = msgspec.msgpack.Encoder().encode
    digest, count = sha256(), 0
    for rows in _pages(side, table, None, chunk):
        digest.update(b"".join(map(encode, rows)))
        count += len(rows)
        told(len(rows))
    return CopiedTable(name=table.name, rows=count, digest=digest.hexdigest())


def _pages(
    side: CopySource, table: PortableTable, after: PortableRow | None, chunk: int
) -> Iterator[Sequence[PortableRow]]:
    while rows := side.rows(table, after, chunk):
        yield rows
        if len(rows) < chunk:
            return
        after = table.key_of(rows[-1])
