"""Policy: the writes that a claim asks for, what plugins refuse of them, and the contact that results (rules W)."""

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
from hullo.model.fact import PAGE_WRITER_PREFIX, Fact, Scalar, is_blank, is_same_value
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.instant import Instant
from hullo.model.limits import Limits
from hullo.model.match import CREATED
from hullo.model.phone import normalise_phone
from hullo.model.standing import Standing
from hullo.model.write import Write, custom_field, identifier_field
from hullo.rules.identifiers import (
    identifier_facts,
    replace_identifier,
    set_primary_identifier,
    with_identifiers,
)
from hullo.rules.phones import deduplicate_phones
from hullo.value import Value

MAX_EMAILS: Final = Limits().emails
"""Emails of one contact up to which a visitor's new one stands beside the others (W7)."""
_FINDING: Final = frozenset({None, CREATED, EXTERNAL_ID, EMAIL})
"""How a contact may be found for an identifier of the call to become its primary one. A plugin's matcher may find it by
what the first of two equal calls wrote, and the second must change nothing (W9)."""
_FIELD_PREFIXES: Final = {"identifier": "identifier.", "custom_data": f"{CUSTOM_DATA}."}


class WriteContext(Value):
    """The writer, the time, how far the writer is believed, and the app."""

    writer: str
    at: Instant
    standing: Standing
    app: App | None
    signed_fields: frozenset[str] | None = None
    """See `VerifiedClaim.signed_fields`."""
    proven_attributes: frozenset[str] = frozenset()
    """See `Evidence.proven_attributes`."""
    attribute_standing: Standing = Standing.CLAIMED
    """The standing of the proven attributes (V6)."""
    is_signed: bool = True
    """See `Write.signed`."""
    visitor_writer: str | None = None
    """The writer of fields beside the evidence. None where that is `writer` too."""
    site_word: Identifier | None = None
    """See `VerifiedClaim.trusted_email`."""
    is_attesting: bool = False
    """True where a visitor's own proof covers the identifiers that are proven."""

    def writer_of(self, field: str) -> str:
        """Return the writer to store with the value (`Fact.by`)."""
        if self.site_word is not None and field == self.site_word.kind:
            return f"{PAGE_WRITER_PREFIX}{self.app.id}" if self.app is not None else self.writer
        if self.signed_fields is None or self.visitor_writer is None:
            return self.writer
        # V2: a proof covers what was signed. The visitor, not the key, wrote what stands beside it.
        return self.writer if field in self.signed_fields else self.visitor_writer

    def is_protected(self, field: str) -> bool:
        """Return whether the app protects the field, and the site itself does not state it (W12)."""
        # Most apps protect nothing.
        if self.app is None or not self.app.protected_keys:
            return False
        # A server, an agent and an import are the site itself, and so is a token that states the value.
        if self.visitor_writer is None or (self.signed_fields is not None and field in self.signed_fields):
            return False
        return self.app.protects(field.removeprefix(_FIELD_PREFIXES["custom_data"]))

    def standing_of(self, field: str) -> Standing:
        """Return the standing of a value that is no identifier (V5, V6)."""
        # V6: a signed attribute is proven by itself, and says nothing about the person beside it.
        if field in self.proven_attributes:
            return self.attribute_standing
        return self.standing if self.signed_fields is None or field in self.signed_fields else Standing.CLAIMED


class WriteResult(Value):
    """The contact as it will be, the verdict on each field, and the refusals with their plugins."""

    contact: Contact
    written: tuple[FieldVerdict, ...] = ()
    kept: tuple[FieldVerdict, ...] = ()
    unchanged: tuple[str, ...] = ()
    """The fields that had the value already."""
    changes: tuple[FieldChange, ...] = ()
    """Each written field, before and after."""
    steps: tuple[Step, ...] = ()

    @property
    def changed_fields(self) -> list[str]:
        """List the fields that changed."""
        return [verdict.field for verdict in self.written]

    def verdicts(self) -> tuple[FieldVerdict, ...]:
        """List the verdict on each field."""
        unchanged = (
            FieldVerdict(field=field, verdict="unchanged", reason="it was so already") for field in self.unchanged
        )
        return (*self.kept, *self.written, *unchanged)


