"""Evidence from a site's server, or another trusted party, for the claim of a browser."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from hullo.model.identifier import Identifier
from hullo.model.instant import Instant
from hullo.value import Value

if TYPE_CHECKING:
    from hullo.model.claim import Claim


class Signature(StrEnum):
    """How an identify call was proven, as counted per app (V3)."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    WRONG = "wrong"


class SingleUseToken(Value):
    """Marks evidence that is valid once in one app, or as often as it states (V5, T1, T6).

    Stores keep the digest of each use until `expires_at`, when the evidence is refused as expired.
    """

    digest: str
    expires_at: Instant
    consumes: bool = True
    """False: this use does not spend it, but it is refused once it was spent elsewhere."""
    uses: int = 1

    @property
    def digests(self) -> tuple[str, ...]:
        """Return one digest for each use. They are spent in this order."""
        further = (sha256(f"{self.digest}\0{number}".encode()).hexdigest() for number in range(1, self.uses))
        return (self.digest, *further)

    def next_digest(self, spent: Collection[str]) -> str | None:
        """Return the digest of the next use; None when all of them are spent."""
        return next((digest for digest in self.digests if digest not in spent), None)

    @classmethod
    def for_token(
        cls, app_id: str, token_id: str, expires_at: Instant, *, spends: bool = True, uses: int = 1
    ) -> SingleUseToken:
        """Make the marker of one token. `token_id` is unique within the app, and should contain the kind of token."""
        # With the app: two apps may use the same `jti`, and neither may spend the other's.
        digest = sha256(f"{app_id}\0{token_id}".encode()).hexdigest()
        return cls(digest=digest, expires_at=expires_at, consumes=spends, uses=uses)


class Proof(Value):
    """Identifiers and fields that were verified, and nothing else (V2): a hash over `external_id` does not cover the
    email."""

    by: str
    """The verifier's name, or `api-key`."""
    identifiers: tuple[Identifier, ...] = ()
    evidence: tuple[str, ...] = ()
    """Fields of the claim that were verified, such as `user_hash`. Empty for evidence from elsewhere."""
    key_id: str | None = None
    """Identity key that signed, to record its last use (V4). None without such a key."""
    signed_claim: Claim | None = None
    """Statements in the evidence itself. They override the same fields of the claim; other fields stay unverified (V5).
    None for evidence without statements, such as a hash."""
    signed_fields: frozenset[str] = frozenset()
    """Further verified fields of the claim, such as `custom_data.shop` (V6)."""
    single_use_token: SingleUseToken | None = None
    """None for evidence that may be used repeatedly."""

    def covers(self, identifier: Identifier) -> bool:
        """Match an identifier against the verified ones, by its match key."""
        for proven in self.identifiers:
            # Equal values have equal keys: most calls sign what they send, and need no folding.
            if proven == identifier or (proven.kind == identifier.kind and proven.key == identifier.key):
                return True
        return False


def is_proven(identifier: Identifier, proofs: Iterable[Proof]) -> bool:
    """Return whether any proof covers the identifier."""
    return any(proof.covers(identifier) for proof in proofs)
