"""The decision about an identify call: a pure function of the call and one snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from hullo.errors import ProofRejected
from hullo.hooks.manager import PluginManager
from hullo.model.change_set import Change, replacement
from hullo.model.conflict import Conflict, pair_key
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation
from hullo.model.decision import Decision
from hullo.model.fact import TOKEN_WRITER_PREFIX
from hullo.model.identifier import IdentifierDigest
from hullo.model.operation import NeedsFullContacts
from hullo.model.outcome import Outcome
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.pipeline.match import MatchResult, match_claim, match_hop
from hullo.pipeline.policy import WriteContext, apply_writes, one_per_kind, propose_writes
from hullo.pipeline.result import IdentifyResult
from hullo.pipeline.tombstones import claims_only_erased, erased_identifiers, is_recreation, redact_erased
from hullo.pipeline.verified_claim import VerifiedClaim
from hullo.rules import session_lifecycle
from hullo.rules.merging.plan import MergePlanResult
from hullo.rules.merging.records import merge_audit_entries
from hullo.rules.session_lifecycle import SessionUpdate


def decide(verified_claim: VerifiedClaim, hooks: PluginManager, snapshot: Snapshot) -> Decision[Outcome]:
    """What to write, what to answer and why. No I/O, no clock, no randomness; may run more than once.

    Raises `WholeContactsWanted` when contacts are to become one, and not all is loaded that this takes,
    `SessionRevoked` when the call shows a session that is no longer good, `ProofRejected` for an identity token
    that is not, and `ProofRequired` where one carries less than the app demands.
    """
    now = verified_claim.context.now
    session = None
    if verified_claim.app is not None:
        session = session_lifecycle.validate_session(
            snapshot, verified_claim.session_digest, verified_claim.app.id, now
        )
    if any(once.digest in snapshot.spent for once in verified_claim.single_use_tokens):
        raise ProofRejected("this token was used before, and is good for one time", mistake="used_before")
    if verified_claim.hop is not None:
        resolution = match_hop(verified_claim.hop, verified_claim, session, snapshot)
    else:
        resolution = match_claim(verified_claim, session, snapshot, hooks)
    if resolution.planned_merges and snapshot.audit_head is None:
        raise NeedsFullContacts
    carried = resolution.transferred_identity
    said = carried.session.claimed_identifiers if carried is not None else verified_claim.claimed_digests
    visit, switched = _update_session(verified_claim, session, resolution, said)
    writer = _writer(verified_claim, visit)
    moment = _context_after_stored(verified_claim, resolution)
    contact, joinings = _absorb_planned(resolution, moment, writer) or (_new_contact(verified_claim, visit, writer), ())
    standing = _standing(verified_claim, resolution, visit, contact)
    was_erased = is_recreation(verified_claim, resolution, snapshot)
    unheard = was_erased and standing < Standing.PROVEN

    pen = WriteContext(
        writer=writer,
        at=moment.now,
        standing=standing,
        app=verified_claim.app,
        signed_fields=verified_claim.signed_fields,
        proven_attributes=verified_claim.proven_attributes,
        attribute_standing=_attribute_standing(standing, contact),
        is_signed=verified_claim.is_signed,
        visitor_writer=_visitor_writer(visit) if visit is not None else None,
    )
    proven = verified_claim.proven_identifiers.difference(resolution.unproven_identifiers)
    gone = () if standing is Standing.PROVEN or was_erased else erased_identifiers(verified_claim, resolution, snapshot)
    mine = one_per_kind((each for each in resolution.writable_identifiers if each not in gone), contact)
    own = [(identifier, identifier in proven) for identifier in mine]
    withheld = [
        *resolution.withheld_kinds,
        *(collision.field for collision in resolution.collisions),
        *(identifier.kind for identifier in gone),
    ]
    wanted = propose_writes(verified_claim.claim, contact, pen, own, withheld, matched_by=resolution.matched_by)
    is_new = resolution.contact is None
    written = apply_writes(verified_claim.claim, contact, is_new, pen, wanted, hooks)

    identified = False
    if visit is not None:
        identified = visit.session.contact_id != contact.id
        proved = carried.proven_identifiers if carried is not None else _proven_digests(verified_claim, resolution)
        whose, believed = (None, Standing.CLAIMED) if unheard else (contact.id, standing)
        visit = session_lifecycle.assign_contact(visit, whose, believed, said, proved, now, verified_claim.salt)
    links, linkers = _link_conversations(
        verified_claim, _link_standing(verified_claim, standing), contact, session, switched, snapshot, hooks
    )
    conflicts = _new_conflicts(verified_claim, resolution, contact, snapshot)
    story = IdentifyResult(
        verified_claim=verified_claim,
        context=moment,
        match_result=resolution,
        contact=contact,
        merges=joinings,
        write_result=written,
        writer=writer,
        session_update=visit,
        previous_session=session,
        switched=switched,
        identified=identified,
        links=links,
        linking_plugins=linkers,
        conflicts=conflicts,
        standing=standing,
        recreated=was_erased and not unheard,
        audit_entries=merge_audit_entries(joinings, snapshot),
    )
    return redact_erased(story.to_decision()) if unheard else story.to_decision()


def _update_session(
    verified_claim: VerifiedClaim,
    session: Session | None,
    match_result: MatchResult,
    claimed_digests: Mapping[str, IdentifierDigest],
) -> tuple[SessionUpdate | None, bool]:
    if verified_claim.server_writer is not None or verified_claim.app is None:
        return None, False
    if session is None:
        return session_lifecycle.start(
            verified_claim.workspace_id, verified_claim.app.id, verified_claim.context
        ), False
    target = match_result.contact.id if match_result.contact else None
    standing = Standing.PROVEN if match_result.is_proven else Standing.CLAIMED
    same_person = any(session.contact_id == each.absorbed.id for each in match_result.planned_merges)
    if not same_person and session_lifecycle.is_user_switch(
        session, target, standing, claimed_digests, verified_claim.salt
    ):
        return session_lifecycle.start(verified_claim.workspace_id, verified_claim.app.id, verified_claim.context), True
    return session_lifecycle.refresh(session, verified_claim.context.now), False


def _context_after_stored(verified_claim: VerifiedClaim, match_result: MatchResult) -> RequestContext:
    """The call's, or a moment after whatever is to change: whose clock is behind does not come before it."""
    stored = (
        match_result.contact,
        *(each.absorbed for each in match_result.planned_merges),
        *(each.owner for each in match_result.displaced),
    )
    return verified_claim.context.at_least(max((each.updated_at for each in stored if each is not None), default=0))


