"""What would be written, what a policy refuses of it, and the contact that results (rules W)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hullo.hooks.relay import Relay
from hullo.hooks.writes import Write, custom_field, identifier_field
from hullo.model.app import App
from hullo.model.claim import CUSTOM_DATA, Claim
from hullo.model.contact import Contact
from hullo.model.decision_record import FieldVerdict, Step
from hullo.model.event import FieldChange
from hullo.model.fact import Fact, Scalar, blank, same
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.instant import Instant
from hullo.model.phone import normalise_phone
from hullo.model.standing import Standing
from hullo.pipeline.naming import confirm_identifier, put_identifier, with_names
from hullo.pipeline.phones import phones_settled

_PREFIXES: Final = {"identifier": "identifier.", "custom_data": f"{CUSTOM_DATA}."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pen:
    """Who writes, when, how far they are believed, and for which app."""

    by: str
    at: Instant
    standing: Standing
    app: App | None
    stated: frozenset[str] | None = None
    """See `Call.stated`."""
    attributes: frozenset[str] = frozenset()
    """See `Call.attributes`."""
    attribute_standing: Standing = Standing.CLAIMED
    """How far those are believed."""
    signed: bool = True
    """See `Write.signed`."""
    visitor: str | None = None
    """Who says what is said beside the evidence. None where that is the same writer."""

    def writer_of(self, field: str) -> str:
        """Who is remembered as the value's writer (`Fact.by`)."""
        if self.stated is None or self.visitor is None:
            return self.by
        return self.by if field in self.stated else self.visitor

    def standing_of(self, field: str) -> Standing:
        """How far a value that is no identifier is believed."""
        if field in self.attributes:
            return self.attribute_standing
        return self.standing if self.stated is None or field in self.stated else Standing.CLAIMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The contact as it will be, what became of each field, and who refused what."""

    contact: Contact
    written: tuple[FieldVerdict, ...] = ()
    kept: tuple[FieldVerdict, ...] = ()
    unchanged: tuple[str, ...] = ()
    """The fields that were so already."""
    changes: tuple[FieldChange, ...] = ()
    """What was written, before and after."""
    steps: tuple[Step, ...] = ()

    @property
    def fields(self) -> list[str]:
        """The fields that changed."""
        return [verdict.field for verdict in self.written]

    def verdicts(self) -> tuple[FieldVerdict, ...]:
        """What became of each field."""
        so_already = (
            FieldVerdict(field=field, verdict="unchanged", reason="it was so already") for field in self.unchanged
        )
        return (*self.kept, *self.written, *so_already)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a claim asks for: the writes that would change something, and the fields that are so already."""

    changing: tuple[Write, ...]
    unchanged: tuple[str, ...]


def wanted_writes(
    claim: Claim,
    contact: Contact,
    pen: Pen,
    own: Iterable[tuple[Identifier, bool]],
    withheld: Iterable[str],
    cleared: Iterable[str] = (),
    found_by: str | None = None,
) -> Wanted:
    """What the claim asks to have written to the contact.

    `own` are the identifiers that may be written, each with whether a proof covers it; `withheld` the kinds that
    belong to somebody else; `cleared` the kinds to take away, further ones too. An external id or email that no plugin
    named identifies nobody in this configuration, and is kept as a plain value.

    `found_by` is the kind by which the contact was found. A further name of another kind that is proven becomes the
    primary one: the site says that this is their email now. One by which they were only found stays what it is, or
    somebody with two accounts would change names at each login.
    """
    changing: list[Write] = []
    unchanged: list[str] = []

    def want(
        field: str,
        kind: str,
        value: Scalar | None,
        stored: Fact | None,
        standing: Standing | None = None,
        app_id: str | None = None,
    ) -> None:
        standing = standing if standing is not None else pen.standing_of(field)
        if _changes(value, stored, standing):
            changing.append(
                Write(
                    field=field,
                    kind=kind,
                    value=value,
                    standing=standing,
                    stored=stored,
                    signed=pen.signed,
                    app_id=app_id,
                )
            )
        else:
            unchanged.append(field)

    spoken_for = {*withheld}
    for identifier, vouched in own:
        kind, held = identifier.kind, contact.fact_of(identifier)
        # A proof of an email says nothing about a contact that was reached by a mere claim, and a proven visitor's
        # word about an identifier that was not signed is a mere claim (V2).
        mere_word = pen.standing is Standing.PROVEN and not vouched
        standing = Standing.CLAIMED if mere_word else pen.standing
        promoted = kind != found_by and standing is Standing.PROVEN
        stored = contact.identifiers.get(kind) if held is None or promoted else held
        # Another spelling of the same email is the same email.
        want(
            identifier_field(kind), "identifier", held.value if held is not None else identifier.value, stored, standing
        )
        spoken_for.add(kind)
    for kind in cleared:
        want(identifier_field(kind), "identifier", None, contact.identifiers.get(kind))
        if kind in contact.profile:
            want(kind, "profile", None, contact.profile[kind])
    for field, text in _plain_values(claim, spoken_for).items():
        if field == "phone" and text is not None:
            text = normalise_phone(text, pen.app.region if pen.app else None)
        want(field, "profile", text, contact.profile.get(field))
    if claim.custom_data and pen.app is not None:
        block = _block(contact, pen.app)
        for key, custom in claim.custom_data.items():
            want(custom_field(key), "custom_data", custom, block.get(key), app_id=pen.app.id)
    return Wanted(changing=tuple(changing), unchanged=tuple(unchanged))