def write_claim(
    claim: Claim,
    contact: Contact,
    write_context: WriteContext,
    hooks: PluginManager,
    *,
    is_new: bool,
    writable: Iterable[tuple[Identifier, bool]],
    withheld_kinds: Iterable[str] = (),
    cleared_kinds: Iterable[str] = (),
    matched_by: str | None = None,
) -> WriteResult:
    """Write what the claim asks for to the contact, except what a policy refuses. Pure; may run more than once.

    `writable` are the identifiers that may be written, each with whether a proof covers it; `withheld_kinds` belong to
    another contact; `cleared_kinds` are to be removed, further identifiers too. `matched_by` is the kind by which the
    contact was found, None for a write by contact id.
    """
    writes, unchanged, attested = _propose_writes(
        claim, contact, write_context, writable, withheld_kinds, cleared_kinds, matched_by
    )
    # Nothing to review is the rule: most calls repeat what is stored (W9).
    if not writes:
        return WriteResult(
            contact=_apply_accepted(contact, attested, write_context, is_new) if attested else contact,
            unchanged=unchanged,
        )
    # Policies see None for a new contact that holds nothing yet: one that has absorbed another may hold values.
    reviewed = None if is_new and not contact.absorbed else contact
    refusals = hooks.review_writes(claim, write_context.standing, reviewed, writes)
    accepted = [write for write in writes if write.field not in refusals]
    return WriteResult(
        contact=_apply_accepted(contact, [*accepted, *attested], write_context, is_new),
        written=tuple(
            FieldVerdict(field=write.field, verdict="written", reason=f"{_write_kind(write)} as {write.standing.label}")
            for write in accepted
        ),
        # One refused field does not lose the rest (W8).
        kept=tuple(
            FieldVerdict(field=field, verdict="kept", reason=refusal.reason) for field, (_, refusal) in refusals.items()
        ),
        unchanged=unchanged,
        changes=tuple(
            FieldChange(field=write.field, before=write.stored.value if write.stored else None, after=write.value)
            for write in accepted
        ),
        steps=tuple(
            Step(stage="policy", plugin=name, answer=f"keeps {field}: {refusal.reason}")
            for field, (name, refusal) in refusals.items()
        ),
    )


def one_per_kind(identifiers: Iterable[Identifier], contact: Contact) -> tuple[Identifier, ...]:
    """Choose one identifier of each kind: the one that the contact has already, else the one named first."""
    chosen: dict[str, Identifier] = {}
    for identifier in identifiers:
        # W7: one that the contact has already wins, or each call would swap its primary identifier.
        if identifier.kind not in chosen or contact.has_identifier(identifier):
            chosen[identifier.kind] = identifier
    return tuple(chosen.values())


def _propose_writes(
    claim: Claim,
    contact: Contact,
    write_context: WriteContext,
    writable: Iterable[tuple[Identifier, bool]],
    withheld_kinds: Iterable[str],
    cleared_kinds: Iterable[str],
    matched_by: str | None,
) -> tuple[tuple[Write, ...], tuple[str, ...], tuple[Write, ...]]:
    """Return the writes that would change something, the fields that have their value already, and of these the
    identifiers that this call attests: no value changes, so no policy is asked, and no event says so."""
    changing: list[Write] = []
    unchanged: list[str] = []
    attested: list[Write] = []

    def propose(
        field: str,
        kind: str,
        value: Scalar | None,
        stored: Fact | None,
        standing: Standing | None = None,
        app_id: str | None = None,
        attests: bool = False,
    ) -> None:
        standing = standing if standing is not None else write_context.standing_of(field)
        is_change = _is_change(value, stored, standing)
        # W9: what is so already is no write, so no plugin is asked about it.
        if not is_change:
            unchanged.append(field)
            if not attests or stored is None or stored.is_attested:
                return
        write = Write(
            field=field,
            kind=kind,
            value=value,
            standing=standing,
            stored=stored,
            signed=write_context.is_signed,
            app_id=app_id,
            is_protected=kind != "identifier" and write_context.is_protected(field),
        )
        (changing if is_change else attested).append(write)

    # Only what the claim names is proposed: an omitted field stays as it is (W1).
    handled_kinds = {*withheld_kinds}
    for identifier, has_proof in writable:
        kind, held = identifier.kind, contact.identifier_fact(identifier)
        # V2: a proof of an email says nothing about a contact that was reached by a mere claim, and an identifier that
        # a proven visitor gives without a proof is a mere claim.
        is_mere_claim = write_context.standing is Standing.PROVEN and not has_proof
        standing = Standing.CLAIMED if is_mere_claim else write_context.standing
        # W7: a proven identifier of another kind becomes the primary one, as the site states that this is their email
        # now. The one by which the contact was only found does not: a person with two accounts would change names at
        # each login.
        becomes_primary = kind != matched_by and matched_by in _FINDING and standing is Standing.PROVEN
        stored = contact.identifiers.get(kind) if held is None or becomes_primary else held
        # M2: another spelling of the same email is the same email. The stored one stays, unless the site itself
        # corrects it: a visitor's would change from call to call (W9). One that finds the contact corrects nothing.
        corrects = kind != matched_by and has_proof and write_context.visitor_writer is None
        # W7: a person who is proven by this call has a new email. It becomes the primary one, and replaces none.
        if held is None and kind == EMAIL != matched_by and _takes_another_email(contact, write_context):
            stored = None
        propose(
            identifier_field(kind),
            "identifier",
            identifier.value if held is None or corrects else held.value,
            stored,
            standing,
            attests=has_proof and write_context.is_attesting and identifier != write_context.site_word,
        )
        handled_kinds.add(kind)
    for kind in cleared_kinds:
        propose(identifier_field(kind), "identifier", None, contact.identifiers.get(kind))
        # An identifier that no plugin named when it was written is in the profile: see `_plain_values`.
        if kind in contact.profile:
            propose(kind, "profile", None, contact.profile[kind])
    for field, text in _plain_values(claim, handled_kinds).items():
        # W11: only the app knows the region in which a number without a country code is meant.
        if field == "phone" and text is not None:
            text = normalise_phone(text, write_context.app.region if write_context.app else None)
        propose(field, "profile", text, contact.profile.get(field))
    # Custom data belongs to a contact in one app: without an app there is no block to write to.
    if claim.custom_data and write_context.app is not None:
        # W3: key by key, and only this app's block. Keys that the claim does not hold are not touched.
        block = _app_custom_data(contact, write_context.app)
        for key, custom in claim.custom_data.items():
            propose(custom_field(key), "custom_data", custom, block.get(key), app_id=write_context.app.id)
    return tuple(changing), tuple(unchanged), tuple(attested)


