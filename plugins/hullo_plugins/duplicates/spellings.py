"""List likely variants of an email address, to look them up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hullo.plugin import email_key
from hullo_plugins.duplicates.edit_distance import single_edits
from hullo_plugins.duplicates.mailboxes import parse_mailbox, strip_tag
from hullo_plugins.duplicates.stopwords import DOMAIN_ALIASES

_SEPARATORS: Final = "._-"


def email_variants(email: str) -> Iterator[str]:
    """Yield the addresses similar to an email that can be listed: without a tag, and with one added separator at most.

    There may be some thousands, and some come twice. Yields none for an address that `parse_mailbox` rejects.
    """
    mailbox = parse_mailbox(email)
    if mailbox is None:
        return
    written = strip_tag(email_key(email).partition("@")[0])
    domains = (mailbox.domain, *(alias for alias, domain in DOMAIN_ALIASES.items() if domain == mailbox.domain))
    yield from (f"{name}@{domain}" for domain in domains for name in (written, *_separated(mailbox.name)))
    for name in {written: None, mailbox.name: None}:
        if mailbox.is_long:
            yield from (f"{slip}@{mailbox.domain}" for slip in single_edits(name, 1))
        if mailbox.is_domain_distinctive:
            yield from (f"{name}@{slip}" for slip in single_edits(mailbox.domain))


def _separated(name: str) -> Iterator[str]:
    yield name
    for index in range(1, len(name)):
        yield from (name[:index] + separator + name[index:] for separator in _SEPARATORS)
