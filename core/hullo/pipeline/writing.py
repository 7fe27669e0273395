"""What would be written, what a policy refuses of it, and the contact that results (rules W)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hullo.hooks.relay import Relay
from hullo.hooks.writes import Write, custom_field
from hullo.model.app import App
from hullo.model.claim import Claim
from hullo.model.contact import Contact
from hullo.model.decision_record import FieldVerdict, Step
from hullo.model.fact import Fact, Scalar, blank, same
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.instant import Instant
from hullo.model.phone import normalise_phone
from hullo.model.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Pen:
    """Who writes, when, how far they are believed, and for which app."""

    by: str
    at: Instant
    standing: Standing
    app: App | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The contact as it will be, what became of each field, and who refused what."""

    contact: Contact
    written: tuple[FieldVerdict, ...] = ()
    kept: tuple[FieldVerdict, ...] = ()
    unchanged: tuple[str, ...] = ()
    """The fields that were so already."""
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


def wanted_writes(
    claim: Claim,
    contact: Contact,
    pen: Pen,
    own: Iterable[tuple[Identifier, bool]],
    withheld: Iterable[str],
    cleared: Iterable[str] = (),
) -> list[Write]:
    """Everything the claim asks to have written to the contact, changed or not.

    `own` are the identifiers that may be written, each with whether a proof covers it; `withheld` the kinds that
    belong to somebody else; `cleared` the kinds to take away. An external id or email that no plugin named
    identifies nobody in this configuration, and is kept as a plain value.
    """
    writes = [_identifier_write(identifier, vouched, contact, pen.standing) for identifier, vouched in own]
    writes.extend(
        _write(kind, "identifier", None, pen.standing, contact.identifiers.get(kind)) for kind in cleared
    )
    spoken_for = {write.field for write in writes}.union(withheld)
    plain: dict[str, str | None] = {}
    for field, value in ((EXTERNAL_ID, claim.external_id), (EMAIL, claim.email)):
        if value is not None and field not in spoken_for:
            plain[field] = value
    for field, text in {**plain, **claim.profile}.items():
        if field == "phone" and text is not None:
            text = normalise_phone(text, pen.app.region if pen.app else None)
        writes.append(_write(field, "profile", text, pen.standing, contact.profile.get(field)))
    block = _block(contact, pen.app)
    writes.extend(
        Write(
            field=custom_field(key),
            kind="custom_data",
            value=value,
            standing=pen.standing,
            stored=block.get(key),
            app_id=pen.app.id if pen.app else None,
        )
        for key, value in claim.custom_data.items()
    )
    return writes


def write(claim: Claim, contact: Contact, is_new: bool, pen: Pen, writes: Sequence[Write], hooks: Relay) -> Written:
    """The contact with every write in it that changes something and that no policy refuses."""
    changing: list[Write] = []
    unchanged: list[str] = []
    for each in writes:
        if _changes(each):
            changing.append(each)
        else:
            unchanged.append(each.field)
    if not changing:
        return Written(contact=contact, unchanged=tuple(unchanged))
    refusals = hooks.review_writes(claim, pen.standing, None if is_new else contact, changing)
    accepted = [each for each in changing if each.field not in refusals]
    return Written(
        contact=_applied(contact, accepted, pen),
        written=tuple(
            FieldVerdict(field=each.field, verdict="written", reason=f"{_deed(each)} as {each.standing.word}")
            for each in accepted
        ),
        kept=tuple(
            FieldVerdict(field=field, verdict="kept", reason=refusal.reason) for field, (_, refusal) in refusals.items()
        ),
        unchanged=tuple(unchanged),
        steps=tuple(
            Step(stage="policy", plugin=name, answer=f"keeps {field}: {refusal.reason}")
            for field, (name, refusal) in refusals.items()
        ),
    )


def without_identifiers(contact: Contact, taken: Iterable[Identifier], at: Instant) -> Contact:
    """The contact after identifiers of its own went to somebody else."""
    gone = {identifier.kind for identifier in taken if contact.owns(identifier)}
    left = {kind: fact for kind, fact in contact.identifiers.items() if kind not in gone}
    return replace(contact, identifiers=left, updated_at=at)


def _identifier_write(identifier: Identifier, vouched: bool, contact: Contact, standing: Standing) -> Write:
    # A proof of an email says nothing about a contact that was reached by a mere claim, and a proven visitor's
    # word about an identifier that was not signed is a mere claim (V2).
    if standing is Standing.PROVEN and not vouched:
        standing = Standing.CLAIMED
    stored = contact.identifiers.get(identifier.kind)
    if stored is not None and contact.owns(identifier):
        value: Scalar = stored.value  # another spelling of the same email is the same email
    else:
        value = identifier.value
    return _write(identifier.kind, "identifier", value, standing, stored)


def _write(field: str, kind: str, value: Scalar | None, standing: Standing, stored: Fact | None) -> Write:
    return Write(field=field, kind=kind, value=value, standing=standing, stored=stored)


def _changes(write: Write) -> bool:
    if write.value is None:
        return write.stored is not None
    if not same(write.stored, write.value):
        return True
    # The same value on better authority is worth remembering: it is protected from then on.
    return write.stored is not None and write.stored.standing < write.standing


def _deed(write: Write) -> str:
    if write.value is None:
        return "cleared"
    if same(write.stored, write.value):
        return "confirmed"
    return "filled" if blank(write.stored) else "replaced"


def _applied(contact: Contact, accepted: Sequence[Write], pen: Pen) -> Contact:
    if not accepted:
        return contact
    identifiers, profile = dict(contact.identifiers), dict(contact.profile)
    block = dict(_block(contact, pen.app))
    homes = {"identifier": identifiers, "profile": profile, "custom_data": block}
    for each in accepted:
        name = each.field if each.kind != "custom_data" else each.field.partition(".")[2]
        if each.value is None:
            homes[each.kind].pop(name, None)
        else:
            homes[each.kind][name] = Fact(each.value, each.standing, pen.at, pen.by)
    custom_data = dict(contact.custom_data)
    if pen.app is not None and (block or pen.app.id in custom_data):
        custom_data[pen.app.id] = block
    return replace(
        contact,
        identifiers=identifiers,
        profile=profile,
        custom_data=custom_data,
        updated_at=pen.at,
        last_seen_at=max(pen.at, contact.last_seen_at),
    )


def _block(contact: Contact, app: App | None) -> Mapping[str, Fact]:
    return contact.custom_data.get(app.id, {}) if app is not None else {}
