"""Tell: what the caller, agents and observers learn of an identify: the answer, the reasons and the events."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from msgspec.structs import replace

from hullo.model.audit import AuditEntry
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.decision_record import VISIT, DecisionRecord, FieldVerdict, Step, Trace
from hullo.model.event import Event
from hullo.model.outcome import Outcome
from hullo.model.request_context import RequestContext
from hullo.model.standing import Standing
from hullo.model.tombstone import TombstoneDigest, is_same_claim
from hullo.model.write import identifier_field
from hullo.pipeline.link import Links
from hullo.pipeline.match import MatchResult, PlannedMerge
from hullo.pipeline.policy import WriteResult
from hullo.rules.events import EventBuilder
from hullo.rules.merging.plan import MergePlanResult
from hullo.rules.merging.records import add_merge_event
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value

MATCHED_BY_ERASED: Final = "erased"
"""What a suppressed call was `matched_by` (P2)."""


class IdentifyResult(Value):
    """Everything that was decided about one identify call."""

    match: MatchResult
    context: RequestContext
    """When it happens to the contact: not before anything that happened to it."""
    contact: Contact
    """As it was loaded, with what it absorbs in it, or as it is created."""
    merges: tuple[MergePlanResult, ...]
    writes: WriteResult
    writer: str
    session_update: SessionUpdate | None
    switched: bool
    identified: bool
    """True where the session gets a contact, or another one."""
    links: Links
    conflicts: tuple[Conflict, ...]
    standing: Standing
    is_recreation: bool
    is_suppressed: bool
    """True where nothing is kept but the session: an erased person was claimed without proof (P2)."""
    audit_entries: tuple[AuditEntry, ...]
    spent_before: Collection[str] = ()
    """Uses of the call's tokens that earlier calls have spent (T6)."""

    @property
    def is_noteworthy(self) -> bool:
        """Return whether the contact's history has something to record."""
        return bool(
            self.writes.changed_fields
            or self.identified
            or self.links.changes
            or self.conflicts
            or self.match.displaced
            or self.merges
        )


def outcome_of(result: IdentifyResult, *, changed: bool) -> Outcome:
    """Build the answer. Of a suppressed call it is what a stranger would be answered (H2, P2)."""
    verified, update = result.match.verified, result.session_update
    suppressed = result.is_suppressed
    noted = _noted_fields(result)
    return Outcome(
        request_id=verified.request_id,
        # P2: the id of a contact that is not written would be a promise that no later call keeps.
        contact_id=None if suppressed else result.contact.id,
        matched_by=MATCHED_BY_ERASED if suppressed else result.match.matched_by,
        standing=Standing.CLAIMED if suppressed else result.standing,
        visitor_id=update.session.visitor_id if update else None,
        # The only place where the secret leaves: the store keeps its digest (S1).
        session_token=update.token if update else None,
        switched=result.switched,
        identified=result.identified and not suppressed,
        changed=changed,
        may_add_contact=_may_add_contact(result),
        # Moves of an unproven lead depend on stored contacts: on merges, log-outs and erasures (H2).
        linked_conversations=len(result.links.moved)
        if result.standing is Standing.PROVEN
        else result.links.linked_count,
        written=() if suppressed else result.writes.written,
        kept=() if suppressed else result.writes.kept,
        rejected=verified.rejected,
        conflicts=() if suppressed else result.conflicts,
        noted=noted,
        is_found_by_noted=bool(noted) and _is_found_by_claim(result),
        app_id=verified.app.id if verified.app else None,
        signature=verified.signature,
        mistake=verified.mistake,
    )


def _may_add_contact(result: IdentifyResult) -> bool:
    """Return whether a call like this may add a contact. Asks only what the caller has said itself (H2)."""
    session, verified = result.match.session, result.match.verified
    if result.standing is Standing.PROVEN:
        return False
    if session is None:
        return True
    claimed = session.claimed_identifiers
    return any(
        kind not in claimed or not is_same_claim(claimed[kind], digest, verified.salt)
        for kind, digest in verified.claimed_digests.items()
    )


