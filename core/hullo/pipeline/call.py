"""One identify call, as the pure stages see it: what is said, by whom, and what of it is vouched for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hullo.model.app import App
from hullo.model.claim import Claim, Rejection
from hullo.model.identifier import Identifier, IdentifierDigest
from hullo.model.moment import Moment
from hullo.model.proof import Once, Proof, Signature
from hullo.model.token_claims import TokenClaims
from hullo.model.tombstone import TombstoneDigest
from hullo.model.visitor import SessionDigest


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Made once, before anything is loaded, and decided as often as the store demands."""

    claim: Claim
    workspace_id: str
    app: App | None
    """None for a server that writes about a person and no app's custom data."""
    named: Mapping[Identifier, str]
    """Every usable identifier, with the plugin that named it first."""
    digests: Mapping[Identifier, IdentifierDigest]
    """What to look the named identifiers up by."""
    salt: str
    """The workspace's."""
    tombstones: Mapping[Identifier, TombstoneDigest]
    """What would tell that somebody with a named identifier was erased (P2)."""
    rejected: tuple[Rejection, ...]
    """The claim's own faults, and identifiers that plugins named and that name nobody (M5)."""
    proofs: tuple[Proof, ...]
    vouched: frozenset[Identifier]
    """The named identifiers that a proof of this very call covers (V2)."""
    moment: Moment
    request_id: str
    stated: frozenset[str] | None = None
    """The fields that evidence itself states: whatever is said beside it is a claim (V5). None where no evidence
    states any, and what is said goes by the standing that it gives."""
    attributes: frozenset[str] = frozenset()
    """The fields whose values are vouched for, and not the person beside them (V6)."""
    hop: TokenClaims | None = None
    """Whose identity the caller carries here from another site (T)."""
    signature: Signature | None = None
    wrong: str | None = None
    """Which mistake was let pass, in an app that only reports them."""
    session: SessionDigest | None = None
    server: str | None = None
    """The writer's name (`Fact.by`) when a server calls with an API key; None for a visitor."""

    @property
    def once(self) -> tuple[Once, ...]:
        """What may not have been shown before."""
        carried = (self.hop.once,) if self.hop is not None else ()
        return (*carried, *(proof.once for proof in self.proofs if proof.once is not None))

    @property
    def signed(self) -> bool:
        """Whether this very call, and not only its session, is vouched for."""
        return self.server is not None or bool(self.vouched)

    @property
    def said(self) -> dict[str, IdentifierDigest]:
        """The digest of what is named, by kind: what a session remembers of its own claims."""
        return {identifier.kind: digest for identifier, digest in self.digests.items()}
