"""What of a contact may tell that it is somebody whom another contact is, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from hullo.model.contact import Contact
from hullo.model.identifier import EMAIL
from hullo.model.phone import looks_like_e164
from hullo.pipeline.duplicates.mailboxes import Mailbox, mailbox_of
from hullo.pipeline.duplicates.persons import person_key
from hullo.pipeline.naming import names_of
from hullo.pipeline.phones import phones_of

Kind = Literal["phone", "name_and_company", "email"]
KINDS: Final[tuple[Kind, ...]] = ("phone", "name_and_company", "email")

Key = tuple[Kind, str]
"""What contacts must have in common to be compared at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """`phones` are those that look like E.164: whether they are is asked where two are the same. `mailboxes` are by
    what they come to, with how each is written."""

    phones: tuple[str, ...]
    person: str | None
    mailboxes: Mapping[Mailbox, str]


def traits_of(contact: Contact) -> Traits:
    """What is blank or says nothing is left out."""
    profile = contact.profile
    name, company = profile.get("name"), profile.get("company")
    phones = dict.fromkeys(str(fact.value) for fact in phones_of(contact))
    return Traits(
        phones=tuple(phone for phone in phones if looks_like_e164(phone)),
        person=person_key(str(name.value), str(company.value)) if name is not None and company is not None else None,
        mailboxes={
            mailbox: email for email in reversed(emails_of(contact)) if (mailbox := mailbox_of(email)) is not None
        },
    )


def keys_of(contact: Contact) -> set[Key]:
    """A handful, or some twenty where there is an email: whoever is suggested with the contact has one of them, too."""
    traits = traits_of(contact)
    keys: set[Key] = {("phone", phone) for phone in traits.phones}
    if traits.person is not None:
        keys.add(("name_and_company", traits.person))
    for mailbox in traits.mailboxes:
        keys.update(("email", text) for text in mailbox.nearby())
    return keys


def emails_of(contact: Contact) -> tuple[str, ...]:
    """All of them, the first one first; the plain value, where nobody is found by email."""
    facts = names_of(contact, EMAIL)
    if not facts and (plain := contact.profile.get(EMAIL)) is not None:
        facts = (plain,)
    return tuple(str(fact.value) for fact in facts)
