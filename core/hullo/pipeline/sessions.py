"""Joining and resetting: sessions without anybody being identified (S1, S2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hullo.errors import SessionRequired, SessionRevoked
from hullo.model.app import App
from hullo.model.change_set import ChangeSet
from hullo.model.decision import Decision
from hullo.model.event import Event
from hullo.model.moment import Moment
from hullo.model.visitor import Session, SessionDigest
from hullo.pipeline import visits
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.origins import check_origin
from hullo.pipeline.privacy.consent import check_consent
from hullo.pipeline.telling import Teller
from hullo.pipeline.visits import Visit
from hullo.pipeline.work import Prepared
from hullo.store.protocol import Snapshot, SnapshotQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Attend:
    """A visitor's session is continued or begun.

    `verb` says what becomes of the session that the caller shows: `join` goes on with it, or starts anew when it
    is no longer good; `reset` ends it and starts anew; `resume` goes on with it or refuses.
    """

    verb: Literal["join", "reset", "resume"]
    app_key: str | None
    session: SessionDigest | None
    origin: str | None
    moment: Moment
    consent: bool = False
    """Whether the page says that the visitor agrees to be remembered. One with a session has said so before."""

    def prepare(self, apps: AppDirectory) -> Prepared[Visit]:
        """Raises `UnknownApp`, `BadOrigin`, and `SessionRequired` for a `resume` without a session."""
        if self.verb == "resume" and self.session is None:
            raise SessionRequired
        return apps.judged(self.app_key, self._prepare)

    def _prepare(self, app: App) -> Prepared[Visit]:
        check_origin(self.origin, app)
        query = SnapshotQuery(workspace_id=app.workspace_id, app_id=app.id, session=self.session)
        return Prepared(query=query, decide=lambda snapshot: self._decide(app, snapshot), app=app)

    def _decide(self, app: App, snapshot: Snapshot) -> Decision[Visit]:
        """Raises `SessionRevoked` for a `resume` of a session that is no longer good, and `ConsentRequired`."""
        now = self.moment.now
        try:
            session = visits.valid_session(snapshot, self.session, app.id, now)
        except SessionRevoked:
            if self.verb == "resume":
                raise
            session = None
        if session is not None and self.verb != "reset":
            visit = visits.go_on(session, now)
            return Decision(answer=visit, change_set=ChangeSet(sessions=visit.sessions))
        if session is None:
            check_consent(self.consent, app)
        visit = visits.begin(app.workspace_id, app.id, self.moment)
        if session is None:
            return Decision(answer=visit, change_set=_beginning(visit))
        change_set = ChangeSet(
            visitors=visit.visitors,
            sessions=(visits.revoke(session, now), *visit.sessions),
            events=was_reset(app, session, self.moment),
        )
        return Decision(answer=visit, change_set=change_set)


def was_reset(app: App, session: Session, moment: Moment) -> tuple[Event, ...]:
    """What is told of the end of a session that its visitor wanted."""
    teller = Teller(moment, app.workspace_id, app_id=app.id)
    teller.tell("visitor.reset", session.contact_id, {"visitor_id": session.visitor_id})
    return teller.events


def _beginning(visit: Visit) -> ChangeSet:
    return ChangeSet(visitors=visit.visitors, sessions=visit.sessions)
