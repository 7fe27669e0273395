"""What of a call is vouched for, under the app's mode (rules V)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from hullo.errors import ProofRejected, ProofRequired
from hullo.hooks.relay import Relay
from hullo.hooks.writes import custom_field
from hullo.model.app import App, VerificationMode
from hullo.model.claim import Claim
from hullo.model.identifier import Identifier
from hullo.model.instant import Instant
from hullo.model.proof import Proof, Signature
from hullo.model.standing import Standing
from hullo.model.token_claims import TokenClaims

FORGIVING: Final = frozenset({VerificationMode.OFF, VerificationMode.REPORT})
"""The modes in which evidence that is wrong counts as none."""
ALONE: Final = "an identity token stands alone: it says already who it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A claim with what its evidence states written over it, and who vouches for what of it."""

    claim: Claim
    proofs: tuple[Proof, ...] = ()
    hop: TokenClaims | None = None
    signature: Signature | None = None
    wrong: str | None = None
    """Which mistake was let pass, as `ProofRejected.mistake` names it."""

    def stated(self, named: Iterable[Identifier]) -> frozenset[str] | None:
        """See `Call.stated`. Evidence that names none of `named` states nothing about whoever it is shown for."""
        if self.hop is None and not any(proof.states for proof in self.proofs):
            return None
        named = tuple(named)
        stating = (proof for proof in self.proofs if any(map(proof.covers, named)))
        return frozenset(field for proof in stating if proof.states is not None for field in _fields(proof.states))

    @property
    def attributes(self) -> frozenset[str]:
        """See `Call.attributes`."""
        return frozenset[str]().union(*(proof.fields for proof in self.proofs))


def verify(claim: Claim, app: App, now: Instant, hooks: Relay) -> Verified:
    """What is vouched for.

    Evidence that no plugin vouches for is wrong evidence, also beside other evidence that is right: whoever signs
    expects to be checked. Raises `ProofRejected` and `ProofRequired`, as the app's mode has it (V3).
    """
    if app.verification is VerificationMode.OFF:
        return _hopped_only(claim, app, now, hooks)
    try:
        verified = _verified(claim, app, now, hooks)
    except ProofRejected as wrong:
        if app.verification not in FORGIVING:
            raise
        return let_pass(claim, app, wrong)
    if app.verification is VerificationMode.REQUIRED and verified.signature is not Signature.SIGNED:
        raise proof_required()
    return verified


def let_pass(claim: Claim, app: App, wrong: ProofRejected) -> Verified:
    """The claim as a mere claim, whose evidence was wrong."""
    counted = None if app.verification is VerificationMode.OFF else Signature.WRONG
    return Verified(claim=claim, signature=counted, wrong=wrong.mistake or "unknown")


def proof_required() -> ProofRequired:
    """The error of a call that proves nothing about a person, where that is demanded."""
    return ProofRequired("this app takes signed calls only; send user_hash or token")


def _verified(claim: Claim, app: App, now: Instant, hooks: Relay) -> Verified:
    hop = _hop(claim, app, now, hooks)
    rest = replace(claim, identity_token=None) if hop is not None else claim
    proofs = hooks.verify_claim(rest, app, now)
    unread = rest.evidence.difference(*(proof.evidence for proof in proofs))
    if unread:
        raise ProofRejected(f"no plugin that is in use vouches for this {min(unread)}", mistake="unread")
    signed = any(proof.identifiers for proof in proofs)
    if hop is not None:
        if signed:
            raise ProofRejected(ALONE, mistake="not_alone")
        signed = hop.standing is Standing.PROVEN
    for proof in proofs:
        if proof.states is not None:
            claim = claim.beneath(proof.states)
    return Verified(claim=claim, proofs=proofs, hop=hop, signature=Signature.SIGNED if signed else Signature.UNSIGNED)


def _hopped_only(claim: Claim, app: App, now: Instant, hooks: Relay) -> Verified:
    """Nothing is verified, and yet somebody may come from where it was."""
    try:
        hop = _hop(claim, app, now, hooks)
    except ProofRejected as wrong:
        return let_pass(claim, app, wrong)
    return Verified(claim=claim, hop=hop)


def _hop(claim: Claim, app: App, now: Instant, hooks: Relay) -> TokenClaims | None:
    return hooks.read_token(claim.identity_token, app, now) if claim.identity_token is not None else None


def _fields(claim: Claim) -> Iterator[str]:
    yield from claim.names_person
    yield from claim.profile
    yield from map(custom_field, claim.custom_data)
