"""A browser's session through its life: started, continued, switched to another person, ended (rules S, C5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from hullo.errors import SessionRevoked
from hullo.model.change_set import Change, changed, created
from hullo.model.contact import Contact, ContactId
from hullo.model.identifier import EXTERNAL_ID, IdentifierDigest
from hullo.model.instant import DAY, Instant
from hullo.model.moment import Moment, secret_digest
from hullo.model.standing import Standing
from hullo.model.tombstone import same_claim, veiled
from hullo.model.visitor import SESSION_LIFE, Session, SessionDigest, Visitor
from hullo.store.protocol import Snapshot

SESSION_PREFIX = "hvs"
ANONYMOUS_LIFE: Instant = 30 * DAY
"""S3: how long a visitor without a contact and without a conversation is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The session that goes on from here, and what must be written for it to be so."""

    session: Session
    token: str | None = field(default=None, repr=False)
    """The secret, when the session is new: it is told once, and only its digest is kept."""
    visitors: tuple[Visitor, ...] = ()
    sessions: tuple[Change[Session], ...] = ()


def valid_session(snapshot: Snapshot, asked: SessionDigest | None, app_id: str, now: Instant) -> Session | None:
    """The caller's session; None when it showed no token.

    A session whose proof no longer holds, as the contact has lost every identifier that was proven in it, is an
    unproven one. Raises `SessionRevoked` for a token that is unknown, another app's, revoked or expired (S1, S2).
    """
    if asked is None:
        return None
    session = snapshot.session
    if session is None or session.app_id != app_id or not session.valid(now):
        raise SessionRevoked
    if session.contact_id is None or any(snapshot.found.get(each) == session.contact_id for each in session.proved):
        return session  # what was looked up anyway says so: no need to make digests
    return as_proven(session, snapshot.contacts.get(session.contact_id))


def as_proven(session: Session, contact: Contact | None) -> Session:
    """The session with the standing that it still has about its contact; `contact` None: there is none any more."""
    if not session.proven:
        return session
    if contact is not None and not contact.digests().keys().isdisjoint(session.proved):
        return session
    return replace(session, standing=Standing.CLAIMED, proved=())


def begin(workspace_id: str, app_id: str, moment: Moment) -> Visit:
    """A new visitor with a new session, anonymous so far."""
    visitor = Visitor(id=moment.new_id("vis"), app_id=app_id, created_at=moment.now)
    token = moment.new_secret(SESSION_PREFIX)
    session = Session(
        digest=secret_digest(token),
        workspace_id=workspace_id,
        app_id=app_id,
        visitor_id=visitor.id,
        created_at=moment.now,
        seen_at=moment.now,
        expires_at=moment.now + ANONYMOUS_LIFE,
    )
    return Visit(session=session, token=token, visitors=(visitor,), sessions=(created(session),))


def go_on(session: Session, now: Instant) -> Visit:
    """The same session, its end moved when it was last seen long enough ago (S3)."""
    if not session.stale(now):
        return Visit(session=session)
    return _with(Visit(session=session), replace(session, seen_at=now, expires_at=now + _life(session)))


def keep_long(visit: Visit, now: Instant) -> Visit:
    """The visit of somebody who has a conversation: it lives as long as an identified one (S3)."""
    if _life(visit.session) == SESSION_LIFE:
        return visit
    return _with(visit, replace(visit.session, seen_at=now, expires_at=now + SESSION_LIFE))


def revoke(session: Session, now: Instant) -> Change[Session]:
    """The end of a session: from here on its token is refused everywhere (S2)."""
    return changed(session, replace(session, revoked_at=now))


def switches(
    session: Session,
    target: ContactId | None,
    standing: Standing,
    named: Mapping[str, IdentifierDigest],
    salt: str,
) -> bool:
    """Whether another person than before uses this browser (C5). `target` None: somebody new.

    Where nothing is proven, or there is no contact to compare, the answer is made from what this session itself has
    said, and not from what is stored. Were it made from the contacts, a visitor could claim an email, then claim it
    again beside a made-up external id, and learn from `switched` whether that person has one (H2).
    """
    if not session.identified:
        return False
    if session.contact_id is not None and (session.proven or standing is Standing.PROVEN):
        return session.contact_id != target
    said = session.claimed
    if EXTERNAL_ID in said and EXTERNAL_ID in named:
        return not same_claim(said[EXTERNAL_ID], named[EXTERNAL_ID], salt)
    return not any(kind in said and same_claim(said[kind], digest, salt) for kind, digest in named.items())


def identified(
    visit: Visit,
    contact_id: ContactId | None,
    standing: Standing,
    named: Mapping[str, IdentifierDigest],
    proved: Iterable[IdentifierDigest],
    now: Instant,
    salt: str,
) -> Visit:
    """The visit, now of this contact. `named` is what the call said, `proved` what of it a proof covered.

    `contact_id` None: the call named somebody who was erased.
    """
    session = visit.session
    claimed = {**session.claimed, **named}
    if contact_id is None:
        claimed = {kind: veiled(digest, salt) for kind, digest in claimed.items()}
    earlier = session.proved if session.contact_id == contact_id else ()
    proven = tuple(dict.fromkeys((*earlier, *proved))) if standing is Standing.PROVEN else ()
    if (session.contact_id, session.standing, session.claimed, session.proved) == (
        contact_id,
        standing,
        claimed,
        proven,
    ):
        return visit
    after = replace(
        session,
        contact_id=contact_id,
        standing=standing,
        claimed=claimed,
        proved=proven,
        seen_at=now,
        expires_at=now + SESSION_LIFE,
    )
    return _with(visit, after)


def _with(visit: Visit, after: Session) -> Visit:
    """The visit with its session as it is after; one write, however many steps led there."""
    if visit.token is not None:
        return replace(visit, session=after, sessions=(created(after),))
    stored = visit.sessions[0].before if visit.sessions else visit.session
    change = changed(stored or visit.session, after)
    return Visit(session=change.after, sessions=(change,))


def _life(session: Session) -> Instant:
    known = session.contact_id is not None or session.expires_at - session.seen_at > ANONYMOUS_LIFE
    return SESSION_LIFE if known else ANONYMOUS_LIFE
