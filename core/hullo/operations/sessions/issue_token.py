"""An identity on its way to another site: a token is made of a session, and redeemed there (rules T)."""

from __future__ import annotations

from hullo.engine.app_cache import AppCache
from hullo.errors import Conflicting, NotFound, ProofRejected, UnknownApp
from hullo.hooks.manager import PluginManager
from hullo.model.app import App, VerificationMode
from hullo.model.contact import Contact
from hullo.model.decision import Decision
from hullo.model.decision_record import Step
from hullo.model.operation import PreparedOperation
from hullo.model.standing import Standing
from hullo.model.token_claims import TokenClaims
from hullo.model.value import Value
from hullo.model.visitor import Session
from hullo.operations.sessions.open_session import OpenSession
from hullo.pipeline.match import MatchResult, TransferredIdentity
from hullo.pipeline.verified_claim import VerifiedClaim
from hullo.pipeline.verify import proof_required_error
from hullo.rules import session_lifecycle
from hullo.rules.origins import is_origin_allowed
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.store.protocol import Snapshot


class IssueToken(Value):
    """A token for the identity of the visitor's session, good in one app, for minutes, and once (T1)."""

    hooks: PluginManager
    open_session: OpenSession
    audience: str | None
    """The target app's key; None for the visitor's own app."""
    target_origin: str | None = None
    """Where no audience is named, the origin that the visitor goes to: the target is the app that lists it."""

    def prepare(self, apps: AppCache) -> PreparedOperation[str]:
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

    def _find_target_app(self, home: App, apps: AppCache) -> App | None:
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


def _app_for_origin(origin: str, home: App, apps: AppCache) -> App | None:
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


def match_hop(
    hop: TokenClaims, verified_claim: VerifiedClaim, session: Session | None, snapshot: Snapshot
) -> MatchResult:
    """Who it is that comes with this token: nobody is looked up, and nobody is made.

    What arrives is never more than the token says, nor than its session still has, and somebody who only said who they
    are has only said it here too. A mere claim does not take the place of somebody who has proven who they are: links
    are made by anybody.

    A session that names somebody who was erased carries that: there is no contact then.

    Raises `ProofRejected` for a token whose session has ended since, by a reset, a switch of user, or its age, and
    `ProofRequired` where the app demands more than arrives.
    """
    source = snapshot.source_session
    contact = snapshot.contacts.get(source.contact_id) if source is not None and source.contact_id else None
    if (
        source is None
        or not source.is_identified
        or not source.is_valid(verified_claim.context.now)
        or _is_contact_missing(source, contact)
    ):
        raise ProofRejected("the session that this identity token was made in has ended", mistake="session_ended")
    proven = hop.standing is Standing.PROVEN and session_lifecycle.with_current_standing(source, contact).is_proven
    if not proven and verified_claim.app is not None and verified_claim.app.verification is VerificationMode.REQUIRED:
        raise proof_required_error()
    there_already = session is not None and session.is_proven and session.contact_id == source.contact_id
    if session is not None and session.is_proven and not proven and not there_already:
        raise ProofRejected(
            "an identity that is only claimed does not take the place of one that is proven", mistake="only_claimed"
        )
    who = contact.id if contact is not None else "somebody who was erased"
    return MatchResult(
        contact=contact,
        matched_by=hop.by,
        writable_identifiers=(),
        is_proven=proven or there_already,
        transferred_identity=TransferredIdentity(session=source, is_proven=proven),
        steps=(Step(stage="match", plugin=hop.by, answer=f"it is {who}, who comes from {source.app_id}"),),
    )


def _is_contact_missing(source: Session, contact: Contact | None) -> bool:
    return source.contact_id is not None and contact is None
