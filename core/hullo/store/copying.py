"""Copies every row of one store to another, and verifies the copy.

Rows go in the order of their keys, in committed chunks. An interrupted copy resumes after the target's last key. The
target is marked as unfinished until both sides have been read again and are equal.
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
    sides differ at the end.
    """
    if source.location == target.location:
        raise Conflicting(SAME_DATABASE)
    # The source first: an unreachable one leaves no new database behind.
    with source.as_source() as old, target.as_target() as new:
        tables = _common_tables(old, new)
        _begin(old, new, fingerprint(source.location))
        _copy(old, new, tables, _ProgressCounter(progress, "copying", sum(map(old.count, tables))), chunk)
        # Counted after the copy: the target had fewer rows before.
        rows = sum(map(old.count, tables)) + sum(map(new.count, tables))
        copied = _verify(old, new, tables, _ProgressCounter(progress, "verifying", rows), chunk)
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
        self(0)

    def __call__(self, rows: int) -> None:
        self._done += rows
        # The total was counted before: a source that grows meanwhile must not report more than all.
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
                    f"a row of {table.name} was refused by the target ({refused.reason}): source or target was "
                    f"written to meanwhile, or another copy is under way; {RETRY_ADVICE}"
                )
            told(len(rows))


def _verify(
    old: CopySource, new: CopyTarget, tables: Sequence[PortableTable], told: Callable[[int], None], chunk: int
) -> tuple[CopiedTable, ...]:
    # Both sides are read again from the database: what was sent is no proof of what was stored.
    sides = [(_digest_table(old, table, told, chunk), _digest_table(new, table, told, chunk)) for table in tables]
    if unequal := [ours.name for ours, theirs in sides if ours != theirs]:
        raise Conflicting(
            f"the target is not the same as its source in {', '.join(unequal)}: source or target was written to "
            f"meanwhile; {RETRY_ADVICE}"
        )
    return tuple(ours for ours, _ in sides)


def _digest_table(side: CopySource, table: PortableTable, told: Callable[[int], None], chunk: int) -> CopiedTable:
    # MessagePack distinguishes text from bytes and has one encoding for each value: canonical for these rows.
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
        # A short page is the last one: no further query is needed to find nothing.
        if len(rows) < chunk:
            return
        after = table.key_of(rows[-1])