def _noted_fields(result: IdentifyResult) -> tuple[str, ...]:
    """List the identifiers of a proven visitor's call that no proof of the call covers (H3)."""
    verified = result.match.verified
    # Most calls prove all that they name, and cost one comparison here.
    if result.standing is not Standing.PROVEN or len(verified.identifiers) == len(verified.proven_identifiers):
        return ()
    fields: dict[str, None] = {}
    # A loop: an identify that changes nothing comes through here, and a generator would cost a call for each name.
    for name in verified.identifiers:
        if name not in verified.proven_identifiers:
            fields[identifier_field(name.kind)] = None
    return tuple(fields)


def _is_found_by_claim(result: IdentifyResult) -> bool:
    """Return whether a stored contact was found, and neither by an identifier that the call proves nor by the session's
    earlier proof."""
    contact, session = result.match.contact, result.match.session
    if contact is None:
        return False
    # The session first: that of an identify that changes nothing is proven already.
    if session is not None and session.is_proven and session.contact_id == contact.id:
        return False
    return not any(map(contact.has_identifier, result.match.verified.proven_identifiers))


def trace_of(result: IdentifyResult) -> Trace:
    """Build the reasons: what each plugin answered, and what became of each field."""
    # Rejected identifiers are in the trace too: they are the usual reason that a contact was not found (M5).
    rejected = tuple(
        FieldVerdict(field=rejection.field, verdict="rejected", reason=rejection.reason)
        # Rejections are told of suppressed calls too: they depend on the request alone.
        for rejection in result.match.verified.rejected
    )
    if result.is_suppressed:
        silence = _erased_step(
            "somebody of this name was erased, and there is no proof: nothing is kept of the call (P2)"
        )
        # Verdicts on fields would be about a contact that is not kept (P2).
        return Trace(steps=(*_steps(result), silence), fields=rejected)
    return Trace(steps=_steps(result), fields=(*result.writes.verdicts(), *rejected))


def _steps(result: IdentifyResult) -> tuple[Step, ...]:
    verified, matched = result.match.verified, result.match
    steps = [
        Step(
            stage="verify",
            plugin=proof.by,
            answer="vouches for "
            + ", ".join([*(name.kind for name in proof.identifiers), *sorted(proof.signed_fields)]),
        )
        for proof in verified.proofs
    ]
    steps += (
        Step(stage="name", plugin=plugin, answer=f"look up by {identifier.kind}")
        for identifier, plugin in verified.identifiers.items()
    )
    steps += matched.steps
    if result.is_recreation and not result.is_suppressed:
        steps.append(_erased_step("somebody of this name was erased; the proof allows to make them anew (P2)"))
    steps += (Step(stage="merge", plugin=plan.plugin, answer=_merge_answer(plan)) for plan in matched.planned_merges)
    steps += result.writes.steps
    if result.switched and matched.session is not None:
        # C5: no more than a hint for an agent, since browsers are shared.
        other = matched.session.contact_id
        steps.append(_visit_step(f"this browser was {other or 'somebody who was erased'} before", other))
    steps += (
        Step(stage="link", plugin=plugin, answer="gives the contact this visitor's conversations")
        for plugin in result.links.plugins
    )
    if len(result.links.changes) > result.links.linked_count:
        answer = f"what this visitor has said before is the contact's, {result.standing.label} (L2, C8)"
        steps.append(Step(stage="link", plugin="pipeline", answer=answer))
    return tuple(steps)


def _visit_step(answer: str, other: ContactId | None) -> Step:
    return Step(stage=VISIT, plugin="pipeline", answer=answer, contact_id=other)


def _merge_answer(plan: PlannedMerge) -> str:
    if plan.joined_by is not None:
        return f"{plan.absorbed.id} is joined by an email that the visitor gave, on a claim (J, {plan.rule})"
    return f"{plan.absorbed.id} becomes part of this contact ({plan.rule})"


def _erased_step(answer: str) -> Step:
    return Step(stage="match", plugin="pipeline", answer=answer)


