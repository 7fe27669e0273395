"""Copies every row of one store to another, and verifies the copy.

All rows are of one moment. They go in the order of their keys, in committed chunks. An interrupted copy resumes after
the target's last key. The target is marked as unfinished until both sides have been read again and are equal, and the
source has been found unchanged since that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from heapq import merge
from itertools import groupby
from typing import Final

import msgspec

from hullo.errors import Conflicting, Unstorable
from hullo.store.maintenance import (
    CopySource,
    CopyTables,
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
"""Rows a commit: enough to make its cost negligible, few enough for memory even with the longest messages."""

SAME_DATABASE: Final = "source and target are the same database"
RETRY_ADVICE: Final = "stop every server that uses either, make the target a new, empty database, and copy again"


class CopiedTable(Value):
    """A copied table: its number of rows, and the SHA-256 of all rows in the order of their keys."""

    name: str
    rows: int
    digest: str


def copy_store(
    source: SupportsCopy, target: SupportsCopy, progress: Progress = no_progress, *, chunk: int = CHUNK
) -> tuple[CopiedTable, ...]:
    """Copy and verify. Called again after an interruption it resumes.

    Raises `Conflicting` if the target is not empty, unless it holds an unfinished copy of this source, and if the two
    sides differ at the end, also because the source was written to meanwhile.
    """
    if source.location == target.location:
        raise Conflicting(SAME_DATABASE)
    # The source first: an unreachable one leaves no new database behind.
    with source.as_source() as old, target.as_target() as new:
        tables = _common_tables(old, new)
        _begin(old, new, fingerprint(source.location))
        _copy(old, new, tables, _ProgressCounter(progress, "copying", sum(map(old.count, tables))), chunk)
        copied = _verify(old, new, tables, progress, chunk)
        _require_unchanged(old, new, tables, progress, chunk)
        new.finish()
    return copied


def fingerprint(place: str) -> str:
    """Return what an unfinished copy stores about its source."""
    # A digest, as a location may hold more than the 64 letters and digits that a mark takes.
    return sha256(place.encode()).hexdigest()[:32]


class _ProgressCounter:
    """Count rows and report them to a `Progress`."""

    def __init__(self, progress: Progress, doing: str, total: int) -> None:
        self._progress = progress
        self._doing = doing
        self._total = total
        self._done = 0
        self._show()

    def __call__(self, rows: int) -> None:
        self._done += rows
        self._show()

    def _show(self) -> None:
        # The total was counted before: a target that grows meanwhile must not report more than all.
        self._progress(self._doing, min(self._done, self._total), self._total)


def _common_tables(old: CopySource, new: CopyTarget) -> tuple[PortableTable, ...]:
    tables = tuple(old.tables())
    # Names, columns and keys: rows are copied by position, so another order would mix values up.
    if tables != tuple(new.tables()):
        raise Conflicting("source and target keep their rows in different tables: neither can hold the other's")
    return tables


def _begin(old: CopySource, new: CopyTarget, source: str) -> None:
    begun = new.unfinished_copy()
    # The mark is the source's: this is an interrupted copy, which goes on.
    if begun == source:
        return
    if begun is not None:
        raise Conflicting("the target holds an unfinished copy of another database; copy into a new, empty one")
    held = new.begin(source)
    old.advance()  # the moment before does not show the mark
    if old.unfinished_copy() == source:  # one database under two URLs: the mark shows it
        new.finish()
        raise Conflicting(SAME_DATABASE)
    if isinstance(held, StoreConflict):
        raise Conflicting(f"the target is not empty: its table {held.reason} has rows; copy into a new, empty database")


def _copy(
    old: CopySource, new: CopyTarget, tables: Sequence[PortableTable], told: Callable[[int], None], chunk: int
) -> None:
    for table in tables:
        # Chunks are committed in key order, so the last key says how far an interrupted copy came.
        last = new.last_key(table)
        if last is not None:
            told(new.count(table))
        for rows in _pages(old, table, last, chunk):
            try:
                refused = new.add(table, rows)
            except Unstorable as error:
                where = f"in table {table.name}, in the {len(rows)} rows from key {table.key_of(rows[0])}"
                # The key and no values: a row may hold personal data (P4).
                raise Unstorable(f"{error.detail}: it is {where}") from error
            if isinstance(refused, StoreConflict):
                raise Conflicting(
                    f"a row of {table.name} was refused by the target ({refused.reason}): the target was written to "
                    f"meanwhile, the source since a copy that was interrupted, or another copy is under way; "
                    f"{RETRY_ADVICE}"
                )
            told(len(rows))


def _verify(
    old: CopySource, new: CopyTarget, tables: Sequence[PortableTable], progress: Progress, chunk: int
) -> tuple[CopiedTable, ...]:
    told = _ProgressCounter(progress, "verifying", _count_rows(old, new, tables))
    # Both sides are read again from the database: what was sent is no proof of what was stored.
    sides = [(_digest_table(old, table, told, chunk), _digest_table(new, table, told, chunk)) for table in tables]
    unequal = [table for table, (ours, theirs) in zip(tables, sides, strict=True) if ours != theirs]
    if unequal:
        found = _differences(old, new, unequal, progress, chunk)
        raise Conflicting(
            f"the target is not the same as its source ({found}): the target was written to meanwhile, or the source "
            f"since a copy that was interrupted; {RETRY_ADVICE}"
        )
    return tuple(ours for ours, _ in sides)


def _require_unchanged(
    old: CopySource, new: CopyTarget, tables: Sequence[PortableTable], progress: Progress, chunk: int
) -> None:
    """Compare the target with the source's present, if that has moved on. Raises `Conflicting` for what it lacks."""
    mark = old.change_mark()
    old.advance()
    if old.change_mark() == mark:
        return
    # The mark may say more than happened, as when a row is written with the values that it has.
    if found := _differences(old, new, tables, progress, chunk):
        raise Conflicting(f"the source was written to while it was copied ({found}); {RETRY_ADVICE}")


