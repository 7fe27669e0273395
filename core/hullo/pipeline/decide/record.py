"""Record: what a server writes about an email that a visitor only gave goes to a record of the email's own (J)."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from hullo.model.change_set import Change, ChangeSet, insertion, replacement
from hullo.model.conflict import pair_key
from hullo.model.contact import Contact
from hullo.model.decision import Decision
from hullo.model.decision_record import Step
from hullo.model.identifier import EMAIL
from hullo.model.merge import Merge
from hullo.model.operation import NeedsFullContacts
from hullo.model.outcome import JoinedRecord, Outcome
from hullo.model.snapshot import Snapshot
from hullo.pipeline.decide.settle import ClaimedIdentifier
from hullo.pipeline.verify import VerifiedClaim
from hullo.rules.events import EventBuilder
from hullo.rules.identifiers import without_identifiers
from hullo.rules.merging.combine import clear_absorbed
from hullo.rules.merging.joins import join, record_of, without_join
from hullo.rules.merging.plan import MergePlanResult
from hullo.rules.merging.records import add_merge_event, merge_audit_entries
from hullo.rules.merging.settled_joins import JOIN_RULE, require_loaded
from hullo.rules.merging.undo import other_merges
from hullo.value import Value

Decide = Callable[[VerifiedClaim, Snapshot], Decision[Outcome]]


def write_record(
    claimed: ClaimedIdentifier, verified: VerifiedClaim, snapshot: Snapshot, decide: Decide
) -> Decision[Outcome] | None:
    """Decide the call as if the record stood alone, then show the record in the contact, on a claim.

    None where the call is about another contact after all, as a plugin's matcher may find. Raises `NeedsFullContacts`.
    """
    record = _Record.of(claimed, snapshot)
    # Clocks of processes differ: the write must sort after the last change of both.
    latest = max(contact.updated_at for contact in (record.holder, record.contact) if contact is not None)
    verified = replace(verified, context=verified.context.at_least(latest))
    decision = decide(verified, record.alone(snapshot, verified))
    contact_id, changes = decision.result.contact_id, decision.change_set
    change = next((change for change in changes.contacts if change.after.id == contact_id), None)
    expected = record.contact.id if record.contact is not None else None
    # A plugin's matcher may have another identifier to go by.
    if expected is None and (change is None or change.before is not None):
        return None
    if expected is not None and contact_id != expected:
        return None
    if change is not None:
        changes = record.shown(change.after, decision, verified, snapshot)
    merge_id = record.merge.id if record.merge is not None else verified.context.new_id("mrg")
    result = replace(
        decision.result,
        contact_id=record.holder.id,
        matched_by=EMAIL,
        joined=JoinedRecord(merge_id=merge_id, email=claimed.identifier.value),
    )
    return replace(decision, result=result, change_set=changes)


class _Record(Value):
    """The record of an email, apart from the contact that shows it."""

    holder: Contact
    """As it is stored."""
    base: Contact
    """The holder without the record."""
    contact: Contact | None
    """The record as a contact of its own; None where it is yet to be made."""
    merge: Merge | None
    claimed: ClaimedIdentifier

    @classmethod
    def of(cls, claimed: ClaimedIdentifier, snapshot: Snapshot) -> _Record:
        """Take the record out of the contact."""
        holder, merge = claimed.holder, claimed.merge
        if merge is None:
            # The contact's image is kept with the merge: it must be whole, and the merge is audited.
            if snapshot.audit_head is None:
                raise NeedsFullContacts
            base = without_identifiers(holder, [claimed.identifier], holder.updated_at)
            return cls(holder=holder, base=base, contact=None, merge=None, claimed=claimed)
        require_loaded(merge, snapshot)
        stored = snapshot.contacts[merge.absorbed_id]
        contact = replace(record_of(holder, merge), version=stored.version)
        base = without_join(holder, merge, other_merges(snapshot, holder, merge))
        return cls(holder=holder, base=base, contact=contact, merge=merge, claimed=claimed)

    def alone(self, snapshot: Snapshot, verified: VerifiedClaim) -> Snapshot:
        """Return the snapshot in which the record is a contact of its own."""
        contacts = {**snapshot.contacts, self.holder.id: self.base}
        contact_ids = {**snapshot.contact_ids}
        if self.contact is None:
            del contact_ids[verified.digests[self.claimed.identifier]]
        else:
            contacts[self.contact.id] = self.contact
            contact_ids |= dict.fromkeys(self.contact.identifier_digests(), self.contact.id)
        return replace(snapshot, contacts=contacts, contact_ids=contact_ids)

    def shown(
        self, after: Contact, decision: Decision[Outcome], verified: VerifiedClaim, snapshot: Snapshot
    ) -> ChangeSet:
        """Return the writes with which the record is `after`, and the holder shows it."""
        changes, holder = decision.change_set, self.holder
        changed = {change.after.id: change for change in changes.contacts}
        del changed[after.id]
        base = changed.pop(holder.id).after if holder.id in changed else self.base
        plan = MergePlanResult(
            merge_id=self.merge.id if self.merge is not None else verified.context.new_id("mrg"),
            survivor=base,
            absorbed=after,
            at=after.updated_at,
            by=verified.server_writer or "",
            rule=JOIN_RULE,
            joined_by=verified.digests[self.claimed.identifier],
        )
        # In the holder's order: a write about the record must not change the holder's primary email.
        survivor = join(base, plan.record, plan.merge_id, plan.at, like=holder)
        contacts: list[Change[Contact]] = [replacement(holder, replace(survivor, version=holder.version))]
        step = Step(
            stage="merge",
            plugin="pipeline",
            answer=f"joined to {holder.id} by an email that the visitor gave: its values are claimed there (J)",
        )
        records = tuple(
            replace(
                record,
                # Of a record that was there, the holder tells; a new one has its own beginning.
                contact_id=holder.id if self.merge is not None else after.id,
                trace=replace(record.trace, steps=(*record.trace.steps, step)),
            )
            if record.contact_id == after.id
            else record
            for record in changes.decisions
        )
        # The two are shown as one: what tells them apart is no conflict.
        pair = pair_key(holder.id, after.id)
        conflicts = tuple(conflict for conflict in changes.conflicts if conflict.after.pair_key != pair)
        changes = replace(changes, conflicts=conflicts, decisions=records)
        if self.merge is not None:
            return replace(
                changes,
                contacts=(*contacts, *changed.values()),
                merges=(*changes.merges, replacement(self.merge, replace(self.merge, absorbed_before=plan.record))),
                events=tuple(
                    replace(event, contact_id=holder.id) if event.contact_id == after.id else event
                    for event in changes.events
                ),
            )
        event_builder = EventBuilder(
            verified.context, verified.workspace_id, by=verified.server_writer, preceding=changes.events
        )
        return replace(
            changes,
            # Born absorbed: it is found by its id, and is no contact of its own (G3).
            contacts=(insertion(clear_absorbed(after, holder.id, plan.at)), *contacts, *changed.values()),
            merges=(*changes.merges, plan.merge_change),
            absorptions=(*changes.absorptions, plan.absorption),
            audit_entries=(*changes.audit_entries, *merge_audit_entries((plan,), snapshot)),
            events=add_merge_event(plan, event_builder).events,
        )
