"""Start, continuation and reset of a session, without identification (S1, S2)."""

from __future__ import annotations

from typing import Literal

from hullo.errors import SessionRequired, SessionRevoked
from hullo.model.app import App
from hullo.model.block import Block
from hullo.model.change_set import ChangeSet
from hullo.model.decision import Decision
from hullo.model.event import Event
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.visitor import Session, SessionDigest
from hullo.rules import session_lifecycle
from hullo.rules.blocking import current_block
from hullo.rules.consent import check_consent
from hullo.rules.events import EventBuilder
from hullo.rules.origins import check_origin
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value


class OpenSession(Value):
    """Start or continuation of a visitor's session.

    `verb` decides about the session that the caller sends: `join` continues it, or starts a new one when it is no
    longer valid; `reset` ends it and starts a new one; `resume` continues it or refuses.
    """

    verb: Literal["join", "reset", "resume"]
    app_key: str | None
    session_digest: SessionDigest | None
    origin: str | None
    context: RequestContext
    consent: bool = False
    """Whether the page sends the visitor's consent. A visitor with a session has given it before."""

    def prepare(self, apps: Apps) -> PreparedOperation[SessionUpdate]:
        """Check app and origin. Raises `UnknownApp`, `BadOrigin`, and `SessionRequired` for a `resume` without a
        session."""
        # Before the app is looked up: a call without a token costs nothing.
        if self.verb == "resume" and self.session_digest is None:
            raise SessionRequired
        return apps.with_fresh_retry(self.app_key, self._prepare)

    def _prepare(self, app: App) -> PreparedOperation[SessionUpdate]:
        # In `prepare`: a page that is not listed must not cause a read of sessions.
        check_origin(self.origin, app)
        query = SnapshotQuery(workspace_id=app.workspace_id, app_id=app.id, session=self.session_digest)
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(app, snapshot), app=app)

    def _decide(self, app: App, snapshot: Snapshot) -> Decision[SessionUpdate]:
        """Open the session. Raises `SessionRevoked` for a `resume` of an invalid session, and `ConsentRequired`."""
        now = self.context.now
        try:
            session = session_lifecycle.validate_session(snapshot, self.session_digest, app.id, now)
        except SessionRevoked:
            # S2: after a reset the old token is refused; a resume never begins a new visitor.
            if self.verb == "resume":
                raise
            session = None
        # A page that joins at each view keeps its visitor, and stores nothing new (W9).
        if session is not None and self.verb != "reset":
            session_update = session_lifecycle.refresh(session, now)
            return Decision(result=session_update, change_set=ChangeSet(sessions=session_update.session_changes))
        if session is None:  # a reset has the consent of the session that it ends
            check_consent(self.consent, app)
        # A block stays with the browser: neither a reset nor a session that is over gets rid of it.
        block = self._block_of_previous(app, session, snapshot)
        session_update = session_lifecycle.start(app.workspace_id, app.id, self.context, block)
        # Without a valid session no visitor was reset, so no event says so.
        if session is None:
            return Decision(result=session_update, change_set=_new_session_changes(session_update))
        return reset_decision(app, session, session_update, self.context)

    def _block_of_previous(self, app: App, session: Session | None, snapshot: Snapshot) -> Block | None:
        """Return the block of the session that the browser shows, a valid one or one that is over. Without a token
        nothing is known of the browser."""
        shown = session or snapshot.session
        # Of another app: that is another visitor.
        return None if shown is None or shown.app_id != app.id else current_block(shown, snapshot.contacts.values())


def reset_decision(
    app: App, session: Session, session_update: SessionUpdate, context: RequestContext
) -> Decision[SessionUpdate]:
    """Decide to end the session, and those that hops connect with it, for a new one (S2, S5)."""
    change_set = ChangeSet(
        visitors=session_update.new_visitors,
        # Both in one transaction: at no time does the browser have two valid sessions, or none (R3).
        sessions=(session_lifecycle.revoke(session, context.now), *session_update.session_changes),
        hop_group_revocations=session_lifecycle.revoke_hop_group(session, context.now),
        events=reset_events(app, session, context),
    )
    return Decision(result=session_update, change_set=change_set)


def reset_events(app: App, session: Session, context: RequestContext) -> tuple[Event, ...]:
    """Build the events of a session that its visitor ended."""
    event_builder = EventBuilder(context, app.workspace_id, app_id=app.id)
    # The visitor's id, never the token or its digest (P4).
    event_builder.add("visitor.reset", session.contact_id, {"visitor_id": session.visitor_id})
    return event_builder.events


def _new_session_changes(session_update: SessionUpdate) -> ChangeSet:
    return ChangeSet(visitors=session_update.new_visitors, sessions=session_update.session_changes)
