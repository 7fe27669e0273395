"""Which evidence was refused in which session: a repeat is no other attempt to guess (V2)."""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import Final

from hullo.model.claim import Claim
from hullo.model.visitor import SessionDigest

MAX_REMEMBERED: Final = 10_000
"""Refusals that are remembered at most; the oldest are forgotten first, and count again when they are repeated."""


class RefusedEvidence:
    """Remembers refusals of one process, by digests under a key of its own: no evidence is kept.

    A page that shows a stale hash at each view is one attempt, not sixty a minute. The evidence is still verified each
    time: a key that was added since makes it right (V4).
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        # Insertion order: the first entry is the oldest. Each step is atomic, as several event loops share this.
        self._remembered: dict[bytes, None] = {}

    def remember(self, session: SessionDigest, claim: Claim) -> bool:
        """Remember that this evidence was refused, and return whether it was refused in this session before."""
        digest = self._digest(session, claim)
        is_repeat = digest in self._remembered
        self._remembered[digest] = None
        while len(self._remembered) > MAX_REMEMBERED:
            self._remembered.pop(next(iter(self._remembered), b""), None)
        return is_repeat

    def _digest(self, session: SessionDigest, claim: Claim) -> bytes:
        # With what the hashes are over: the same hash for another id is another attempt.
        signed = {name: claim.custom_data.get(name) for name in claim.attribute_hashes}
        evidence = (
            session,
            (claim.external_id, claim.email_as_sent, claim.user_hash, claim.email_hash),
            (claim.token, claim.identity_token),
            sorted(claim.attribute_hashes.items()),
            sorted(signed.items()),
        )
        return blake2b(repr(evidence).encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()
