"""The maintenance methods of the Peewee store. See `hullo.store.maintenance`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from hullo.errors import StoreUnavailable
from hullo.store.maintenance import CopySource, CopyTarget, EmailCollision, Finding, Progress
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.maintenance import copying
from hullo_stores.peewee.schema import migrate, pending_collisions, pending_sql, require_current
from hullo_stores.peewee.search.upkeep import index_finding


class Maintenance:
    """Implement `SupportsMaintenance` on any engine."""

    _engine: Engine

    @property
    def location(self) -> str:
        """See `SupportsCopy`."""
        return self._engine.maintenance.location

    def as_source(self) -> AbstractContextManager[CopySource]:
        """See `SupportsCopy`. Some engines would create a missing database, so its existence is checked first."""
        self._engine.maintenance.require_database()
        return copying.as_source(self._engine)

    def as_target(self) -> AbstractContextManager[CopyTarget]:
        """See `SupportsCopy`."""
        return copying.as_target(self._engine)

    def migrate(self, progress: Progress) -> None:
        """See `SupportsMaintenance`."""
        self._engine.open()
        try:
            migrate(self._engine, progress)
        finally:
            self._engine.close()

    def pending_sql(self) -> Sequence[str]:
        """See `SupportsMaintenance`."""
        return pending_sql(self._engine)

    def pending_collisions(self) -> Sequence[EmailCollision]:
        """See `SupportsMaintenance`."""
        return pending_collisions(self._engine)

    def backup(self, file: Path, progress: Progress, *, replace: bool = False) -> None:
        """See `SupportsMaintenance`."""
        self._engine.maintenance.backup(file, progress, replace=replace)

    def has_rows(self) -> bool:
        """See `SupportsMaintenance`."""
        return self._engine.maintenance.has_rows()

    def restore(self, file: Path, progress: Progress) -> None:
        """See `SupportsMaintenance`."""
        self._engine.maintenance.restore(file, progress)

    def diagnose(self) -> Sequence[Finding]:
        """See `SupportsMaintenance`."""
        return tuple(diagnose(self._engine))


def diagnose(engine: Engine) -> Iterator[Finding]:
    """Open the engine, yield findings, close it. An unreachable database is a finding too."""
    try:
        engine.maintenance.require_database()
        engine.open()
    except StoreUnavailable as error:
        yield Finding(name="connection", value="none", advice=error.detail)
        return
    try:
        with engine.autocommit_connection() as connection:
            yield from engine.maintenance.findings(connection)
        schema = schema_finding(engine)
        if schema.is_ok:
            yield index_finding(engine)
        yield schema  # last: callers read on where it is current
    except StoreUnavailable as error:
        yield Finding(name="connection", value="lost", advice=error.detail)
    finally:
        engine.close()


def schema_finding(engine: Engine) -> Finding:
    """Report whether the schema is this version's."""
    try:
        require_current(engine)
    except StoreUnavailable as error:
        return Finding(name="schema", value="not current", advice=error.detail)
    return Finding(name="schema", value="current")
