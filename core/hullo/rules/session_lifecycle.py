"""Lifecycle of a session: start, refresh, assignment to a contact, user switch, end (rules S, C5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from hullo.errors import SessionRevoked
from hullo.model.block import Block
from hullo.model.change_set import Change, HopGroupRevocation, insertion, replacement
from hullo.model.contact import Contact, ContactId
from hullo.model.identifier import EXTERNAL_ID, IdentifierDigest
from hullo.model.instant import DAY, Instant
from hullo.model.request_context import RequestContext, secret_digest
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.model.tombstone import is_same_claim, redact_claim
from hullo.model.visitor import SESSION_LIFETIME, Session, SessionDigest, Visitor
from hullo.value import Value

SESSION_PREFIX = "hvs"
ANONYMOUS_LIFETIME: Instant = 30 * DAY
"""S3: lifetime of a session without a contact and without a conversation."""


class SessionUpdate(Value, secrets=("token",)):
    """Session after this request, with the writes for it."""

    session: Session
    token: str | None = None
    """Secret of a new session: sent once, and stored only as a digest. None for a known session."""
    new_visitors: tuple[Visitor, ...] = ()
    session_changes: tuple[Change[Session], ...] = ()


def validate_session(snapshot: Snapshot, digest: SessionDigest | None, app_id: str, now: Instant) -> Session | None:
    """Check the caller's session and return it; None without a token.

    A session loses its proof when the contact has lost every identifier that was proven in it. Raises `SessionRevoked`
    for a token that is unknown, another app's, revoked or expired (S1, S2).
    """
    if digest is None:
        return None
    session = snapshot.session
    # One error for unknown, foreign, revoked and expired: a thief of tokens learns nothing (S1, S2).
    if session is None or session.app_id != app_id or not session.is_valid(now):
        raise SessionRevoked
    if session.contact_id is None:
        return session
    # The contact may have lost the proven identifier since, and the proof with it.
    for proven in session.proven_identifiers:
        if snapshot.contact_ids.get(proven) == session.contact_id:
            return session  # the loaded identifiers prove it: hashing all of the contact's is the slow way
    return with_current_standing(session, snapshot.contacts.get(session.contact_id))


def with_current_standing(session: Session, contact: Contact | None) -> Session:
    """Return the session with its current standing about its contact; `contact` None: the contact no longer exists."""
    if not session.is_proven:
        return session
    if contact is not None and not contact.identifier_digests().keys().isdisjoint(session.proven_identifiers):
        return session
    # Lowered, not revoked: the visitor stays who it claims to be, and reads nothing by it (H1).
    return replace(session, standing=Standing.CLAIMED, proven_identifiers=())


def start(workspace_id: str, app_id: str, context: RequestContext, block: Block | None = None) -> SessionUpdate:
    """Make a new visitor with an anonymous session; `block` is that of the visitor that its browser had before."""
    visitor = Visitor(id=context.new_id("vis"), app_id=app_id, created_at=context.now)
    token = context.new_secret(SESSION_PREFIX)
    session = Session(
        digest=secret_digest(token),
        workspace_id=workspace_id,
        app_id=app_id,
        visitor_id=visitor.id,
        created_at=context.now,
        seen_at=context.now,
        # Short until there is a conversation or an identity: most visitors never come back (S3).
        expires_at=context.now + ANONYMOUS_LIFETIME,
        block=block,
    )
    return SessionUpdate(session=session, token=token, new_visitors=(visitor,), session_changes=(insertion(session),))


def refresh(session: Session, now: Instant) -> SessionUpdate:
    """Renew the session's lifetime if it was last seen long enough ago (S3)."""
    # W9: a write an hour at most, or every page view would cost one.
    if not session.is_stale(now):
        return SessionUpdate(session=session)
    return _replace_session(
        SessionUpdate(session=session), replace(session, seen_at=now, expires_at=now + _lifetime(session))
    )


def extend(update: SessionUpdate, now: Instant) -> SessionUpdate:
    """Apply the lifetime of an identified session to one with a conversation (S3)."""
    # It lives long enough already, and another write would gain nothing.
    if _lifetime(update.session) == SESSION_LIFETIME:
        return update
    return _replace_session(update, replace(update.session, seen_at=now, expires_at=now + SESSION_LIFETIME))


def revoke(session: Session, now: Instant) -> Change[Session]:
    """Mark a session as ended: its token is refused everywhere from now on (S2)."""
    return replacement(session, replace(session, revoked_at=now))


