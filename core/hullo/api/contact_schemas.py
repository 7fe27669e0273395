"""The shape of a contact, as servers and the command line are shown it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hullo.api.schemas import JsonObject
from hullo.model.app import AppId
from hullo.model.claim import CUSTOM_DATA, PROFILE_FIELDS
from hullo.model.contact import Contact, ContactId
from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL
from hullo.model.instant import format_rfc3339
from hullo.model.write import identifier_field
from hullo.operations.contacts.email_phone_lists import EMAILS, PHONES
from hullo.operations.contacts.tags import TAGS_FIELD, tag_field_name
from hullo.rules.identifiers import identifier_facts
from hullo.rules.phones import all_phones

IDENTIFIERS = "identifiers"


def contact_json(contact: Contact, *, requested_id: ContactId | None = None, provenance: bool = False) -> JsonObject:
    """A contact. `asked` is the id that it was asked for by: one of somebody whom it absorbed is told so (G3)."""
    shape: JsonObject = {"id": contact.id, "external_id": contact.external_id, "email": contact.email}
    for field in PROFILE_FIELDS:
        shape[field] = _value(contact.profile.get(field))
    shape[EMAILS] = [fact.value for fact in _email_facts(contact)]
    shape[PHONES] = [fact.value for fact in all_phones(contact)]
    shape[IDENTIFIERS] = {
        kind: [fact.value for fact in identifier_facts(contact, kind)] for kind in _other_identifier_kinds(contact)
    }
    shape[TAGS_FIELD] = sorted(contact.tags)
    shape[CUSTOM_DATA] = {
        app_id: {key: fact.value for key, fact in block.items()}
        for app_id, block in contact.custom_data.items()
        if block
    }
    shape["standing"] = contact.standing.label
    shape["created_at"] = format_rfc3339(contact.created_at)
    shape["updated_at"] = format_rfc3339(contact.updated_at)
    shape["last_seen_at"] = format_rfc3339(contact.last_seen_at)
    if requested_id not in {None, contact.id}:
        shape["merged_into"] = contact.id
    if provenance:
        custom = ((f"{CUSTOM_DATA}.{app}.{key}", fact) for app, key, fact in _custom_data_facts(contact))
        shape["provenance"] = {field: _origin(fact) for field, fact in (*contact_facts(contact), *custom)}
    return shape


def contact_facts(contact: Contact) -> Iterator[tuple[str, Fact]]:
    """Every value but custom data, by a name that says where it stands in the shape: of several ones the first by its
    own name, the second as `emails.1`."""
    yield from ((identifier_field(kind), fact) for kind, fact in contact.identifiers.items())
    yield from contact.profile.items()
    yield from _numbered_facts(EMAILS, identifier_facts(contact, EMAIL))
    yield from _numbered_facts(PHONES, all_phones(contact))
    for kind in _other_identifier_kinds(contact):
        yield from _numbered_facts(f"{IDENTIFIERS}.{kind}", identifier_facts(contact, kind))
    yield from ((tag_field_name(tag), fact) for tag, fact in sorted(contact.tags.items()))


def _custom_data_facts(contact: Contact) -> Iterator[tuple[AppId, str, Fact]]:
    for app_id, block in contact.custom_data.items():
        yield from ((app_id, key, fact) for key, fact in block.items())


def _numbered_facts(field: str, facts: tuple[Fact, ...]) -> Iterator[tuple[str, Fact]]:
    yield from ((f"{field}.{number}", fact) for number, fact in enumerate(facts) if number)


def _email_facts(contact: Contact) -> tuple[Fact, ...]:
    """A plain value, where nobody is found by email."""
    plain = contact.profile.get(EMAIL)
    return identifier_facts(contact, EMAIL) or (() if plain is None else (plain,))


def _other_identifier_kinds(contact: Contact) -> list[str]:
    return [kind for kind in dict.fromkeys((*contact.identifiers, *contact.also)) if kind != EMAIL]


def _origin(fact: Fact) -> Mapping[str, object]:
    return {"standing": fact.standing.label, "at": format_rfc3339(fact.at), "by": fact.by}


def _value(fact: Fact | None) -> object:
    return None if fact is None else fact.value
