"""The session that goes on, and the contact that it is about, with all that it absorbs (C1, C5)."""

from __future__ import annotations

from collections.abc import Mapping

from hullo.model.contact import Contact
from hullo.model.fact import TOKEN_WRITER_PREFIX, VISITOR_WRITER_PREFIX
from hullo.model.identifier import IdentifierDigest
from hullo.model.match import MATCHED_BY_SESSION
from hullo.model.request_context import RequestContext
from hullo.model.standing import Standing
from hullo.pipeline.match import MatchResult
from hullo.pipeline.verify import VerifiedClaim
from hullo.rules import session_lifecycle
from hullo.rules.merging.plan import MergePlanResult
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value


class SessionResult(Value):
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
        return visitor_writer(self.update) if self.update is not None else None


def continue_session(matched: MatchResult) -> SessionResult:
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
    return SessionResult(
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
    return f"identity-key:{signing.key_id}" if signing is not None else visitor_writer(update)


def visitor_writer(update: SessionUpdate) -> str:
    return f"{VISITOR_WRITER_PREFIX}{update.session.visitor_id}"


def _new_contact(verified: VerifiedClaim, update: SessionUpdate | None, writer: str) -> Contact:
    now = verified.context.now
    return Contact(
        id=verified.context.new_id("con"),
        workspace_id=verified.workspace_id,
        created_at=now,
        updated_at=now,
        last_seen_at=now,
        created_by=visitor_writer(update) if update is not None else writer,
    )
