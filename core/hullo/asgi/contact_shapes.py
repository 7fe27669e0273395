"""The shape of a contact, as servers and the command line are shown it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hullo.asgi.shapes import Shape
from hullo.hooks.writes import identifier_field
from hullo.model.app import AppId
from hullo.model.claim import CUSTOM_DATA, PROFILE_FIELDS
from hullo.model.contact import Contact, ContactId
from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL
from hullo.model.instant import rfc3339
from hullo.pipeline.naming import names_of
from hullo.pipeline.people.lists import EMAILS, PHONES
from hullo.pipeline.people.tagging import TAGS, tag_field
from hullo.pipeline.phones import phones_of

IDENTIFIERS = "identifiers"


def contact_shape(contact: Contact, *, asked: ContactId | None = None, provenance: bool = False) -> Shape:
    """A contact. `asked` is the id that it was asked for by: one of somebody whom it absorbed is told so (G3)."""
    shape: Shape = {"id": contact.id, "external_id": contact.external_id, "email": contact.email}
    for field in PROFILE_FIELDS:
        shape[field] = _value(contact.profile.get(field))
    shape[EMAILS] = [fact.value for fact in _emails(contact)]
    shape[PHONES] = [fact.value for fact in phones_of(contact)]
    shape[IDENTIFIERS] = {kind: [fact.value for fact in names_of(contact, kind)] for kind in _kinds(contact)}
    shape[TAGS] = sorted(contact.tags)
    shape[CUSTOM_DATA] = {
        app_id: {key: fact.value for key, fact in block.items()}
        for app_id, block in contact.custom_data.items()
        if block
    }
    shape["standing"] = contact.standing.word
    shape["created_at"] = rfc3339(contact.created_at)
    shape["updated_at"] = rfc3339(contact.updated_at)
    shape["last_seen_at"] = rfc3339(contact.last_seen_at)
    if asked not in {None, contact.id}:
        shape["merged_into"] = contact.id
    if provenance:
        custom = ((f"{CUSTOM_DATA}.{app}.{key}", fact) for app, key, fact in _custom_facts(contact))
        shape["provenance"] = {field: _origin(fact) for field, fact in (*own_facts(contact), *custom)}
    return shape


def own_facts(contact: Contact) -> Iterator[tuple[str, Fact]]:
    """Every value but custom data, by a name that says where it stands in the shape: of several ones the first by its
    own name, the second as `emails.1`."""
    yield from ((identifier_field(kind), fact) for kind, fact in contact.identifiers.items())
    yield from contact.profile.items()
    yield from _further(EMAILS, names_of(contact, EMAIL))
    yield from _further(PHONES, phones_of(contact))
    for kind in _kinds(contact):
        yield from _further(f"{IDENTIFIERS}.{kind}", names_of(contact, kind))
    yield from ((tag_field(tag), fact) for tag, fact in sorted(contact.tags.items()))


def _custom_facts(contact: Contact) -> Iterator[tuple[AppId, str, Fact]]:
    for app_id, block in contact.custom_data.items():
        yield from ((app_id, key, fact) for key, fact in block.items())


def _further(field: str, facts: tuple[Fact, ...]) -> Iterator[tuple[str, Fact]]:
    yield from ((f"{field}.{number}", fact) for number, fact in enumerate(facts) if number)


def _emails(contact: Contact) -> tuple[Fact, ...]:
    """A plain value, where nobody is found by email."""
    plain = contact.profile.get(EMAIL)
    return names_of(contact, EMAIL) or (() if plain is None else (plain,))


def _kinds(contact: Contact) -> list[str]:
    return [kind for kind in dict.fromkeys((*contact.identifiers, *contact.also)) if kind != EMAIL]


def _origin(fact: Fact) -> Mapping[str, object]:
    return {"standing": fact.standing.word, "at": rfc3339(fact.at), "by": fact.by}


def _value(fact: Fact | None) -> object:
    return None if fact is None else fact.value
