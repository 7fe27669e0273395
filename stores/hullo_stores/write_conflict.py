"""The exceptions by which code that writes a change set refuses it."""

from __future__ import annotations

from hullo.store.protocol import StoreConflict


class WriteConflict(Exception):
    """Something the change set depends on has changed. `apply` catches this and returns its `conflict`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.conflict = StoreConflict(reason)


class TransactionAborted(WriteConflict):
    """The database rolled the whole transaction back because of a deadlock. Nothing of it was written."""
