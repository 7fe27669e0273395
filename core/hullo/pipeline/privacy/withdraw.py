"""A visitor no longer agrees to be remembered: the session ends as with a reset, and no other begins."""

from __future__ import annotations

from dataclasses import dataclass

from hullo.errors import SessionRevoked
from hullo.model.app import App
from hullo.model.change_set import ChangeSet
from hullo.model.decision import Decision
from hullo.model.moment import Moment
from hullo.model.visitor import SessionDigest
from hullo.pipeline import visits
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.origins import check_origin
from hullo.pipeline.sessions import was_reset
from hullo.pipeline.work import Prepared
from hullo.store.protocol import Snapshot, SnapshotQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Harmless to repeat, and without a session. What was said without a contact is left to retention (P3); a contact
    stays, as its erasure is asked for elsewhere (P2)."""

    app_key: str | None
    session: SessionDigest | None
    origin: str | None
    moment: Moment

    def prepare(self, apps: AppDirectory) -> Prepared[App]:
        """The answer is the app. Raises `UnknownApp`, `BadOrigin`."""
        return apps.judged(self.app_key, self._prepare)

    def _prepare(self, app: App) -> Prepared[App]:
        check_origin(self.origin, app)
        query = SnapshotQuery(workspace_id=app.workspace_id, app_id=app.id, session=self.session)
        return Prepared(query=query, decide=lambda snapshot: self._decide(app, snapshot), app=app)

    def _decide(self, app: App, snapshot: Snapshot) -> Decision[App]:
        try:
            session = visits.valid_session(snapshot, self.session, app.id, self.moment.now)
        except SessionRevoked:
            session = None
        if session is None:
            return Decision(answer=app)
        over = visits.revoke(session, self.moment.now)
        events = was_reset(app, session, self.moment)
        return Decision(answer=app, change_set=ChangeSet(sessions=(over,), events=events))
