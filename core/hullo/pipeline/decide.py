"""Decide: everything about one identify call, as a pure function of the verified claim and one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from hullo.errors import Blocked
from hullo.hooks.manager import PluginManager
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.conflict import Conflict, pair_key
from hullo.model.contact import Contact
from hullo.model.decision import Decision
from hullo.model.fact import TOKEN_WRITER_PREFIX, VISITOR_WRITER_PREFIX
from hullo.model.identifier import Identifier, IdentifierDigest
from hullo.model.match import MATCHED_BY_SESSION
from hullo.model.operation import NeedsFullContacts
from hullo.model.outcome import Outcome
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.pipeline.apply import decision_of
from hullo.pipeline.join import plan_join
from hullo.pipeline.lead import absorb_stub
from hullo.pipeline.link import NO_LINKS, Links, link_conversations, needs_own_conversations
from hullo.pipeline.match import MatchResult, match
from hullo.pipeline.policy import WriteContext, WriteResult, one_per_kind, write_claim
from hullo.pipeline.record import write_record
from hullo.pipeline.settle import find_claimed, settle_joins
from hullo.pipeline.tell import IdentifyResult
from hullo.pipeline.verify import VerifiedClaim
from hullo.rules import session_lifecycle
from hullo.rules.blocking import current_block, find_blocked_contact, take_over
from hullo.rules.merging.plan import MergePlanResult
from hullo.rules.merging.records import merge_audit_entries
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value


class _SessionResult(Value):
    """The session that goes on, and the contact that it is about."""

    match: MatchResult
    claimed_digests: Mapping[str, IdentifierDigest]
    """What the session remembers of its own claims: after a hop, what the session that it came from claimed."""
    update: SessionUpdate | None
    """None for a server, which has no session."""
    switched: bool
    writer: str
    context: RequestContext
    """When it happens to the contact: not before anything that happened to it."""
    contact: Contact
    """As it was loaded, with what it absorbs in it, or as it is created."""
    merges: tuple[MergePlanResult, ...]

    @property
    def visitor_writer(self) -> str | None:
        """Return the writer of fields beside the evidence; None for a server."""
        return _visitor_writer(self.update) if self.update is not None else None


class _StandingResult(Value):
    """How far this session is believed about this contact."""

    session: _SessionResult
    standing: Standing
    is_recreation: bool
    """True where the contact was erased before, and would be created again (P2)."""
    erased_identifiers: tuple[Identifier, ...]

    @property
    def is_suppressed(self) -> bool:
        """Return whether nothing is kept but the session: an erased person is claimed, and not proven (P2)."""
        return self.is_recreation and self.standing < Standing.PROVEN


Amend = Callable[[Decision[Outcome], Snapshot], Decision[Outcome]]
"""Adds to a decision on that snapshot, which may show a record apart from the contact that it is joined to (J)."""


def decide(
    verified: VerifiedClaim, hooks: PluginManager, snapshot: Snapshot, amend: Amend | None = None
) -> Decision[Outcome]:
    """Decide what to write, what to answer and why. No I/O, no clock, no randomness; may run more than once.

    Raises what `match` raises, `Blocked`, and `NeedsFullContacts` where the visitor's own conversations may move.
    """
    # J: nearly no call says anything about a join.
    is_about_join = find_claimed(verified, snapshot) is not None
    if not is_about_join and amend is None:
        return _decide_alone(verified, hooks, snapshot)

    def decide_on(verified: VerifiedClaim, snapshot: Snapshot) -> Decision[Outcome]:
        decision = _decide_alone(verified, hooks, snapshot)
        return decision if amend is None else amend(decision, snapshot)

    if not is_about_join:
        return decide_on(verified, snapshot)
    settled, claimed = settle_joins(verified, snapshot)
    verified = replace(verified, context=settled.context)
    decision = None
    if claimed is not None:
        decision = write_record(claimed, verified, settled.snapshot, decide_on)
        if decision is None and claimed.merge is not None:
            settled = settled.undone(claimed.holder, claimed.merge)
            verified = replace(verified, context=settled.context)
    if decision is None:
        decision = decide_on(verified, settled.snapshot)
    # A refused call settles nothing: the join is as it was.
    if decision.refusal is not None:
        return decision
    changes = settled.settle(decision.change_set)
    result = decision.result if not settled.stored else replace(decision.result, changed=True)
    return replace(decision, result=result, change_set=changes)


def _decide_alone(verified: VerifiedClaim, hooks: PluginManager, snapshot: Snapshot) -> Decision[Outcome]:
    # In this order: standing needs the contact, writes need the standing, and links need both.
    matched = match(verified, snapshot, hooks)
    if _may_be_blocked(matched, snapshot):
        refused = _refuse_blocked(matched, snapshot)
        if refused is not None:
            return refused
    if matched.session is not None and matched.session.is_lead:
        matched = absorb_stub(matched, matched.session, snapshot)
    if matched.collisions:
        matched = plan_join(matched, snapshot)
    session = _continue_session(matched)
    standing = _judge_standing(session, snapshot)
    writes = _review_writes(standing, hooks)
    links = _link(standing, snapshot, hooks)
    return decision_of(_result(standing, writes, links, snapshot))


def _may_be_blocked(matched: MatchResult, snapshot: Snapshot) -> bool:
    """Return whether any block is in sight. Nearly never: a loop and no generator, as each frame costs the hot path."""
    session, transferred = matched.session, matched.transferred_identity
    # Of all that was loaded: which of them the call matches is asked once there is a block.
    for contact in snapshot.contacts.values():
        if contact.blocks:
            return True
    return (session is not None and session.block is not None) or (
        transferred is not None and transferred.session.block is not None
    )


def _refuse_blocked(matched: MatchResult, snapshot: Snapshot) -> Decision[Outcome] | None:
    """Refuse a blocked visitor, and one who proves to be a blocked contact. None: the caller is neither.

    Raises `Blocked` where nothing is to be noted. A visitor who only claims a blocked contact is answered as any other
    claimant (H2).
    """
    session, transferred = matched.session, matched.transferred_identity
    if session is not None and current_block(session, snapshot.contacts.values()) is not None:
        raise Blocked
    if transferred is not None and transferred.session.block is not None:
        raise Blocked
    # A server's call is not the contact's.
    contacts = [contact for contact in _matched_contacts(matched) if contact.blocks]
    if not contacts or not matched.is_proven or matched.verified.server_writer is not None:
        return None
    proven = [matched.verified.digests[name] for name in matched.verified.proven_identifiers]
    # After a hop the call itself names no identifier (T1).
    proven += transferred.proven_identifiers if transferred is not None else ()
    found = find_blocked_contact(contacts, proven)
    if found is None:
        return None
    contact, block = found
    # C5: a session that is another person's, in a browser that both use, does not pay for this one. A lead is the user
    # who logs in (C8).
    if session is None or (session.contact_id not in {None, contact.id} and not session.is_lead):
        raise Blocked
    # Noted, so that the visitor cannot go on anonymously in the browser in which it was recognised.
    change = replacement(session, replace(session, block=take_over(block)))
    unused: Any = None
    return Decision(result=unused, change_set=ChangeSet(sessions=(change,)), refusal=Blocked())


def _matched_contacts(matched: MatchResult) -> tuple[Contact, ...]:
    found = (matched.contact,) if matched.contact is not None else ()
    return (*found, *(plan.absorbed for plan in matched.planned_merges)) if matched.planned_merges else found


def _continue_session(matched: MatchResult) -> _SessionResult:
    """Continue the caller's session, or begin one; then put what the contact absorbs into it (C1, C5)."""
    verified = matched.verified
    transferred = matched.transferred_identity
    # After a hop the session remembers what its source claimed: the call itself may name no person (T1).
    claimed = transferred.session.claimed_identifiers if transferred else verified.claimed_digests
    update, switched = _update_session(matched, claimed)
    writer = _writer(verified, update)
    context = _context_after_stored(matched)
    contact = matched.contact or _new_contact(verified, update, writer)
    merges: tuple[MergePlanResult, ...] = ()
    if matched.planned_merges:
        contact, merges = _absorb_planned(contact, matched, context, writer)
    return _SessionResult(
        match=matched,
        claimed_digests=claimed,
        update=update,
        switched=switched,
        writer=writer,
        context=context,
        contact=contact,
        merges=merges,
    )


