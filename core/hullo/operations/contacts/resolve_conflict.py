"""A conflict is settled by somebody who has looked at it (C7)."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.errors import Conflicting, Invalid, NotFound
from hullo.model.change_set import Change, ChangeSet, replacement
from hullo.model.conflict import Conflict, ConflictResolution
from hullo.model.contact import Contact, ContactId, identifier_of
from hullo.model.decision import Decision
from hullo.model.decision_record import FieldVerdict, Trace
from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL
from hullo.model.merge import RelatedCounts
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.operations.contacts.merge import MergeContacts, MergeResult
from hullo.rules.events import EventBuilder, next_audit_entry
from hullo.rules.identifiers import identifier_facts, with_identifiers, without_identifiers
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value


class ResolvedConflict(Value):
    """The conflict as it is afterwards. `absorbed` says what the merge did, where it was settled by one."""

    conflict: Conflict
    merge_result: MergeResult | None = None


class ResolveConflict(Value):
    """`merge`: `other_id` becomes part of `contact_id`. `keep`: they are two. `move_email`: the email becomes
    `contact_id`'s.

    The ids are who the conflict's two are by now, by `current_contact`. Settling it the same way again is refused, as
    settling it otherwise is: what was done can be undone by what is there for that.
    """

    conflict_id: str
    contact_id: ContactId
    other_id: ContactId
    action: ConflictResolution
    workspace_id: str
    writer: str
    context: RequestContext
    request_id: str
    related_counts: RelatedCounts | None = None
    confirmed: bool = False

    def prepare(self, apps: Apps) -> PreparedOperation[ResolvedConflict]:  # noqa: ARG002 - no app is asked
        """Refuses nothing yet."""
        query = SnapshotQuery(
            workspace_id=self.workspace_id,
            app_id=None,
            contacts=(self.contact_id, self.other_id),
            conflicts=(self.conflict_id,),
            include_audit_head=True,
        )
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[ResolvedConflict]:
        """Raises `NotFound`, `Conflicting` for one that is settled or has changed its ground, and `Invalid` for
        `move_email` where it is about no email."""
        conflict = snapshot.conflicts.get(self.conflict_id)
        if conflict is None:
            raise NotFound("no such conflict")
        if conflict.status == "resolved":
            raise Conflicting(f"this conflict was resolved already, by {conflict.resolution}")
        contact, other = (require_not_merged(snapshot, each) for each in (self.contact_id, self.other_id))
        moment = self.context.at_least(max(contact.updated_at, other.updated_at))
        settled = replacement(
            conflict,
            replace(
                conflict,
                status="resolved",
                resolution=self.action,
                resolved_at=moment.now,
                resolved_by=self.writer,
            ),
        )
        if self.action == "merge" and contact.id != other.id:
            return self._resolve_by_merge(settled, snapshot)
        changes = self._move_email(conflict, contact, other, moment) if self.action == "move_email" else ChangeSet()
        entry = next_audit_entry(
            snapshot,
            moment,
            self.workspace_id,
            by=self.writer,
            action="conflict.resolved",
            subject=conflict.id,
            resolution=self.action,
        )
        return Decision(
            result=ResolvedConflict(conflict=settled.after),
            change_set=replace(changes, conflicts=(settled,), audit_entries=(entry,)),
        )

    def _resolve_by_merge(self, resolution_change: Change[Conflict], snapshot: Snapshot) -> Decision[ResolvedConflict]:
        absorbing = MergeContacts(
            survivor_id=self.contact_id,
            absorbed_id=self.other_id,
            workspace_id=self.workspace_id,
            writer=self.writer,
            context=self.context,
            request_id=self.request_id,
            related_counts=self.related_counts,
            confirmed=self.confirmed,
            rule=f"conflict {self.conflict_id}",
        ).decide(snapshot)
        return Decision(
            result=ResolvedConflict(conflict=resolution_change.after, merge_result=absorbing.result),
            change_set=replace(absorbing.change_set, conflicts=(resolution_change,)),
            build_trace=absorbing.build_trace,
        )

    def _move_email(self, conflict: Conflict, contact: Contact, other: Contact, moment: RequestContext) -> ChangeSet:
        if conflict.field != EMAIL:
            raise Invalid(f"this conflict is about {conflict.field}, and no email: merge the two, or keep them apart")
        held = _disputed_email(conflict, other)
        if held is None or contact.id == other.id:
            raise Conflicting("the other has this email no more: keep them as they are, or merge them")
        fact = Fact(held.value, Standing.PROVEN, moment.now, self.writer)
        losing = without_identifiers(other, [identifier_of(EMAIL, held)], moment.now)
        # The email that it had until now stays a further one: somebody moves an email to it, and takes none away.
        gaining = replace(
            with_identifiers(contact, EMAIL, (fact, *identifier_facts(contact, EMAIL))), updated_at=moment.now
        )
        teller = EventBuilder(moment, self.workspace_id, by=self.writer)
        for each in (contact, other):
            # Without the values: it is the one's now, and the other's timeline outlives an erasure of the one.
            teller.add("contact.updated", each.id, {"fields": [EMAIL]})
        return ChangeSet(
            contacts=(replacement(other, losing), replacement(contact, gaining)),
            decisions=(
                teller.decision_record(
                    contact.id, self.request_id, _email_trace(f"was moved here from {other.id} by hand")
                ),
                teller.decision_record(
                    other.id, self.request_id, _email_trace(f"was moved to {contact.id} by hand"), ordinal=1
                ),
            ),
            events=teller.events,
        )


def _email_trace(reason: str) -> Trace:
    return Trace(fields=(FieldVerdict(field=EMAIL, verdict="written", reason=reason),))


def _disputed_email(conflict: Conflict, other: Contact) -> Fact | None:
    """The email that the conflict is about, if the other still has it."""
    emails = identifier_facts(other, EMAIL)
    if conflict.digest is None:
        return emails[0] if emails else None
    digests = {identifier_of(EMAIL, fact).digest(conflict.workspace_id): fact for fact in emails}
    return digests.get(conflict.digest)
