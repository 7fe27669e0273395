"""Claim: an identify request of a page or of a server, as an operation that is verified, loaded and decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from msgspec.structs import replace

from hullo.errors import HulloError, ProofRejected, Rejection
from hullo.hooks.manager import PluginManager
from hullo.model.app import ApiKey, App, EmailMatch, VerificationMode
from hullo.model.claim import Claim
from hullo.model.decision import Decision
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.limits import Limits
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.outcome import Outcome
from hullo.model.proof import Proof, Signature
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot
from hullo.model.visitor import SessionDigest
from hullo.pipeline.decide import Amend, decide
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
    """Identifies a visitor, for a page or for a server that signs (rules V, M, C, W, L, T)."""

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
    """True where the page states that the visitor agrees to be remembered. Needed for a first session only."""

    def prepare(self, apps: Apps) -> PreparedOperation[Outcome]:
        """Verify the claim and build the query. Raises `UnknownApp`, `BadOrigin`, `ConsentRequired`, `ProofRejected`,
        `ProofRequired`, `NoIdentifier`, `Invalid`."""
        # A refusal is only given after a second look: a key or an origin may have been added a moment ago (V4).
        return apps.with_fresh_retry(
            self.app_key, lambda app: self.prepare_for(app, apps.workspace_salt(app.workspace_id))
        )

    def prepare_for(self, app: App, salt: str) -> PreparedOperation[Outcome]:
        """Prepare for the app and its workspace's salt as they are given, ignoring `app_key`. Raises as `prepare`."""
        # Before anything is verified: a foreign page learns nothing about evidence.
        check_origin(self.origin, app)
        # A visitor with a session has agreed before.
        if self.session_digest is None:
            check_consent(self.consent, app)
        has_session = self.session_digest is not None
        evidence = verify(self.claim, app, self.context.now, self.hooks, has_session=has_session)
        verified = self._verified_claim(app, salt, evidence)
        if not verified.single_use_tokens:
            return _prepared([verified], partial(decide, verified, self.hooks))
        # Race: only the store knows whether a token was used before, and the snapshot must serve both answers. So both
        # claims are made here, and one query loads what either needs (T1, V5).
        fallback = self._claim_without_evidence(app, salt) if app.verification in LENIENT_MODES else None
        claims = [verified, fallback] if isinstance(fallback, VerifiedClaim) else [verified]
        return _prepared(claims, partial(self._decide_single_use, verified, fallback))

    def _claim_without_evidence(self, app: App, salt: str) -> VerifiedClaim | HulloError:
        """Return the claim for the case that its evidence is refused, or the error that it meets then."""
        try:
            # Prepared before the load: one snapshot must do for both ways, as the decision makes no I/O.
            return self._verified_claim(
                app, salt, accept_as_claim(self.claim, app, ProofRejected("used before", mistake="used_before"))
            )
        except HulloError as error:
            # Kept, not raised: it counts only if the token turns out to be used.
            return error

    def _decide_single_use(
        self, verified: VerifiedClaim, fallback: VerifiedClaim | HulloError | None, snapshot: Snapshot
    ) -> Decision[Outcome]:
        """Apply `decide` to the claim and, where its token was used before, to `fallback`.

        Raises `ProofRejected` without a fallback (modes `optional` and `required`), else the fallback's own error.
        """
        try:
            return decide(verified, self.hooks, snapshot)
        except ProofRejected:
            if fallback is None:
                raise
            if isinstance(fallback, HulloError):
                # Without the cause: this app forgives a wrong proof, so the caller is told only what remains wrong.
                raise fallback from None
        return decide(fallback, self.hooks, snapshot)

    def _verified_claim(self, app: App, salt: str, evidence: Evidence) -> VerifiedClaim:
        """Combine claim and evidence. Raises `ProofRequired`, `NoIdentifier`, `Invalid`."""
        hop = evidence.hop
        # An identity token names its person itself. Identifiers beside it would be claims about another one (T1).
        claim = evidence.claim if hop is None else _without_identifiers(evidence.claim)
        has_session = self.session_digest is not None
        identifiers, rejected = collect_identifiers(
            claim, self.hooks, self.limits, already_identified=hop is not None, has_session=has_session
        )
        names_person = bool(identifiers) or hop is not None
        # A proof counts for the identifiers that it covers, not for those beside it (V2).
        proven = frozenset([name for proof in evidence.proofs for name in identifiers if proof.covers(name)])
        signature = evidence.signature
        if signature is Signature.SIGNED and not proven and hop is None:
            # The proof covers no identifier that is looked up here: a plugin is off, or the value is rejected (M5).
            signature = Signature.UNSIGNED
        if signature is Signature.UNSIGNED:
            if app.verification is VerificationMode.REQUIRED and names_person:
                raise proof_required_error()
            # M6: a call about the session's own contact is none that the site has left unsigned.
            signature = signature if names_person else None
        digests = identifier_digests(identifiers, app.workspace_id)
        return VerifiedClaim(
            claim=claim,
            workspace_id=app.workspace_id,
            app=app,
            identifiers=identifiers,
            digests=digests,
            salt=salt,
            tombstone_digests=tombstone_digests(digests, salt),
            rejected=rejected,
            proofs=evidence.proofs,
            proven_identifiers=proven,
            signed_fields=evidence.fields_signed_for(identifiers),
            hop=hop,
            signature=signature,
            mistake=evidence.mistake,
            context=self.context,
            request_id=self.request_id,
            trusted_email=_trusted_email(identifiers, proven) if app.email_match is EmailMatch.TRUSTED else None,
            session_digest=self.session_digest,
        )


