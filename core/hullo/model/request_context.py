"""What a request may not make up by itself: the time, and fresh ids and secrets."""

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
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is read as another."""


def system_clock() -> Instant:
    """The clock used unless another is handed in."""
    return time.time_ns() // 1000


class RequestContext(Value, secrets=("seed",)):
    """The time and the source of ids of one request, fixed before it is decided.

    The same moment gives the same ids however often it is asked, so a decision that is taken again on a fresh
    snapshot names the same new contact. Everything is derived from `seed` by a keyed hash: an id that is shown
    to the world says nothing about a secret from the same seed.
    """

    now: Instant
    seed: bytes

    @classmethod
    def at(cls, now: Instant) -> RequestContext:
        """A moment with a fresh random seed."""
        return cls(now=now, seed=secrets.token_bytes(SEED_BYTES))

    def new_id(self, prefix: str, ordinal: int = 0) -> str:
        """`prefix_` and 26 characters: 12 order ids by time, to the microsecond, 2 by `ordinal`, which tells apart
        several ids of one kind in one request, and 12 hold 60 bits of randomness.

        In the order of time, since lists are read in it and indexes grow best at one end.
        """
        digest = blake2b(f"id:{prefix}:{ordinal}".encode(), key=self.seed, digest_size=8).digest()
        order = _base32(self.now, _TIME_DIGITS) + _base32(min(ordinal, 1023), 2)
        return f"{prefix}_{order}{_base32(int.from_bytes(digest, 'big'), 12)}"

    def at_least(self, instant: Instant) -> RequestContext:
        """The same moment, or the one right after `instant`, when that is later: clocks of several processes differ,
        and what happened to one contact is to be in one order."""
        return self if self.now > instant else replace(self, now=instant + 1)

    def new_secret(self, prefix: str) -> str:
        """`prefix_` and 256 bits in hexadecimal: a session token, an identity key, an API key."""
        return f"{prefix}_{blake2b(f'secret:{prefix}'.encode(), key=self.seed, digest_size=32).hexdigest()}"


def timestamp_of(id: str) -> Instant | None:
    """When an id was made, by the clock of the process that did. None for what `Moment.new_id` has not made."""
    digits = id.partition("_")[2]
    if len(digits) != _ID_DIGITS or not set(digits) <= set(_ALPHABET):
        return None
    instant = 0
    for digit in digits[:_TIME_DIGITS]:
        instant = instant << 5 | _ALPHABET.index(digit)
    return instant


def secret_digest(secret: str) -> str:
    """What is stored of a secret: its SHA-256. Enough for a 256-bit secret, which cannot be guessed from it."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def _base32(number: int, length: int) -> str:
    """`length` digits, which is even, the most significant first."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(5 * length - 10, -1, -10)])
