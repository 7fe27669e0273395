"""Whole lists of emails and phones, as servers write them: the first is the primary one, and what is not in it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from hullo.errors import Invalid
from hullo.hooks.relay import Relay
from hullo.hooks.writes import Write
from hullo.model.claim import Claim, Rejection
from hullo.model.contact import Contact
from hullo.model.decision_record import FieldVerdict, Step
from hullo.model.event import FieldChange
from hullo.model.fact import Fact, Scalar
from hullo.model.identifier import EMAIL, Identifier
from hullo.model.limits import Limits
from hullo.model.phone import normalise_phone
from hullo.pipeline.identify import usable_identifiers
from hullo.pipeline.naming import names_of, with_names
from hullo.pipeline.phones import PHONE, phones_of
from hullo.pipeline.writing import Pen, Written

EMAILS: Final = "emails"
PHONES: Final = "phones"
PRIMARY: Final[Mapping[str, str]] = {EMAILS: EMAIL, PHONES: PHONE}
"""What the first of each list is called alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """None: nothing is said of them. Empty: there are none afterwards."""

    emails: tuple[str, ...] | None = None
    phones: tuple[str, ...] | None = None

    @property
    def said(self) -> bool:
        """Whether there is any to be written."""
        return self.emails is not None or self.phones is not None

    @classmethod
    def read(cls, body: Mapping[str, object], limits: Limits) -> tuple[Lists, tuple[Rejection, ...]]:
        """From a decoded body, and what is wrong with it: values that are wrong are left out (W8).

        Raises `Invalid` where one is said alone beside its list.
        """
        for several, alone in PRIMARY.items():
            if several in body and alone in body:
                reason = f"stands beside {several}, whose first one it is; send one of them"
                raise Invalid(Invalid.wrong_fields, [Rejection(field=alone, reason=reason)])
        rejected: list[Rejection] = []
        return cls(
            emails=_texts(EMAILS, body, limits.emails, limits, rejected),
            phones=_texts(PHONES, body, limits.phones, limits, rejected),
        ), tuple(rejected)

    def identifiers(self, hooks: Relay, limits: Limits) -> tuple[Identifier, ...]:
        """The emails, each once, as people are found by them. Raises `Invalid` where nobody is found by email."""
        named: dict[str, Identifier] = {}
        for text in self.emails or ():
            usable, _ = usable_identifiers(Claim(email=text, email_as_sent=text), hooks, limits)
            email = next((each for each in usable if each.kind == EMAIL), None)
            if email is None:
                reason = "nobody is found by email here; write one, as email"
                raise Invalid(Invalid.wrong_fields, [Rejection(field=EMAILS, reason=reason)])
            named.setdefault(email.key, email)
        return tuple(named.values())

    def relisted(self, written: Written, emails: Sequence[Identifier], pen: Pen, hooks: Relay) -> Written:
        """The same with these lists written, too, unless a policy refuses one. `emails` are those of `identifiers`
        that the contact may have."""
        contact, lists = written.contact, list[_Relisting]()
        if self.emails is not None:
            before = names_of(contact, EMAIL)
            after = tuple(_fact(each.value, contact.fact_of(each), pen) for each in emails)
            lists.append(_Relisting(field=EMAILS, kind="identifier", before=before, after=after))
        if self.phones is not None:
            before, region = phones_of(contact), pen.app.region if pen.app else None
            held = {fact.value: fact for fact in before}
            numbers = dict.fromkeys(normalise_phone(each, region) for each in self.phones)
            after = tuple(_fact(each, held.get(each), pen) for each in numbers)
            lists.append(_Relisting(field=PHONES, kind="profile", before=before, after=after))
        for each in lists:
            written = _written(written, each, pen, hooks)
        return written