class Upsert(Value):
    """Writes about a person for a server with an API key. Every value counts as proven."""

    claim: Claim
    key: ApiKey
    app_id: str | None
    """The app of the custom data; None when the claim holds none."""
    context: RequestContext
    request_id: str
    hooks: PluginManager
    limits: Limits

    def prepare(self, apps: Apps) -> PreparedOperation[Outcome]:
        """Build the query; the key is the proof. Raises `UnknownApp`, `NoIdentifier`, `Invalid`."""
        return self.prepare_with(apps, None)

    def prepare_with(self, apps: Apps, amend: Amend | None) -> PreparedOperation[Outcome]:
        """Prepare a decision to which `amend` adds. Raises as `prepare`."""
        app = apps.find(self.app_id) if self.app_id is not None else None
        identifiers, rejected = collect_identifiers(self.claim, self.hooks, self.limits)
        digests = identifier_digests(identifiers, self.key.workspace_id)
        salt = apps.workspace_salt(self.key.workspace_id)
        verified = VerifiedClaim(
            claim=self.claim,
            workspace_id=self.key.workspace_id,
            app=app,
            identifiers=identifiers,
            digests=digests,
            salt=salt,
            tombstone_digests=tombstone_digests(digests, salt),
            rejected=rejected,
            proofs=(Proof(by="api-key", identifiers=tuple(identifiers)),),
            proven_identifiers=frozenset(identifiers),
            context=self.context,
            request_id=self.request_id,
            server_writer=f"api-key:{self.key.id}",
        )
        return _prepared([verified], partial(decide, verified, self.hooks, amend=amend))


def _prepared(
    claims: Sequence[VerifiedClaim], decide: Callable[[Snapshot], Decision[Outcome]]
) -> PreparedOperation[Outcome]:
    return PreparedOperation(query=snapshot_query(claims), decide=decide, app=claims[0].app)


def _trusted_email(identifiers: Iterable[Identifier], proven: frozenset[Identifier]) -> Identifier | None:
    """Return the unproven email beside a proven external id."""
    if not any(name.kind == EXTERNAL_ID for name in proven):
        return None
    return next((name for name in identifiers if name.kind == EMAIL and name not in proven), None)


def _without_identifiers(claim: Claim) -> Claim:
    # Left out and reported, not refused: one bad field does not lose the rest (W8).
    beside = (Rejection(field=kind, reason=TOKEN_MUST_BE_ALONE) for kind in sorted(claim.identifier_kinds))
    return replace(claim, external_id=None, email=None, email_as_sent=None, rejected=(*claim.rejected, *beside))
