"""Administrative changes outside of the engine, each with its entry in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from hullo.errors import TooContended
from hullo.model.change_set import ChangeSet
from hullo.model.request_context import Clock, RequestContext
from hullo.model.snapshot import SnapshotQuery
from hullo.rules.events import next_audit_entry
from hullo.store.backoff import attempts
from hullo.store.protocol import Applied, Store

HOST: Final = "host"
"""Writer of changes by Python code of the host."""
# Stored in entries and compared by the explanations, so the text must not change.
COMMAND_LINE: Final = "command line"


class AuditLog:
    """Applies rare administrative changes, each in its own transaction. `by` is the writer."""

    def __init__(self, store: Store, clock: Clock, by: str) -> None:
        self._store = store
        self._clock = clock
        self._by = by

    def new_context(self) -> RequestContext:
        """Read the clock; return a context with fresh randomness."""
        # The injected clock, not the system's: tests set their own time.
        return RequestContext.at(self._clock())

    def commit(
        self,
        changes: ChangeSet,
        context: RequestContext,
        workspace_id: str,
        action: str,
        subject: str,
        data: Mapping[str, object] | None = None,
    ) -> bool:
        """Apply the changes with their audit entry; return whether all of it is committed. False: another writer
        changed the same records, or extended the workspace's log. Then decide on fresh records and call it again."""
        # No lock on the log: the number of the entry is unique, so a concurrent entry makes this one a conflict.
        query = SnapshotQuery(workspace_id=workspace_id, app_id=None, include_audit_head=True)
        # Loaded just before the write, so that the window for a conflict is short.
        snapshot = self._store.load([query])[0]
        entry = next_audit_entry(
            snapshot, context, workspace_id, by=self._by, action=action, subject=subject, **(data or {})
        )
        # One change set: a change without its entry, or an entry without its change, must not exist.
        return isinstance(
            self._store.apply([replace(changes, audit_entries=(*changes.audit_entries, entry))])[0], Applied
        )

    def record(self, workspace_id: str, action: str, subject: str, data: Mapping[str, object]) -> None:
        """Write an entry for a change that is already committed. Raises `TooContended`."""
        context = self.new_context()
        for _ in attempts():
            # An entry alone can only conflict with another entry, so repeating it is safe.
            if self.commit(ChangeSet(), context, workspace_id, action, subject, data):
                return
        raise TooContended
