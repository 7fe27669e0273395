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
    """The claim with the values that its evidence states, and the proofs of them."""

    claim: Claim
    proofs: tuple[Proof, ...] = ()
    hop: TokenClaims | None = None
    """The identity that the caller carries here from another site (T)."""
    signature: Signature | None = None
    mistake: str | None = None
    """The mistake that was let pass in a lenient mode, as `ProofRejected.mistake` names it."""

    def fields_signed_for(self, identifiers: Iterable[Identifier]) -> frozenset[str] | None:
        """Return the fields that the evidence itself states. See `VerifiedClaim.signed_fields`.

        Evidence that names none of `identifiers` states nothing about the person that it is shown for.
        """
        # A hash states no values of its own (V1); a token does (V5).
        stating = [proof for proof in self.proofs if proof.signed_claim is not None]
        if self.hop is None and not stating:
            return None
        identifiers = tuple(identifiers)
        fields = set[str]()
        for proof in stating:
            # A token that was made for another person must not state this one's fields (V5).
            if proof.signed_claim is not None and any(map(proof.covers, identifiers)):
                fields.update(_claim_fields(proof.signed_claim))
        return frozenset(fields)

    @property
    def proven_attributes(self) -> frozenset[str]:
        """Return the fields whose values are proven, without proof of the person (V6)."""
        return frozenset[str]().union(*[proof.signed_fields for proof in self.proofs])

    @property
    def single_use_tokens(self) -> tuple[SingleUseToken, ...]:
        """List the tokens that must not have been used before."""
        tokens = [self.hop.single_use_token] if self.hop is not None else []
        for proof in self.proofs:
            if proof.single_use_token is not None:
                tokens.append(proof.single_use_token)
        return tuple(tokens)


class VerifiedClaim(Evidence, kw_only=True, secrets=("salt",)):
    """One identify call as the pure stages see it: what it claims, and what of that is proven.

    Built once, before anything is loaded, and decided again on each fresh snapshot.
    """

    workspace_id: str
    app: App | None
    """None for a server call without custom data."""
    identifiers: Mapping[Identifier, str]
    """Every usable identifier, with the plugin that named it first."""
    digests: Mapping[Identifier, IdentifierDigest]
    """The digests to look the identifiers up by."""
    salt: str
    """The salt of the workspace's tombstones (P2)."""
    tombstone_digests: Mapping[Identifier, TombstoneDigest]
    """The digests under which a tombstone of an erased person would be found (P2)."""
    rejected: tuple[Rejection, ...]
    """The claim's own faults, and identifiers that identify no person (M5)."""
    proven_identifiers: frozenset[Identifier]
    """The identifiers that a proof of this call covers (V2)."""
    context: RequestContext
    request_id: str
    signed_fields: frozenset[str] | None = None
    """The fields that evidence itself states; every other field is a claim (V5). None where no evidence states any
    field: then all fields have the standing of the call."""
    trusted_email: Identifier | None = None
    """The email beside a signed external id, where the app takes it as the site's word (J). None else."""
    session_digest: SessionDigest | None = None
    server_writer: str | None = None
    """The writer's name (`Fact.by`) when a server calls with an API key; None for a visitor."""

    @property
    def is_signed(self) -> bool:
        """Return whether this call itself has proof, and not only its session."""
        return self.server_writer is not None or bool(self.proven_identifiers)

    @property
    def claimed_digests(self) -> dict[str, IdentifierDigest]:
        """Return the digests by kind: what a session stores of its own claims."""
        return {identifier.kind: digest for identifier, digest in self.digests.items()}


def verify(claim: Claim, app: App, now: Instant, hooks: PluginManager, *, has_session: bool = False) -> Evidence:
    """Verify the claim's evidence under the app's mode.

    `has_session`: the session may prove the call, so that it is for the caller to demand a proof (M6). Raises
    `ProofRejected` for wrong evidence, except in the lenient modes, and `ProofRequired` for a claim without proof in
    mode `required` (V3). Pure; may run more than once.
    """
    # V3: hashes are ignored, and identity tokens are not: a visitor may come from an app that verifies.
    if app.verification is VerificationMode.OFF:
        return _verify_hop_only(claim, app, now, hooks)
    try:
        verified = _verify_evidence(claim, app, now, hooks)
    except ProofRejected as error:
        # Wrong is worse than absent: only a mode for roll-out lets it pass, and counts it (V3).
        if app.verification not in LENIENT_MODES:
            raise
        return accept_as_claim(claim, app, error)
    # A signed attribute alone leaves it unsigned: it proves no person (V6).
    unsigned = verified.signature is not Signature.SIGNED
    if app.verification is VerificationMode.REQUIRED and unsigned and not has_session:
        raise proof_required_error()
    return verified


def accept_as_claim(claim: Claim, app: App, error: ProofRejected) -> Evidence:
    """Return the claim as a mere claim, after its evidence was refused with `error`."""
    # Mode `off` ignores evidence, so it does not count it as wrong either.
    signature = None if app.verification is VerificationMode.OFF else Signature.WRONG
    return Evidence(claim=claim, signature=signature, mistake=error.mistake or "unknown")


def proof_required_error() -> ProofRequired:
    """Return the error for a call without proof in an app that demands it (V3)."""
    return ProofRequired("this app takes signed calls only; send user_hash or token")


def _verify_evidence(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> Evidence:
    """Verify all evidence of the claim. Raises `ProofRejected`."""
    hop = _read_hop_token(claim, app, now, hooks)
    # Read already: left in, no verifier would vouch for it, and the call would be refused as unread.
    rest = replace(claim, identity_token=None) if hop is not None else claim
    proofs = hooks.verify_claim(rest, app, now)
    # Evidence that no plugin knows is wrong, also beside evidence that is right: a site that signs expects a check.
    unread = rest.evidence_fields.difference(*[proof.evidence for proof in proofs])
    if unread:
        # `min`, as a set has no order and the message should not change. The field's name only: its value is a secret
        # (P4).
        raise ProofRejected(f"no plugin that is in use vouches for this {min(unread)}", mistake="unread")
    signed = False
    # A proof of attributes alone proves no person (V6).
    for proof in proofs:
        signed = signed or bool(proof.identifiers)
    if hop is not None:
        # Two answers to who the visitor is: neither can be trusted over the other (T1).
        if signed:
            raise ProofRejected(TOKEN_MUST_BE_ALONE, mistake="not_alone")
        signed = hop.standing is Standing.PROVEN
    # What a token states replaces what the page says beside it (V5).
    for proof in proofs:
        if proof.signed_claim is not None:
            claim = claim.overridden_by(proof.signed_claim)
    return Evidence(claim=claim, proofs=proofs, hop=hop, signature=Signature.SIGNED if signed else Signature.UNSIGNED)


def _verify_hop_only(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> Evidence:
    """Read the identity token and nothing else: mode `off` ignores evidence, but hops work in every mode (T1)."""
    try:
        hop = _read_hop_token(claim, app, now, hooks)
    except ProofRejected as error:
        # The visitor stays anonymous, and the page works (T5).
        return accept_as_claim(claim, app, error)
    return Evidence(claim=claim, hop=hop)


def _read_hop_token(claim: Claim, app: App, now: Instant, hooks: PluginManager) -> TokenClaims | None:
    return hooks.read_token(claim.identity_token, app, now) if claim.identity_token is not None else None


def _claim_fields(claim: Claim) -> Iterator[str]:
    yield from claim.identifier_kinds
    yield from claim.profile
    yield from map(custom_field, claim.custom_data)
