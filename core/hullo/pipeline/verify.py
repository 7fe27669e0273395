"""What of a call is vouched for, under the app's mode (rules V)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from hullo.errors import ProofRejected, ProofRequired
from hullo.hooks.manager import PluginManager
from hullo.model.app import App, VerificationMode
from hullo.model.claim import Claim
from hullo.model.identifier import Identifier
from hullo.model.instant import Instant
from hullo.model.proof import Proof, Signature
from hullo.model.standing import Standing
from hullo.model.token_claims import TokenClaims
from hullo.model.write import custom_field
from hullo.value import Value

LENIENT_MODES: Final = frozenset({VerificationMode.OFF, VerificationMode.REPORT})
"""The modes in which evidence that is wrong counts as none."""
TOKEN_MUST_BE_ALONE: Final = "an identity token stands alone: it says already who it is"


class VerificationResult(Value):
    """A claim with what its evidence states written over it, and who vouches for what of it."""

    claim: Claim
    proofs: tuple[Proof, ...] = ()
    hop: TokenClaims | None = None
    signature: Signature | None = None
    mistake: str | None = None
    """Which mistake was let pass, as `ProofRejected.mistake` names it."""

    def signed_fields(self, identifiers: Iterable[Identifier]) -> frozenset[str] | None:
        """See `Call.stated`. Evidence that names none of `named` states nothing about whoever it is shown for."""
        if self.hop is None and not any(proof.signed_claim for proof in self.proofs):
            return None
        identifiers = tuple(identifiers)
        stating = (proof for proof in self.proofs if any(map(proof.covers, identifiers)))
        return frozenset(
            field for proof in stating if proof.signed_claim is not None for field in _claim_fields(proof.signed_claim)
        )

    @property
    def proven_attributes(self) -> frozenset[str]:
        """See `Call.attributes`."""
        return frozenset[str]().union(*(proof.signed_fields for proof in self.proofs))


def verify(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> VerificationResult:
    """What is vouched for.

    Evidence that no plugin vouches for is wrong evidence, also beside other evidence that is right: whoever signs
    expects to be checked. Raises `ProofRejected` and `ProofRequired`, as the app's mode has it (V3).
    """
    if app.verification is VerificationMode.OFF:
        return _verify_hop_only(claim, app, now, hooks)
    try:
        verified = _verify_evidence(claim, app, now, hooks)
    except ProofRejected as wrong:
        if app.verification not in LENIENT_MODES:
            raise
        return accept_as_claim(claim, app, wrong)
    if app.verification is VerificationMode.REQUIRED and verified.signature is not Signature.SIGNED:
        raise proof_required_error()
    return verified


def accept_as_claim(claim: Claim, app: App, error: ProofRejected) -> VerificationResult:
    """The claim as a mere claim, whose evidence was wrong."""
    counted = None if app.verification is VerificationMode.OFF else Signature.WRONG
    return VerificationResult(claim=claim, signature=counted, mistake=error.mistake or "unknown")


def proof_required_error() -> ProofRequired:
    """The error of a call that proves nothing about a person, where that is demanded."""
    return ProofRequired("this app takes signed calls only; send user_hash or token")


def _verify_evidence(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> VerificationResult:
    hop = _read_hop_token(claim, app, now, hooks)
    rest = replace(claim, identity_token=None) if hop is not None else claim
    proofs = hooks.verify_claim(rest, app, now)
    unread = rest.evidence_fields.difference(*(proof.evidence for proof in proofs))
    if unread:
        raise ProofRejected(f"no plugin that is in use vouches for this {min(unread)}", mistake="unread")
    signed = any(proof.identifiers for proof in proofs)
    if hop is not None:
        if signed:
            raise ProofRejected(TOKEN_MUST_BE_ALONE, mistake="not_alone")
        signed = hop.standing is Standing.PROVEN
    for proof in proofs:
        if proof.signed_claim is not None:
            claim = claim.overridden_by(proof.signed_claim)
    return VerificationResult(
        claim=claim, proofs=proofs, hop=hop, signature=Signature.SIGNED if signed else Signature.UNSIGNED
    )


def _verify_hop_only(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> VerificationResult:
    """Nothing is verified, and yet somebody may come from where it was."""
    try:
        hop = _read_hop_token(claim, app, now, hooks)
    except ProofRejected as wrong:
        return accept_as_claim(claim, app, wrong)
    return VerificationResult(claim=claim, hop=hop)


def _read_hop_token(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> TokenClaims | None:
    return hooks.read_token(claim.identity_token, app, now) if claim.identity_token is not None else None


def _claim_fields(claim: Claim) -> Iterator[str]:
    yield from claim.identifier_kinds
    yield from claim.profile
    yield from map(custom_field, claim.custom_data)
