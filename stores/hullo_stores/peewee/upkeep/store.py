"""What the Peewee store offers beside `Store`: see `hullo.store.upkeep`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from hullo.store.upkeep import Finding, Progress, Source, Target
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.schema import pending_sql
from hullo_stores.peewee.upkeep import portable
from hullo_stores.peewee.upkeep.diagnosis import diagnose


class KeptUp:
    """`Migrates`, `Portable`, `BacksUp` and `Diagnosed`, on whatever engine."""

    _engine: Engine

    @property
    def place(self) -> str:
        """See `Portable`."""
        return self._engine.upkeep.place

    def as_source(self) -> AbstractContextManager[Source]:
        """See `Portable`."""
        self._engine.upkeep.require_database()
        return portable.as_source(self._engine)

    def as_target(self) -> AbstractContextManager[Target]:
        """See `Portable`."""
        return portable.as_target(self._engine)

    def pending_sql(self) -> Sequence[str]:
        """See `Migrates`."""
        return pending_sql(self._engine)

    def backup(self, file: Path, progress: Progress, *, replace: bool = False) -> None:
        """See `BacksUp`."""
        self._engine.upkeep.backup(file, progress, replace=replace)

    def holds_rows(self) -> bool:
        """See `BacksUp`."""
        return self._engine.upkeep.holds_rows()

    def restore(self, file: Path, progress: Progress) -> None:
        """See `BacksUp`."""
        self._engine.upkeep.restore(file, progress)

    def diagnose(self) -> Sequence[Finding]:
        """See `Diagnosed`."""
        return tuple(diagnose(self._engine))
