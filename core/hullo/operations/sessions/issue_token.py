"""An identity on its way to another site: a token is made of a session, and redeemed there (rules T)."""

from __future__ import annotations

from hullo.errors import Conflicting, NotFound, UnknownApp
from hullo.hooks.manager import PluginManager
from hullo.model.app import App
from hullo.model.decision import Decision
from hullo.model.operation import Apps, PreparedOperation
from hullo.operations.sessions.open_session import OpenSession
from hullo.rules.origins import is_origin_allowed
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value


class IssueToken(Value):
    """A token for the identity of the visitor's session, good in one app, for minutes, and once (T1)."""

    hooks: PluginManager
    open_session: OpenSession
    audience: str | None
    """The target app's key; None for the visitor's own app."""
    target_origin: str | None = None
    """Where no audience is named, the origin that the visitor goes to: the target is the app that lists it."""

    def prepare(self, apps: Apps) -> PreparedOperation[str]:
        """Raises what resuming the session raises, and `UnknownApp` for an audience that is no app beside it."""
        prepared = self.open_session.prepare(apps)
        home = prepared.app
        assert home is not None, "a visit is in an app"
        target = self._find_target_app(home, apps)
        return PreparedOperation(
            query=prepared.query,
            decide=lambda snapshot: self._decide(prepared.decide(snapshot), target),
            app=home,
        )

    def _find_target_app(self, home: App, apps: Apps) -> App | None:
        """None where no app of the workspace lists the place to go to."""
        if self.target_origin is not None:
            return _app_for_origin(self.target_origin, home, apps)
        target = apps.reload(self.audience) if self.audience not in {None, home.id} else home
        if target.workspace_id != home.workspace_id:
            raise UnknownApp
        return target

    def _decide(self, session_decision: Decision[SessionUpdate], target: App | None) -> Decision[str]:
        """Raises `Conflicting` for a visitor who is anonymous, and where the target has no key to sign with, and
        `NotFound` where there is no target: only somebody with an identity to carry is told which places are listed."""
        session = session_decision.result.session
        if not session.is_identified:
            raise Conflicting("this visitor is anonymous: there is no identity to carry yet; identify it first")
        if target is None:
            raise NotFound("no app of this workspace lists that origin")
        token = self.hooks.issue_token(session, target, self.open_session.context)
        if token is None:
            raise Conflicting(
                "no token can be made for that app: it has no active identity key; 'hullo identity-key add' makes one"
            )
        return Decision(result=token, change_set=session_decision.change_set)


def _app_for_origin(origin: str, home: App, apps: Apps) -> App | None:
    """The app that pages of this origin belong to: `home` before the others of its workspace, and those in the order in
    which they were made.

    One that lists the origin goes before all that have no list and take a loopback one: of any number of sites on a
    developer's machine, only those are known to be its own.
    """
    if home.origins and is_origin_allowed(origin, home):
        return home
    taking = [each for each in apps.list_by_workspace(home.workspace_id) if is_origin_allowed(origin, each)]
    found = min(taking, key=lambda each: (not each.origins, each.id != home.id), default=None)
    return apps.reload(found.id) if found is not None else None