def _update_session(
    matched: MatchResult, claimed_digests: Mapping[str, IdentifierDigest]
) -> tuple[SessionUpdate | None, bool]:
    """Return the session that goes on, and whether another person uses the browser from now on (C5)."""
    verified, session = matched.verified, matched.session
    # A server has no browser: there is no visitor whose session could go on.
    if verified.server_writer is not None or verified.app is None:
        return None, False
    context = verified.context
    if session is None:
        return session_lifecycle.start(verified.workspace_id, verified.app.id, context), False
    # M6: the call names no person but the session's own.
    if matched.matched_by == MATCHED_BY_SESSION:
        return session_lifecycle.refresh(session, context.now), False
    # C5: browsers are shared, so a session that is about one contact never becomes another's.
    target = matched.contact.id if matched.contact else None
    standing = Standing.PROVEN if matched.is_proven else Standing.CLAIMED
    # A session of a contact that is absorbed right now is of the same person.
    absorbed = {plan.absorbed.id for plan in matched.planned_merges} if matched.planned_merges else ()
    if session.contact_id not in absorbed and session_lifecycle.is_user_switch(
        session, target, standing, claimed_digests, verified.salt
    ):
        # C5: never a merge. The new person gets a visitor of their own, as browsers are shared.
        return session_lifecycle.start(verified.workspace_id, verified.app.id, context), True
    return session_lifecycle.refresh(session, context.now), False


