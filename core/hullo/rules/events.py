"""Records of what an operation did: its events in order, decision records, and audit entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hullo.model.audit import AuditEntry, next_entry
from hullo.model.contact import ContactId
from hullo.model.decision_record import DecisionRecord, Trace
from hullo.model.event import Event, EventName, FieldChange
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing


class EventBuilder:
    """Builds the events of one request. Made anew for every decision, so that deciding again gives the same ids.

    `preceding` are events of another operation in the same request.
    """

    def __init__(
        self,
        context: RequestContext,
        workspace_id: str,
        *,
        app_id: str | None = None,
        by: str | None = None,
        preceding: Sequence[Event] = (),
    ) -> None:
        self._context = context
        self._workspace_id = workspace_id
        self._app_id = app_id
        self._by = by
        # A copy: this builder appends, and the other operation's events must stay as they are.
        self._events = list(preceding)

    @property
    def events(self) -> tuple[Event, ...]:
        """Return all events, in the order of `add`."""
        return tuple(self._events)

    def add(
        self,
        name: EventName,
        contact_id: ContactId | None = None,
        data: Mapping[str, object] | None = None,
        changes: Iterable[FieldChange] = (),
    ) -> None:
        """Add an event. `changes` appear in the contact's timeline only."""
        self._events.append(
            Event(
                # The ordinal keeps the ids of one request distinct, and in order.
                id=self._context.new_id("evt", len(self._events)),
                name=name,
                at=self._context.now,
                workspace_id=self._workspace_id,
                app_id=self._app_id,
                contact_id=contact_id,
                data=data if data is not None else {},
                by=self._by,
                # Values stay out of `data`: observers and webhooks get field names only (P4).
                changes=tuple(changes),
            )
        )

    def decision_record(self, contact_id: ContactId, request_id: str, trace: Trace, ordinal: int = 0) -> DecisionRecord:
        """Make the record of a trusted operation on a contact named by its id. `ordinal` separates several of one
        request."""
        # A record without a writer explains nothing, so a builder without `by` makes none.
        assert self._by is not None, "a decision has a writer"
        return DecisionRecord(
            id=self._context.new_id("dec", ordinal),
            workspace_id=self._workspace_id,
            app_id=self._app_id,
            contact_id=contact_id,
            request_id=request_id,
            at=self._context.now,
            by=self._by,
            matched_by="id",
            # Only API keys, agents and the command line name a contact by its id, and their word is proven.
            standing=Standing.PROVEN.label,
            trace=trace,
        )


def next_audit_entry(
    snapshot: Snapshot,
    context: RequestContext,
    workspace_id: str,
    *,
    by: str,
    action: str,
    subject: str,
    **data: object,
) -> AuditEntry:
    """Make the next entry of the workspace's audit log. The query of the snapshot has `include_audit_head`."""
    # Without the head the entry would restart the chain, and the verification would report a fault.
    assert snapshot.audit_head is not None, "the query asks where the audit log ends"
    return next_entry(
        snapshot.audit_head, workspace_id=workspace_id, at=context.now, by=by, action=action, subject=subject, data=data
    )
