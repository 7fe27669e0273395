"""What was decided about an identify call, told three times: as a change set, as an answer and as a trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from hullo.model.audit import AuditEntry
from hullo.model.change_set import Change, ChangeSet, KeyUse, SpentToken, insertion, replacement
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation
from hullo.model.decision import Decision
from hullo.model.decision_record import DecisionRecord, FieldVerdict, Step, Trace
from hullo.model.event import Event
from hullo.model.instant import HOUR
from hullo.model.outcome import Outcome
from hullo.model.request_context import RequestContext
from hullo.model.standing import Standing
from hullo.model.visitor import TOUCH_INTERVAL, Session
from hullo.pipeline.match import MatchResult
from hullo.pipeline.policy import WriteResult
from hullo.pipeline.tombstones import recreated_step
from hullo.pipeline.verified_claim import VerifiedClaim
from hullo.rules import session_lifecycle
from hullo.rules.events import EventBuilder
from hullo.rules.identifiers import without_identifiers
from hullo.rules.merging.plan import MergePlanResult
from hullo.rules.merging.records import add_merge_event
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value


class IdentifyResult(Value):
    """Everything that was decided, ready to be put into a change set, an answer and a trace."""

    verified_claim: VerifiedClaim
    context: RequestContext
    """When it happens to the contact: not before anything that happened to it."""
    match_result: MatchResult
    contact: Contact
    """As it was loaded, with whomever it absorbs in it, or as it is created."""
    merges: tuple[MergePlanResult, ...]
    write_result: WriteResult
    writer: str
    session_update: SessionUpdate | None
    previous_session: Session | None
    """The session that the call came with."""
    switched: bool
    identified: bool
    links: tuple[Change[Conversation], ...]
    linking_plugins: tuple[str, ...]
    """The plugins that asked for the links."""
    conflicts: tuple[Conflict, ...]
    standing: Standing
    recreated: bool
    """Whether somebody of that name was erased, whom this creates (P2)."""
    audit_entries: tuple[AuditEntry, ...]
    """Of merges."""

    def to_decision(self) -> Decision[Outcome]:
        """The same facts in three forms: to write, to answer, to explain."""
        contacts = self._contact_changes()
        sessions = self._session_changes()
        once = [each for each in self.verified_claim.single_use_tokens if each.consumes]
        if not (contacts or sessions or self.links or self.conflicts or once):
            return Decision(result=self._build_outcome(changed=False), build_trace=self._build_trace)
        now = self.verified_claim.context.now
        noteworthy = bool(
            self.write_result.changed_fields
            or self.identified
            or self.links
            or self.conflicts
            or self.match_result.displaced
            or self.merges
        )
        # What was refused is remembered when there is something to write anyway, not each time it is said again (W9).
        remembered = noteworthy or bool(self.write_result.kept or self.verified_claim.rejected)
        change_set = ChangeSet(
            contacts=contacts,
            visitors=self.session_update.new_visitors if self.session_update else (),
            sessions=sessions,
            conversations=self.links,
            conflicts=tuple(insertion(conflict) for conflict in self.conflicts),
            decisions=tuple(self._decision_records()) if remembered else (),
            merges=tuple(each.merge_change for each in self.merges),
            audit_entries=self.audit_entries,
            absorptions=tuple(each.absorption for each in self.merges),
            # An hour more than they are good for: other processes' clocks may be behind.
            spent=tuple(SpentToken(digest=each.digest, at=now, expires_at=each.expires_at + HOUR) for each in once),
            key_uses=self._key_uses(),
            events=self._build_events() if noteworthy else (),
        )
        changed = bool(contacts or sessions or self.links or self.conflicts)
        return Decision(
            result=self._build_outcome(changed=changed), change_set=change_set, build_trace=self._build_trace
        )

    def _session_changes(self) -> tuple[Change[Session], ...]:
        going_on = (
            *(self.session_update.session_changes if self.session_update else ()),
            *self._source_session_changes(),
        )
        if self.switched and self.previous_session is not None:
            return (session_lifecycle.revoke(self.previous_session, self.verified_claim.context.now), *going_on)
        return going_on

    def _source_session_changes(self) -> tuple[Change[Session], ...]:
        """The session that the identity was carried from. It is written, so that it is a conflict if somebody ends it
        meanwhile, and then nothing arrives."""
        carried = self.match_result.transferred_identity
        if carried is None or (
            self.session_update is not None and carried.session.digest == self.session_update.session.digest
        ):
            return ()
        seen = max(carried.session.seen_at, self.verified_claim.context.now)
        return (replacement(carried.session, replace(carried.session, seen_at=seen)),)

    def _build_trace(self) -> Trace:
        return Trace(steps=self._trace_steps(), fields=(*self.write_result.verdicts(), *self._rejection_verdicts()))

    def _contact_changes(self) -> tuple[Change[Contact], ...]:
        changes: list[Change[Contact]] = []
        now = self.context.now
        for each in self.match_result.displaced:
            # First, so that the identifiers are free when the contact takes them.
            changes.append(replacement(each.owner, without_identifiers(each.owner, each.identifiers, now)))
        changes += (each.absorbed_change for each in self.merges)
        if self.match_result.contact is None:
            changes.append(insertion(self.write_result.contact))
        elif self.write_result.changed_fields or self.merges:
            changes.append(replacement(self.match_result.contact, self.write_result.contact))
        elif now - self.contact.last_seen_at >= TOUCH_INTERVAL:
            changes.append(replacement(self.contact, replace(self.contact, last_seen_at=now)))
        return tuple(changes)

    def _trace_steps(self) -> tuple[Step, ...]:
        named = tuple(
            Step(stage="name", plugin=plugin, answer=f"look up by {identifier.kind}")
            for identifier, plugin in self.verified_claim.identifiers.items()
        )
        verified = tuple(
            Step(
                stage="verify",
                plugin=proof.by,
                answer="vouches for "
                + ", ".join([*(each.kind for each in proof.identifiers), *sorted(proof.signed_fields)]),
            )
            for proof in self.verified_claim.proofs
        )
        switch: tuple[Step, ...] = ()
        if self.switched and self.previous_session is not None:
            # C5: no more than a hint for an agent, since browsers are shared.
            answer = f"this browser was {self.previous_session.contact_id or 'somebody who was erased'} before"
            switch = (Step(stage="visit", plugin="pipeline", answer=answer),)
        linked = tuple(
            Step(stage="link", plugin=plugin, answer="gives the contact this visitor's conversations")
            for plugin in self.linking_plugins
        )
        merged = tuple(
            Step(
                stage="merge",
                plugin=plan.plugin,
                answer=f"{plan.absorbed.id} becomes part of this contact ({plan.rule})",
            )
            for plan in self.match_result.planned_merges
        )
        anew = (recreated_step(),) if self.recreated else ()
        return (*verified, *named, *self.match_result.steps, *anew, *merged, *self.write_result.steps, *switch, *linked)

    def _rejection_verdicts(self) -> Iterable[FieldVerdict]:
        return (
            FieldVerdict(field=rejection.field, verdict="rejected", reason=rejection.reason)
            for rejection in self.verified_claim.rejected
        )

    def _decision_records(self) -> Iterator[DecisionRecord]:
        """One for the contact, and one for whoever lost something to it."""
        yield self._new_decision_record(0, self.contact.id, self._build_trace())
        for ordinal, each in enumerate(self.match_result.displaced, start=1):
            reason = f"went to {self.contact.id}, who has proof of it (C4)"
            lost = tuple(
                FieldVerdict(field=identifier.kind, verdict="written", reason=reason) for identifier in each.identifiers
            )
            yield self._new_decision_record(ordinal, each.owner.id, Trace(steps=self._trace_steps(), fields=lost))

    def _new_decision_record(self, ordinal: int, contact_id: ContactId, trace: Trace) -> DecisionRecord:
        return DecisionRecord(
            id=self.context.new_id("dec", ordinal),
            workspace_id=self.verified_claim.workspace_id,
            app_id=self.verified_claim.app.id if self.verified_claim.app else None,
            contact_id=contact_id,
            request_id=self.verified_claim.request_id,
            at=self.context.now,
            by=self.writer,
            matched_by=self.match_result.matched_by,
            standing=self.standing.label,
            trace=trace,
        )

    def _key_uses(self) -> tuple[KeyUse, ...]:
        # Once an hour, and never for its own sake: every signer of an app shares this one row.
        app, now = self.verified_claim.app, self.verified_claim.context.now
        if app is None:
            return ()
        last_used = {key.id: key.last_used_at for key in app.identity_keys}
        return tuple(
            KeyUse(app_id=app.id, key_id=proof.key_id, at=now)
            for proof in self.verified_claim.proofs
            if proof.key_id is not None and now - (last_used.get(proof.key_id) or 0) >= HOUR
        )

    def _build_events(self) -> tuple[Event, ...]:
        own, app = self.contact.id, self.verified_claim.app
        # A merge is the whole person's, and no app's.
        merged = EventBuilder(self.context, self.verified_claim.workspace_id, by=self.writer)
        for joining in self.merges:
            add_merge_event(joining, merged)
        app_id = app.id if app else None
        teller = EventBuilder(
            self.context, self.verified_claim.workspace_id, app_id=app_id, by=self.writer, preceding=merged.events
        )
        visitor = {"visitor_id": self.session_update.session.visitor_id} if self.session_update else {}
        if self.match_result.contact is None:
            recreated = {"recreated": True} if self.recreated else {}
            teller.add("contact.created", own, {**visitor, **recreated}, self.write_result.changes)
        elif self.write_result.changed_fields:
            teller.add("contact.updated", own, {"fields": self.write_result.changed_fields}, self.write_result.changes)
        if self.identified:
            teller.add("contact.identified", own, {**visitor, "standing": self.standing.label})
        for link in self.links:
            teller.add("conversation.linked", own, {"conversation_id": link.after.id})
        for conflict in self.conflicts:
            teller.add("identity.conflict", own, {"conflict_id": conflict.id, "rule": conflict.rule})
        for each in self.match_result.displaced:
            # Without the values: they are whoever's who has proof of them.
            lost = [identifier.kind for identifier in each.identifiers]
            teller.add("contact.updated", each.owner.id, {"fields": lost})
        return teller.events

    def _build_outcome(self, *, changed: bool) -> Outcome:
        return Outcome(
            request_id=self.verified_claim.request_id,
            contact_id=self.contact.id,
            matched_by=self.match_result.matched_by,
            standing=self.standing,
            visitor_id=self.session_update.session.visitor_id if self.session_update else None,
            session_token=self.session_update.token if self.session_update else None,
            switched=self.switched,
            identified=self.identified,
            changed=changed,
            linked_conversations=len(self.links),
            written=self.write_result.written,
            kept=self.write_result.kept,
            rejected=self.verified_claim.rejected,
            conflicts=self.conflicts,
            app_id=self.verified_claim.app.id if self.verified_claim.app else None,
            signature=self.verified_claim.signature,
            mistake=self.verified_claim.mistake,
        )
