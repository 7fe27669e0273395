"""What a store may offer beside `Store`, for whoever looks after it: copies, backups, a diagnosis.

Each is a protocol of its own, and a store keeps those that it can. All of it is asked of a store that is closed:
opening one would bring its schema up to date, which is not for a look or a copy to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from hullo.store.protocol import Applied, StoreConflict
from hullo.value import Value

PortableValue: TypeAlias = str | int | bytes | None
PortableRow: TypeAlias = tuple[PortableValue, ...]

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called now and then with what is being done, how much of it is done, and how much there is. May raise, to stop."""


def no_progress(doing: str, done: int, total: int) -> None:
    """A `Progress` that nobody watches."""


class PortableTable(Value):
    """A table, whatever it is in the store. The columns of `key` say where a row stands: no two rows share one."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def key_of(self, row: PortableRow) -> PortableRow:
        """Where this row stands."""
        return tuple(row[self.columns.index(column)] for column in self.key)


class CopySource(Protocol):
    """A store whose rows are read. What others write meanwhile may be among them or not."""

    def unfinished_copy(self) -> str | None:
        """What `Target.begin` was told. None when it holds no unfinished copy."""
        ...

    def tables(self) -> Sequence[PortableTable]:
        """In an order in which whatever is pointed at comes first."""
        ...

    def count(self, table: PortableTable) -> int:
        """How many rows it has now."""
        ...

    def rows(self, table: PortableTable, after: PortableRow | None, limit: int) -> Sequence[PortableRow]:
        """The next rows after a key, or the first ones, in the order of their keys: the same order in every store,
        that of bytes for text."""
        ...


class CopyTarget(CopySource, Protocol):
    """A store that is being filled. From `begin` to `finish`, through a crash too, it is an unfinished copy: nobody
    can open it as a `Store`."""

    def begin(self, source: str) -> Applied | StoreConflict:
        """Marks it, if it is empty; else the conflict names a table that has rows. `source` is at most 64 letters
        and digits."""
        ...

    def last_key(self, table: PortableTable) -> PortableRow | None:
        """The key of its last row, None while it has none."""
        ...

    def add(self, table: PortableTable, rows: Sequence[PortableRow]) -> Applied | StoreConflict:
        """All of them or none, and for good. A conflict when one is there already, or points at what is not."""
        ...

    def finish(self) -> None:
        """It can be opened from now on."""
        ...


@runtime_checkable
class SupportsMigrationPreview(Protocol):
    """A store that can say what opening it would do to its schema."""

    def pending_sql(self) -> Sequence[str]:
        """The statements, each in the engine's own words; none when the schema is current. Runs none of them."""
        ...


@runtime_checkable
class SupportsCopy(Protocol):
    """A store whose rows may be copied to another one that has the same tables."""

    @property
    def location(self) -> str:
        """Which database it is, as far as its URL tells. Holds no secret."""
        ...

    def as_source(self) -> AbstractContextManager[CopySource]:
        """Connects, and leaves rows and schema as they are. Raises `StoreUnavailable` where there is no database, or
        not one of this version's schema, or an unfinished copy."""
        ...

    def as_target(self) -> AbstractContextManager[CopyTarget]:
        """Connects, making the database or bringing it up to date; one that holds an unfinished copy too."""
        ...


@runtime_checkable
class SupportsBackup(Protocol):
    """A store that writes all it holds to a file, and is put back from one.

    Raises `StoreUnavailable`, `Conflicting` for a file or a database that must not be replaced, and
    `SettingsError` where its engine has tools of its own for this.
    """

    def backup(self, file: Path, progress: Progress, *, replace: bool = False) -> None:
        """Writes a file that holds one moment, checked, while others go on working. There is a whole file or none;
        one that is there already is only replaced when told so."""
        ...

    def has_rows(self) -> bool:
        """Whether `restore` would replace anything."""
        ...

    def restore(self, file: Path, progress: Progress) -> None:
        """Puts the file's content in place of what the store holds, all or nothing, through a crash too. Refuses a
        file that is no whole backup of this version or an older one, and a database that anybody has open."""
        ...


class Finding(Value):
    """One thing that was looked at. With `advice`, what to do about it, it is not as it should be."""

    name: str
    value: str
    advice: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether there is nothing to do."""
        return self.advice is None


@runtime_checkable
class SupportsDiagnosis(Protocol):
    """A store that can say how it is."""

    def diagnose(self) -> Sequence[Finding]:
        """What was found. Leaves rows and schema as they are, and makes no database where there is none. What cannot be
        reached is a finding, and no error."""
        ...
