"""Joining and resetting: sessions without anybody being identified (S1, S2)."""

from __future__ import annotations

from typing import Literal

from hullo.errors import SessionRequired, SessionRevoked
from hullo.model.app import App
from hullo.model.change_set import ChangeSet
from hullo.model.decision import Decision
from hullo.model.event import Event
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.visitor import Session, SessionDigest
from hullo.rules import session_lifecycle
from hullo.rules.consent import check_consent
from hullo.rules.events import EventBuilder
from hullo.rules.origins import check_origin
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value


class OpenSession(Value):
    """A visitor's session is continued or begun.

    `verb` says what becomes of the session that the caller shows: `join` goes on with it, or starts anew when it
    is no longer good; `reset` ends it and starts anew; `resume` goes on with it or refuses.
    """

    verb: Literal["join", "reset", "resume"]
    app_key: str | None
    session_digest: SessionDigest | None
    origin: str | None
    context: RequestContext
    consent: bool = False
    """Whether the page says that the visitor agrees to be remembered. One with a session has said so before."""

    def prepare(self, apps: Apps) -> PreparedOperation[SessionUpdate]:
        """Raises `UnknownApp`, `BadOrigin`, and `SessionRequired` for a `resume` without a session."""
        if self.verb == "resume" and self.session_digest is None:
            raise SessionRequired
        return apps.with_fresh_retry(self.app_key, self._prepare)

    def _prepare(self, app: App) -> PreparedOperation[SessionUpdate]:
        check_origin(self.origin, app)
        query = SnapshotQuery(workspace_id=app.workspace_id, app_id=app.id, session=self.session_digest)
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(app, snapshot), app=app)

    def _decide(self, app: App, snapshot: Snapshot) -> Decision[SessionUpdate]:
        """Raises `SessionRevoked` for a `resume` of a session that is no longer good, and `ConsentRequired`."""
        now = self.context.now
        try:
            session = session_lifecycle.validate_session(snapshot, self.session_digest, app.id, now)
        except SessionRevoked:
            if self.verb == "resume":
                raise
            session = None
        if session is not None and self.verb != "reset":
            visit = session_lifecycle.refresh(session, now)
            return Decision(result=visit, change_set=ChangeSet(sessions=visit.session_changes))
        if session is None:
            check_consent(self.consent, app)
        visit = session_lifecycle.start(app.workspace_id, app.id, self.context)
        if session is None:
            return Decision(result=visit, change_set=_new_session_changes(visit))
        change_set = ChangeSet(
            visitors=visit.new_visitors,
            sessions=(session_lifecycle.revoke(session, now), *visit.session_changes),
            events=reset_events(app, session, self.context),
        )
        return Decision(result=visit, change_set=change_set)


def reset_events(app: App, session: Session, context: RequestContext) -> tuple[Event, ...]:
    """What is told of the end of a session that its visitor wanted."""
    teller = EventBuilder(context, app.workspace_id, app_id=app.id)
    teller.add("visitor.reset", session.contact_id, {"visitor_id": session.visitor_id})
    return teller.events


def _new_session_changes(visit: SessionUpdate) -> ChangeSet:
    return ChangeSet(visitors=visit.new_visitors, sessions=visit.session_changes)