def _count_rows(old: CopySource, new: CopyTarget, tables: Sequence[PortableTable]) -> int:
    # Counted after the copy: the target had fewer rows before.
    return sum(map(old.count, tables)) + sum(map(new.count, tables))


def _differences(
    old: CopySource, new: CopyTarget, tables: Sequence[PortableTable], progress: Progress, chunk: int
) -> str:
    """Return how many rows of which tables differ, for people. Empty if all are equal."""
    told = _ProgressCounter(progress, "comparing", _count_rows(old, new, tables))
    counts = {table.name: _count_differences(old, new, table, told, chunk) for table in tables}
    found = [f"{count:,} {'row' if count == 1 else 'rows'} of {name}" for name, count in counts.items() if count]
    return f"{', '.join(found)} {'differs' if sum(counts.values()) == 1 else 'differ'}" if found else ""


def _count_differences(
    old: CopySource, new: CopyTarget, table: PortableTable, told: Callable[[int], None], chunk: int
) -> int:
    """Count the keys that one side lacks, or whose rows differ. A page of each side is in memory."""

    def side_rows(side: CopyTables) -> Iterator[PortableRow]:
        for rows in _pages(side, table, None, chunk):
            yield from rows
            told(len(rows))

    # Both sides have the same order of keys, so that rows of one key meet.
    by_key = groupby(merge(side_rows(old), side_rows(new), key=table.key_of), table.key_of)
    pairs = (tuple(rows) for _, rows in by_key)
    return sum(len(pair) != 2 or pair[0] != pair[1] for pair in pairs)


def _digest_table(side: CopyTables, table: PortableTable, told: Callable[[int], None], chunk: int) -> CopiedTable:
    # MessagePack distinguishes text from bytes and has one encoding for each value: canonical for these rows.
    encode = msgspec.msgpack.Encoder().encode
    digest, count = sha256(), 0
    for rows in _pages(side, table, None, chunk):
        digest.update(b"".join(map(encode, rows)))
        count += len(rows)
        told(len(rows))
    return CopiedTable(name=table.name, rows=count, digest=digest.hexdigest())


def _pages(
    side: CopyTables, table: PortableTable, after: PortableRow | None, chunk: int
) -> Iterator[Sequence[PortableRow]]:
    while rows := side.rows(table, after, chunk):
        yield rows
        # A short page is the last one: no further query is needed to find nothing.
        if len(rows) < chunk:
            return
        after = table.key_of(rows[-1])
