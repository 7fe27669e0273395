"""The result of one identify: the links, the session with its contact, and new conflicts (L, C5, C7)."""

from __future__ import annotations

from hullo.hooks.manager import PluginManager
from hullo.model.conflict import Conflict, pair_key
from hullo.model.contact import Contact
from hullo.model.match import MATCHED_BY_SESSION
from hullo.model.operation import NeedsFullContacts
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.pipeline.decide.standing import StandingResult
from hullo.pipeline.link import NO_LINKS, Links, link_conversations, needs_own_conversations
from hullo.pipeline.match import MatchResult
from hullo.pipeline.policy import WriteResult
from hullo.pipeline.tell import IdentifyResult
from hullo.rules import session_lifecycle
from hullo.rules.merging.records import merge_audit_entries
from hullo.rules.session_lifecycle import SessionUpdate


def link(believed: StandingResult, snapshot: Snapshot, hooks: PluginManager) -> Links:
    """Link the visitor's conversations to the contact (L1, L2). Raises `NeedsFullContacts` where more may move."""
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


def result_of(believed: StandingResult, writes: WriteResult, links: Links, snapshot: Snapshot) -> IdentifyResult:
    """Put together everything that was decided about the call."""
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


def _assign_contact(believed: StandingResult, update: SessionUpdate) -> SessionUpdate:
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


def _is_lead(believed: StandingResult, update: SessionUpdate) -> bool:
    """Return whether the session's only identification came from the widget's own prompt (C8)."""
    verified, session = believed.session.match.verified, update.session
    if believed.session.match.matched_by == MATCHED_BY_SESSION:
        return session.is_lead
    # A session that a page or a proof has identified is no lead any more, whatever its visitor types.
    prompted = verified.claim.is_prompted and verified.hop is None
    return prompted and believed.standing < Standing.PROVEN and (session.is_lead or not session.is_identified)


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
