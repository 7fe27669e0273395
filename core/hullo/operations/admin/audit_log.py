"""What whoever runs hullo does beside the pipeline, each change with its line in the audit log."""

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
"""Who did what Python code of the host has asked for."""
COMMAND_LINE: Final = "command line"


class AuditLog:
    """Applies changes that are rare and made by people, each in a transaction of its own. `by` is who makes them."""

    def __init__(self, store: Store, clock: Clock, by: str) -> None:
        self._store = store
        self._clock = clock
        self._by = by

    def new_context(self) -> RequestContext:
        """The time, with fresh randomness."""
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
        """Whether all of it is committed; False when somebody else has changed the same, or did anything that is in
        the workspace's log: decide again and come back."""
        query = SnapshotQuery(workspace_id=workspace_id, app_id=None, include_audit_head=True)
        snapshot = self._store.load([query])[0]
        entry = next_audit_entry(
            snapshot, context, workspace_id, by=self._by, action=action, subject=subject, **(data or {})
        )
        return isinstance(
            self._store.apply([replace(changes, audit_entries=(*changes.audit_entries, entry))])[0], Applied
        )

    def record(self, workspace_id: str, action: str, subject: str, data: Mapping[str, object]) -> None:
        """A line for what is done already. Raises `TooContended`."""
        moment = self.new_context()
        for _ in attempts():
            if self.commit(ChangeSet(), moment, workspace_id, action, subject, data):
                return
        raise TooContended
