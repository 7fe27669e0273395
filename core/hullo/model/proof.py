"""Evidence that someone else than the browser vouches for what a call says."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from hullo.model.identifier import Identifier
from hullo.model.instant import Instant
from hullo.value import Value

if TYPE_CHECKING:
    from hullo.model.claim import Claim


class Signature(StrEnum):
    """What an identify call had to show for itself, as apps count it (V3)."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    WRONG = "wrong"


class SingleUseToken(Value):
    """Says that evidence is good for one time in one app (V5, T1).

    `digest` is what is remembered of it until it would be refused for its age anyway.
    """

    digest: str
    expires_at: Instant
    consumes: bool = True
    """False: it may be shown again and again, unless it was spent where it is good for one time."""

    @classmethod
    def for_token(cls, app_id: str, token_id: str, expires_at: Instant, *, spends: bool = True) -> SingleUseToken:
        """`token_id` tells the app's tokens of one kind apart, and should name the kind."""
        digest = sha256(f"{app_id}\0{token_id}".encode()).hexdigest()
        return cls(digest=digest, expires_at=expires_at, consumes=spends)


class Proof(Value):
    """What was vouched for, and nothing else (V2): a hash over `external_id` says nothing about the email beside it."""

    by: str
    """The verifier's name, or `api-key`."""
    identifiers: tuple[Identifier, ...] = ()
    evidence: tuple[str, ...] = ()
    """The fields of the claim that were verified, such as `user_hash`. None of them for evidence from elsewhere."""
    key_id: str | None = None
    """The identity key that signed, so that its last use can be told (V4). None where no such key was involved."""
    signed_claim: Claim | None = None
    """What the evidence itself says about the person. It goes before what is said beside it, and all that is only
    said beside it is a claim (V5). None for evidence that says nothing, as a hash does."""
    signed_fields: frozenset[str] = frozenset()
    """Further fields of the claim that are vouched for, such as `custom_data.shop` (V6)."""
    single_use_token: SingleUseToken | None = None
    """None where the evidence may be shown again and again."""

    def covers(self, identifier: Identifier) -> bool:
        """Whether this identifier, compared by its match key, was vouched for."""
        return any(proven.kind == identifier.kind and proven.key == identifier.key for proven in self.identifiers)


def is_proven(identifier: Identifier, proofs: Iterable[Proof]) -> bool:
    """Whether any proof vouches for the identifier."""
    return any(proof.covers(identifier) for proof in proofs)
