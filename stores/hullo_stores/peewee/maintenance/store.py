"""What the Peewee store offers beside `Store`: see `hullo.store.maintenance`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from hullo.errors import StoreUnavailable
from hullo.store.maintenance import CopySource, CopyTarget, Finding, Progress
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.maintenance import copying
from hullo_stores.peewee.schema import pending_sql, require_current


class Maintenance:
    """`Migrates`, `Portable`, `BacksUp` and `Diagnosed`, on whatever engine."""

    _engine: Engine

    @property
    def location(self) -> str:
        """See `Portable`."""
        return self._engine.maintenance.location

    def as_source(self) -> AbstractContextManager[CopySource]:
        """See `Portable`."""
        self._engine.maintenance.require_database()
        return copying.as_source(self._engine)

    def as_target(self) -> AbstractContextManager[CopyTarget]:
        """See `Portable`."""
        return copying.as_target(self._engine)

    def pending_sql(self) -> Sequence[str]:
        """See `Migrates`."""
        return pending_sql(self._engine)

    def backup(self, file: Path, progress: Progress, *, replace: bool = False) -> None:
        """See `BacksUp`."""
        self._engine.maintenance.backup(file, progress, replace=replace)

    def has_rows(self) -> bool:
        """See `BacksUp`."""
        return self._engine.maintenance.has_rows()

    def restore(self, file: Path, progress: Progress) -> None:
        """See `BacksUp`."""
        self._engine.maintenance.restore(file, progress)

    def diagnose(self) -> Sequence[Finding]:
        """See `Diagnosed`."""
        return tuple(diagnose(self._engine))


def diagnose(engine: Engine) -> Iterator[Finding]:
    """See `Diagnosed`."""
    try:
        engine.maintenance.require_database()
        engine.open()
    except StoreUnavailable as error:
        yield Finding(name="connection", value="none", advice=error.detail)
        return
    try:
        with engine.autocommit_connection() as connection:
            yield from engine.maintenance.findings(connection)
        yield schema_finding(engine)
    except StoreUnavailable as error:
        yield Finding(name="connection", value="lost", advice=error.detail)
    finally:
        engine.close()


def schema_finding(engine: Engine) -> Finding:
    """Whether the schema is this version's."""
    try:
        require_current(engine)
    except StoreUnavailable as error:
        return Finding(name="schema", value="not current", advice=error.detail)
    return Finding(name="schema", value="current")
