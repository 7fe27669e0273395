"""A page on which no user is logged in: an identified session ends there (S6)."""

from __future__ import annotations

from hullo.errors import SessionRevoked
from hullo.model.app import App
from hullo.model.change_set import ChangeSet
from hullo.model.decision import Decision
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.visitor import SessionDigest
from hullo.operations.sessions.open_session import reset_decision
from hullo.rules import session_lifecycle
from hullo.rules.blocking import current_block
from hullo.rules.origins import check_origin
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value


class LeaveIdentity(Value):
    """End of an identified session, as by a reset. An anonymous session and a lead go on as they are.

    Harmless to repeat. The result is None without a valid session: a guest page makes none.
    """

    app_key: str | None
    session_digest: SessionDigest | None
    origin: str | None
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[SessionUpdate | None]:
        """Check app and origin. Raises `UnknownApp`, `BadOrigin`."""
        return apps.with_fresh_retry(self.app_key, self._prepare)

    def _prepare(self, app: App) -> PreparedOperation[SessionUpdate | None]:
        check_origin(self.origin, app)
        query = SnapshotQuery(workspace_id=app.workspace_id, app_id=app.id, session=self.session_digest)
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(app, snapshot), app=app)

    def _decide(self, app: App, snapshot: Snapshot) -> Decision[SessionUpdate] | Decision[None]:
        try:
            session = session_lifecycle.validate_session(snapshot, self.session_digest, app.id, self.context.now)
        except SessionRevoked:
            session = None  # ended already, as the page wishes
        if session is None:
            return Decision(result=None)
        # C8: a lead has only typed an email, and need not be a user who could be logged in.
        if not session.is_identified or session.is_lead:
            session_update = session_lifecycle.refresh(session, self.context.now)
            return Decision(result=session_update, change_set=ChangeSet(sessions=session_update.session_changes))
        # A block stays with the browser, as after a reset.
        block = current_block(session, snapshot.contacts.values())
        session_update = session_lifecycle.start(app.workspace_id, app.id, self.context, block)
        return reset_decision(app, session, session_update, self.context)
