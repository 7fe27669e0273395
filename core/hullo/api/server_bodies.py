"""Bodies that servers send about contacts: their values, events, notes, tags, merges."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, Self, cast, get_args

from msgspec.structs import asdict, replace

from hullo.api.openapi.claims import STRICT, person_fields
from hullo.api.openapi.notation import Schema, fields, listed, ref, text, with_description
from hullo.api.person_body import decode_person
from hullo.api.request_body import (
    BodyField,
    RequestBody,
    checked,
    choice,
    flag,
    invalid_field,
    is_plausible_id,
    lines,
)
from hullo.engine.conflict_resolution import BulkResolution
from hullo.model.claim import CUSTOM_DATA, Claim
from hullo.model.conflict import CONFLICT_RULES, ConflictResolution
from hullo.model.contact import ContactId
from hullo.model.identifier import EMAIL, EXTERNAL_ID
from hullo.model.instant import Instant
from hullo.model.limits import Limits
from hullo.operations.contacts.contact_events import EventReport
from hullo.operations.contacts.email_phone_lists import PRIMARY_FIELDS, ContactLists
from hullo.operations.contacts.tags import parse_tags

_APP_ID: Final = re.compile(r"app_[0-9a-z]+")

DryRun = Annotated[bool, flag("Nothing is done: the answer says what would be.")]
Confirm = Annotated[bool, flag("Also where that makes very many people one, or moves very many conversations.")]


class ContactBody(RequestBody):
    """What a server writes about a contact. `cleared_identifiers` are those that it sent as null."""

    summary: ClassVar[str] = "What is not sent stays as it is."
    claim: Claim
    lists: ContactLists
    app_id: str | None
    """Whose custom data, where the body says so."""
    cleared_identifiers: frozenset[str]

    @classmethod
    def parse(cls, raw: bytes, limits: Limits) -> Self:
        """Decode an identify body with lists, its custom data flat or under one app's id.

        Raises `BadRequest`, and `Invalid` where it is unclear whose custom data it is, or which emails are meant.
        """
        body = decode_person(raw, limits)
        app_id = _parse_app_id(body)
        lists, rejected = ContactLists.from_body(body, limits)
        # These are read above, and are no part of the claim.
        said = {name: value for name, value in body.items() if name not in {"app_id", "app_key", *PRIMARY_FIELDS}}
        nested = _nested_custom_data(said.get(CUSTOM_DATA))
        if nested is not None:
            block_of, said[CUSTOM_DATA] = nested
            if app_id not in {None, block_of}:
                raise invalid_field(CUSTOM_DATA, "is under one app's id, and app_id names another")
            app_id = block_of
        claim = Claim.from_body(said, limits)
        return cls(
            claim=replace(claim, rejected=(*claim.rejected, *rejected)),
            lists=lists,
            app_id=app_id,
            # null clears an identifier here, and in a claim it only counts as absent.
            cleared_identifiers=frozenset(kind for kind in (EXTERNAL_ID, EMAIL) if kind in said and said[kind] is None),
        )

    @classmethod
    def described(cls, limits: Limits) -> Schema:
        """Describe the body in the OpenAPI document."""
        person, custom_data = person_fields(limits), ref("CustomData")
        properties = {
            "app_id": with_description(ref("AppId"), "Whose custom data it is, where the workspace has several apps."),
            **person,
            "emails": _list_of(person["email"], limits.emails, "email"),
            "phones": _list_of(person["phone"], limits.phones, "phone"),
            "custom_data": {"anyOf": [custom_data, _under_its_app(custom_data)]},
            "strict": STRICT,
        }
        return with_description(fields(properties), cls.summary)


def _unread(schema: Callable[[Limits], Schema]) -> BodyField:
    """Declare a field whose value is read later."""
    return BodyField(schema, lambda value, _: value)


def _event_name(limits: Limits) -> Schema:
    return text(limits.event_name_length, "What happened, in the site's own words.", pattern=r"\S")


def _event_time(_: Limits) -> Schema:
    described = "Since 1970, and an hour in the future at most. null: now."
    return {"type": "string", "format": "date-time", "description": described}


def _event_properties(limits: Limits) -> Schema:
    described = (
        f"Any JSON, of {limits.event_properties_bytes} bytes at most and {limits.event_properties_depth} objects or "
        "lists within one another. Whole numbers fit in 64 bits."
    )
    return {"type": "object", "description": described}


class EventBody(RequestBody):
    """What a contact did. Its values are read by `report`."""

    name: Annotated[object, _unread(_event_name)]
    occurred_at: Annotated[object, _unread(_event_time)] = None
    properties: Annotated[object, _unread(_event_properties)] = None

    def report(self, limits: Limits, now: Instant) -> EventReport:
        """Read the values. Raises `Invalid` with all faults."""
        return EventReport.from_body(asdict(self), limits, now)


def _read_tags(value: object, limits: Limits) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list")
    return parse_tags(cast("list[object]", value), limits)


def _tags_schema(limits: Limits) -> Schema:
    described = "White space around it does not count; upper and lower case do."
    return listed(text(limits.tag_length, described, pattern=r"\S"))


class TagsBody(RequestBody):
    """Tags to add."""

    tags: Annotated[tuple[str, ...], BodyField(_tags_schema, _read_tags)]


class NoteBody(RequestBody):
    """A note for agents."""

    text: Annotated[str, lines("note_length")]


def _is_id(value: object) -> bool:
    return isinstance(value, str) and is_plausible_id(value)


class MergeBody(RequestBody):
    """Two contacts are one. `confirm`: even if that changes very much."""

    absorb: Annotated[
        ContactId,
        checked(
            with_description(ref("ContactId"), "Who becomes part of the contact in the path."),
            _is_id,
            "must be the id of the contact that becomes part of this one",
        ),
    ]
    dry_run: DryRun = False
    confirm: Confirm = False


class UndoBody(RequestBody):
    """A merge is undone."""

    dry_run: DryRun = False


class ResolveBody(RequestBody):
    """A conflict is settled."""

    action: Annotated[
        ConflictResolution,
        choice(
            get_args(ConflictResolution),
            "`merge`: they are one, and `other_id` becomes part of `contact_id`. `keep`: they are two. "
            "`move_email`: the email goes to `contact_id`.",
        ),
    ]
    confirm: Confirm = False


class ResolveAllBody(RequestBody):
    """All open conflicts of a rule are settled."""

    rule: Annotated[str, choice(CONFLICT_RULES, "The rule of the conflicts.")]
    action: Annotated[
        BulkResolution, choice(get_args(BulkResolution), "`merge`: each pair is one person. `keep`: each is two.")
    ]
    dry_run: DryRun = False


def _parse_app_id(body: Mapping[str, object]) -> str | None:
    # A set: the same app under both names is no contradiction.
    named = {body[name] for name in ("app_id", "app_key") if isinstance(body.get(name), str)}
    if len(named) > 1:
        raise invalid_field("app_id", "app_id and app_key are the same thing; send one of them")
    for name in ("app_id", "app_key"):
        if body.get(name) is not None and not isinstance(body[name], str):
            raise invalid_field(name, "must be text")
    return cast("str", named.pop()) if named else None


def _nested_custom_data(block: object) -> tuple[str, object] | None:
    """The app's id and its block, for custom data that is written as it is read. None for the flat form."""
    if not isinstance(block, dict) or not block:
        return None
    blocks = cast("dict[str, Any]", block)
    # A flat key may begin with `app_` too, but no custom value is an object (W6).
    if not all(_APP_ID.fullmatch(name) and isinstance(inner, dict) for name, inner in blocks.items()):
        return None
    if len(blocks) > 1:
        raise invalid_field(CUSTOM_DATA, "holds several apps' blocks; write one app's in a call")
    return next(iter(blocks.items()))


def _list_of(alone: Schema, most: int, name: str) -> Schema:
    # Without null: an address leaves the list by not being in it.
    item = {**alone, "type": "string"}
    return {
        "type": ["array", "null"],
        "items": item,
        "maxItems": most,
        "description": f"All of them, the first one as `{name}`: whichever is not in it goes. Not beside `{name}`.",
    }


def _under_its_app(block: Schema) -> Schema:
    """As it is read: under the app's id."""
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        # As in `server_bodies`: with any other key the block counts as flat.
        "propertyNames": {"pattern": "^app_[0-9a-z]+$"},
        "additionalProperties": block,
    }