def _context_after_stored(matched: MatchResult) -> RequestContext:
    """Return the call's time, or the one right after the last change of a stored contact.

    Clocks of processes differ: what a slow one writes must not come before what is stored already.
    """
    stored = [matched.contact.updated_at] if matched.contact is not None else []
    stored += [plan.absorbed.updated_at for plan in matched.planned_merges] if matched.planned_merges else ()
    stored += [lost.owner.updated_at for lost in matched.displaced] if matched.displaced else ()
    return matched.verified.context.at_least(max(stored, default=0))


def _absorb_planned(
    contact: Contact, matched: MatchResult, context: RequestContext, writer: str
) -> tuple[Contact, tuple[MergePlanResult, ...]]:
    """Merge each planned contact into this one, in order."""
    merges: list[MergePlanResult] = []
    # Ids come from the request's seed and an ordinal: deciding again on a fresh snapshot gives the same ids.
    for ordinal, planned in enumerate(matched.planned_merges):
        merge = MergePlanResult(
            merge_id=context.new_id("mrg", ordinal),
            survivor=contact,
            absorbed=planned.absorbed,
            at=context.now,
            by=writer,
            rule=planned.rule,
            joined_by=planned.joined_by,
        )
        merges.append(merge)
        contact = merge.merged_survivor
    return contact, tuple(merges)


def _judge_standing(session: _SessionResult, snapshot: Snapshot) -> _StandingResult:
    """Decide how far the caller is believed about the contact, and what of it was erased before (V2, P2)."""
    matched = session.match
    standing = _standing(session)
    is_recreation = matched.is_recreation(snapshot)
    # Proof gives an erased identifier back; a call that is suppressed writes none.
    keeps_all = standing is Standing.PROVEN or is_recreation
    return _StandingResult(
        session=session,
        standing=standing,
        is_recreation=is_recreation,
        erased_identifiers=() if keeps_all else matched.erased_identifiers(snapshot),
    )


def _standing(session: _SessionResult) -> Standing:
    matched, contact = session.match, session.contact
    # Servers write as proven, and so does a visitor who reached the contact through a proof.
    if matched.verified.server_writer is not None or matched.is_proven:
        return Standing.PROVEN
    if session.update is None or contact.created_by != session.visitor_writer:
        return Standing.CLAIMED
    # W13: another visitor or the site has proven the contact, as a proof of this session would have answered above.
    # What an absorbed contact had is not for the survivor's creator to change: `owned` ends with the first merge too.
    return Standing.CLAIMED if contact.absorbed or contact.standing is Standing.PROVEN else Standing.OWNED


