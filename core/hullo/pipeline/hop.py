"""An identity on its way to another site: a token is made of a session, and redeemed there (rules T)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hullo.errors import Conflicting, ProofRejected, UnknownApp
from hullo.hooks.relay import Relay
from hullo.model.app import App
from hullo.model.change_set import ChangeSet
from hullo.model.contact import Contact
from hullo.model.decision import Decision
from hullo.model.decision_record import Step
from hullo.model.standing import Standing
from hullo.model.token_claims import TokenClaims
from hullo.model.visitor import Session
from hullo.pipeline import visits
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.resolve import Resolution
from hullo.pipeline.sessions import Attend
from hullo.pipeline.visits import Visit
from hullo.pipeline.work import Prepared
from hullo.store.protocol import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueToken:
    """A token for the identity of the visitor's session, good in one app, for minutes, and once (T1)."""

    visitor: Attend
    audience: str | None
    """The target app's key; None for the visitor's own app."""
    hooks: Relay

    def prepare(self, apps: AppDirectory) -> Prepared[str]:
        """Raises what resuming the session raises, and `UnknownApp` for an audience that is no app beside it."""
        prepared = self.visitor.prepare(apps)
        home = prepared.app
        assert home is not None, "a visit is in an app"
        target = apps.find_now(self.audience) if self.audience not in {None, home.id} else home
        if target.workspace_id != home.workspace_id:
            raise UnknownApp
        return Prepared(
            query=replace(prepared.query, source=prepared.query.session),
            decide=lambda snapshot: self._decide(prepared.decide(snapshot), target, snapshot),
            app=home,
        )

    def _decide(self, resumed: Decision[Visit], target: App, snapshot: Snapshot) -> Decision[str]:
        """Raises `Conflicting` for a visitor who is anonymous, and where the target has no key to sign with."""
        session = resumed.answer.session
        if session.contact_id is None:
            raise Conflicting("this visitor is anonymous: there is no identity to carry yet; identify it first")
        # The standing that it still has, which may be less than it says of itself.
        session = visits.as_proven(session, snapshot.contacts.get(session.contact_id))
        token = self.hooks.issue_token(session, target, self.visitor.moment)
        if token is None:
            raise Conflicting(
                "no token can be made for that app: it has no active identity key; 'hullo identity-key add' makes one"
            )
        return Decision(answer=token, change_set=ChangeSet(sessions=resumed.change_set.sessions))


def carried(hop: TokenClaims, snapshot: Snapshot, now: int) -> tuple[Session, Contact]:
    """The session whose identity is carried, with the standing that arrives, and its contact.

    What arrives is never more than the token says, nor than the session still has, and somebody who only said who
    they are has said it here too: `owned` stays behind, with the visitor who made the contact.

    Raises `ProofRejected` for a token that was used before, or whose session has ended since: by a reset, a switch of
    user, or its age.
    """
    if hop.once.digest in snapshot.spent:
        raise ProofRejected("this identity token was used before", mistake="used_before")
    session = snapshot.source
    contact = snapshot.contacts.get(session.contact_id) if session is not None and session.contact_id else None
    if session is None or contact is None or not session.valid(now):
        raise ProofRejected("the session that this identity token was made in has ended", mistake="session_ended")
    session = visits.as_proven(session, contact)
    if hop.standing is not Standing.PROVEN or not session.proven:
        session = replace(session, standing=Standing.CLAIMED, proved=())
    return session, contact


def arrive(source: Session, contact: Contact, hop: TokenClaims) -> Resolution:
    """Who it is: nobody is looked up, and nobody is made."""
    return Resolution(
        contact=contact,
        matched_by=hop.by,
        own=(),
        proven=source.proven,
        steps=(Step(stage="match", plugin=hop.by, answer=f"it is {contact.id}, who comes from {source.app_id}"),),
    )
