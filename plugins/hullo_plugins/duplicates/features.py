"""Extract the features of a contact that may show it to be the same person as another contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from hullo.plugin import EMAIL, Contact, Value, all_phones, has_e164_format, identifier_facts
from hullo_plugins.duplicates.mailboxes import Mailbox, parse_mailbox
from hullo_plugins.duplicates.persons import name_and_company_key

FeatureKind = Literal["phone", "name_and_company", "email", "browser"]
FEATURE_KINDS: Final[tuple[FeatureKind, ...]] = ("phone", "name_and_company", "email", "browser")

BlockingKey = tuple[FeatureKind, str]
"""A kind and a text. Two contacts are compared only if they share a blocking key."""


class Features(Value):
    """The features of a contact.

    `phones` are those with the format of E.164; `compare` validates them only where two are equal. `mailboxes` maps
    normalized addresses to the emails as written.
    """

    phones: tuple[str, ...]
    name_and_company: str | None
    mailboxes: Mapping[Mailbox, str]


def extract_features(contact: Contact) -> Features:
    """Extract the features of a contact. Values that are blank or identify no person are left out."""
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
    """Return the blocking keys of a contact: a handful, or some twenty where it has an email.

    Every contact that `compare` suggests with this one shares one of them.
    """
    traits = extract_features(contact)
    keys: set[BlockingKey] = {("phone", phone) for phone in traits.phones}
    if traits.name_and_company is not None:
        keys.add(("name_and_company", traits.name_and_company))
    for mailbox in traits.mailboxes:
        keys.update(("email", text) for text in mailbox.blocking_texts())
    return keys


def contact_emails(contact: Contact) -> tuple[str, ...]:
    """Return the emails of a contact, the primary one first. Without an email identifier: the email of its profile."""
    facts = identifier_facts(contact, EMAIL)
    if not facts and (plain := contact.profile.get(EMAIL)) is not None:
        facts = (plain,)
    return tuple(str(fact.value) for fact in facts)
