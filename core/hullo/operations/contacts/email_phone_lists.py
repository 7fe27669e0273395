"""Whole lists of emails and phones, as servers write them: the first is the primary one, and what is not in it goes."""

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
"""What the first of each list is called alone."""


class ContactLists(Value):
    """None: nothing is said of them. Empty: there are none afterwards."""

    emails: tuple[str, ...] | None = None
    phones: tuple[str, ...] | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is any to be written."""
        return self.emails is not None or self.phones is not None

    @classmethod
    def from_body(cls, body: Mapping[str, object], limits: Limits) -> tuple[ContactLists, tuple[Rejection, ...]]:
        """From a decoded body, and what is wrong with it: values that are wrong are left out (W8).

        Raises `Invalid` where one is said alone beside its list.
        """
        for several, alone in PRIMARY_FIELDS.items():
            if several in body and alone in body:
                reason = f"stands beside {several}, whose first one it is; send one of them"
                raise Invalid(Invalid.invalid_fields_detail, [Rejection(field=alone, reason=reason)])
        rejected: list[Rejection] = []
        return cls(
            emails=_parse_list(EMAILS, body, limits.emails, limits, rejected),
            phones=_parse_list(PHONES, body, limits.phones, limits, rejected),
        ), tuple(rejected)

    def email_identifiers(self, hooks: PluginManager, limits: Limits) -> tuple[Identifier, ...]:
        """The emails, each once, as people are found by them. Raises `Invalid` where nobody is found by email."""
        named: dict[str, Identifier] = {}
        for text in self.emails or ():
            usable, _ = usable_identifiers(Claim(email=text, email_as_sent=text), hooks, limits)
            email = next((each for each in usable if each.kind == EMAIL), None)
            if email is None:
                reason = "nobody is found by email here; write one, as email"
                raise Invalid(Invalid.invalid_fields_detail, [Rejection(field=EMAILS, reason=reason)])
            named.setdefault(email.key, email)
        return tuple(named.values())

    def apply(
        self, result: WriteResult, emails: Sequence[Identifier], write_context: WriteContext, hooks: PluginManager
    ) -> WriteResult:
        """The same with these lists written, too, unless a policy refuses one. `emails` are those of `identifiers`
        that the contact may have."""
        contact, lists = result.contact, list[_ListChange]()
        if self.emails is not None:
            before = identifier_facts(contact, EMAIL)
            after = tuple(_list_fact(each.value, contact.identifier_fact(each), write_context) for each in emails)
            lists.append(_ListChange(field=EMAILS, kind="identifier", before=before, after=after))
        if self.phones is not None:
            before, region = all_phones(contact), write_context.app.region if write_context.app else None
            held = {fact.value: fact for fact in before}
            numbers = dict.fromkeys(normalise_phone(each, region) for each in self.phones)
            after = tuple(_list_fact(each, held.get(each), write_context) for each in numbers)
            lists.append(_ListChange(field=PHONES, kind="profile", before=before, after=after))
        for each in lists:
            result = _apply_list(result, each, write_context, hooks)
        return result


class _ListChange(Value):
    """One list, before and after."""

    field: str
    kind: str
    before: tuple[Fact, ...]
    after: tuple[Fact, ...]

    def writes(self, write_context: WriteContext) -> Iterator[Write]:
        """One value each: the primary one where it is another, and those of the others that come, go, or are worth
        more than they were."""
        first, then = (facts[0] if facts else None for facts in (self.before, self.after))
        if first != then:
            yield self._write(PRIMARY_FIELDS[self.field], then, first, write_context)
        told = {fact.value for fact in (first, then) if fact is not None}
        before, after = ({fact.value: fact for fact in facts} for facts in (self.before, self.after))
        for value in dict.fromkeys((*before, *after)):
            if value not in told and before.get(value) != after.get(value):
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
    refusals = hooks.review_writes(Claim(), write_context.standing, result.contact, writes)
    if refusals:
        plugin, refusal = next(iter(refusals.values()))
        kept = FieldVerdict(field=list_change.field, verdict="kept", reason=refusal.reason)
        step = Step(stage="policy", plugin=plugin, answer=f"keeps {list_change.field}: {refusal.reason}")
        return replace(result, kept=(*result.kept, kept), steps=(*result.steps, step))
    fields = dict.fromkeys(each.field for each in writes)
    verdicts = (_verdict(field, [each for each in writes if each.field == field], write_context) for field in fields)
    changes = (
        FieldChange(field=each.field, before=_fact_value(each.stored), after=each.value)
        for each in writes
        if _fact_value(each.stored) != each.value
    )
    return replace(
        result,
        contact=replace(_with_list(result.contact, list_change), updated_at=write_context.at),
        written=(*result.written, *verdicts),
        changes=(*result.changes, *changes),
    )


def _verdict(field: str, writes: Sequence[Write], write_context: WriteContext) -> FieldVerdict:
    deed = "replaced"
    if all(each.stored is None for each in writes):
        deed = "filled"
    elif all(each.value is None for each in writes):
        deed = "cleared"
    return FieldVerdict(field=field, verdict="written", reason=f"{deed} as {write_context.standing.label}")


def _with_list(contact: Contact, list_change: _ListChange) -> Contact:
    if list_change.field == EMAILS:
        return with_identifiers(contact, EMAIL, list_change.after)
    others = {field: fact for field, fact in contact.profile.items() if field != PHONE}
    profile = {**others, PHONE: list_change.after[0]} if list_change.after else others
    return replace(contact, profile=profile, phones=list_change.after[1:])


def _list_fact(text: str, held: Fact | None, write_context: WriteContext) -> Fact:
    """What is there already, in whatever spelling, is written again only if it is worth more now."""
    if held is not None and held.standing >= write_context.standing:
        return held
    return Fact(
        held.value if held is not None else text, write_context.standing, write_context.at, write_context.writer
    )


def _fact_value(fact: Fact | None) -> Scalar | None:
    return fact.value if fact is not None else None


def _parse_list(
    field: str, body: Mapping[str, object], max_items: int, limits: Limits, rejected: list[Rejection]
) -> tuple[str, ...] | None:
    """Each as it would be taken alone. None where the list is not said, or as a whole is wrong."""
    if field not in body:
        return None
    said = body[field]
    if said is not None and not isinstance(said, list):
        rejected.append(Rejection(field=field, reason="must be a list"))
        return None
    texts = cast("list[object]", said or [])
    if len(texts) > max_items:
        rejected.append(Rejection(field=field, reason=f"more than {max_items}"))
        return None
    alone, taken = PRIMARY_FIELDS[field], list[str]()
    for text in texts:
        claim = Claim.from_body({alone: text}, limits)
        value = claim.email if field == EMAILS else claim.profile.get(alone)
        if value is not None:
            taken.append(value)
        else:
            reason = claim.rejected[0].reason if claim.rejected else "must be text"
            rejected.append(Rejection(field=field, reason=reason))
    return tuple(taken) if taken or not texts else None
