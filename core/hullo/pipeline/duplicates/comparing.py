"""Two contacts side by side: why they may be one person, and how much that says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Final

from hullo.model.contact import Contact
from hullo.model.fact import Fact
from hullo.model.identifier import EXTERNAL_ID
from hullo.model.phone import is_e164
from hullo.model.standing import Standing
from hullo.pipeline.duplicates.mailboxes import Likeness, likeness
from hullo.pipeline.duplicates.traits import Key, Kind, Traits, traits_of
from hullo.pipeline.naming import names_of

Tells = Callable[[Key], bool]
"""Whether it says anything that two contacts have this in common."""

SAME_PHONE: Final = 0.8
SAME_PERSON: Final = 0.7
ALIKE: Final = {Likeness.SAME: 0.9, Likeness.SLIP_IN_DOMAIN: 0.75, Likeness.SLIP_IN_NAME: 0.65}

TOLD_APART: Final = 0.8
"""What is left of the score where the site itself tells the two apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """`weight` is how much it says alone, from 0 to 1."""

    kind: Kind
    words: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A pair of contacts that may be one person, and nothing that was done about it.

    `first` is whom to keep, should they be: the better proven, then the older one. `score` is 0 to 1: each further
    reason takes away from what still speaks against it. `remark` is what does speak against it.
    """

    first: Contact
    second: Contact
    score: float
    reasons: tuple[Reason, ...]
    remark: str | None = None


def whatever(key: Key) -> bool:  # noqa: ARG001 - whatever it is
    """As `Tells`: everything does."""
    return True


def compared(one: Contact, other: Contact, tells: Tells = whatever) -> Suggestion | None:
    """The same whichever is named first. None where there is no reason to take them for one."""
    first, second = sorted((one, other), key=_to_keep)
    ours, theirs = traits_of(first), traits_of(second)
    found = (_same_phone(ours, theirs, tells), _same_person(first, ours, theirs, tells), _alike(ours, theirs, tells))
    reasons = tuple(reason for reason in found if reason is not None)
    if not reasons:
        return None
    score = 1 - prod(1 - reason.weight for reason in reasons)
    remark = _told_apart(first, second)
    if remark is not None:
        score *= TOLD_APART
    return Suggestion(first=first, second=second, score=round(score, 3), reasons=reasons, remark=remark)


def _to_keep(contact: Contact) -> tuple[int, int, str]:
    return -contact.standing, contact.created_at, contact.id


def _same_phone(ours: Traits, theirs: Traits, tells: Tells) -> Reason | None:
    for phone in ours.phones:
        if phone in theirs.phones and tells(("phone", phone)) and is_e164(phone):
            return Reason(kind="phone", words=f"the same phone: {phone}", weight=SAME_PHONE)
    return None


def _same_person(first: Contact, ours: Traits, theirs: Traits, tells: Tells) -> Reason | None:
    if ours.person is None or ours.person != theirs.person or not tells(("name_and_company", ours.person)):
        return None
    words = f"the same name and company: {first.profile['name'].value}, {first.profile['company'].value}"
    return Reason(kind="name_and_company", words=words, weight=SAME_PERSON)


def _alike(ours: Traits, theirs: Traits, tells: Tells) -> Reason | None:
    """The best of what their emails have in common."""
    return max(_alike_emails(ours, theirs, tells), key=lambda reason: reason.weight, default=None)


def _alike_emails(ours: Traits, theirs: Traits, tells: Tells) -> Iterator[Reason]:
    for one, written in ours.mailboxes.items():
        for other, also_written in theirs.mailboxes.items():
            alike = likeness(one, other)
            if alike is not None and any(tells(("email", key)) for key in {*one.nearby()} & {*other.nearby()}):
                words = f"emails that are {alike.value}: {written} and {also_written}"
                yield Reason(kind="email", words=words, weight=ALIKE[alike])


def _told_apart(first: Contact, second: Contact) -> str | None:
    ours, theirs = _proven_id(first), _proven_id(second)
    if ours is None or theirs is None:
        return None
    return f"the site has two ids for them, both proven (C2): {ours.value} and {theirs.value}"


def _proven_id(contact: Contact) -> Fact | None:
    return next((fact for fact in names_of(contact, EXTERNAL_ID) if fact.standing is Standing.PROVEN), None)
