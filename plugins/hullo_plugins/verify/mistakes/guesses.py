"""A search for what a signer did: every likely mistake, then two at once, then three."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Final, Protocol, TypeVar

from hullo_plugins.verify.mistakes.slips import Slip

ATTEMPTS_MOST: Final = 3000
"""Digests that are computed for one piece of evidence, whatever was sent."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Bytes that may have been taken for the key, for the value or for the digest, and which slips that would be."""

    data: bytes
    slips: tuple[Slip, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """A way to make a digest of a key and a value."""

    digest: Callable[[bytes, bytes], bytes]
    slips: tuple[Slip, ...] = ()


class _Sloppy(Protocol):
    @property
    def slips(self) -> tuple[Slip, ...]: ...


Choice = TypeVar("Choice", bound=_Sloppy)


def search(
    sent: Sequence[Guess], keys: Sequence[Guess], values: Sequence[Guess], ways: Sequence[Way]
) -> tuple[Slip, ...] | None:
    """The fewest slips that explain what was sent; an empty answer says that it is right, None that nothing fits."""
    if not sent:
        return None
    for key, value, way in islice(_attempts(keys, values, ways), ATTEMPTS_MOST):
        digest = way.digest(key.data, value.data)
        for each in sent:
            if hmac.compare_digest(digest, each.data):
                return (*each.slips, *key.slips, *value.slips, *way.slips)
    return None


def _attempts(
    keys: Sequence[Guess], values: Sequence[Guess], ways: Sequence[Way]
) -> Iterator[tuple[Guess, Guess, Way]]:
    """Every combination, those with the fewest slips first."""
    by_key, by_value, by_way = _ranked(keys), _ranked(values), _ranked(ways)
    ranks = product(range(len(by_key)), range(len(by_value)), range(len(by_way)))
    for key, value, way in sorted(ranks, key=sum):
        yield from product(by_key[key], by_value[value], by_way[way])


def _ranked(choices: Sequence[Choice]) -> list[list[Choice]]:
    """By how many slips each would be."""
    most = max((len(each.slips) for each in choices), default=0)
    return [[each for each in choices if len(each.slips) == count] for count in range(most + 1)]
