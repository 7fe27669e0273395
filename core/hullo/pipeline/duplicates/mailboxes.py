"""Email addresses that may be one person's, though no rule may take them for one (M2): for suggestions alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from hullo.model.email import email_key
from hullo.model.identifier import names_nobody
from hullo.pipeline.duplicates.known import PROVIDERS, ROLES, SAME_DOMAIN
from hullo.pipeline.duplicates.slips import shortened, slip_between

LONG: Final = 8
"""A slip between shorter texts is as likely none: `jsmith` and `ksmith` are two."""

_SEPARATORS: Final = re.compile(r"[._-]+(?!\d)|(?<!\d)[._-]+")
"""All but those between digits, without which `4-11` and `41-1` would be one."""


class Likeness(Enum):
    """How alike two mailboxes are."""

    SAME = "one mailbox, but for dots or a tag"
    SLIP_IN_DOMAIN = "one slip apart in the domain"
    SLIP_IN_NAME = "one slip apart in the name"


class Mailbox(NamedTuple):
    """An address without what many servers overlook: dots, dashes and a `+tag` before the `@`."""

    name: str
    domain: str

    def nearby(self) -> Iterator[str]:
        """Texts of which two mailboxes that are alike have one in common; others may have, too."""
        yield f"{self.name}@{self.domain}"
        if self.long:
            yield from (f"{name}@{self.domain}" for name in shortened(self.name, 1))
        if self.domain_tells:
            yield from (f"{self.name}@{domain}" for domain in _shortened(self.domain))

    @property
    def long(self) -> bool:
        """Whether a slip in the name is likelier than another person; digits do not count."""
        return len(self.name) - sum(map(str.isdigit, self.name)) >= LONG

    @property
    def domain_tells(self) -> bool:
        """Whether a slip in the domain is likelier than another company."""
        return (len(self.domain) >= LONG and self.long) or _near_provider(self.domain)


def mailbox_of(email: str) -> Mailbox | None:
    """None for an address that is no one person's: `info@`, `null@`."""
    name, _, domain = email_key(email).partition("@")
    name = without_tag(name)
    if not name.isalnum():
        name = _SEPARATORS.sub("", name)
    if not domain or name in ROLES or names_nobody(name):
        return None
    return Mailbox(name, SAME_DOMAIN.get(domain, domain))


def without_tag(name: str) -> str:
    """What stands before a `+`."""
    return name.partition("+")[0]


def likeness(one: Mailbox, other: Mailbox) -> Likeness | None:
    """None where nothing speaks for one person."""
    if one == other:
        return Likeness.SAME
    if one.domain == other.domain:
        return Likeness.SLIP_IN_NAME if _alike_names(one, other) else None
    if one.name == other.name and _alike_domains(one, other):
        return Likeness.SLIP_IN_DOMAIN
    return None


def _alike_names(one: Mailbox, other: Mailbox) -> bool:
    slip = slip_between(one.name, other.name) if one.long and other.long else None
    # Hardly anybody slips at the first letter, and in front of a surname it is somebody else's.
    return slip is not None and slip.at > 0 and not slip.digits


def _alike_domains(one: Mailbox, other: Mailbox) -> bool:
    slip = slip_between(one.domain, other.domain)
    if slip is None or slip.digits or _of_two_countries(one.domain, other.domain):
        return False
    known = (one.domain in PROVIDERS) + (other.domain in PROVIDERS)
    if known:
        return known == 1  # or each of them may well be meant: `mail.com` and `gmail.com`
    return one.domain_tells and other.domain_tells


def _of_two_countries(one: str, other: str) -> bool:
    ends = {domain.rpartition(".")[2] for domain in (one, other)}
    return len(ends) == 2 and all(len(end) == 2 for end in ends)


@lru_cache(maxsize=1024)
def _near_provider(domain: str) -> bool:
    """Whether it is a provider's, or one slip from that."""
    near = (each for text in (domain, *_shortened(domain)) for each in _PROVIDERS_NEARBY.get(text, ()))
    return any(domain == each or slip_between(domain, each) for each in near)


# Few domains have so many people that it is worth remembering them; those of providers have.
@lru_cache(maxsize=1024)
def _shortened(domain: str) -> tuple[str, ...]:
    return tuple(shortened(domain))


def _by_nearby_texts(domains: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for domain in domains:
        for text in {domain, *shortened(domain)}:
            found.setdefault(text, []).append(domain)
    return found


_PROVIDERS_NEARBY: Final = _by_nearby_texts(PROVIDERS)
