"""Email addresses that may be one person's, though no rule may take them for one (M2): for suggestions alone."""

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
"""A slip between shorter texts is as likely none: `jsmith` and `ksmith` are two."""

_SEPARATORS: Final = re.compile(r"[._-]+(?!\d)|(?<!\d)[._-]+")
"""All but those between digits, without which `4-11` and `41-1` would be one."""


class Similarity(Enum):
    """How alike two mailboxes are."""

    SAME = "one mailbox, but for dots or a tag"
    TYPO_IN_DOMAIN = "one slip apart in the domain"
    TYPO_IN_NAME = "one slip apart in the name"


class Mailbox(NamedTuple):
    """An address without what many servers overlook: dots, dashes and a `+tag` before the `@`."""

    name: str
    domain: str

    def blocking_texts(self) -> Iterator[str]:
        """Texts of which two mailboxes that are alike have one in common; others may have, too."""
        yield f"{self.name}@{self.domain}"
        if self.is_long:
            yield from (f"{name}@{self.domain}" for name in deletions(self.name, 1))
        if self.is_domain_distinctive:
            yield from (f"{self.name}@{domain}" for domain in _cached_deletions(self.domain))

    @property
    def is_long(self) -> bool:
        """Whether a slip in the name is likelier than another person; digits do not count."""
        return len(self.name) - sum(map(str.isdigit, self.name)) >= MIN_TYPO_LENGTH

    @property
    def is_domain_distinctive(self) -> bool:
        """Whether a slip in the domain is likelier than another company."""
        return (len(self.domain) >= MIN_TYPO_LENGTH and self.is_long) or _is_near_provider(self.domain)


def parse_mailbox(email: str) -> Mailbox | None:
    """None for an address that is no one person's: `info@`, `null@`."""
    name, _, domain = email_key(email).partition("@")
    name = strip_tag(name)
    if not name.isalnum():
        name = _SEPARATORS.sub("", name)
    if not domain or name in ROLE_NAMES or is_non_identity(name):
        return None
    return Mailbox(name, DOMAIN_ALIASES.get(domain, domain))


def strip_tag(name: str) -> str:
    """What stands before a `+`."""
    return name.partition("+")[0]


def similarity(one: Mailbox, other: Mailbox) -> Similarity | None:
    """None where nothing speaks for one person."""
    if one == other:
        return Similarity.SAME
    if one.domain == other.domain:
        return Similarity.TYPO_IN_NAME if _are_names_similar(one, other) else None
    if one.name == other.name and _are_domains_similar(one, other):
        return Similarity.TYPO_IN_DOMAIN
    return None


def _are_names_similar(one: Mailbox, other: Mailbox) -> bool:
    slip = single_edit(one.name, other.name) if one.is_long and other.is_long else None
    # Hardly anybody slips at the first letter, and in front of a surname it is somebody else's.
    return slip is not None and slip.position > 0 and not slip.has_digits


def _are_domains_similar(one: Mailbox, other: Mailbox) -> bool:
    slip = single_edit(one.domain, other.domain)
    if slip is None or slip.has_digits or _of_two_countries(one.domain, other.domain):
        return False
    known = (one.domain in MAIL_PROVIDERS) + (other.domain in MAIL_PROVIDERS)
    if known:
        return known == 1  # or each of them may well be meant: `mail.com` and `gmail.com`
    return one.is_domain_distinctive and other.is_domain_distinctive


def _of_two_countries(one: str, other: str) -> bool:
    ends = {domain.rpartition(".")[2] for domain in (one, other)}
    return len(ends) == 2 and all(len(end) == 2 for end in ends)


@lru_cache(maxsize=1024)
def _is_near_provider(domain: str) -> bool:
    """Whether it is a provider's, or one slip from that."""
    near = (each for text in (domain, *_cached_deletions(domain)) for each in _PROVIDERS_NEARBY.get(text, ()))
    return any(domain == each or single_edit(domain, each) for each in near)


# Few domains have so many people that it is worth remembering them; those of providers have.
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
