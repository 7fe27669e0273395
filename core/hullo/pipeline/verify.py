"""Verify: which of a claim's values are proven, under the app's mode (rules V)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from hullo.errors import ProofRejected, ProofRequired, Rejection
from hullo.hooks.manager import PluginManager
from hullo.model.app import App, VerificationMode
from hullo.model.claim import Claim
from hullo.model.identifier import Identifier, IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.proof import Proof, Signature, SingleUseToken
from hullo.model.request_context import RequestContext
from hullo.model.standing import Standing
from hullo.model.token_claims import TokenClaims
from hullo.model.tombstone import TombstoneDigest
from hullo.model.visitor import SessionDigest
from hullo.model.write import custom_field
from hullo.value import Value

LENIENT_MODES: Final = frozenset({VerificationMode.OFF, VerificationMode.REPORT})
"""The modes in which evidence that is wrong counts as none."""
TOKEN_MUST_BE_ALONE: Final = "an identity token stands alone: it says already who it is"


class Evidence(Value, kw_only=True):
    """A claim with the values that its evidence states, and the proofs of them."""

    claim: Claim
    proofs: tuple[Proof, ...] = ()
    hop: TokenClaims | None = None
    """The identity that the caller carries here from another site (T)."""
    signature: Signature | None = None
    mistake: str | None = None
    """The mistake that was let pass, as `ProofRejected.mistake` names it, in an app that only reports mistakes."""

    def fields_signed_for(self, identifiers: Iterable[Identifier]) -> frozenset[str] | None:
        """Return the fields that the evidence itself states. See `VerifiedClaim.signed_fields`.

        Evidence that names none of `identifiers` states nothing about the person that it is shown for.
        """
        stating = [proof for proof in self.proofs if proof.signed_claim is not None]
        if self.hop is None and not stating:
            return None
        identifiers = tuple(identifiers)
        fields = set[str]()
        for proof in stating:
            if proof.signed_claim is not None and any(map(proof.covers, identifiers)):
                fields.update(_claim_fields(proof.signed_claim))
        return frozenset(fields)

    @property
    def proven_attributes(self) -> frozenset[str]:
        """The fields whose values are proven, and not the person beside them (V6)."""
        return frozenset[str]().union(*[proof.signed_fields for proof in self.proofs])

    @property
    def single_use_tokens(self) -> tuple[SingleUseToken, ...]:
        """The tokens that may not have been used before."""
        tokens = [self.hop.single_use_token] if self.hop is not None else []
        for proof in self.proofs:
            if proof.single_use_token is not None:
                tokens.append(proof.single_use_token)
        return tuple(tokens)


class VerifiedClaim(Evidence, kw_only=True, secrets=("salt",)):
    """One identify call as the pure stages see it: what it claims, and what of that is proven.

    Made once, before anything is loaded, and decided again on each fresh snapshot.
    """

    workspace_id: str
    app: App | None
    """None for a server that writes about a person and no app's custom data."""
    identifiers: Mapping[Identifier, str]
    """Every usable identifier, with the plugin that named it first."""
    digests: Mapping[Identifier, IdentifierDigest]
    """What to look the named identifiers up by."""
    salt: str
    """The workspace's."""
    tombstone_digests: Mapping[Identifier, TombstoneDigest]
    """What would tell that somebody with a named identifier was erased (P2)."""
    rejected: tuple[Rejection, ...]
    """The claim's own faults, and identifiers that plugins named and that name nobody (M5)."""
    proven_identifiers: frozenset[Identifier]
    """The named identifiers that a proof of this very call covers (V2)."""
    context: RequestContext
    request_id: str
    signed_fields: frozenset[str] | None = None
    """The fields that evidence itself states: whatever is said beside it is a claim (V5). None where no evidence
    states any, and what is said goes by the standing that it gives."""
    session_digest: SessionDigest | None = None
    server_writer: str | None = None
    """The writer's name (`Fact.by`) when a server calls with an API key; None for a visitor."""

    @property
    def is_signed(self) -> bool:
        """Whether this very call, and not only its session, is vouched for."""
        return self.server_writer is not None or bool(self.proven_identifiers)

    @property
    def claimed_digests(self) -> dict[str, IdentifierDigest]:
        """The digest of what is named, by kind: what a session remembers of its own claims."""
        return {identifier.kind: digest for identifier, digest in self.digests.items()}


def verify(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> Evidence:
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


def accept_as_claim(claim: Claim, app: App, error: ProofRejected) -> Evidence:
    """The claim as a mere claim, whose evidence was wrong."""
    counted = None if app.verification is VerificationMode.OFF else Signature.WRONG
    return Evidence(claim=claim, signature=counted, mistake=error.mistake or "unknown")


def proof_required_error() -> ProofRequired:
    """The error of a call that proves nothing about a person, where that is demanded."""
    return ProofRequired("this app takes signed calls only; send user_hash or token")


def _verify_evidence(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> Evidence:
    hop = _read_hop_token(claim, app, now, hooks)
    rest = replace(claim, identity_token=None) if hop is not None else claim
    proofs = hooks.verify_claim(rest, app, now)
    unread = rest.evidence_fields.difference(*[proof.evidence for proof in proofs])
    if unread:
        raise ProofRejected(f"no plugin that is in use vouches for this {min(unread)}", mistake="unread")
    signed = False
    for proof in proofs:
        signed = signed or bool(proof.identifiers)
    if hop is not None:
        if signed:
            raise ProofRejected(TOKEN_MUST_BE_ALONE, mistake="not_alone")
        signed = hop.standing is Standing.PROVEN
    for proof in proofs:
        if proof.signed_claim is not None:
            claim = claim.overridden_by(proof.signed_claim)
    return Evidence(claim=claim, proofs=proofs, hop=hop, signature=Signature.SIGNED if signed else Signature.UNSIGNED)


def _verify_hop_only(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> Evidence:
    """Nothing is verified, and yet somebody may come from where it was."""
    try:
        hop = _read_hop_token(claim, app, now, hooks)
    except ProofRejected as wrong:
        return accept_as_claim(claim, app, wrong)
    return Evidence(claim=claim, hop=hop)


def _read_hop_token(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> TokenClaims | None:
    return hooks.read_token(claim.identity_token, app, now) if claim.identity_token is not None else None


def _claim_fields(claim: Claim) -> Iterator[str]:
    yield from claim.identifier_kinds
    yield from claim.profile
    yield from map(custom_field, claim.custom_data)