def _takes_another_email(contact: Contact, write_context: WriteContext) -> bool:
    """Return whether a new email stands beside those that the contact has, up to as many as a list holds (W7)."""
    is_proven_visitor = write_context.is_attesting and write_context.standing is Standing.PROVEN
    return is_proven_visitor and len(contact.also.get(EMAIL, ())) + 1 < MAX_EMAILS


def _plain_values(claim: Claim, excluded_kinds: Collection[str]) -> Mapping[str, str | None]:
    """Return the profile, with an external id or email that no plugin named: it identifies no person in this
    configuration, and is kept as a plain value."""
    plain = {
        field: value
        for field, value in ((EXTERNAL_ID, claim.external_id), (EMAIL, claim.email))
        if value is not None and field not in excluded_kinds
    }
    return {**plain, **claim.profile} if plain else claim.profile


def _is_change(value: Scalar | None, stored: Fact | None, standing: Standing) -> bool:
    if value is None or stored is None:
        return (value is None) != (stored is None)
    # Types first: in Python `True == 1` and `1 == 1.0`, and to a site they are different values (W6).
    if type(stored.value) is not type(value) or stored.value != value:
        return True
    # The same value with a higher standing is a change: it is protected from then on (W2, W4).
    return stored.standing < standing


def _write_kind(write: Write) -> str:
    if write.value is None:
        return "cleared"
    if is_same_value(write.stored, write.value):
        return "confirmed"
    return "filled" if is_blank(write.stored) else "replaced"


def _apply_accepted(before: Contact, accepted: Sequence[Write], write_context: WriteContext, is_new: bool) -> Contact:
    # W9: without this, a call whose writes are all refused would still raise the version.
    if not accepted:
        return before
    contact = before
    # Copies: one snapshot may be decided about twice (`Identify._decide_single_use`).
    profile, block = dict(contact.profile), dict(_app_custom_data(contact, write_context.app))
    facts_of = {"profile": profile, "custom_data": block}
    for write in accepted:
        name = write.field if write.kind == "profile" else write.field.removeprefix(_FIELD_PREFIXES[write.kind])
        # None clears the field (W5).
        fact = (
            Fact(write.value, write.standing, write_context.at, write_context.writer_of(write.field))
            if write.value is not None
            else None
        )
        if write.kind == "identifier":
            contact = _set_identifier(contact, name, fact, write.stored)
        elif fact is None:
            facts_of[write.kind].pop(name, None)
        else:
            facts_of[write.kind][name] = fact
    custom_data = dict(contact.custom_data)
    # No empty block is begun for an app that has written none.
    if write_context.app is not None and (block or write_context.app.id in custom_data):
        custom_data[write_context.app.id] = block
    after = replace(
        contact,
        profile=profile,
        custom_data=custom_data,
        updated_at=write_context.at,
        # Clocks of processes differ, and a contact is not seen earlier than it was.
        last_seen_at=max(write_context.at, contact.last_seen_at),
        # Race: two writers of one contact give it the same next version; the store refuses the second (R1, R2).
        version=contact.version if is_new else contact.version + 1,
    )
    # A further phone may have become the primary one, and must not be listed twice.
    return deduplicate_phones(before, after) if before.phones else after


def _set_identifier(contact: Contact, kind: str, fact: Fact | None, stored: Fact | None) -> Contact:
    # Clearing a kind removes the further identifiers too: the contact is not to be found by any.
    if fact is None:
        return with_identifiers(contact, kind, ())
    if stored is not None and is_same_value(stored, fact.value):
        return replace_identifier(contact, kind, stored, fact)
    if stored is None and kind in contact.identifiers:
        # W7: the former primary one stays as a further one.
        return with_identifiers(contact, kind, (fact, *identifier_facts(contact, kind)))
    return set_primary_identifier(contact, kind, fact)


def _app_custom_data(contact: Contact, app: App | None) -> Mapping[str, Fact]:
    return contact.custom_data.get(app.id, {}) if app is not None else {}
