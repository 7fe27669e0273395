"""Evidence that someone else than the browser vouches for an identifier."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hullo.model.identifier import Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was vouched for, and nothing else (V2): a hash over `external_id` says nothing about the email beside it."""

    by: str
    """The verifier's name, or `api-key`."""
    identifiers: tuple[Identifier, ...]
    evidence: str | None = None
    """The field of the claim that was verified, such as `user_hash`. None for evidence from elsewhere."""
    key_id: str | None = None
    """The identity key that signed, so that its last use can be told (V4). None where no such key was involved."""

    def covers(self, identifier: Identifier) -> bool:
        """Whether this identifier, compared by its match key, was vouched for."""
        return any(proven.kind == identifier.kind and proven.key == identifier.key for proven in self.identifiers)


def covered(identifier: Identifier, proofs: Iterable[Proof]) -> bool:
    """Whether any proof vouches for the identifier."""
    return any(proof.covers(identifier) for proof in proofs)
