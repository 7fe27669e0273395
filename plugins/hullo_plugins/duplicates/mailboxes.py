"""Compare email addresses that may belong to one person. For suggestions only: no rule may treat them as equal (M2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from hullo.plugin import email_key, is_non_identity
from hullo_plugins.duplicates.edit_distance import deletions, single_edit
from hullo_plugins.duplicates.stopwords import DOMAIN_ALIASES, MAIL_PROVIDERS, ROLE_NAMES

MIN_TYPO_LENGTH: Final = 8
"""The shortest text in which one edit counts as a typo. Shorter texts often differ on purpose: `jsmith`, `ksmith`."""

_SEPARATORS: Final = re.compile(r"[._-]+(?!\d)|(?<!\d)[._-]+")
"""Matches separators, except between two digits: without those `4-11` and `41-1` would be equal."""


class Similarity(Enum):
    """The ways in which two mailboxes are similar."""

    SAME = "one mailbox, but for dots or a tag"
    TYPO_IN_DOMAIN = "one slip apart in the domain"
    TYPO_IN_NAME = "one slip apart in the name"


class Mailbox(NamedTuple):
    """An address without the parts that many servers ignore: dots, dashes, underscores and a `+tag` before the `@`."""

    name: str
    domain: str

    def blocking_texts(self) -> Iterator[str]:
        """Yield the texts to block by. Similar mailboxes share at least one; sharing one does not prove similarity."""
        yield f"{self.name}@{self.domain}"
        if self.is_long:
            yield from (f"{name}@{self.domain}" for name in deletions(self.name, 1))
        if self.is_domain_distinctive:
            yield from (f"{self.name}@{domain}" for domain in _cached_deletions(self.domain))

    @property
    def is_long(self) -> bool:
        """Return whether one edit in the name is more likely a typo than another person. Digits add no length."""
        return len(self.name) - sum(map(str.isdigit, self.name)) >= MIN_TYPO_LENGTH

    @property
    def is_domain_distinctive(self) -> bool:
        """Return whether one edit in the domain is more likely a typo than another company."""
        return (len(self.domain) >= MIN_TYPO_LENGTH and self.is_long) or _is_near_provider(self.domain)


def parse_mailbox(email: str) -> Mailbox | None:
    """Parse and normalize an email. Returns None for an address of a role or of no person: `info@`, `null@`."""
    name, _, domain = email_key(email).partition("@")
    name = strip_tag(name)
    if not name.isalnum():
        name = _SEPARATORS.sub("", name)
    if not domain or name in ROLE_NAMES or is_non_identity(name):
        return None
    return Mailbox(name, DOMAIN_ALIASES.get(domain, domain))


def strip_tag(name: str) -> str:
    """Remove the first `+` of a mailbox name and the text after it."""
    return name.partition("+")[0]


def similarity(one: Mailbox, other: Mailbox) -> Similarity | None:
    """Classify how two mailboxes are similar. Returns None where they are not."""
    if one == other:
        return Similarity.SAME
    if one.domain == other.domain:
        return Similarity.TYPO_IN_NAME if _are_names_similar(one, other) else None
    if one.name == other.name and _are_domains_similar(one, other):
        return Similarity.TYPO_IN_DOMAIN
    return None


def _are_names_similar(one: Mailbox, other: Mailbox) -> bool:
    slip = single_edit(one.name, other.name) if one.is_long and other.is_long else None
    # Typos in the first letter are rare, and an initial before a surname tells two persons apart.
    return slip is not None and slip.position > 0 and not slip.has_digits


def _are_domains_similar(one: Mailbox, other: Mailbox) -> bool:
    slip = single_edit(one.domain, other.domain)
    if slip is None or slip.has_digits or _of_two_countries(one.domain, other.domain):
        return False
    known = (one.domain in MAIL_PROVIDERS) + (other.domain in MAIL_PROVIDERS)
    if known:
        return known == 1  # two providers may both be intended: `mail.com` and `gmail.com`
    return one.is_domain_distinctive and other.is_domain_distinctive


def _of_two_countries(one: str, other: str) -> bool:
    ends = {domain.rpartition(".")[2] for domain in (one, other)}
    return len(ends) == 2 and all(len(end) == 2 for end in ends)


@lru_cache(maxsize=1024)
def _is_near_provider(domain: str) -> bool:
    """Return whether the domain is that of a provider, or one edit away from one."""
    near = (provider for text in (domain, *_cached_deletions(domain)) for provider in _PROVIDERS_NEARBY.get(text, ()))
    return any(domain == provider or single_edit(domain, provider) for provider in near)


# A small cache is enough: only the domains of providers have so many contacts that caching pays.
@lru_cache(maxsize=1024)
def _cached_deletions(domain: str) -> tuple[str, ...]:
    return tuple(deletions(domain))


def _by_nearby_texts(domains: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for domain in domains:
        for text in {domain, *deletions(domain)}:
            found.setdefault(text, []).append(domain)
    return found


_PROVIDERS_NEARBY: Final = _by_nearby_texts(MAIL_PROVIDERS)
