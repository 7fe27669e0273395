"""Block of a contact, and its end. Visitors are blocked in `operations.sessions.block_visitor`."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.model.block import ContactBlock
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.event import FieldChange
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.rules.events import EventBuilder, next_audit_entry
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value

BLOCKED_FIELD = "blocked"
"""Field name in events."""


class BlockContact(Value):
    """Block of a contact: sessions that prove one of its identifiers can no longer write or identify.

    A repeat covers the identifiers that the contact got since, and writes nothing where there are none and the reason
    is the same (W9).
    """

    contact_id: ContactId
    """The current contact, by `current_contact`."""
    workspace_id: str
    by: str
    """As in `Fact.by`."""
    reason: str | None
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[Contact]:  # noqa: ARG002 - needs no app
        """Build the query. The caller has checked the API key."""
        return PreparedOperation(query=_query(self.workspace_id, self.contact_id), decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Contact]:
        """Block it. Raises `NotFound` and `Conflicting` as `require_not_merged` does."""
        contact = require_not_merged(snapshot, self.contact_id)
        covered = tuple(contact.identifier_digests())
        first, others = (contact.blocks[0], contact.blocks[1:]) if contact.blocks else (None, ())
        same_reason = first is not None and self.reason in {None, first.reason}
        # W9. New identifiers are reason enough to write: without them the block would not reach their sessions.
        if first is not None and same_reason and set(covered) <= set(first.identifiers):
            return Decision(result=contact)
        context = self.context.at_least(contact.updated_at)
        block = ContactBlock(
            # The id stays: sessions that the block has reached are found by it when it ends.
            id=first.id if first is not None else context.new_id("blk"),
            at=context.now,
            by=self.by,
            reason=first.reason if first is not None and self.reason is None else self.reason,
            of_contact=True,
            identifiers=tuple(dict.fromkeys((*(first.identifiers if first is not None else ()), *covered))),
        )
        after = replace(contact, blocks=(block, *others), updated_at=context.now)
        return _decision(snapshot, contact, after, context, self.by, block.reason)


class UnblockContact(Value):
    """End of a contact's block, also in the browsers that it has reached. Harmless to repeat."""

    contact_id: ContactId
    """As in `BlockContact`."""
    workspace_id: str
    by: str
    reason: str | None
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[Contact]:  # noqa: ARG002 - needs no app
        """Build the query. The caller has checked the API key."""
        return PreparedOperation(query=_query(self.workspace_id, self.contact_id), decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Contact]:
        """Unblock it. Raises `NotFound` and `Conflicting` as `require_not_merged` does."""
        contact = require_not_merged(snapshot, self.contact_id)
        # W9: the answer to a repeat is the same, and nothing is written.
        if not contact.blocks:
            return Decision(result=contact)
        context = self.context.at_least(contact.updated_at)
        after = replace(contact, blocks=(), updated_at=context.now)
        return _decision(snapshot, contact, after, context, self.by, self.reason)


def _query(workspace_id: str, contact_id: ContactId) -> SnapshotQuery:
    return SnapshotQuery(workspace_id=workspace_id, app_id=None, contacts=(contact_id,), include_audit_head=True)


def _decision(
    snapshot: Snapshot, before: Contact, after: Contact, context: RequestContext, by: str, reason: str | None
) -> Decision[Contact]:
    change = replacement(before, after)
    # Without an app: the contact is the workspace's, and so is its block.
    event_builder = EventBuilder(context, before.workspace_id, by=by)
    changes = [FieldChange(field=BLOCKED_FIELD, before=bool(before.blocks), after=bool(after.blocks))]
    event_builder.add("contact.updated", before.id, {"fields": [BLOCKED_FIELD]}, changes)
    entry = next_audit_entry(
        snapshot,
        context,
        before.workspace_id,
        by=by,
        action="contact.blocked" if after.blocks else "contact.unblocked",
        subject=before.id,
        reason=reason,
    )
    return Decision(
        result=change.after,
        change_set=ChangeSet(
            contacts=(change,),
            # By the block and not by a list: a browser that is reset while this is decided is freed too.
            lifted_blocks=() if after.blocks else tuple(block.id for block in before.blocks),
            audit_entries=(entry,),
            events=event_builder.events,
        ),
    )
