"""How the code that writes a change set says that it must not be written."""

from __future__ import annotations

from hullo.store.protocol import StoreConflict


class WriteConflict(Exception):
    """Something the change set stands on has changed. `apply` catches it and answers with its `conflict`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.conflict = StoreConflict(reason)


class TransactionAborted(WriteConflict):
    """The database has rolled the whole transaction back, as two waited for each other: nobody's was written."""
