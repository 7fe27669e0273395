"""Compare two contacts: give the reasons why they may be one person, and a score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Final

from hullo.plugin import EXTERNAL_ID, Contact, Fact, Standing, Value, identifier_facts, is_e164
from hullo_plugins.duplicates.features import BlockingKey, FeatureKind, Features, extract_features
from hullo_plugins.duplicates.mailboxes import Similarity, similarity

KeyFilter = Callable[[BlockingKey], bool]
"""Returns whether a shared key is evidence that two contacts are one person."""

PHONE_WEIGHT: Final = 0.8
NAME_AND_COMPANY_WEIGHT: Final = 0.7
BROWSER_WEIGHT: Final = 0.2
EMAIL_WEIGHTS: Final = {Similarity.SAME: 0.9, Similarity.TYPO_IN_DOMAIN: 0.75, Similarity.TYPO_IN_NAME: 0.65}

DISTINCT_IDS_FACTOR: Final = 0.8
"""The factor of the score where the site itself has given the two contacts different ids."""


class Reason(Value):
    """A reason to suggest a pair. `weight` is the score that this reason gives alone, from 0 to 1."""

    kind: FeatureKind
    words: str
    weight: float


BROWSER_REASON: Final = Reason(
    kind="browser", words="one browser was used by both, as families and shops share one too", weight=BROWSER_WEIGHT
)


class DuplicateSuggestion(Value):
    """A pair of contacts that may be one person.

    `first` is the contact that a merge should keep: the better proven one, then the older one. `score` is from 0 to 1
    and combines the weights of the reasons as independent evidence: 1 - (1 - w1)(1 - w2)... `remark` is the evidence
    against one person, which lowers the score; None where there is none.
    """

    first: Contact
    second: Contact
    score: float
    reasons: tuple[Reason, ...]
    remark: str | None = None


def any_key(key: BlockingKey) -> bool:  # noqa: ARG001 - the signature of a KeyFilter
    """Accept every key, as a `KeyFilter`."""
    return True


def compare(
    one: Contact, other: Contact, is_informative: KeyFilter = any_key, *, share_browser: bool = False
) -> DuplicateSuggestion | None:
    """Compare two contacts, in either order. Returns None where there is no reason to take them for one person.

    `share_browser`: one browser was used by both (C5).
    """
    first, second = sorted((one, other), key=_survivor_order)
    ours, theirs = extract_features(first), extract_features(second)
    found = (
        _phone_reason(ours, theirs, is_informative),
        _name_and_company_reason(first, ours, theirs, is_informative),
        _email_reason(ours, theirs, is_informative),
        BROWSER_REASON if share_browser else None,
    )
    reasons = tuple(reason for reason in found if reason is not None)
    if not reasons:
        return None
    score = 1 - prod(1 - reason.weight for reason in reasons)
    remark = _distinct_ids_remark(first, second)
    if remark is not None:
        score *= DISTINCT_IDS_FACTOR
    return DuplicateSuggestion(first=first, second=second, score=round(score, 3), reasons=reasons, remark=remark)


def _survivor_order(contact: Contact) -> tuple[int, int, str]:
    return -contact.standing, contact.created_at, contact.id


def _phone_reason(ours: Features, theirs: Features, is_informative: KeyFilter) -> Reason | None:
    for phone in ours.phones:
        if phone in theirs.phones and is_informative(("phone", phone)) and is_e164(phone):
            return Reason(kind="phone", words=f"the same phone: {phone}", weight=PHONE_WEIGHT)
    return None


def _name_and_company_reason(
    first: Contact, ours: Features, theirs: Features, is_informative: KeyFilter
) -> Reason | None:
    if (
        ours.name_and_company is None
        or ours.name_and_company != theirs.name_and_company
        or not is_informative(("name_and_company", ours.name_and_company))
    ):
        return None
    words = f"the same name and company: {first.profile['name'].value}, {first.profile['company'].value}"
    return Reason(kind="name_and_company", words=words, weight=NAME_AND_COMPANY_WEIGHT)


def _email_reason(ours: Features, theirs: Features, is_informative: KeyFilter) -> Reason | None:
    """Return the reason of the most similar emails."""
    return max(_email_reasons(ours, theirs, is_informative), key=lambda reason: reason.weight, default=None)


def _email_reasons(ours: Features, theirs: Features, is_informative: KeyFilter) -> Iterator[Reason]:
    for one, written in ours.mailboxes.items():
        for other, also_written in theirs.mailboxes.items():
            alike = similarity(one, other)
            if alike is not None and any(
                is_informative(("email", key)) for key in {*one.blocking_texts()} & {*other.blocking_texts()}
            ):
                words = f"emails that are {alike.value}: {written} and {also_written}"
                yield Reason(kind="email", words=words, weight=EMAIL_WEIGHTS[alike])


def _distinct_ids_remark(first: Contact, second: Contact) -> str | None:
    ours, theirs = _proven_id(first), _proven_id(second)
    if ours is None or theirs is None:
        return None
    return f"the site has two ids for them, both proven (C2): {ours.value} and {theirs.value}"


def _proven_id(contact: Contact) -> Fact | None:
    return next((fact for fact in identifier_facts(contact, EXTERNAL_ID) if fact.standing is Standing.PROVEN), None)
