"""What would be written, what a policy refuses of it, and the contact that results (rules W)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from hullo.hooks.manager import PluginManager
from hullo.model.app import App
from hullo.model.claim import CUSTOM_DATA, Claim
from hullo.model.contact import Contact
from hullo.model.decision_record import FieldVerdict, Step
from hullo.model.event import FieldChange
from hullo.model.fact import Fact, Scalar, is_blank, is_same_value
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.instant import Instant
from hullo.model.phone import normalise_phone
from hullo.model.standing import Standing
from hullo.model.write import Write, custom_field, identifier_field
from hullo.rules.identifiers import replace_identifier, set_primary_identifier, with_identifiers
from hullo.rules.phones import deduplicate_phones
from hullo.value import Value

_FIELD_PREFIXES: Final = {"identifier": "identifier.", "custom_data": f"{CUSTOM_DATA}."}


class WriteContext(Value):
    """Who writes, when, how far they are believed, and for which app."""

    writer: str
    at: Instant
    standing: Standing
    app: App | None
    signed_fields: frozenset[str] | None = None
    """See `Call.stated`."""
    proven_attributes: frozenset[str] = frozenset()
    """See `Call.attributes`."""
    attribute_standing: Standing = Standing.CLAIMED
    """How far those are believed."""
    is_signed: bool = True
    """See `Write.signed`."""
    visitor_writer: str | None = None
    """Who says what is said beside the evidence. None where that is the same writer."""

    def writer_of(self, field: str) -> str:
        """Who is remembered as the value's writer (`Fact.by`)."""
        if self.signed_fields is None or self.visitor_writer is None:
            return self.writer
        return self.writer if field in self.signed_fields else self.visitor_writer

    def standing_of(self, field: str) -> Standing:
        """How far a value that is no identifier is believed."""
        if field in self.proven_attributes:
            return self.attribute_standing
        return self.standing if self.signed_fields is None or field in self.signed_fields else Standing.CLAIMED


class WriteResult(Value):
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
    def changed_fields(self) -> list[str]:
        """The fields that changed."""
        return [verdict.field for verdict in self.written]

    def verdicts(self) -> tuple[FieldVerdict, ...]:
        """What became of each field."""
        so_already = (
            FieldVerdict(field=field, verdict="unchanged", reason="it was so already") for field in self.unchanged
        )
        return (*self.kept, *self.written, *so_already)


class ProposedWrites(Value):
    """What a claim asks for: the writes that would change something, and the fields that are so already."""

    writes: tuple[Write, ...]
    unchanged: tuple[str, ...]


def propose_writes(
    claim: Claim,
    contact: Contact,
    write_context: WriteContext,
    writable: Iterable[tuple[Identifier, bool]],
    withheld_kinds: Iterable[str],
    cleared_kinds: Iterable[str] = (),
    matched_by: str | None = None,
) -> ProposedWrites:
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

    def propose(
        field: str,
        kind: str,
        value: Scalar | None,
        stored: Fact | None,
        standing: Standing | None = None,
        app_id: str | None = None,
    ) -> None:
        standing = standing if standing is not None else write_context.standing_of(field)
        if _is_change(value, stored, standing):
            changing.append(
                Write(
                    field=field,
                    kind=kind,
                    value=value,
                    standing=standing,
                    stored=stored,
                    signed=write_context.is_signed,
                    app_id=app_id,
                )
            )
        else:
            unchanged.append(field)

    spoken_for = {*withheld_kinds}
    for identifier, vouched in writable:
        kind, held = identifier.kind, contact.identifier_fact(identifier)
        # A proof of an email says nothing about a contact that was reached by a mere claim, and a proven visitor's
        # word about an identifier that was not signed is a mere claim (V2).
        mere_word = write_context.standing is Standing.PROVEN and not vouched
        standing = Standing.CLAIMED if mere_word else write_context.standing
        promoted = kind != matched_by and standing is Standing.PROVEN
        stored = contact.identifiers.get(kind) if held is None or promoted else held
        # Another spelling of the same email is the same email.
        propose(
            identifier_field(kind), "identifier", held.value if held is not None else identifier.value, stored, standing
        )
        spoken_for.add(kind)
    for kind in cleared_kinds:
        propose(identifier_field(kind), "identifier", None, contact.identifiers.get(kind))
        if kind in contact.profile:
            propose(kind, "profile", None, contact.profile[kind])
    for field, text in _plain_values(claim, spoken_for).items():
        if field == "phone" and text is not None:
            text = normalise_phone(text, write_context.app.region if write_context.app else None)
        propose(field, "profile", text, contact.profile.get(field))
    if claim.custom_data and write_context.app is not None:
        block = _app_custom_data(contact, write_context.app)
        for key, custom in claim.custom_data.items():
            propose(custom_field(key), "custom_data", custom, block.get(key), app_id=write_context.app.id)
    return ProposedWrites(writes=tuple(changing), unchanged=tuple(unchanged))