def _absorb_planned(
    match_result: MatchResult, context: RequestContext, writer: str
) -> tuple[Contact, tuple[MergePlanResult, ...]] | None:
    """The contact with everybody in it whom it absorbs. None where it is somebody new."""
    contact = match_result.contact
    if contact is None:
        return None
    joinings: list[MergePlanResult] = []
    for ordinal, each in enumerate(match_result.planned_merges):
        joining = MergePlanResult(
            merge_id=context.new_id("mrg", ordinal),
            survivor=contact,
            absorbed=each.absorbed,
            at=context.now,
            by=writer,
            rule=each.rule,
        )
        joinings.append(joining)
        contact = joining.merged_survivor
    return contact, tuple(joinings)


def _standing(
    verified_claim: VerifiedClaim, match_result: MatchResult, session_update: SessionUpdate | None, contact: Contact
) -> Standing:
    if verified_claim.server_writer is not None or match_result.is_proven:
        return Standing.PROVEN
    # Somebody else became part of a contact that has absorbed: what they had is not its maker's to change.
    if session_update is not None and contact.created_by == _visitor_writer(session_update) and not contact.absorbed:
        return Standing.OWNED
    return Standing.CLAIMED


def _attribute_standing(standing: Standing, contact: Contact) -> Standing:
    """How far an attribute is believed that is vouched for itself, and says nothing about who the person is (V2, V6).

    Of a contact whom nobody has proven yet, whoever made it may say so; of anybody else, only the proven.
    """
    nobodys = standing is Standing.OWNED and contact.standing < Standing.PROVEN
    return Standing.PROVEN if nobodys else standing


