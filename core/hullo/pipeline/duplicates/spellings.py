"""The addresses that somebody may have instead of one that is known, to look them up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hullo.model.email import email_key
from hullo.pipeline.duplicates.known import SAME_DOMAIN
from hullo.pipeline.duplicates.mailboxes import mailbox_of, without_tag
from hullo.pipeline.duplicates.slips import slipped

_SEPARATORS: Final = "._-"


def spellings_of(email: str) -> Iterator[str]:
    """Those that are alike, as far as they can be listed: without a tag, and with one dot or dash at most. There may be
    some thousands, and some come twice."""
    mailbox = mailbox_of(email)
    if mailbox is None:
        return
    written = without_tag(email_key(email).partition("@")[0])
    domains = (mailbox.domain, *(alias for alias, domain in SAME_DOMAIN.items() if domain == mailbox.domain))
    yield from (f"{name}@{domain}" for domain in domains for name in (written, *_separated(mailbox.name)))
    for name in {written: None, mailbox.name: None}:
        if mailbox.long:
            yield from (f"{slip}@{mailbox.domain}" for slip in slipped(name, 1))
        if mailbox.domain_tells:
            yield from (f"{name}@{slip}" for slip in slipped(mailbox.domain))


def _separated(name: str) -> Iterator[str]:
    yield name
    for index in range(1, len(name)):
        yield from (name[:index] + separator + name[index:] for separator in _SEPARATORS)