def apply_writes(
    claim: Claim,
    contact: Contact,
    is_new: bool,
    write_context: WriteContext,
    proposed: ProposedWrites,
    hooks: PluginManager,
) -> WriteResult:
    """The contact with every write in it that no policy refuses."""
    if not proposed.writes:
        return WriteResult(contact=contact, unchanged=proposed.unchanged)
    refusals = hooks.review_writes(claim, write_context.standing, None if is_new else contact, proposed.writes)
    accepted = [each for each in proposed.writes if each.field not in refusals]
    return WriteResult(
        contact=_apply_accepted(contact, accepted, write_context, is_new),
        written=tuple(
            FieldVerdict(field=each.field, verdict="written", reason=f"{_write_kind(each)} as {each.standing.label}")
            for each in accepted
        ),
        kept=tuple(
            FieldVerdict(field=field, verdict="kept", reason=refusal.reason) for field, (_, refusal) in refusals.items()
        ),
        unchanged=proposed.unchanged,
        changes=tuple(
            FieldChange(field=each.field, before=each.stored.value if each.stored else None, after=each.value)
            for each in accepted
        ),
        steps=tuple(
            Step(stage="policy", plugin=name, answer=f"keeps {field}: {refusal.reason}")
            for field, (name, refusal) in refusals.items()
        ),
    )


def one_per_kind(identifiers: Iterable[Identifier], contact: Contact) -> tuple[Identifier, ...]:
    """A contact has one identifier of a kind: the one it has already, else the one named first."""
    chosen: dict[str, Identifier] = {}
    for identifier in identifiers:
        if identifier.kind not in chosen or contact.has_identifier(identifier):
            chosen[identifier.kind] = identifier
    return tuple(chosen.values())


def _plain_values(claim: Claim, excluded_kinds: Collection[str]) -> Mapping[str, str | None]:
    """The profile, with an external id or email in it that is nobody's identifier here."""
    plain = {
        field: value
        for field, value in ((EXTERNAL_ID, claim.external_id), (EMAIL, claim.email))
        if value is not None and field not in excluded_kinds
    }
    return {**plain, **claim.profile} if plain else claim.profile


def _is_change(value: Scalar | None, stored: Fact | None, standing: Standing) -> bool:
    if value is None or stored is None:
        return (value is None) != (stored is None)
    if type(stored.value) is not type(value) or stored.value != value:
        return True
    # The same value on better authority is worth remembering: it is protected from then on.
    return stored.standing < standing


def _write_kind(write: Write) -> str:
    if write.value is None:
        return "cleared"
    if is_same_value(write.stored, write.value):
        return "confirmed"
    return "filled" if is_blank(write.stored) else "replaced"


def _apply_accepted(before: Contact, accepted: Sequence[Write], write_context: WriteContext, is_new: bool) -> Contact:
    if not accepted:
        return before
    contact = before
    profile, block = dict(contact.profile), dict(_app_custom_data(contact, write_context.app))
    homes = {"profile": profile, "custom_data": block}
    for each in accepted:
        name = each.field if each.kind == "profile" else each.field.removeprefix(_FIELD_PREFIXES[each.kind])
        fact = (
            Fact(each.value, each.standing, write_context.at, write_context.writer_of(each.field))
            if each.value is not None
            else None
        )
        if each.kind == "identifier":
            contact = _set_identifier(contact, name, fact, each.stored)
        elif fact is None:
            homes[each.kind].pop(name, None)
        else:
            homes[each.kind][name] = fact
    custom_data = dict(contact.custom_data)
    if write_context.app is not None and (block or write_context.app.id in custom_data):
        custom_data[write_context.app.id] = block
    after = replace(
        contact,
        profile=profile,
        custom_data=custom_data,
        updated_at=write_context.at,
        last_seen_at=max(write_context.at, contact.last_seen_at),
        version=contact.version if is_new else contact.version + 1,
    )
    return deduplicate_phones(before, after) if before.phones else after


def _set_identifier(contact: Contact, kind: str, fact: Fact | None, stored: Fact | None) -> Contact:
    if fact is None:
        return with_identifiers(contact, kind, ())
    if stored is not None and is_same_value(stored, fact.value):
        return replace_identifier(contact, kind, stored, fact)
    return set_primary_identifier(contact, kind, fact)


def _app_custom_data(contact: Contact, app: App | None) -> Mapping[str, Fact]:
    return contact.custom_data.get(app.id, {}) if app is not None else {}