def _link_standing(verified_claim: VerifiedClaim, standing: Standing) -> Standing:
    """What was said here before somebody came by a link is not for others to read who are the same person: the link
    may be theirs, and whoever followed it somebody else (H1)."""
    return standing if verified_claim.claim.identity_token is None else Standing.CLAIMED


def _proven_digests(call: VerifiedClaim, resolution: MatchResult) -> list[IdentifierDigest]:
    return [call.digests[each] for each in resolution.writable_identifiers if each in call.proven_identifiers]


def _writer(verified_claim: VerifiedClaim, session_update: SessionUpdate | None) -> str:
    if verified_claim.server_writer is not None:
        return verified_claim.server_writer
    assert session_update is not None, "whoever is no server has a visit"
    vouching = [
        proof
        for proof in verified_claim.proofs
        if proof.key_id is not None and any(map(proof.covers, verified_claim.identifiers))
    ]
    proof = next((each for each in vouching if each.signed_claim is not None), vouching[0] if vouching else None)
    if proof is None:
        return _visitor_writer(session_update)
    return f"{TOKEN_WRITER_PREFIX if proof.signed_claim is not None else 'identity-key:'}{proof.key_id}"


def _visitor_writer(session_update: SessionUpdate) -> str:
    return f"visitor:{session_update.session.visitor_id}"


def _new_contact(verified_claim: VerifiedClaim, session_update: SessionUpdate | None, writer: str) -> Contact:
    now = verified_claim.context.now
    return Contact(
        id=verified_claim.context.new_id("con"),
        workspace_id=verified_claim.workspace_id,
        created_at=now,
        updated_at=now,
        last_seen_at=now,
        created_by=_visitor_writer(session_update) if session_update is not None else writer,
    )


def _link_conversations(
    verified_claim: VerifiedClaim,
    standing: Standing,
    contact: Contact,
    session: Session | None,
    switched: bool,
    snapshot: Snapshot,
    hooks: PluginManager,
) -> tuple[tuple[Change[Conversation], ...], tuple[str, ...]]:
    """What is linked, and by which plugins."""
    if session is None or switched or not snapshot.conversations:
        return (), ()
    if claims_only_erased(session) and standing < Standing.PROVEN:
        return (), ()  # what somebody who was erased is claimed to have said is for a proof to give away
    orphans = [
        each
        for each in snapshot.conversations.values()
        if each.contact_id is None and each.visitor_id == session.visitor_id
    ]
    chosen = hooks.link_conversations(verified_claim.claim, standing, session.visitor_id, orphans)
    links = tuple(
        replacement(each, replace(each, contact_id=contact.id, link_standing=standing))
        for each in orphans
        if each.id in chosen
    )
    return links, tuple(dict.fromkeys(chosen.values()))


def _new_conflicts(
    verified_claim: VerifiedClaim, match_result: MatchResult, contact: Contact, snapshot: Snapshot
) -> tuple[Conflict, ...]:
    conflicts: dict[str, Conflict] = {}
    for collision in match_result.collisions:
        pair = pair_key(contact.id, collision.owner.id)
        if pair in snapshot.reported_pairs or pair in conflicts:
            continue
        conflicts[pair] = Conflict(
            id=verified_claim.context.new_id("cfl", len(conflicts)),
            workspace_id=verified_claim.workspace_id,
            app_id=verified_claim.app.id if verified_claim.app else None,
            contact_id=contact.id,
            other_id=collision.owner.id,
            field=collision.field,
            rule=collision.rule,
            digest=verified_claim.digests[collision.identifier],
            created_at=verified_claim.context.now,
        )
    return tuple(conflicts.values())
