"""What was decided about an identify call, told three times: as a change set, as an answer and as a trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hullo.model.audit import AuditEntry
from hullo.model.change_set import Change, ChangeSet, KeyUse, Spent, changed, created
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation
from hullo.model.decision import Decision
from hullo.model.decision_record import DecisionRecord, FieldVerdict, Step, Trace
from hullo.model.event import Event
from hullo.model.instant import HOUR
from hullo.model.moment import Moment
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.model.visitor import TOUCH_EVERY, Session
from hullo.pipeline import visits
from hullo.pipeline.call import Call
from hullo.pipeline.merging.absorb import told_of
from hullo.pipeline.merging.joining import Joining
from hullo.pipeline.naming import without_identifiers
from hullo.pipeline.privacy.erased import made_anew
from hullo.pipeline.resolve import Resolution
from hullo.pipeline.telling import Teller
from hullo.pipeline.visits import Visit
from hullo.pipeline.writing import Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that was decided, ready to be put into a change set, an answer and a trace."""

    call: Call
    moment: Moment
    """When it happens to the contact: not before anything that happened to it."""
    resolution: Resolution
    contact: Contact
    """As it was loaded, with whomever it absorbs in it, or as it is created."""
    joinings: tuple[Joining, ...]
    written: Written
    writer: str
    visit: Visit | None
    left: Session | None
    """The session that the call came with."""
    switched: bool
    identified: bool
    links: tuple[Change[Conversation], ...]
    linkers: tuple[str, ...]
    """The plugins that asked for the links."""
    conflicts: tuple[Conflict, ...]
    standing: Standing
    recreated: bool
    """Whether somebody of that name was erased, whom this creates (P2)."""
    audits: tuple[AuditEntry, ...]
    """Of merges."""

    def decision(self) -> Decision[Outcome]:
        """The same facts in three forms: to write, to answer, to explain."""
        contacts = self._contacts()
        sessions = self._sessions()
        once = [each for each in self.call.once if each.spends]
        if not (contacts or sessions or self.links or self.conflicts or once):
            return Decision(answer=self._outcome(changed=False), explain=self._trace)
        now = self.call.moment.now
        noteworthy = bool(
            self.written.fields
            or self.identified
            or self.links
            or self.conflicts
            or self.resolution.displaced
            or self.joinings
        )
        # What was refused is remembered when there is something to write anyway, not each time it is said again (W9).
        remembered = noteworthy or bool(self.written.kept or self.call.rejected)
        change_set = ChangeSet(
            contacts=contacts,
            visitors=self.visit.visitors if self.visit else (),
            sessions=sessions,
            conversations=self.links,
            conflicts=tuple(created(conflict) for conflict in self.conflicts),
            decisions=tuple(self._records()) if remembered else (),
            merges=tuple(each.merge for each in self.joinings),
            audits=self.audits,
            absorptions=tuple(each.absorption for each in self.joinings),
            # An hour more than they are good for: other processes' clocks may be behind.
            spent=tuple(Spent(digest=each.digest, at=now, expires_at=each.expires_at + HOUR) for each in once),
            key_uses=self._key_uses(),
            events=self._events() if noteworthy else (),
        )
        changed = bool(contacts or sessions or self.links or self.conflicts)
        return Decision(answer=self._outcome(changed=changed), change_set=change_set, explain=self._trace)

    def _sessions(self) -> tuple[Change[Session], ...]:
        going_on = (*(self.visit.sessions if self.visit else ()), *self._left_from())
        if self.switched and self.left is not None:
            return (visits.revoke(self.left, self.call.moment.now), *going_on)
        return going_on

    def _left_from(self) -> tuple[Change[Session], ...]:
        """The session that the identity was carried from. It is written, so that it is a conflict if somebody ends it
        meanwhile, and then nothing arrives."""
        carried = self.resolution.carried
        if carried is None or (self.visit is not None and carried.session.digest == self.visit.session.digest):
            return ()
        seen = max(carried.session.seen_at, self.call.moment.now)
        return (changed(carried.session, replace(carried.session, seen_at=seen)),)

    def _trace(self) -> Trace:
        return Trace(steps=self._steps(), fields=(*self.written.verdicts(), *self._faults()))

    def _contacts(self) -> tuple[Change[Contact], ...]:
        changes: list[Change[Contact]] = []
        now = self.moment.now
        for each in self.resolution.displaced:
            # First, so that the identifiers are free when the contact takes them.
            changes.append(changed(each.contact, without_identifiers(each.contact, each.identifiers, now)))
        changes += (each.emptied for each in self.joinings)
        if self.resolution.contact is None:
            changes.append(created(self.written.contact))
        elif self.written.fields or self.joinings:
            changes.append(changed(self.resolution.contact, self.written.contact))
        elif now - self.contact.last_seen_at >= TOUCH_EVERY:
            changes.append(changed(self.contact, replace(self.contact, last_seen_at=now)))
        return tuple(changes)

    def _steps(self) -> tuple[Step, ...]:
        named = tuple(
            Step(stage="name", plugin=plugin, answer=f"look up by {identifier.kind}")
            for identifier, plugin in self.call.named.items()
        )
        verified = tuple(
            Step(
                stage="verify",
                plugin=proof.by,
                answer="vouches for " + ", ".join([*(each.kind for each in proof.identifiers), *sorted(proof.fields)]),
            )
            for proof in self.call.proofs
        )
        switch: tuple[Step, ...] = ()
        if self.switched and self.left is not None:
            # C5: no more than a hint for an agent, since browsers are shared.
            answer = f"this browser was {self.left.contact_id or 'somebody who was erased'} before"
            switch = (Step(stage="visit", plugin="pipeline", answer=answer),)
        linked = tuple(
            Step(stage="link", plugin=plugin, answer="gives the contact this visitor's conversations")
            for plugin in self.linkers
        )
        merged = tuple(
            Step(
                stage="merge", plugin=plan.plugin, answer=f"{plan.other.id} becomes part of this contact ({plan.rule})"
            )
            for plan in self.resolution.merges
        )
        anew = (made_anew(),) if self.recreated else ()
        return (*verified, *named, *self.resolution.steps, *anew, *merged, *self.written.steps, *switch, *linked)

    def _faults(self) -> Iterable[FieldVerdict]:
        return (
            FieldVerdict(field=rejection.field, verdict="rejected", reason=rejection.reason)
            for rejection in self.call.rejected
        )

    def _records(self) -> Iterator[DecisionRecord]:
        """One for the contact, and one for whoever lost something to it."""
        yield self._record(0, self.contact.id, self._trace())
        for ordinal, each in enumerate(self.resolution.displaced, start=1):
            reason = f"went to {self.contact.id}, who has proof of it (C4)"
            lost = tuple(
                FieldVerdict(field=identifier.kind, verdict="written", reason=reason) for identifier in each.identifiers
            )
            yield self._record(ordinal, each.contact.id, Trace(steps=self._steps(), fields=lost))

    def _record(self, ordinal: int, contact_id: ContactId, trace: Trace) -> DecisionRecord:
        return DecisionRecord(
            id=self.moment.new_id("dec", ordinal),
            workspace_id=self.call.workspace_id,
            app_id=self.call.app.id if self.call.app else None,
            contact_id=contact_id,
            request_id=self.call.request_id,
            at=self.moment.now,
            by=self.writer,
            matched_by=self.resolution.matched_by,
            standing=self.standing.word,
            trace=trace,
        )

    def _key_uses(self) -> tuple[KeyUse, ...]:
        # Once an hour, and never for its own sake: every signer of an app shares this one row.
        app, now = self.call.app, self.call.moment.now
        if app is None:
            return ()
        last_used = {key.id: key.last_used_at for key in app.identity_keys}
        return tuple(
            KeyUse(app_id=app.id, key_id=proof.key_id, at=now)
            for proof in self.call.proofs
            if proof.key_id is not None and now - (last_used.get(proof.key_id) or 0) >= HOUR
        )

    def _events(self) -> tuple[Event, ...]:
        own, app = self.contact.id, self.call.app
        # A merge is the whole person's, and no app's.
        merged = Teller(self.moment, self.call.workspace_id, by=self.writer)
        for joining in self.joinings:
            told_of(joining, merged)
        app_id = app.id if app else None
        teller = Teller(self.moment, self.call.workspace_id, app_id=app_id, by=self.writer, beside=merged.events)
        visitor = {"visitor_id": self.visit.session.visitor_id} if self.visit else {}
        if self.resolution.contact is None:
            recreated = {"recreated": True} if self.recreated else {}
            teller.tell("contact.created", own, {**visitor, **recreated}, self.written.changes)
        elif self.written.fields:
            teller.tell("contact.updated", own, {"fields": self.written.fields}, self.written.changes)
        if self.identified:
            teller.tell("contact.identified", own, {**visitor, "standing": self.standing.word})
        for link in self.links:
            teller.tell("conversation.linked", own, {"conversation_id": link.after.id})
        for conflict in self.conflicts:
            teller.tell("identity.conflict", own, {"conflict_id": conflict.id, "rule": conflict.rule})
        for each in self.resolution.displaced:
            # Without the values: they are whoever's who has proof of them.
            lost = [identifier.kind for identifier in each.identifiers]
            teller.tell("contact.updated", each.contact.id, {"fields": lost})
        return teller.events

    def _outcome(self, *, changed: bool) -> Outcome:
        return Outcome(
            request_id=self.call.request_id,
            contact_id=self.contact.id,
            matched_by=self.resolution.matched_by,
            standing=self.standing,
            visitor_id=self.visit.session.visitor_id if self.visit else None,
            session_token=self.visit.token if self.visit else None,
            switched=self.switched,
            identified=self.identified,
            changed=changed,
            linked_conversations=len(self.links),
            written=self.written.written,
            kept=self.written.kept,
            rejected=self.call.rejected,
            conflicts=self.conflicts,
            app_id=self.call.app.id if self.call.app else None,
            signature=self.call.signature,
            wrong=self.call.wrong,
        )