def _review_writes(believed: _StandingResult, hooks: PluginManager) -> WriteResult:
    """Write what the claim asks for and no policy refuses (rules W)."""
    session, matched = believed.session, believed.session.match
    verified, contact = matched.verified, session.contact
    context = WriteContext(
        writer=session.writer,
        at=session.context.now,
        standing=believed.standing,
        app=verified.app,
        signed_fields=verified.signed_fields,
        proven_attributes=verified.proven_attributes,
        attribute_standing=_attribute_standing(believed.standing),
        is_signed=verified.is_signed,
        visitor_writer=session.visitor_writer,
        site_word=verified.trusted_email,
        is_attesting=verified.server_writer is None and bool(verified.proven_identifiers),
    )
    erased = believed.erased_identifiers
    names = matched.writable_identifiers
    if erased:
        # P2: a claim alone must not bring back an erased person's identifier.
        names = tuple(name for name in names if name not in erased)
    trusted = verified.trusted_email
    writable = [(name, name in verified.proven_identifiers or name == trusted) for name in one_per_kind(names, contact)]
    # Without these kinds `_plain_values` would write the identifier as a plain profile value.
    withheld = [*matched.withheld_kinds]
    withheld += [collision.field for collision in matched.collisions] if matched.collisions else ()
    withheld += [name.kind for name in erased] if erased else ()
    return write_claim(
        verified.claim,
        contact,
        context,
        hooks,
        is_new=matched.contact is None,
        writable=writable,
        withheld_kinds=withheld,
        matched_by=matched.matched_by,
    )


def _attribute_standing(standing: Standing) -> Standing:
    """Return the standing of a signed attribute: PROVEN where this visitor created the contact and nothing proves it.

    An attribute's proof says nothing about the person (V2, V6).
    """
    return Standing.PROVEN if standing is Standing.OWNED else standing


def _link(believed: _StandingResult, snapshot: Snapshot, hooks: PluginManager) -> Links:
    session, matched = believed.session, believed.session.match
    # After a switch of user the conversations stay with the contact that had them (C5).
    if matched.session is None or session.switched:
        return NO_LINKS
    # A proven session, the usual one, has raised them before.
    may_move = matched.session.is_lead or matched.session.standing is not Standing.PROVEN
    if (
        may_move
        and snapshot.audit_head is None
        and needs_own_conversations(matched.verified.claim, believed.standing, matched.session)
    ):
        raise NeedsFullContacts
    if not snapshot.conversations:
        return NO_LINKS
    return link_conversations(
        matched.verified.claim,
        believed.standing,
        session.contact.id,
        matched.session,
        tuple(snapshot.conversations.values()),
        hooks,
        absorbed_ids=[merge.absorbed.id for merge in session.merges],
    )


def _result(believed: _StandingResult, writes: WriteResult, links: Links, snapshot: Snapshot) -> IdentifyResult:
    session, matched = believed.session, believed.session.match
    update = session.update
    # Asked before the session gets its contact: afterwards the two are always equal, and E wants first links only.
    identified = update is not None and update.session.contact_id != session.contact.id
    return IdentifyResult(
        match=matched,
        context=session.context,
        contact=session.contact,
        merges=session.merges,
        writes=writes,
        writer=session.writer,
        # Last of all: the standing that the session gets is known only now.
        session_update=_assign_contact(believed, update) if update is not None else None,
        switched=session.switched,
        identified=identified,
        links=links,
        conflicts=_new_conflicts(matched, session.contact, snapshot) if matched.collisions else (),
        standing=believed.standing,
        is_recreation=believed.is_recreation,
        is_suppressed=believed.is_suppressed,
        audit_entries=merge_audit_entries(session.merges, snapshot) if session.merges else (),
        spent_before=snapshot.spent,
    )


