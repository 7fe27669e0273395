"""What an erasure leaves behind: enough to know a name again that an old tab goes on saying, and not to read it
(P2)."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.value import Value

TombstoneDigest = str

_ERASED_PREFIX: Final = "erased:"


class Tombstone(Value):
    """Somebody of this name was erased. Writing the same one again changes nothing but its time."""

    digest: TombstoneDigest
    workspace_id: str
    at: Instant


def tombstone_digest(salt: str, identifier: IdentifierDigest) -> TombstoneDigest:
    """Salted with the workspace's own secret, so that whoever has the digests alone can try no emails against them."""
    return sha256(f"{salt}\0{identifier}".encode()).hexdigest()


def redact_claim(claim: IdentifierDigest, salt: str) -> str:
    """What a session may remember of a claim that is nobody's any more; one that is veiled stays as it is."""
    return claim if claim.startswith(_ERASED_PREFIX) else _ERASED_PREFIX + tombstone_digest(salt, claim)


def is_same_claim(one: IdentifierDigest, other: IdentifierDigest, salt: str) -> bool:
    """Whether both name the same, veiled or not."""
    return one == other or redact_claim(one, salt) == redact_claim(other, salt)
