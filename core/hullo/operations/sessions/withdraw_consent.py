"""Withdrawal of consent: the session ends as in a reset, and no other starts."""

from __future__ import annotations

from hullo.errors import SessionRevoked
from hullo.model.app import App
from hullo.model.change_set import ChangeSet
from hullo.model.decision import Decision
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.visitor import SessionDigest
from hullo.operations.sessions.open_session import reset_events
from hullo.rules import session_lifecycle
from hullo.rules.origins import check_origin
from hullo.value import Value


class WithdrawConsent(Value):
    """Withdrawal of a visitor's consent. Harmless to repeat, and without a session. Conversations without a contact are
    left to retention (P3); a contact stays, as its erasure is a separate request (P2)."""

    app_key: str | None
    session_digest: SessionDigest | None
    origin: str | None
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[App]:
        """Check app and origin. The result is the app. Raises `UnknownApp`, `BadOrigin`."""
        return apps.with_fresh_retry(self.app_key, self._prepare)

    def _prepare(self, app: App) -> PreparedOperation[App]:
        check_origin(self.origin, app)
        query = SnapshotQuery(workspace_id=app.workspace_id, app_id=app.id, session=self.session_digest)
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(app, snapshot), app=app)

    def _decide(self, app: App, snapshot: Snapshot) -> Decision[App]:
        try:
            session = session_lifecycle.validate_session(snapshot, self.session_digest, app.id, self.context.now)
        except SessionRevoked:
            session = None  # ended already: the visitor's wish is fulfilled
        # The same answer with and without a session: the caller learns nothing about a token.
        if session is None:
            return Decision(result=app)
        now = self.context.now
        change_set = ChangeSet(
            sessions=(session_lifecycle.revoke(session, now),),
            hop_group_revocations=session_lifecycle.revoke_hop_group(session, now),
            events=reset_events(app, session, self.context),
        )
        return Decision(result=app, change_set=change_set)
