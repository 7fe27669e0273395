"""Claim: an identify request, of a page or of a server, as an operation that is verified, loaded and decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from hullo.errors import HulloError, ProofRejected, Rejection
from hullo.hooks.manager import PluginManager
from hullo.model.app import ApiKey, App, VerificationMode
from hullo.model.claim import Claim
from hullo.model.decision import Decision
from hullo.model.limits import Limits
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.outcome import Outcome
from hullo.model.proof import Proof, Signature
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot
from hullo.model.visitor import SessionDigest
from hullo.pipeline.decide import decide
from hullo.pipeline.load import collect_identifiers, identifier_digests, snapshot_query, tombstone_digests
from hullo.pipeline.verify import (
    LENIENT_MODES,
    TOKEN_MUST_BE_ALONE,
    Evidence,
    VerifiedClaim,
    accept_as_claim,
    proof_required_error,
    verify,
)
from hullo.rules.consent import check_consent
from hullo.rules.origins import check_origin
from hullo.value import Value


class Identify(Value):
    """A visitor is identified: by a page, or by a server that signs (rules V, M, C, W, L, T)."""

    claim: Claim
    app_key: str | None
    session_digest: SessionDigest | None
    origin: str | None
    """The page's origin; None when the caller is no browser."""
    context: RequestContext
    request_id: str
    hooks: PluginManager
    limits: Limits
    consent: bool = False
    """Whether the page says that the visitor agrees to be remembered. One with a session has said so before."""

    def prepare(self, apps: Apps) -> PreparedOperation[Outcome]:
        """Raises `UnknownApp`, `BadOrigin`, `ConsentRequired`, `ProofRejected`, `ProofRequired`, `NoIdentifier`,
        `Invalid`."""
        return apps.with_fresh_retry(
            self.app_key, lambda app: self.prepare_for(app, apps.workspace_salt(app.workspace_id))
        )

    def prepare_for(self, app: App, salt: str) -> PreparedOperation[Outcome]:
        """The same for an app as it is given here, whichever the call names, and its workspace's salt."""
        check_origin(self.origin, app)
        if self.session_digest is None:
            check_consent(self.consent, app)
        call = self._verified_claim(app, salt, verify(self.claim, app, self.context.now, self.hooks))
        if not call.single_use_tokens:
            return _prepared([call], partial(decide, call, self.hooks))
        # Whether it was used before is only known once it is looked up.
        otherwise = self._claim_without_evidence(app, salt) if app.verification in LENIENT_MODES else None
        calls = [call, otherwise] if isinstance(otherwise, VerifiedClaim) else [call]
        return _prepared(calls, partial(self._decide_single_use, call, otherwise))

    def _claim_without_evidence(self, app: App, salt: str) -> VerifiedClaim | HulloError:
        """The same call if its evidence turns out to be wrong, or what is wrong with it then."""
        try:
            return self._verified_claim(
                app, salt, accept_as_claim(self.claim, app, ProofRejected("used before", mistake="used_before"))
            )
        except HulloError as refused:
            return refused

    def _decide_single_use(
        self, call: VerifiedClaim, fallback: VerifiedClaim | HulloError | None, snapshot: Snapshot
    ) -> Decision[Outcome]:
        """Raises `ProofRejected`; where that is forgiven, whatever `otherwise` is."""
        try:
            return decide(call, self.hooks, snapshot)
        except ProofRejected:
            if fallback is None:
                raise
            if isinstance(fallback, HulloError):
                raise fallback from None
        return decide(fallback, self.hooks, snapshot)

    def _verified_claim(self, app: App, salt: str, evidence: Evidence) -> VerifiedClaim:
        hop = evidence.hop
        claim = evidence.claim if hop is None else _without_identifiers(evidence.claim)
        named, rejected = collect_identifiers(claim, self.hooks, self.limits, already_identified=hop is not None)
        vouched = frozenset([name for proof in evidence.proofs for name in named if proof.covers(name)])
        signature = evidence.signature
        if signature is Signature.SIGNED and not vouched and hop is None:
            signature = Signature.UNSIGNED  # what is proven names nobody here
            if app.verification is VerificationMode.REQUIRED:
                raise proof_required_error()
        digests = identifier_digests(named, app.workspace_id)
        return VerifiedClaim(
            claim=claim,
            workspace_id=app.workspace_id,
            app=app,
            identifiers=named,
            digests=digests,
            salt=salt,
            tombstone_digests=tombstone_digests(digests, salt),
            rejected=rejected,
            proofs=evidence.proofs,
            proven_identifiers=vouched,
            signed_fields=evidence.fields_signed_for(named),
            hop=hop,
            signature=signature,
            mistake=evidence.mistake,
            context=self.context,
            request_id=self.request_id,
            session_digest=self.session_digest,
        )


class Upsert(Value):
    """A server writes about a person with an API key: everything it says counts as proven."""

    claim: Claim
    key: ApiKey
    app_id: str | None
    """Whose custom data; None when the claim holds none."""
    context: RequestContext
    request_id: str
    hooks: PluginManager
    limits: Limits

    def prepare(self, apps: Apps) -> PreparedOperation[Outcome]:
        """Raises `UnknownApp`, `NoIdentifier`, `Invalid`."""
        app = apps.find(self.app_id) if self.app_id is not None else None
        named, rejected = collect_identifiers(self.claim, self.hooks, self.limits)
        digests, salt = identifier_digests(named, self.key.workspace_id), apps.workspace_salt(self.key.workspace_id)
        call = VerifiedClaim(
            claim=self.claim,
            workspace_id=self.key.workspace_id,
            app=app,
            identifiers=named,
            digests=digests,
            salt=salt,
            tombstone_digests=tombstone_digests(digests, salt),
            rejected=rejected,
            proofs=(Proof(by="api-key", identifiers=tuple(named)),),
            proven_identifiers=frozenset(named),
            context=self.context,
            request_id=self.request_id,
            server_writer=f"api-key:{self.key.id}",
        )
        return _prepared([call], partial(decide, call, self.hooks))


def _prepared(
    claims: Sequence[VerifiedClaim], decide: Callable[[Snapshot], Decision[Outcome]]
) -> PreparedOperation[Outcome]:
    return PreparedOperation(query=snapshot_query(claims), decide=decide, app=claims[0].app)


def _without_identifiers(claim: Claim) -> Claim:
    beside = (Rejection(field=kind, reason=TOKEN_MUST_BE_ALONE) for kind in sorted(claim.identifier_kinds))
    return replace(claim, external_id=None, email=None, email_as_sent=None, rejected=(*claim.rejected, *beside))
