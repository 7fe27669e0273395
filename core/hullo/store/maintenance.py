"""What a store may offer beside `Store`: copies, backups, a diagnosis.

All of it runs on a closed store: opening one would migrate its schema, which a diagnosis or a copy must not do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from hullo.store.protocol import Applied, StoreConflict
from hullo.value import Value

# Neither float nor bool: engines keep them in different forms, and both sides must give the same digest.
PortableValue: TypeAlias = str | int | bytes | None
PortableRow: TypeAlias = tuple[PortableValue, ...]

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the name of the work, how much is done, and the total. May raise, to stop."""


def no_progress(doing: str, done: int, total: int) -> None:
    """Ignore progress."""


class PortableTable(Value):
    """A table in the order of its key. No two rows share the values of the `key` columns."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def key_of(self, row: PortableRow) -> PortableRow:
        """Return the key of a row."""
        return tuple(row[self.columns.index(column)] for column in self.key)


class CopyTables(Protocol):
    """The tables of either side of a copy."""

    def unfinished_copy(self) -> str | None:
        """Return the `source` of `CopyTarget.begin`. None if the store holds no unfinished copy."""
        ...

    def tables(self) -> Sequence[PortableTable]:
        """Return the tables, referenced ones first."""
        ...

    def count(self, table: PortableTable) -> int:
        """Return the current number of rows."""
        ...

    def rows(self, table: PortableTable, after: PortableRow | None, limit: int) -> Sequence[PortableRow]:
        """Return the next rows after a key, or the first ones, in key order: byte order for text, the same in every
        store."""
        ...


class CopySource(CopyTables, Protocol):
    """A store that rows are read from. All reads see one moment, whatever is written meanwhile."""

    def advance(self) -> None:
        """See a new moment: that of the next read."""
        ...

    def change_mark(self) -> object:
        """Return a value of the moment that is seen, found faster than the rows are read.

        While this source is open: if it equals that of another moment, no row changed in between.
        """
        ...


class CopyTarget(CopyTables, Protocol):
    """A store that is being filled. From `begin` to `finish`, through a crash too, it cannot be opened as a `Store`."""

    # The mark comes before the first row: a copy that is killed leaves a target that no server opens.
    def begin(self, source: str) -> Applied | StoreConflict:
        """Mark an empty store as an unfinished copy; otherwise the conflict names a table that has rows. `source` is at
        most 64 letters and digits."""
        ...

    def last_key(self, table: PortableTable) -> PortableRow | None:
        """Return the key of the last row. None while there is no row."""
        ...

    def add(self, table: PortableTable, rows: Sequence[PortableRow]) -> Applied | StoreConflict:
        """Insert and commit all rows or none. A conflict if a row exists already, or references a missing one."""
        ...

    def finish(self) -> None:
        """Remove the mark: the store can be opened from now on."""
        ...


@runtime_checkable
class SupportsCopy(Protocol):
    """A store whose rows can be copied to another one with the same tables."""

    @property
    def location(self) -> str:
        """Which database it is, as far as its URL shows. Holds no secret."""
        ...

    def as_source(self) -> AbstractContextManager[CopySource]:
        """Connect without changing rows or schema. Raises `StoreUnavailable` if there is no database, its schema is not
        this version's, or it holds an unfinished copy."""
        ...

    def as_target(self) -> AbstractContextManager[CopyTarget]:
        """Connect; create or migrate the database. Also accepts one that holds an unfinished copy."""
        ...


class EmailCollision(Value):
    """Two contacts that a migration finds to have one email: the key of M2 has changed.

    `contact_id` keeps its address as an identifier of the kind `unmatched_email`; `other_id` is found by it. A conflict
    is recorded.
    """

    contact_id: str
    other_id: str


class Finding(Value):
    """One thing that was checked. `advice` says what to do if it is not as it should be, else None."""

    name: str
    value: str
    advice: str | None = None

    @property
    def is_ok(self) -> bool:
        """Return whether there is nothing to do."""
        return self.advice is None


@runtime_checkable
class SupportsMaintenance(SupportsCopy, Protocol):
    """A store that can be copied, backed up and diagnosed, and that previews its migrations.

    Where the engine has backup tools of its own, `backup` and `restore` raise `SettingsError` with their commands.
    """

    def migrate(self, progress: Progress) -> None:
        """Create the database or bring it up to date, as opening the store does, and tell how far that is."""
        ...

    def pending_sql(self) -> Sequence[str]:
        """Return the SQL that opening the store would run; none when the schema is current. Runs none of it."""
        ...

    def pending_collisions(self) -> Sequence[EmailCollision]:
        """Return the contacts that opening the store would set apart, as others have their email. Writes nothing."""
        ...

    def backup(self, file: Path, progress: Progress, *, replace: bool = False) -> None:
        """Write a file that holds one moment, verified, while servers go on working.

        There is a complete file or none; an existing one is replaced only with `replace`, else `Conflicting`. Raises
        `StoreUnavailable` if the database or the file cannot be used.
        """
        ...

    def has_rows(self) -> bool:
        """Return whether `restore` would replace anything."""
        ...

    def restore(self, file: Path, progress: Progress) -> None:
        """Replace what the store holds by the file's content, all or nothing, through a crash too.

        Raises `Conflicting` for a file that is no backup of this version or an older one, and for a database that is
        not hullo's; `StoreUnavailable` for a damaged file, and for a database that another process has open.
        """
        ...

    def diagnose(self) -> Sequence[Finding]:
        """Return findings without changing rows or schema, or creating a database. An unreachable one is a finding."""
        ...