def decision_records(result: IdentifyResult) -> Iterator[DecisionRecord]:
    """Build one record for the contact, one for each contact that lost an identifier to it (C4), and one for the
    contact that used this browser before (C5)."""
    trace = trace_of(result)
    if result.contact.absorbed:
        trace = replace(trace, named=tuple(_named(result)))
    yield _decision_record(result, 0, result.contact.id, trace)
    for ordinal, displaced in enumerate(result.match.displaced, start=1):
        reason = f"went to {result.contact.id}, who has proof of it (C4)"
        lost = tuple(
            FieldVerdict(field=identifier.kind, verdict="written", reason=reason)
            for identifier in displaced.identifiers
        )
        yield _decision_record(result, ordinal, displaced.owner.id, Trace(steps=_steps(result), fields=lost))
    session = result.match.session
    if result.switched and session is not None and session.contact_id is not None:
        # C5: the suggestion stands on both contacts, and nothing more.
        visit = _visit_step(f"this browser is {result.contact.id} from now on", result.contact.id)
        yield _decision_record(result, len(result.match.displaced) + 1, session.contact_id, Trace(steps=(visit,)))


def _named(result: IdentifyResult) -> Iterator[TombstoneDigest]:
    """Yield the identifiers of the call that the contact has, salted."""
    contact = result.writes.contact
    for identifier, digest in result.match.verified.tombstone_digests.items():
        if contact.has_identifier(identifier):
            yield digest


def _decision_record(result: IdentifyResult, ordinal: int, contact_id: ContactId, trace: Trace) -> DecisionRecord:
    verified = result.match.verified
    return DecisionRecord(
        id=result.context.new_id("dec", ordinal),
        workspace_id=verified.workspace_id,
        app_id=verified.app.id if verified.app else None,
        contact_id=contact_id,
        request_id=verified.request_id,
        at=result.context.now,
        by=result.writer,
        matched_by=result.match.matched_by,
        standing=result.standing.label,
        trace=trace,
    )


def events_of(result: IdentifyResult) -> tuple[Event, ...]:
    """Build the events of this call, in the order in which observers learn of them (rules E)."""
    verified, contact_id = result.match.verified, result.contact.id
    app_id = verified.app.id if verified.app else None
    visitor = {"visitor_id": result.session_update.session.visitor_id} if result.session_update else {}
    created = EventBuilder(result.context, verified.workspace_id, app_id=app_id, by=result.writer)
    is_new = result.match.contact is None
    if is_new:
        # P2: a person who was erased and proves it again is new, and observers may want to know.
        recreated = {"recreated": True} if result.is_recreation else {}
        created.add("contact.created", contact_id, {**visitor, **recreated}, result.writes.changes)
    # A merge concerns the whole person, and no app. A new contact is known before it absorbs another (C8).
    merged = EventBuilder(result.context, verified.workspace_id, by=result.writer, preceding=created.events)
    for merge in result.merges:
        add_merge_event(merge, merged)
    builder = EventBuilder(
        result.context, verified.workspace_id, app_id=app_id, by=result.writer, preceding=merged.events
    )
    changed_fields = result.writes.changed_fields
    # Not both: a new contact has no fields that changed.
    if changed_fields and not is_new:
        builder.add("contact.updated", contact_id, {"fields": changed_fields}, result.writes.changes)
    # After created or updated: a receiver knows the contact when it learns that a visitor is that person.
    if result.identified:
        builder.add("contact.identified", contact_id, {**visitor, "standing": result.standing.label})
    # After `contact.identified`, as it is the identify that links them (L1, R4).
    for link in result.links.moved:
        builder.add("conversation.linked", contact_id, {"conversation_id": link.after.id})
    for conflict in result.conflicts:
        builder.add("identity.conflict", contact_id, {"conflict_id": conflict.id, "rule": conflict.rule})
    for displaced in result.match.displaced:
        # Without the values: they are the person's who has proof of them.
        lost = [identifier.kind for identifier in displaced.identifiers]
        builder.add("contact.updated", displaced.owner.id, {"fields": lost})
    return builder.events
