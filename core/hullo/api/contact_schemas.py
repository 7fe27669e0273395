"""The bodies of responses about a contact: the contact, what was written, its conflicts and tags, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self, cast, get_args

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from hullo.api.field_types import (
    AppId,
    ConflictId,
    ContactId,
    Field,
    MatchedBy,
    MergeId,
    RequestId,
    Rule,
    Scalar,
    StandingLabel,
    Time,
    Writer,
    const,
    one_of,
)
from hullo.api.schemas import Blocked, BlockResponse, FaultResponse, Kept, Rejected, ResponseBody, Written
from hullo.model.claim import CUSTOM_DATA
from hullo.model.conflict import ConflictResolution, ConflictStatus
from hullo.model.contact import Contact
from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL
from hullo.model.instant import format_rfc3339
from hullo.model.match import CREATED
from hullo.model.outcome import Outcome
from hullo.model.write import identifier_field
from hullo.operations.contacts.email_phone_lists import EMAILS, PHONES
from hullo.operations.contacts.tags import tag_field_name
from hullo.rules.identifiers import identifier_facts
from hullo.rules.phones import all_phones

IDENTIFIERS = "identifiers"


class ProvenanceResponse(ResponseBody):
    """Where a value comes from."""

    standing: StandingLabel
    at: Time
    by: Writer


class JoinedRecordResponse(ResponseBody):
    """A record that is joined to the contact by an email that the visitor gave. Its values are claimed here."""

    merge_id: Annotated[MergeId, Meta(description="The merge to undo where the two are two people.")]
    email: Annotated[str, Meta(description="The email that the visitor gave, without proof.")]

    @classmethod
    def of_contact(cls, contact: Contact) -> Self | UnsetType:
        """Describe the record; UNSET without one."""
        joined = (fact for fact in identifier_facts(contact, EMAIL) if fact.joined_by is not None)
        fact = next(joined, None)
        return UNSET if fact is None or fact.joined_by is None else cls(merge_id=fact.joined_by, email=str(fact.value))


class ContactResponse(ResponseBody, kw_only=True):
    """A person, as servers see them."""

    id: ContactId
    external_id: Annotated[str | None, Meta(description="The site's own id of the person.")]
    email: Annotated[str | None, Meta(description="As it was written.")]
    name: Annotated[str | None, Meta(description="The person's name.")]
    phone: Annotated[str | None, Meta(description="As E.164 where it can be.")]
    company: Annotated[str | None, Meta(description="The person's company.")]
    avatar_url: Annotated[str | None, Meta(description="The address of a picture.")]
    emails: Annotated[list[str], Meta(description="All of them; the first is `email`. The contact is found by each.")]
    phones: Annotated[list[str], Meta(description="All of them; the first is `phone`.")]
    identifiers: Annotated[
        dict[str, list[str]],
        Meta(description="Every other name of the person by its kind, as `external_id` and those that plugins name."),
    ]
    tags: Annotated[list[str], Meta(description="In alphabetical order.")]
    custom_data: Annotated[dict[AppId, dict[str, Scalar]], Meta(description="Every app has its own.")]
    standing: Annotated[StandingLabel, Meta(description="The best that is known of who this is.")]
    blocked: Blocked
    created_at: Time
    updated_at: Time
    last_seen_at: Time
    merged_into: Annotated[
        ContactId | UnsetType, Meta(description="Where another was asked for, that has become part of this one.")
    ] = UNSET
    joined: Annotated[
        JoinedRecordResponse | UnsetType,
        Meta(description="The record that is joined to this one by an email that the visitor gave (J), if there is."),
    ] = UNSET
    provenance: Annotated[
        dict[str, ProvenanceResponse] | UnsetType,
        Meta(description="Of each value by its name, where it was asked for. `emails.1` is the second of `emails`."),
    ] = UNSET

    @classmethod
    def of(cls, contact: Contact, *, requested_id: str | None = None, provenance: bool = False) -> ContactResponse:
        """Describe a contact. Where `requested_id` is that of one which it absorbed, `merged_into` says so (G3)."""
        profile = contact.profile
        return ContactResponse(
            id=contact.id,
            external_id=contact.external_id,
            email=contact.email,
            name=_text(profile.get("name")),
            phone=_text(profile.get("phone")),
            company=_text(profile.get("company")),
            avatar_url=_text(profile.get("avatar_url")),
            emails=[cast("str", fact.value) for fact in _email_facts(contact)],
            phones=[cast("str", fact.value) for fact in all_phones(contact)],
            identifiers={
                kind: [cast("str", fact.value) for fact in identifier_facts(contact, kind)]
                for kind in _other_identifier_kinds(contact)
            },
            tags=sorted(contact.tags),
            custom_data={
                app_id: {key: fact.value for key, fact in block.items()}
                for app_id, block in contact.custom_data.items()
                # An app whose last key was cleared leaves an empty block.
                if block
            },
            standing=contact.standing.label,
            blocked=BlockResponse.of_same(contact.blocks[0]) if contact.blocks else None,
            created_at=format_rfc3339(contact.created_at),
            updated_at=format_rfc3339(contact.updated_at),
            last_seen_at=format_rfc3339(contact.last_seen_at),
            merged_into=UNSET if requested_id in {None, contact.id} else contact.id,
            joined=JoinedRecordResponse.of_contact(contact),
            provenance=_provenance(contact) if provenance else UNSET,
        )


class ConflictResponse(ResponseBody):
    """Two contacts that one call named."""

    id: ConflictId
    contact_id: Annotated[ContactId, Meta(description="The contact that the call was about.")]
    other_id: Annotated[ContactId, Meta(description="The contact that has what the call named.")]
    field: Field
    rule: Rule
    status: Annotated[str, one_of(get_args(ConflictStatus), "Whether it still needs a decision.")]
    resolution: Annotated[
        Annotated[str, one_of(get_args(ConflictResolution))] | None, Meta(description="How it was resolved.")
    ]
    created_at: Time
    resolved_at: Annotated[Time | None, Meta(description="null while it is open.")]
    resolved_by: Annotated[Writer | None, Meta(description="null while it is open.")]


class WrittenContactResponse(ContactResponse, kw_only=True):
    """A contact that was just written, and what became of the call."""

    matched_by: MatchedBy
    created: Annotated[bool, Meta(description="The contact is new.")]
    rejected: Rejected
    written: Written
    kept: Kept
    conflicts: Annotated[list[ConflictResponse], Meta(description="Those that this call has opened.")]
    request_id: RequestId

    @classmethod
    def of_outcome(cls, contact: Contact, outcome: Outcome) -> Self:
        """Describe a contact as it is after the call with this outcome."""
        return cls(
            # From the fields of the base: a second list of them here could forget one.
            **asdict(ContactResponse.of(contact)),
            matched_by=outcome.matched_by,
            created=outcome.matched_by == CREATED,
            rejected=FaultResponse.of_each(outcome.rejected),
            written=[verdict.field for verdict in outcome.written],
            kept=FaultResponse.of_each(outcome.kept),
            conflicts=[ConflictResponse.of_same(conflict) for conflict in outcome.conflicts],
            request_id=outcome.request_id,
        )


class ErasedContactResponse(ResponseBody):
    """A contact that is no more."""

    id: ContactId
    erased: Annotated[bool, const(True), Meta(description="It is gone for good.")]


class LoggedOutContactResponse(ResponseBody):
    """A contact without sessions."""

    id: ContactId
    logged_out: Annotated[bool, const(True), Meta(description="Every session has ended.")]


class TagsResponse(ResponseBody):
    """The tags of a contact or a conversation."""

    tags: Annotated[list[str], Meta(description="In alphabetical order.")]


def contact_facts(contact: Contact) -> Iterator[tuple[str, Fact]]:
    """Every value but custom data, under the name of its place in the response: of several values the first under its
    field's own name, the second as `emails.1`."""
    yield from ((identifier_field(kind), fact) for kind, fact in contact.identifiers.items())
    yield from contact.profile.items()
    yield from _numbered_facts(EMAILS, identifier_facts(contact, EMAIL))
    yield from _numbered_facts(PHONES, all_phones(contact))
    for kind in _other_identifier_kinds(contact):
        yield from _numbered_facts(f"{IDENTIFIERS}.{kind}", identifier_facts(contact, kind))
    yield from ((tag_field_name(tag), fact) for tag, fact in sorted(contact.tags.items()))


def _provenance(contact: Contact) -> dict[str, ProvenanceResponse]:
    custom = (
        (f"{CUSTOM_DATA}.{app_id}.{key}", fact)
        for app_id, block in contact.custom_data.items()
        for key, fact in block.items()
    )
    return {field: ProvenanceResponse.of_same(fact) for field, fact in (*contact_facts(contact), *custom)}


def _numbered_facts(field: str, facts: tuple[Fact, ...]) -> Iterator[tuple[str, Fact]]:
    # From 1 on: the first value stands under the field's own name already.
    yield from ((f"{field}.{number}", fact) for number, fact in enumerate(facts) if number)


def _email_facts(contact: Contact) -> tuple[Fact, ...]:
    """The email as a plain value, where no plugin makes it an identifier."""
    plain = contact.profile.get(EMAIL)
    return identifier_facts(contact, EMAIL) or (() if plain is None else (plain,))


def _other_identifier_kinds(contact: Contact) -> list[str]:
    # A dict for its order: the order of a set changes from process to process.
    return [kind for kind in dict.fromkeys((*contact.identifiers, *contact.also)) if kind != EMAIL]


def _text(fact: Fact | None) -> str | None:
    return None if fact is None else cast("str", fact.value)
