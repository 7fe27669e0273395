"""What each engine does for its own upkeep: where it keeps its data, how it is, and who makes its backups."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hullo.store.maintenance import Finding, Progress

if TYPE_CHECKING:  # an engine has its upkeep, and a connection is an engine's
    from hullo_stores.peewee.connection import Connection


class EngineMaintenance(Protocol):
    """See `Portable`, `BacksUp` and `Diagnosed` for what a method is for."""

    @property
    def location(self) -> str:
        """See `Portable`."""
        ...

    def require_database(self) -> None:
        """Raises `StoreUnavailable` where to connect would be to make a new database."""
        ...

    def findings(self, connection: Connection) -> Iterable[Finding]:
        """What is the engine's own: its version, its settings, its clock."""
        ...

    def backup(self, file: Path, progress: Progress, *, replace: bool) -> None:
        """See `BacksUp`."""
        ...

    def has_rows(self) -> bool:
        """See `BacksUp`."""
        ...

    def restore(self, file: Path, progress: Progress) -> None:
        """See `BacksUp`."""
        ...
