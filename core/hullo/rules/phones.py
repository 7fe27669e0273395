"""Phones of a contact: one primary, and secondary ones."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from hullo.model.contact import Contact
from hullo.model.fact import Fact

PHONE: Final = "phone"


def all_phones(contact: Contact) -> tuple[Fact, ...]:
    """List all phones, the primary one first."""
    primary = contact.profile.get(PHONE)
    return (*(() if primary is None else (primary,)), *contact.phones)


def deduplicate_phones(before: Contact, after: Contact) -> Contact:
    """Remove duplicates after a write: a secondary phone that became primary swaps places with it; without a primary
    phone there are none."""
    # The former primary one changes places only if the new primary one came from the secondary ones.
    primary, was = (contact.profile.get(PHONE) for contact in (after, before))
    if primary is None:
        return replace(after, phones=())
    rest = tuple(fact for fact in after.phones if fact.value != primary.value)
    # A number from outside replaces the primary one, which is not kept then (W2).
    if len(rest) == len(after.phones) or was is None:
        return replace(after, phones=rest)
    return replace(after, phones=(was, *rest))
