"""An identify call on its way to being decided: verified, and its identifiers named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hullo.errors import HulloError, Invalid, NoIdentifier, ProofRejected
from hullo.hooks.relay import Relay
from hullo.model.app import ApiKey, App, VerificationMode
from hullo.model.claim import Claim, Rejection
from hullo.model.decision import Decision
from hullo.model.identifier import IDENTIFIER_LONGEST, Identifier, IdentifierDigest, names_nobody
from hullo.model.limits import Limits
from hullo.model.moment import Moment
from hullo.model.outcome import Outcome
from hullo.model.proof import Proof, Signature, covered
from hullo.model.tombstone import TombstoneDigest, tombstone_digest
from hullo.model.visitor import SessionDigest
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.call import Call
from hullo.pipeline.decide import decide
from hullo.pipeline.origins import check_origin
from hullo.pipeline.privacy.consent import check_consent
from hullo.pipeline.verify import ALONE, FORGIVING, Verified, let_pass, proof_required, verify
from hullo.pipeline.work import Prepared
from hullo.store.protocol import Snapshot, SnapshotQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """A visitor is identified: by a page, or by a server that signs (rules V, M, C, W, L, T)."""

    claim: Claim
    app_key: str | None
    session: SessionDigest | None
    origin: str | None
    """The page's origin; None when the caller is no browser."""
    moment: Moment
    request_id: str
    hooks: Relay
    limits: Limits
    consent: bool = False
    """Whether the page says that the visitor agrees to be remembered. One with a session has said so before."""

    def prepare(self, apps: AppDirectory) -> Prepared[Outcome]:
        """Raises `UnknownApp`, `BadOrigin`, `ConsentRequired`, `ProofRejected`, `ProofRequired`, `NoIdentifier`,
        `Invalid`."""
        return apps.judged(self.app_key, lambda app: self.prepare_for(app, apps.salt_of(app.workspace_id)))

    def prepare_for(self, app: App, salt: str) -> Prepared[Outcome]:
        """The same for an app as it is given here, whichever the call names, and its workspace's salt."""
        check_origin(self.origin, app)
        if self.session is None:
            check_consent(self.consent, app)
        call = self._call(app, salt, verify(self.claim, app, self.moment.now, self.hooks))
        if not call.once:
            return _prepared([call], partial(decide, call, self.hooks))
        # Whether it was used before is only known once it is looked up.
        otherwise = self._forgiven(app, salt) if app.verification in FORGIVING else None
        calls = [call, otherwise] if isinstance(otherwise, Call) else [call]
        return _prepared(calls, partial(self._decide_once, call, otherwise))

    def _forgiven(self, app: App, salt: str) -> Call | HulloError:
        """The same call if its evidence turns out to be wrong, or what is wrong with it then."""
        try:
            return self._call(app, salt, let_pass(self.claim, app, ProofRejected("used before", mistake="used_before")))
        except HulloError as refused:
            return refused

    def _decide_once(self, call: Call, otherwise: Call | HulloError | None, snapshot: Snapshot) -> Decision[Outcome]:
        """Raises `ProofRejected`; where that is forgiven, whatever `otherwise` is."""
        try:
            return decide(call, self.hooks, snapshot)
        except ProofRejected:
            if otherwise is None:
                raise
            if isinstance(otherwise, HulloError):
                raise otherwise from None
        return decide(otherwise, self.hooks, snapshot)

    def _call(self, app: App, salt: str, verified: Verified) -> Call:
        hop = verified.hop
        claim = verified.claim if hop is None else _without_names(verified.claim)
        named, rejected = name(claim, self.hooks, self.limits, known=hop is not None)
        vouched = frozenset(each for each in named if covered(each, verified.proofs))
        signature = verified.signature
        if signature is Signature.SIGNED and not vouched and hop is None:
            signature = Signature.UNSIGNED  # what is proven names nobody here
            if app.verification is VerificationMode.REQUIRED:
                raise proof_required()
        digests = _digests(named, app.workspace_id)
        return Call(
            claim=claim,
            workspace_id=app.workspace_id,
            app=app,
            named=named,
            digests=digests,
            salt=salt,
            tombstones=_tombstones(digests, salt),
            rejected=rejected,
            proofs=verified.proofs,
            vouched=vouched,
            stated=verified.stated(named),
            attributes=verified.attributes,
            hop=hop,
            signature=signature,
            wrong=verified.wrong,
            moment=self.moment,
            request_id=self.request_id,
            session=self.session,
        )


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
        digests, salt = _digests(named, self.key.workspace_id), apps.salt_of(self.key.workspace_id)
        call = Call(
            claim=self.claim,
            workspace_id=self.key.workspace_id,
            app=app,
            named=named,
            digests=digests,
            salt=salt,
            tombstones=_tombstones(digests, salt),
            rejected=rejected,
            proofs=(Proof(by="api-key", identifiers=tuple(named)),),
            vouched=frozenset(named),
            moment=self.moment,
            request_id=self.request_id,
            server=f"api-key:{self.key.id}",
        )
        return _prepared([call], partial(decide, call, self.hooks))


def name(
    claim: Claim, hooks: Relay, limits: Limits, *, known: bool = False
) -> tuple[dict[Identifier, str], tuple[Rejection, ...]]:
    """The usable identifiers with who named them, and every fault of the request.

    `known`: it is clear already who it is, and nobody is to be looked up. Raises `NoIdentifier` when nobody is named
    (M6), and `Invalid` for a strict claim with any fault (W8).
    """
    named, rejected = usable_identifiers(claim, hooks, limits)
    if not named and not known:
        raise NoIdentifier(rejected)
    if claim.strict and rejected:
        raise Invalid("nothing was written, since the call is strict and some fields are wrong", rejected)
    return ({} if known else named), rejected


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


def _prepared(calls: Sequence[Call], decide: Callable[[Snapshot], Decision[Outcome]]) -> Prepared[Outcome]:
    """Whatever any of the calls needs to be decided: they differ in what of their evidence is believed."""
    call = calls[0]
    query = SnapshotQuery(
        workspace_id=call.workspace_id,
        app_id=call.app.id if call.app else None,
        session=call.session,
        identifiers=tuple(dict.fromkeys(digest for each in calls for digest in each.digests.values())),
        tombstones=tuple(dict.fromkeys(digest for each in calls for digest in each.tombstones.values())),
        orphans=call.session is not None,
        source=call.hop.session if call.hop is not None else None,
        spent=tuple(once.digest for once in call.once),
    )
    return Prepared(query=query, decide=decide, app=call.app)


def _without_names(claim: Claim) -> Claim:
    beside = (Rejection(field=kind, reason=ALONE) for kind in sorted(claim.names_person))
    return replace(claim, external_id=None, email=None, email_as_sent=None, rejected=(*claim.rejected, *beside))


def _tombstones(digests: Mapping[Identifier, IdentifierDigest], salt: str) -> dict[Identifier, TombstoneDigest]:
    return {identifier: tombstone_digest(salt, digest) for identifier, digest in digests.items()}


def _digests(named: Iterable[Identifier], workspace_id: str) -> dict[Identifier, IdentifierDigest]:
    return {identifier: identifier.digest(workspace_id) for identifier in named}
