"""Whole lists of emails and phones, as servers write them: the first is primary, and values not in the list are
removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from msgspec.structs import replace

from hullo.errors import Invalid, Rejection
from hullo.hooks.manager import PluginManager
from hullo.model.claim import Claim
from hullo.model.contact import Contact
from hullo.model.decision_record import FieldVerdict, Step
from hullo.model.event import FieldChange
from hullo.model.fact import Fact, Scalar
from hullo.model.identifier import EMAIL, Identifier
from hullo.model.limits import Limits
from hullo.model.phone import normalise_phone
from hullo.model.write import Write
from hullo.pipeline.load import usable_identifiers
from hullo.pipeline.policy import WriteContext, WriteResult
from hullo.rules.identifiers import identifier_facts, with_identifiers
from hullo.rules.phones import PHONE, all_phones
from hullo.value import Value

EMAILS: Final = "emails"
PHONES: Final = "phones"
PRIMARY_FIELDS: Final[Mapping[str, str]] = {EMAILS: EMAIL, PHONES: PHONE}
"""Field of the first value of each list."""


class ContactLists(Value):
    """Lists to write. None: unchanged. Empty: remove all."""

    emails: tuple[str, ...] | None = None
    phones: tuple[str, ...] | None = None

    @property
    def is_given(self) -> bool:
        """Return whether there is a list to write."""
        return self.emails is not None or self.phones is not None

    @classmethod
    def from_body(cls, body: Mapping[str, object], limits: Limits) -> tuple[ContactLists, tuple[Rejection, ...]]:
        """Parse a decoded body; return the lists and the faults: invalid values are left out (W8).

        Raises `Invalid` when a list and its single field are both sent.
        """
        for several, alone in PRIMARY_FIELDS.items():
            # An error, not a fault: either of the two could be the one that was meant.
            if several in body and alone in body:
                reason = f"stands beside {several}, whose first one it is; send one of them"
                raise Invalid(Invalid.invalid_fields_detail, [Rejection(field=alone, reason=reason)])
        rejected: list[Rejection] = []
        return cls(
            emails=_parse_list(EMAILS, body, limits.emails, limits, rejected),
            phones=_parse_list(PHONES, body, limits.phones, limits, rejected),
        ), tuple(rejected)

    def email_identifiers(self, hooks: PluginManager, limits: Limits) -> tuple[Identifier, ...]:
        """Make the identifiers of the emails, without duplicates. Raises `Invalid` where no plugin matches by email."""
        identifiers: dict[str, Identifier] = {}
        for text in self.emails or ():
            usable, _ = usable_identifiers(Claim(email=text, email_as_sent=text), hooks, limits)
            email = next((identifier for identifier in usable if identifier.kind == EMAIL), None)
            if email is None:
                reason = "no plugin matches contacts by email here; send a single one, as email"
                raise Invalid(Invalid.invalid_fields_detail, [Rejection(field=EMAILS, reason=reason)])
            # By match key: two spellings of one address are one identifier (M2).
            identifiers.setdefault(email.key, email)
        return tuple(identifiers.values())

    def apply(
        self, result: WriteResult, emails: Sequence[Identifier], write_context: WriteContext, hooks: PluginManager
    ) -> WriteResult:
        """Write the lists into the result, unless a policy refuses. `emails` are those of `email_identifiers` that the
        contact may have."""
        contact, lists = result.contact, list[_ListChange]()
        if self.emails is not None:
            before = identifier_facts(contact, EMAIL)
            listed = tuple(_list_fact(email.value, contact.identifier_fact(email), write_context) for email in emails)
            # J: an email by which a record is joined is not the contact's to remove; undoing the merge removes it.
            after = (*listed, *(fact for fact in before if fact.joined_by is not None and fact not in listed))
            lists.append(_ListChange(field=EMAILS, kind="identifier", before=before, after=after))
        if self.phones is not None:
            before, region = all_phones(contact), write_context.app.region if write_context.app else None
            # Phones have no match key; they are compared in the form in which they are stored.
            held = {fact.value: fact for fact in before}
            # Normalised before the comparison: two spellings may be one number (W11).
            numbers = dict.fromkeys(normalise_phone(phone, region) for phone in self.phones)
            after = tuple(_list_fact(number, held.get(number), write_context) for number in numbers)
            lists.append(_ListChange(field=PHONES, kind="profile", before=before, after=after))
        # One after the other: a refused list must not hold back the other one.
        for list_change in lists:
            result = _apply_list(result, list_change, write_context, hooks)
        return result


class _ListChange(Value):
    """One list, before and after."""

    field: str
    kind: str
    before: tuple[Fact, ...]
    after: tuple[Fact, ...]

    def writes(self, write_context: WriteContext) -> Iterator[Write]:
        """Yield one write for the primary value if it changes, and one for each other value that is added, removed, or
        gets a higher standing."""
        first, then = (facts[0] if facts else None for facts in (self.before, self.after))
        # The primary value is told under its own field, as pages and agents know it.
        if first != then:
            yield self._write(PRIMARY_FIELDS[self.field], then, first, write_context)
        primary_values = {fact.value for fact in (first, then) if fact is not None}
        before, after = ({fact.value: fact for fact in facts} for facts in (self.before, self.after))
        for value in dict.fromkeys((*before, *after)):
            if value not in primary_values and before.get(value) != after.get(value):
                yield self._write(self.field, after.get(value), before.get(value), write_context)

    def _write(self, field: str, fact: Fact | None, stored: Fact | None, write_context: WriteContext) -> Write:
        value = fact.value if fact is not None else None
        return Write(
            field=field,
            kind=self.kind,
            value=value,
            standing=write_context.standing,
            stored=stored,
            signed=write_context.is_signed,
        )


def _apply_list(
    result: WriteResult, list_change: _ListChange, write_context: WriteContext, hooks: PluginManager
) -> WriteResult:
    writes = tuple(list_change.writes(write_context))
    if not writes:
        return replace(result, unchanged=(*result.unchanged, list_change.field))
    # An empty claim: the lists are no fields of it, and policies judge the writes.
    refusals = hooks.review_writes(Claim(), write_context.standing, result.contact, writes)
    if refusals:
        # One refusal keeps the whole list: half of a list is not what the server sent.
        plugin, refusal = next(iter(refusals.values()))
        kept = FieldVerdict(field=list_change.field, verdict="kept", reason=refusal.reason)
        step = Step(stage="policy", plugin=plugin, answer=f"keeps {list_change.field}: {refusal.reason}")
        return replace(result, kept=(*result.kept, kept), steps=(*result.steps, step))
    fields = dict.fromkeys(write.field for write in writes)
    verdicts = (_verdict(field, [write for write in writes if write.field == field], write_context) for field in fields)
    changes = (
        FieldChange(field=write.field, before=_fact_value(write.stored), after=write.value)
        for write in writes
        if _fact_value(write.stored) != write.value
    )
    return replace(
        result,
        contact=replace(_with_list(result.contact, list_change), updated_at=write_context.at),
        written=(*result.written, *verdicts),
        changes=(*result.changes, *changes),
    )


def _verdict(field: str, writes: Sequence[Write], write_context: WriteContext) -> FieldVerdict:
    action = "replaced"
    if all(write.stored is None for write in writes):
        action = "filled"
    elif all(write.value is None for write in writes):
        action = "cleared"
    return FieldVerdict(field=field, verdict="written", reason=f"{action} as {write_context.standing.label}")


def _with_list(contact: Contact, list_change: _ListChange) -> Contact:
    if list_change.field == EMAILS:
        return with_identifiers(contact, EMAIL, list_change.after)
    # Removed first: an empty list must leave no primary phone.
    others = {field: fact for field, fact in contact.profile.items() if field != PHONE}
    profile = {**others, PHONE: list_change.after[0]} if list_change.after else others
    return replace(contact, profile=profile, phones=list_change.after[1:])


def _list_fact(text: str, held: Fact | None, write_context: WriteContext) -> Fact:
    """Keep a stored fact of the same value, in any spelling, unless the new standing is higher."""
    # W9: the same list sent again changes nothing, and the provenance stays.
    if held is not None and (held.standing >= write_context.standing or held.joined_by is not None):
        return held
    return Fact(
        held.value if held is not None else text, write_context.standing, write_context.at, write_context.writer
    )


def _fact_value(fact: Fact | None) -> Scalar | None:
    return fact.value if fact is not None else None


def _parse_list(
    field: str, body: Mapping[str, object], max_items: int, limits: Limits, rejected: list[Rejection]
) -> tuple[str, ...] | None:
    """Parse each item as the single field. None when the list is absent, or invalid as a whole."""
    if field not in body:
        return None
    items = body[field]
    if items is not None and not isinstance(items, list):
        rejected.append(Rejection(field=field, reason="must be a list"))
        return None
    # Null is an empty list, as null clears a field elsewhere (W5).
    texts = cast("list[object]", items or [])
    # W10: too long is rejected, never cut. The first ones would be a guess.
    if len(texts) > max_items:
        rejected.append(Rejection(field=field, reason=f"more than {max_items}"))
        return None
    alone, values = PRIMARY_FIELDS[field], list[str]()
    for text in texts:
        # Through the parser of the single field, so that both take the same values.
        claim = Claim.from_body({alone: text}, limits)
        value = claim.email if field == EMAILS else claim.profile.get(alone)
        if value is not None:
            values.append(value)
        else:
            reason = claim.rejected[0].reason if claim.rejected else "must be text"
            rejected.append(Rejection(field=field, reason=reason))
    # All items wrong is no empty list: it would remove every stored value.
    return tuple(values) if values or not texts else None
