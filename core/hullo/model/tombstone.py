"""Tombstones: salted digests that recognise an erased identifier in a later call, and do not reveal it (P2)."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.value import Value

TombstoneDigest = str

_ERASED_PREFIX: Final = "erased:"


class Tombstone(Value):
    """Mark of an erased identifier. Writing it again changes only its time."""

    digest: TombstoneDigest
    workspace_id: str
    at: Instant


def tombstone_digest(salt: str, identifier: IdentifierDigest) -> TombstoneDigest:
    """Hash an identifier with the workspace's salt, so that a reader of the digests alone cannot test emails against
    them."""
    # The salt is secret and stored sealed: without it a list of emails could be hashed and compared.
    return sha256(f"{salt}\0{identifier}".encode()).hexdigest()


def redact_claim(claim: IdentifierDigest, salt: str) -> str:
    """Replace a session's claim to an erased identifier by its tombstone digest; a redacted one stays."""
    # A second redaction would hash the digest again, and `is_same_claim` would find no match.
    return claim if claim.startswith(_ERASED_PREFIX) else _ERASED_PREFIX + tombstone_digest(salt, claim)


def is_same_claim(one: IdentifierDigest, other: IdentifierDigest, salt: str) -> bool:
    """Compare two claims, redacted or not."""
    # Either side may be redacted already; equal texts need no hashing.
    return one == other or redact_claim(one, salt) == redact_claim(other, salt)
