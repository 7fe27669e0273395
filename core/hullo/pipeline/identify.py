"""An identify call on its way to being decided: verified, and its identifiers named."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from hullo.errors import Invalid, NoIdentifier, ProofRejected, ProofRequired
from hullo.hooks.relay import Relay
from hullo.model.app import ApiKey, App, VerificationMode
from hullo.model.claim import Claim, Rejection
from hullo.model.identifier import IDENTIFIER_LONGEST, Identifier, IdentifierDigest, names_nobody
from hullo.model.limits import Limits
from hullo.model.moment import Moment
from hullo.model.outcome import Outcome
from hullo.model.proof import Proof, covered
from hullo.model.visitor import SessionDigest
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.call import Call
from hullo.pipeline.decide import decide
from hullo.pipeline.origins import check_origin
from hullo.pipeline.work import Prepared
from hullo.store.protocol import SnapshotQuery

_log = logging.getLogger("hullo.verify")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """A visitor is identified: by a page, or by a server that signs (rules V, M, C, W, L)."""

    claim: Claim
    app_key: str | None
    session: SessionDigest | None
    origin: str | None
    """The page's origin; None when the caller is no browser."""
    moment: Moment
    request_id: str
    hooks: Relay
    limits: Limits

    def prepare(self, apps: AppDirectory) -> Prepared[Outcome]:
        """Raises `UnknownApp`, `BadOrigin`, `ProofRejected`, `ProofRequired`, `NoIdentifier`, `Invalid`."""
        return apps.judged(self.app_key, self._prepare)

    def _prepare(self, app: App) -> Prepared[Outcome]:
        check_origin(self.origin, app)
        proofs = verify(self.claim, app, self.moment, self.hooks)
        named, rejected = name(self.claim, self.hooks, self.limits)
        call = Call(
            claim=self.claim,
            workspace_id=app.workspace_id,
            app=app,
            named=named,
            digests=_digests(named, app.workspace_id),
            rejected=rejected,
            proofs=proofs,
            vouched=frozenset(each for each in named if covered(each, proofs)),
            moment=self.moment,
            request_id=self.request_id,
            session=self.session,
        )
        return _prepared(call, self.hooks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert:
    """A server writes about a person with an API key: everything it says counts as proven."""

    claim: Claim
    key: ApiKey
    app_id: str | None
    """Whose custom data; None when the claim holds none."""
    moment: Moment
    request_id: str
    hooks: Relay
    limits: Limits

    def prepare(self, apps: AppDirectory) -> Prepared[Outcome]:
        """Raises `UnknownApp`, `NoIdentifier`, `Invalid`."""
        app = apps.find(self.app_id) if self.app_id is not None else None
        named, rejected = name(self.claim, self.hooks, self.limits)
        call = Call(
            claim=self.claim,
            workspace_id=self.key.workspace_id,
            app=app,
            named=named,
            digests=_digests(named, self.key.workspace_id),
            rejected=rejected,
            proofs=(Proof(by="api-key", identifiers=tuple(named)),),
            vouched=frozenset(named),
            moment=self.moment,
            request_id=self.request_id,
            server=f"api-key:{self.key.id}",
        )
        return _prepared(call, self.hooks)


def verify(claim: Claim, app: App, moment: Moment, hooks: Relay) -> tuple[Proof, ...]:
    """What is vouched for, under the app's mode (V3).

    Evidence that no plugin vouches for is wrong evidence, also beside other evidence that is right: whoever signs
    expects to be checked.
    """
    if app.verification is VerificationMode.OFF:
        return ()
    try:
        proofs = hooks.verify_claim(claim, app, moment.now)
        unread = claim.evidence - {proof.evidence for proof in proofs}
        if unread:
            raise ProofRejected(f"no plugin that is in use vouches for this {min(unread)}")
    except ProofRejected as wrong:
        if app.verification is not VerificationMode.REPORT:
            raise
        _log.warning("app %s: a wrong proof was let pass as a claim: %s", app.id, wrong.detail)
        return ()
    if not proofs and app.verification is VerificationMode.REQUIRED:
        raise ProofRequired("this app takes signed calls only; send user_hash")
    return proofs


def name(claim: Claim, hooks: Relay, limits: Limits) -> tuple[dict[Identifier, str], tuple[Rejection, ...]]:
    """The usable identifiers with who named them, and every fault of the request.

    Raises `NoIdentifier` when nobody is named (M6), and `Invalid` for a strict claim with any fault (W8).
    """
    named, rejected = usable_identifiers(claim, hooks, limits)
    if not named:
        raise NoIdentifier(rejected)
    if claim.strict and rejected:
        raise Invalid("nothing was written, since the call is strict and some fields are wrong", rejected)
    return named, rejected


def usable_identifiers(
    claim: Claim, hooks: Relay, limits: Limits
) -> tuple[dict[Identifier, str], tuple[Rejection, ...]]:
    """What plugins name, without what names nobody (M5), and every fault of the request."""
    named: dict[Identifier, str] = {}
    rejected = list(claim.rejected)
    for plugin, identifier in hooks.name_identifiers(claim):
        if names_nobody(identifier.value, limits.non_identities):
            rejected.append(Rejection(field=identifier.kind, reason="names nobody"))
        elif len(identifier.value) > IDENTIFIER_LONGEST:
            reason = f"longer than {IDENTIFIER_LONGEST} characters"
            rejected.append(Rejection(field=identifier.kind, reason=reason))
        else:
            named[identifier] = plugin
    return named, tuple(rejected)


def _prepared(call: Call, hooks: Relay) -> Prepared[Outcome]:
    query = SnapshotQuery(
        workspace_id=call.workspace_id,
        app_id=call.app.id if call.app else None,
        session=call.session,
        identifiers=tuple(dict.fromkeys(call.digests.values())),
        orphans=call.session is not None,
    )
    return Prepared(query=query, decide=partial(decide, call, hooks), app=call.app)


def _digests(named: Iterable[Identifier], workspace_id: str) -> dict[Identifier, IdentifierDigest]:
    return {identifier: identifier.digest(workspace_id) for identifier in named}