@dataclass(frozen=True, slots=True, kw_only=True)
class _Relisting:
    """One list, before and after."""

    field: str
    kind: str
    before: tuple[Fact, ...]
    after: tuple[Fact, ...]

    def writes(self, pen: Pen) -> Iterator[Write]:
        """One value each: the primary one where it is another, and those of the others that come, go, or are worth
        more than they were."""
        first, then = (facts[0] if facts else None for facts in (self.before, self.after))
        if first != then:
            yield self._write(PRIMARY[self.field], then, first, pen)
        told = {fact.value for fact in (first, then) if fact is not None}
        before, after = ({fact.value: fact for fact in facts} for facts in (self.before, self.after))
        for value in dict.fromkeys((*before, *after)):
            if value not in told and before.get(value) != after.get(value):
                yield self._write(self.field, after.get(value), before.get(value), pen)

    def _write(self, field: str, fact: Fact | None, stored: Fact | None, pen: Pen) -> Write:
        value = fact.value if fact is not None else None
        return Write(field=field, kind=self.kind, value=value, standing=pen.standing, stored=stored, signed=pen.signed)


def _written(written: Written, relisting: _Relisting, pen: Pen, hooks: Relay) -> Written:
    writes = tuple(relisting.writes(pen))
    if not writes:
        return replace(written, unchanged=(*written.unchanged, relisting.field))
    refusals = hooks.review_writes(Claim(), pen.standing, written.contact, writes)
    if refusals:
        plugin, refusal = next(iter(refusals.values()))
        kept = FieldVerdict(field=relisting.field, verdict="kept", reason=refusal.reason)
        step = Step(stage="policy", plugin=plugin, answer=f"keeps {relisting.field}: {refusal.reason}")
        return replace(written, kept=(*written.kept, kept), steps=(*written.steps, step))
    fields = dict.fromkeys(each.field for each in writes)
    verdicts = (_verdict(field, [each for each in writes if each.field == field], pen) for field in fields)
    changes = (
        FieldChange(field=each.field, before=_value(each.stored), after=each.value)
        for each in writes
        if _value(each.stored) != each.value
    )
    return replace(
        written,
        contact=replace(_with(written.contact, relisting), updated_at=pen.at),
        written=(*written.written, *verdicts),
        changes=(*written.changes, *changes),
    )


def _verdict(field: str, writes: Sequence[Write], pen: Pen) -> FieldVerdict:
    deed = "replaced"
    if all(each.stored is None for each in writes):
        deed = "filled"
    elif all(each.value is None for each in writes):
        deed = "cleared"
    return FieldVerdict(field=field, verdict="written", reason=f"{deed} as {pen.standing.word}")


def _with(contact: Contact, relisting: _Relisting) -> Contact:
    if relisting.field == EMAILS:
        return with_names(contact, EMAIL, relisting.after)
    others = {field: fact for field, fact in contact.profile.items() if field != PHONE}
    profile = {**others, PHONE: relisting.after[0]} if relisting.after else others
    return replace(contact, profile=profile, phones=relisting.after[1:])


def _fact(text: str, held: Fact | None, pen: Pen) -> Fact:
    """What is there already, in whatever spelling, is written again only if it is worth more now."""
    if held is not None and held.standing >= pen.standing:
        return held
    return Fact(held.value if held is not None else text, pen.standing, pen.at, pen.by)


def _value(fact: Fact | None) -> Scalar | None:
    return fact.value if fact is not None else None


def _texts(
    field: str, body: Mapping[str, object], most: int, limits: Limits, rejected: list[Rejection]
) -> tuple[str, ...] | None:
    """Each as it would be taken alone. None where the list is not said, or as a whole is wrong."""
    if field not in body:
        return None
    said = body[field]
    if said is not None and not isinstance(said, list):
        rejected.append(Rejection(field=field, reason="must be a list"))
        return None
    texts = cast("list[object]", said or [])
    if len(texts) > most:
        rejected.append(Rejection(field=field, reason=f"more than {most}"))
        return None
    alone, taken = PRIMARY[field], list[str]()
    for text in texts:
        claim = Claim.read({alone: text}, limits)
        value = claim.email if field == EMAILS else claim.profile.get(alone)
        if value is not None:
            taken.append(value)
        else:
            reason = claim.rejected[0].reason if claim.rejected else "must be text"
            rejected.append(Rejection(field=field, reason=reason))
    return tuple(taken) if taken or not texts else None