def _assign_contact(believed: _StandingResult, update: SessionUpdate) -> SessionUpdate:
    """Give the session its contact; a suppressed one keeps only that it claimed an erased person (P2)."""
    session, matched = believed.session, believed.session.match
    verified, transferred = matched.verified, matched.transferred_identity
    # After a hop the session has the proofs of the one that it came from: this page names no identifier (T1).
    if transferred is not None:
        # T1: never more than the source session has proven.
        proven = transferred.proven_identifiers
    else:
        proven = tuple(
            [verified.digests[name] for name in matched.writable_identifiers if name in verified.proven_identifiers]
        )
    suppressed = believed.is_suppressed
    assigned = session_lifecycle.assign_contact(
        update,
        None if suppressed else session.contact.id,
        Standing.CLAIMED if suppressed else believed.standing,
        session.claimed_digests,
        proven,
        # The call's own time: `session.context` may be later, after the clock of another process.
        verified.context.now,
        verified.salt,
        # Most calls are a page's, in a session that is no lead.
        is_lead=(verified.claim.is_prompted or update.session.is_lead) and _is_lead(believed, update),
    )
    if transferred is None or transferred.hop_group is None:
        return assigned
    return session_lifecycle.join_hop_group(assigned, transferred.hop_group)


def _is_lead(believed: _StandingResult, update: SessionUpdate) -> bool:
    """Return whether the session's only identification came from the widget's own prompt (C8)."""
    verified, session = believed.session.match.verified, update.session
    if believed.session.match.matched_by == MATCHED_BY_SESSION:
        return session.is_lead
    # A session that a page or a proof has identified is no lead any more, whatever its visitor types.
    prompted = verified.claim.is_prompted and verified.hop is None
    return prompted and believed.standing < Standing.PROVEN and (session.is_lead or not session.is_identified)


def _writer(verified: VerifiedClaim, update: SessionUpdate | None) -> str:
    """Return the name under which values are stored (`Fact.by`): the server, the signing key, or the visitor."""
    if verified.server_writer is not None:
        return verified.server_writer
    assert update is not None, "a caller that is no server has a session"
    signing = None
    for proof in verified.proofs:
        if proof.key_id is not None and any(map(proof.covers, verified.identifiers)):
            # A token that states the values goes before a hash that only covers an identifier.
            if proof.signed_claim is not None:
                return f"{TOKEN_WRITER_PREFIX}{proof.key_id}"
            signing = signing or proof
    return f"identity-key:{signing.key_id}" if signing is not None else _visitor_writer(update)


def _visitor_writer(update: SessionUpdate) -> str:
    return f"{VISITOR_WRITER_PREFIX}{update.session.visitor_id}"


def _new_contact(verified: VerifiedClaim, update: SessionUpdate | None, writer: str) -> Contact:
    now = verified.context.now
    return Contact(
        id=verified.context.new_id("con"),
        workspace_id=verified.workspace_id,
        created_at=now,
        updated_at=now,
        last_seen_at=now,
        created_by=_visitor_writer(update) if update is not None else writer,
    )


def _new_conflicts(matched: MatchResult, contact: Contact, snapshot: Snapshot) -> tuple[Conflict, ...]:
    """Make one conflict a pair of contacts that has none open (C7)."""
    verified = matched.verified
    # C7: data for an agent and no error, so the call goes on with what is allowed.
    conflicts: dict[str, Conflict] = {}
    for collision in matched.collisions:
        # C9: a repeat of an open conflict is no news, so that a page that repeats its call writes nothing (W9).
        pair = pair_key(contact.id, collision.owner.id)
        # Also when two fields of one call collide with the same contact.
        if pair in snapshot.reported_pairs or pair in conflicts:
            continue
        conflicts[pair] = Conflict(
            id=verified.context.new_id("cfl", len(conflicts)),
            workspace_id=verified.workspace_id,
            app_id=verified.app.id if verified.app else None,
            contact_id=contact.id,
            other_id=collision.owner.id,
            field=collision.field,
            rule=collision.rule,
            digest=verified.digests[collision.identifier],
            created_at=verified.context.now,
        )
    return tuple(conflicts.values())
