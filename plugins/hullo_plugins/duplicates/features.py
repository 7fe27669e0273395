"""What of a contact may tell that it is somebody whom another contact is, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from hullo.plugin import EMAIL, Contact, Value, all_phones, has_e164_format, identifier_facts
from hullo_plugins.duplicates.mailboxes import Mailbox, parse_mailbox
from hullo_plugins.duplicates.persons import name_and_company_key

FeatureKind = Literal["phone", "name_and_company", "email"]
FEATURE_KINDS: Final[tuple[FeatureKind, ...]] = ("phone", "name_and_company", "email")

BlockingKey = tuple[FeatureKind, str]
"""What contacts must have in common to be compared at all."""


class Features(Value):
    """`phones` are those that look like E.164: whether they are is asked where two are the same. `mailboxes` are by
    what they come to, with how each is written."""

    phones: tuple[str, ...]
    name_and_company: str | None
    mailboxes: Mapping[Mailbox, str]


def extract_features(contact: Contact) -> Features:
    """What is blank or says nothing is left out."""
    profile = contact.profile
    name, company = profile.get("name"), profile.get("company")
    phones = dict.fromkeys(str(fact.value) for fact in all_phones(contact))
    return Features(
        phones=tuple(phone for phone in phones if has_e164_format(phone)),
        name_and_company=name_and_company_key(str(name.value), str(company.value))
        if name is not None and company is not None
        else None,
        mailboxes={
            mailbox: email
            for email in reversed(contact_emails(contact))
            if (mailbox := parse_mailbox(email)) is not None
        },
    )


def blocking_keys(contact: Contact) -> set[BlockingKey]:
    """A handful, or some twenty where there is an email: whoever is suggested with the contact has one of them, too."""
    traits = extract_features(contact)
    keys: set[BlockingKey] = {("phone", phone) for phone in traits.phones}
    if traits.name_and_company is not None:
        keys.add(("name_and_company", traits.name_and_company))
    for mailbox in traits.mailboxes:
        keys.update(("email", text) for text in mailbox.blocking_texts())
    return keys


def contact_emails(contact: Contact) -> tuple[str, ...]:
    """All of them, the first one first; the plain value, where nobody is found by email."""
    facts = identifier_facts(contact, EMAIL)
    if not facts and (plain := contact.profile.get(EMAIL)) is not None:
        facts = (plain,)
    return tuple(str(fact.value) for fact in facts)
