"""The names of a contact: of each kind one that is shown, and further ones by which it is found as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from hullo.model.contact import Contact, identifier_of
from hullo.model.fact import Fact
from hullo.model.identifier import Identifier
from hullo.model.instant import Instant

SecondaryIdentifiers = Mapping[str, tuple[Fact, ...]]


def set_primary_identifier(contact: Contact, kind: str, fact: Fact) -> Contact:
    """The contact with this for its primary identifier of the kind.

    A further one of its own changes places with the primary; any other takes the primary's place, which is not the
    contact's any more then (W7).
    """
    key, primary = identifier_of(kind, fact).key, contact.identifiers.get(kind)
    further = contact.also.get(kind, ())
    rest = tuple(each for each in further if identifier_of(kind, each).key != key)
    if len(rest) < len(further) and primary is not None:
        rest = (primary, *rest)
    return replace(contact, identifiers={**contact.identifiers, kind: fact}, also=_with_kind(contact.also, kind, rest))


def replace_identifier(contact: Contact, kind: str, old: Fact, new: Fact) -> Contact:
    """The contact with `fact` in the place of `held`, wherever among its names of the kind that is."""
    if contact.identifiers.get(kind) is old:
        return replace(contact, identifiers={**contact.identifiers, kind: new})
    further = tuple(new if each is old else each for each in contact.also.get(kind, ()))
    return replace(contact, also=_with_kind(contact.also, kind, further))


def with_identifiers(contact: Contact, kind: str, facts: Iterable[Fact]) -> Contact:
    """The contact with just these names of the kind, the primary one first; with none, it has no name of that kind."""
    names = tuple(facts)
    identifiers = {each: fact for each, fact in contact.identifiers.items() if each != kind}
    if names:
        identifiers[kind] = names[0]
    return replace(contact, identifiers=identifiers, also=_with_kind(contact.also, kind, names[1:]))


def identifier_facts(contact: Contact, kind: str) -> tuple[Fact, ...]:
    """The contact's names of the kind, the primary one first."""
    primary = contact.identifiers.get(kind)
    return (*(() if primary is None else (primary,)), *contact.also.get(kind, ()))


def without_identifiers(contact: Contact, removed: Iterable[Identifier], at: Instant) -> Contact:
    """The contact after identifiers of its own went to somebody else. Where that was the primary one, the next moves
    up."""
    gone = {id(fact) for fact in map(contact.identifier_fact, removed) if fact is not None}
    for kind in {*contact.identifiers, *contact.also}:
        held = identifier_facts(contact, kind)
        left = tuple(fact for fact in held if id(fact) not in gone)
        if len(left) < len(held):
            contact = with_identifiers(contact, kind, left)
    return replace(contact, updated_at=at)


def _with_kind(identifiers: SecondaryIdentifiers, kind: str, facts: tuple[Fact, ...]) -> dict[str, tuple[Fact, ...]]:
    rest = {each: held for each, held in identifiers.items() if each != kind}
    return {**rest, kind: facts} if facts else rest
