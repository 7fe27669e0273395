"""Identifiers of a contact: of each kind one primary, and secondary ones that matching uses too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from hullo.model.contact import Contact, identifier_of
from hullo.model.fact import Fact
from hullo.model.identifier import Identifier
from hullo.model.instant import Instant

SecondaryIdentifiers = Mapping[str, tuple[Fact, ...]]


def set_primary_identifier(contact: Contact, kind: str, fact: Fact) -> Contact:
    """Make `fact` the primary identifier of the kind.

    A secondary identifier of the contact swaps places with the primary one; any other replaces the primary one, which
    the contact loses (W7), save one by which a record is joined: it is not the contact's to lose (J).
    """
    key, primary = identifier_of(kind, fact).key, contact.identifiers.get(kind)
    secondary = contact.also.get(kind, ())
    # Compared by match key: another spelling of the same email is the same identifier (M2).
    others = tuple(fact for fact in secondary if identifier_of(kind, fact).key != key)
    if primary is not None and (len(others) < len(secondary) or primary.joined_by is not None):
        others = (primary, *others)
    return replace(
        contact, identifiers={**contact.identifiers, kind: fact}, also=_with_kind(contact.also, kind, others)
    )


def replace_identifier(contact: Contact, kind: str, old: Fact, new: Fact) -> Contact:
    """Replace `old` by `new` at its place among the identifiers of the kind."""
    # By identity: equal facts could stand in two places, and only one of them is meant.
    if contact.identifiers.get(kind) is old:
        return replace(contact, identifiers={**contact.identifiers, kind: new})
    secondary = tuple(new if fact is old else fact for fact in contact.also.get(kind, ()))
    return replace(contact, also=_with_kind(contact.also, kind, secondary))


def with_identifiers(contact: Contact, kind: str, facts: Iterable[Fact]) -> Contact:
    """Replace all identifiers of the kind, the primary one first; with no facts, remove the kind."""
    names = tuple(facts)
    identifiers = {name: fact for name, fact in contact.identifiers.items() if name != kind}
    if names:
        identifiers[kind] = names[0]
    return replace(contact, identifiers=identifiers, also=_with_kind(contact.also, kind, names[1:]))


def identifier_facts(contact: Contact, kind: str) -> tuple[Fact, ...]:
    """List the contact's identifiers of the kind, the primary one first."""
    primary = contact.identifiers.get(kind)
    return (*(() if primary is None else (primary,)), *contact.also.get(kind, ()))


def without_identifiers(contact: Contact, removed: Iterable[Identifier], at: Instant) -> Contact:
    """Remove identifiers that another contact takes over. After a primary one the next moves up."""
    # By object identity: facts with equal values may differ in standing, and only one of them is meant.
    removed_ids = {id(fact) for fact in map(contact.identifier_fact, removed) if fact is not None}
    for kind in {*contact.identifiers, *contact.also}:
        facts = identifier_facts(contact, kind)
        remaining = tuple(fact for fact in facts if id(fact) not in removed_ids)
        if len(remaining) < len(facts):
            contact = with_identifiers(contact, kind, remaining)
    return replace(contact, updated_at=at)


def _with_kind(identifiers: SecondaryIdentifiers, kind: str, facts: tuple[Fact, ...]) -> dict[str, tuple[Fact, ...]]:
    others = {name: held for name, held in identifiers.items() if name != kind}
    # An empty tuple is dropped, so that equal contacts compare equal (W9).
    return {**others, kind: facts} if facts else others
