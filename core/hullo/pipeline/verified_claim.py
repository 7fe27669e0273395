"""One identify call, as the pure stages see it: what is said, by whom, and what of it is vouched for."""

from __future__ import annotations

from collections.abc import Mapping

from hullo.errors import Rejection
from hullo.model.app import App
from hullo.model.claim import Claim
from hullo.model.identifier import Identifier, IdentifierDigest
from hullo.model.proof import Proof, Signature, SingleUseToken
from hullo.model.request_context import RequestContext
from hullo.model.token_claims import TokenClaims
from hullo.model.tombstone import TombstoneDigest
from hullo.model.visitor import SessionDigest
from hullo.value import Value


class VerifiedClaim(Value):
    """Made once, before anything is loaded, and decided as often as the store demands."""

    claim: Claim
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
    proofs: tuple[Proof, ...]
    proven_identifiers: frozenset[Identifier]
    """The named identifiers that a proof of this very call covers (V2)."""
    context: RequestContext
    request_id: str
    signed_fields: frozenset[str] | None = None
    """The fields that evidence itself states: whatever is said beside it is a claim (V5). None where no evidence
    states any, and what is said goes by the standing that it gives."""
    proven_attributes: frozenset[str] = frozenset()
    """The fields whose values are vouched for, and not the person beside them (V6)."""
    hop: TokenClaims | None = None
    """Whose identity the caller carries here from another site (T)."""
    signature: Signature | None = None
    mistake: str | None = None
    """Which mistake was let pass, in an app that only reports them."""
    session_digest: SessionDigest | None = None
    server_writer: str | None = None
    """The writer's name (`Fact.by`) when a server calls with an API key; None for a visitor."""

    @property
    def single_use_tokens(self) -> tuple[SingleUseToken, ...]:
        """What may not have been shown before."""
        carried = (self.hop.single_use_token,) if self.hop is not None else ()
        return (*carried, *(proof.single_use_token for proof in self.proofs if proof.single_use_token is not None))

    @property
    def is_signed(self) -> bool:
        """Whether this very call, and not only its session, is vouched for."""
        return self.server_writer is not None or bool(self.proven_identifiers)

    @property
    def claimed_digests(self) -> dict[str, IdentifierDigest]:
        """The digest of what is named, by kind: what a session remembers of its own claims."""
        return {identifier.kind: digest for identifier, digest in self.digests.items()}
