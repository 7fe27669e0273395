"""A conflict is settled by somebody who has looked at it (C7)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hullo.errors import Conflicting, Invalid, NotFound
from hullo.model.change_set import Change, ChangeSet, changed
from hullo.model.conflict import Conflict, Resolution
from hullo.model.contact import Contact, ContactId, identifier_of
from hullo.model.decision import Decision
from hullo.model.decision_record import FieldVerdict, Trace
from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL
from hullo.model.merge import Extent
from hullo.model.moment import Moment
from hullo.model.standing import Standing
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.merging.absorb import Absorb, Absorbed
from hullo.pipeline.naming import names_of, with_names, without_identifiers
from hullo.pipeline.survivors import unabsorbed
from hullo.pipeline.telling import Teller, audited
from hullo.pipeline.work import Prepared
from hullo.store.protocol import Snapshot, SnapshotQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The conflict as it is afterwards. `absorbed` says what the merge did, where it was settled by one."""

    conflict: Conflict
    absorbed: Absorbed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleConflict:
    """`merge`: `other_id` becomes part of `contact_id`. `keep`: they are two. `move_email`: the email becomes
    `contact_id`'s.

    The ids are who the conflict's two are by now, by `current_contact`. Settling it the same way again is refused, as
    settling it otherwise is: what was done can be undone by what is there for that.
    """

    conflict_id: str
    contact_id: ContactId
    other_id: ContactId
    action: Resolution
    workspace_id: str
    writer: str
    moment: Moment
    request_id: str
    extent: Extent | None = None
    confirmed: bool = False

    def prepare(self, apps: AppDirectory) -> Prepared[Settled]:  # noqa: ARG002 - no app is asked
        """Refuses nothing yet."""
        query = SnapshotQuery(
            workspace_id=self.workspace_id,
            app_id=None,
            contacts=(self.contact_id, self.other_id),
            conflicts=(self.conflict_id,),
            audited=True,
        )
        return Prepared(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Settled]:
        """Raises `NotFound`, `Conflicting` for one that is settled or has changed its ground, and `Invalid` for
        `move_email` where it is about no email."""
        conflict = snapshot.conflicts.get(self.conflict_id)
        if conflict is None:
            raise NotFound("no such conflict")
        if conflict.status == "resolved":
            raise Conflicting(f"this conflict was resolved already, by {conflict.resolution}")
        contact, other = (unabsorbed(snapshot, each) for each in (self.contact_id, self.other_id))
        moment = self.moment.not_before(max(contact.updated_at, other.updated_at))
        settled = changed(
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
            return self._merged(settled, snapshot)
        changes = self._moved(conflict, contact, other, moment) if self.action == "move_email" else ChangeSet()
        entry = audited(
            snapshot,
            moment,
            self.workspace_id,
            by=self.writer,
            action="conflict.resolved",
            subject=conflict.id,
            resolution=self.action,
        )
        return Decision(
            answer=Settled(conflict=settled.after),
            change_set=replace(changes, conflicts=(settled,), audits=(entry,)),
        )

    def _merged(self, settled: Change[Conflict], snapshot: Snapshot) -> Decision[Settled]:
        absorbing = Absorb(
            survivor_id=self.contact_id,
            absorbed_id=self.other_id,
            workspace_id=self.workspace_id,
            writer=self.writer,
            moment=self.moment,
            request_id=self.request_id,
            extent=self.extent,
            confirmed=self.confirmed,
            rule=f"conflict {self.conflict_id}",
        ).decide(snapshot)
        return Decision(
            answer=Settled(conflict=settled.after, absorbed=absorbing.answer),
            change_set=replace(absorbing.change_set, conflicts=(settled,)),
            explain=absorbing.explain,
        )

    def _moved(self, conflict: Conflict, contact: Contact, other: Contact, moment: Moment) -> ChangeSet:
        if conflict.field != EMAIL:
            raise Invalid(f"this conflict is about {conflict.field}, and no email: merge the two, or keep them apart")
        held = _meant(conflict, other)
        if held is None or contact.id == other.id:
            raise Conflicting("the other has this email no more: keep them as they are, or merge them")
        fact = Fact(held.value, Standing.PROVEN, moment.now, self.writer)
        losing = without_identifiers(other, [identifier_of(EMAIL, held)], moment.now)
        # The email that it had until now stays a further one: somebody moves an email to it, and takes none away.
        gaining = replace(with_names(contact, EMAIL, (fact, *names_of(contact, EMAIL))), updated_at=moment.now)
        teller = Teller(moment, self.workspace_id, by=self.writer)
        for each in (contact, other):
            # Without the values: it is the one's now, and the other's timeline outlives an erasure of the one.
            teller.tell("contact.updated", each.id, {"fields": [EMAIL]})
        return ChangeSet(
            contacts=(changed(other, losing), changed(contact, gaining)),
            decisions=(
                teller.explained(contact.id, self.request_id, _moving(f"was moved here from {other.id} by hand")),
                teller.explained(other.id, self.request_id, _moving(f"was moved to {contact.id} by hand"), ordinal=1),
            ),
            events=teller.events,
        )


def _moving(reason: str) -> Trace:
    return Trace(fields=(FieldVerdict(field=EMAIL, verdict="written", reason=reason),))


def _meant(conflict: Conflict, other: Contact) -> Fact | None:
    """The email that the conflict is about, if the other still has it."""
    emails = names_of(other, EMAIL)
    if conflict.digest is None:
        return emails[0] if emails else None
    digests = {identifier_of(EMAIL, fact).digest(conflict.workspace_id): fact for fact in emails}
    return digests.get(conflict.digest)
