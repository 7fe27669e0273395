"""Hop tokens: issued from a session for another site, and redeemed there (rules T)."""

from __future__ import annotations

from hullo.errors import Conflicting, NotFound, UnknownApp
from hullo.hooks.manager import PluginManager
from hullo.model.app import App
from hullo.model.decision import Decision
from hullo.model.operation import Apps, PreparedOperation
from hullo.operations.sessions.open_session import OpenSession
from hullo.rules.hop_targets import app_for_origin
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value


class IssueToken(Value):
    """Token for the identity of the visitor's session: for one app, for minutes, single-use (T1)."""

    hooks: PluginManager
    open_session: OpenSession
    audience: str | None
    """The target app's key; None for the visitor's own app."""
    target_origin: str | None = None
    """Without an audience, the origin that the visitor goes to: the target is the app that lists it."""

    def prepare(self, apps: Apps) -> PreparedOperation[str]:
        """Resume the session and find the target. Raises as resuming does, and `UnknownApp` for an audience that is no
        app of the workspace."""
        prepared = self.open_session.prepare(apps)
        source_app = prepared.app
        # For the type checker: a session is always prepared in an app.
        assert source_app is not None, "a visit is in an app"
        target = self._find_target_app(source_app, apps)
        return PreparedOperation(
            query=prepared.query,
            decide=lambda snapshot: self._decide(prepared.decide(snapshot), source_app, target),
            app=source_app,
        )

    def _find_target_app(self, source_app: App, apps: Apps) -> App | None:
        """Find the target; None where no app of the workspace lists the origin. Raises `UnknownApp`."""
        if self.target_origin is not None:
            found = app_for_origin(self.target_origin, source_app, apps.list_by_workspace(source_app.workspace_id))
            # Listed apps have sealed keys; only a reloaded one can sign.
            return apps.reload(found.id) if found is not None else None
        # Not from the cache: the token is signed with a key that is active now (V4).
        target = apps.reload(self.audience) if self.audience not in {None, source_app.id} else source_app
        # The same error as for no app: app keys of other workspaces must not be probed.
        if target.workspace_id != source_app.workspace_id:
            raise UnknownApp
        return target

    def _decide(self, session_decision: Decision[SessionUpdate], source_app: App, target: App | None) -> Decision[str]:
        """Issue the token. Raises `Conflicting` for an anonymous visitor, and where the target has no key to sign with,
        and `NotFound` without a target: an anonymous caller cannot probe which origins are listed."""
        session = session_decision.result.session
        # Before the target: an anonymous caller must not learn which origins are listed.
        if not session.is_identified:
            raise Conflicting("this visitor is anonymous: there is no identity to carry yet; identify it first")
        if target is None:
            raise NotFound("no app of this workspace lists that origin")
        token = self.hooks.issue_token(session, target, self.open_session.context, source_app)
        # No plugin could sign: a fault of the setup, which the operator can mend.
        if token is None:
            raise Conflicting(
                "no token can be made for that app: it has no active identity key; 'hullo identity-key add' makes one"
            )
        # Nothing is stored about the token itself: it is recorded when it is redeemed (T1).
        return Decision(result=token, change_set=session_decision.change_set)
