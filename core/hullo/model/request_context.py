"""The time and the randomness of one request: ids and secrets are derived from them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from hashlib import blake2b, sha256

from msgspec.structs import replace

from hullo.model.instant import Instant
from hullo.value import Value

Clock = Callable[[], Instant]

SEED_BYTES = 32
_ID_DIGITS = 26
_TIME_DIGITS = 12
_RANDOM_BITS = 60
_RANDOM_MASK = (1 << _RANDOM_BITS) - 1
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no two letters look alike."""


def system_clock() -> Instant:
    """Read the system clock, the default clock."""
    # Not monotonic on purpose: instants are stored and compared with those of other servers.
    return time.time_ns() // 1000


class RequestContext(Value, secrets=("seed",)):
    """Time and id source of one request, fixed before it is decided.

    The same context always gives the same ids, so a decision that is repeated on a fresh snapshot names the same new
    contact. Everything is derived from `seed` by a keyed hash: a public id reveals nothing about a secret from the same
    seed.
    """

    now: Instant
    seed: bytes

    @classmethod
    def at(cls, now: Instant) -> RequestContext:
        """Make a context with a fresh random seed."""
        return cls(now=now, seed=secrets.token_bytes(SEED_BYTES))

    def new_id(self, prefix: str, ordinal: int = 0) -> str:
        """Make an id: `prefix_` and 26 characters. 12 sort ids by time, to the microsecond; 2 hold `ordinal`, which
        separates ids of one kind in one request; 12 hold 60 bits of randomness.

        Ids sort by time, since lists are read in that order and indexes grow best at one end.
        """
        # BLAKE2b has a key built in and is faster than HMAC: an id is made in every request.
        digest = blake2b(f"id:{prefix}:{ordinal}".encode(), key=self.seed, digest_size=8).digest()
        random = int.from_bytes(digest, "big") & _RANDOM_MASK
        # Ten bits are the two digits; later ordinals still differ by the hash, and only lose their order.
        number = (self.now << 10 | min(ordinal, 1023)) << _RANDOM_BITS | random
        # One loop over all digits: an id is made in every request.
        digits = ""
        while len(digits) < _ID_DIGITS:
            digits = _PAIRS[number & 1023] + digits
            number >>= 10
        return f"{prefix}_{digits}"

    def at_least(self, instant: Instant) -> RequestContext:
        """Return this context, moved to right after `instant` where that is later: clocks of processes differ, but the
        events of one contact must have one order."""
        # One microsecond is the smallest step that ids can order.
        return self if self.now > instant else replace(self, now=instant + 1)

    def new_secret(self, prefix: str) -> str:
        """Make a session token, identity key or API key: `prefix_` and 256 bits in hexadecimal."""
        # The `secret:` label separates it from ids: the hash of one is of no use for the other.
        return f"{prefix}_{blake2b(f'secret:{prefix}'.encode(), key=self.seed, digest_size=32).hexdigest()}"


def timestamp_of(id: str) -> Instant | None:
    """Decode the time of an id, by the clock of the process that made it. None for text that `RequestContext.new_id`
    has not made."""
    digits = id.partition("_")[2]
    if len(digits) != _ID_DIGITS or not set(digits) <= set(_ALPHABET):
        return None
    instant = 0
    for digit in digits[:_TIME_DIGITS]:
        instant = instant << 5 | _ALPHABET.index(digit)
    return instant


def secret_digest(secret: str) -> str:
    """Hash a secret for storage with SHA-256. No slow hash is needed: 256 random bits cannot be guessed."""
    # Headers may hold anything: a lone surrogate gives an unknown digest, and no crash.
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


# Two digits at a time: half the steps of the loop in `new_id`.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]

"""Two digits of base 32, by their value."""