def revoke_hop_group(
    session: Session, now: Instant, *, except_group: str | None = None
) -> tuple[HopGroupRevocation, ...]:
    """End the sessions that hops have connected with this one, wherever it ends (S5): a proven one ends all.

    `except_group`: the group of the session that goes on in its place, which does not end.
    """
    group = session.hop_group
    if group is None or group == except_group:
        return ()
    standing = Standing.PROVEN if session.is_proven else Standing.OWNED
    return (HopGroupRevocation(hop_group=group, at=now, standing=standing, contact_id=session.contact_id),)


def join_hop_group(update: SessionUpdate, hop_group: str) -> SessionUpdate:
    """Put the session into the group that it ends with (S5)."""
    if update.session.hop_group == hop_group:
        return update
    return _replace_session(update, replace(update.session, hop_group=hop_group))


def is_user_switch(
    session: Session,
    contact_id: ContactId | None,
    standing: Standing,
    claimed_digests: Mapping[str, IdentifierDigest],
    salt: str,
) -> bool:
    """Return whether another person than before uses this browser (C5). `contact_id` None: a new contact, or an erased
    person.

    Without proof, or without a contact to compare, the answer depends only on earlier claims of this session, never on
    stored contacts. Otherwise a visitor could claim an email, then claim it again beside a made-up external id, and
    learn from `switched` whether that person has an external id (H2).
    """
    # An anonymous visitor has no identity to switch from, and a lead typed an email: it becomes the user (C8).
    if not session.is_identified or session.is_lead:
        return False
    # A proof on either side may compare stored contacts: the caller learns nothing that it may not know.
    if session.contact_id is not None and (session.is_proven or standing is Standing.PROVEN):
        return session.contact_id != contact_id
    claimed = session.claimed_identifiers
    # C5: the external id decides where both claims have one; an email may change.
    if EXTERNAL_ID in claimed and EXTERNAL_ID in claimed_digests:
        return not is_same_claim(claimed[EXTERNAL_ID], claimed_digests[EXTERNAL_ID], salt)
    # One identifier in common is enough: a new email beside the same card is the same person.
    return not any(
        kind in claimed and is_same_claim(claimed[kind], digest, salt) for kind, digest in claimed_digests.items()
    )


def assign_contact(
    update: SessionUpdate,
    contact_id: ContactId | None,
    standing: Standing,
    claimed_digests: Mapping[str, IdentifierDigest],
    proven_digests: Iterable[IdentifierDigest],
    now: Instant,
    salt: str,
    *,
    is_lead: bool,
) -> SessionUpdate:
    """Assign the session to a contact. `claimed_digests` are the identifiers of the call, `proven_digests` the proven
    ones.

    `contact_id` None: the call names an erased person. `is_lead`: see `Session.is_lead`.
    """
    session = update.session
    # The last claim of each kind: a call may name the email alone after one that named the id.
    claimed = {**session.claimed_identifiers, **claimed_digests}
    if contact_id is None:  # P2: unsalted digests of an erased person could be tested against a list of emails
        claimed = {kind: redact_claim(digest, salt) for kind, digest in claimed.items()}
    # Proofs about another contact are worth nothing for this one.
    earlier = session.proven_identifiers if session.contact_id == contact_id else ()
    proven = tuple(dict.fromkeys((*earlier, *proven_digests))) if standing is Standing.PROVEN else ()
    # W9: the session says this already, so only what `update` holds is written.
    if (
        (session.contact_id, session.standing, session.claimed_identifiers, session.proven_identifiers)
        == (contact_id, standing, claimed, proven)
    ) and session.is_lead is is_lead:
        return update
    after = replace(
        session,
        contact_id=contact_id,
        standing=standing,
        claimed_identifiers=claimed,
        proven_identifiers=proven,
        is_lead=is_lead,
        seen_at=now,
        expires_at=now + SESSION_LIFETIME,
    )
    return _replace_session(update, after)


def _replace_session(update: SessionUpdate, after: Session) -> SessionUpdate:
    """Replace the session in the update; one write, after any number of steps."""
    # A session that is not stored yet has no version: it is inserted in its last form.
    if update.token is not None:
        return replace(update, session=after, session_changes=(insertion(after),))
    # Always from the stored form: two replacements of one row would fail the version check.
    stored = update.session_changes[0].before if update.session_changes else update.session
    change = replacement(stored or update.session, after)
    return SessionUpdate(session=change.after, session_changes=(change,))


def _lifetime(session: Session) -> Instant:
    # A long end can only come from `extend`: the session has a conversation, which no field of it shows.
    known = session.contact_id is not None or session.expires_at - session.seen_at > ANONYMOUS_LIFETIME
    return SESSION_LIFETIME if known else ANONYMOUS_LIFETIME