def write(claim: Claim, contact: Contact, is_new: bool, pen: Pen, wanted: Wanted, hooks: Relay) -> Written:
    """The contact with every write in it that no policy refuses."""
    if not wanted.changing:
        return Written(contact=contact, unchanged=wanted.unchanged)
    refusals = hooks.review_writes(claim, pen.standing, None if is_new else contact, wanted.changing)
    accepted = [each for each in wanted.changing if each.field not in refusals]
    return Written(
        contact=_applied(contact, accepted, pen, is_new),
        written=tuple(
            FieldVerdict(field=each.field, verdict="written", reason=f"{_deed(each)} as {each.standing.word}")
            for each in accepted
        ),
        kept=tuple(
            FieldVerdict(field=field, verdict="kept", reason=refusal.reason) for field, (_, refusal) in refusals.items()
        ),
        unchanged=wanted.unchanged,
        changes=tuple(
            FieldChange(field=each.field, before=each.stored.value if each.stored else None, after=each.value)
            for each in accepted
        ),
        steps=tuple(
            Step(stage="policy", plugin=name, answer=f"keeps {field}: {refusal.reason}")
            for field, (name, refusal) in refusals.items()
        ),
    )


def one_of_a_kind(identifiers: Iterable[Identifier], contact: Contact) -> tuple[Identifier, ...]:
    """A contact has one identifier of a kind: the one it has already, else the one named first."""
    chosen: dict[str, Identifier] = {}
    for identifier in identifiers:
        if identifier.kind not in chosen or contact.owns(identifier):
            chosen[identifier.kind] = identifier
    return tuple(chosen.values())


def _plain_values(claim: Claim, spoken_for: Collection[str]) -> Mapping[str, str | None]:
    """The profile, with an external id or email in it that is nobody's identifier here."""
    plain = {
        field: value
        for field, value in ((EXTERNAL_ID, claim.external_id), (EMAIL, claim.email))
        if value is not None and field not in spoken_for
    }
    return {**plain, **claim.profile} if plain else claim.profile


def _changes(value: Scalar | None, stored: Fact | None, standing: Standing) -> bool:
    if value is None or stored is None:
        return (value is None) != (stored is None)
    # The same value on better authority is worth remembering: it is protected from then on.
    return not same(stored, value) or stored.standing < standing


def _deed(write: Write) -> str:
    if write.value is None:
        return "cleared"
    if same(write.stored, write.value):
        return "confirmed"
    return "filled" if blank(write.stored) else "replaced"


def _applied(before: Contact, accepted: Sequence[Write], pen: Pen, is_new: bool) -> Contact:
    if not accepted:
        return before
    contact = before
    profile, block = dict(contact.profile), dict(_block(contact, pen.app))
    homes = {"profile": profile, "custom_data": block}
    for each in accepted:
        name = each.field if each.kind == "profile" else each.field.removeprefix(_PREFIXES[each.kind])
        fact = Fact(each.value, each.standing, pen.at, pen.writer_of(each.field)) if each.value is not None else None
        if each.kind == "identifier":
            contact = _with_identifier(contact, name, fact, each.stored)
        elif fact is None:
            homes[each.kind].pop(name, None)
        else:
            homes[each.kind][name] = fact
    custom_data = dict(contact.custom_data)
    if pen.app is not None and (block or pen.app.id in custom_data):
        custom_data[pen.app.id] = block
    after = replace(
        contact,
        profile=profile,
        custom_data=custom_data,
        updated_at=pen.at,
        last_seen_at=max(pen.at, contact.last_seen_at),
        version=contact.version if is_new else contact.version + 1,
    )
    return phones_settled(before, after) if before.phones else after


def _with_identifier(contact: Contact, kind: str, fact: Fact | None, stored: Fact | None) -> Contact:
    if fact is None:
        return with_names(contact, kind, ())
    if stored is not None and same(stored, fact.value):
        return confirm_identifier(contact, kind, stored, fact)
    return put_identifier(contact, kind, fact)


def _block(contact: Contact, app: App | None) -> Mapping[str, Fact]:
    return contact.custom_data.get(app.id, {}) if app is not None else {}
