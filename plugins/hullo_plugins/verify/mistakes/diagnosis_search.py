"""A search for what a signer did: every likely mistake, then two at once, then three."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from typing import Final, Protocol, TypeVar

from hullo.plugin import Value
from hullo_plugins.verify.mistakes.mistakes import SigningMistake

MAX_ATTEMPTS: Final = 3000
"""How many digests are computed for one piece of evidence at most."""


class Variant(Value, kw_only=False):
    """Bytes that may have been taken for the key, for the value or for the digest, and which slips that would be."""

    data: bytes
    mistakes: tuple[SigningMistake, ...] = ()


class DigestMethod(Value, kw_only=False):
    """A way to make a digest of a key and a value."""

    digest: Callable[[bytes, bytes], bytes]
    mistakes: tuple[SigningMistake, ...] = ()


class _HasMistakes(Protocol):
    @property
    def mistakes(self) -> tuple[SigningMistake, ...]: ...


Choice = TypeVar("Choice", bound=_HasMistakes)


def find_mistakes(
    digests: Sequence[Variant], keys: Sequence[Variant], values: Sequence[Variant], methods: Sequence[DigestMethod]
) -> tuple[SigningMistake, ...] | None:
    """The fewest slips that explain what was sent; an empty answer says that it is right, None that nothing fits."""
    if not digests:
        return None
    for key, value, way in islice(_combinations(keys, values, methods), MAX_ATTEMPTS):
        digest = way.digest(key.data, value.data)
        for sent in digests:
            if hmac.compare_digest(digest, sent.data):
                return (*sent.mistakes, *key.mistakes, *value.mistakes, *way.mistakes)
    return None


def _combinations(
    keys: Sequence[Variant], values: Sequence[Variant], ways: Sequence[DigestMethod]
) -> Iterator[tuple[Variant, Variant, DigestMethod]]:
    """Every combination, those with the fewest slips first."""
    by_key, by_value, by_way = _by_mistake_count(keys), _by_mistake_count(values), _by_mistake_count(ways)
    ranks = product(range(len(by_key)), range(len(by_value)), range(len(by_way)))
    for key, value, way in sorted(ranks, key=sum):
        yield from product(by_key[key], by_value[value], by_way[way])


def _by_mistake_count(choices: Sequence[Choice]) -> list[list[Choice]]:
    """Group choices by the number of their mistakes, from none on."""
    most = max((len(choice.mistakes) for choice in choices), default=0)
    return [[choice for choice in choices if len(choice.mistakes) == count] for count in range(most + 1)]
