"""Bodies that servers send about contacts: their values, events, notes, tags, merges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast, get_args

from msgspec.structs import replace

from hullo.api.bodies import invalid_field, is_plausible_id, text_error
from hullo.api.person_body import decode_person
from hullo.asgi.json import decode_object
from hullo.model.claim import CUSTOM_DATA, Claim
from hullo.model.conflict import ConflictResolution
from hullo.model.contact import ContactId
from hullo.model.identifier import EMAIL, EXTERNAL_ID
from hullo.model.instant import Instant
from hullo.model.limits import Limits
from hullo.operations.contacts.contact_events import EventReport
from hullo.operations.contacts.email_phone_lists import PRIMARY_FIELDS, ContactLists
from hullo.operations.contacts.tags import TAGS_FIELD, parse_tags
from hullo.value import Value

_APP_ID: Final = re.compile(r"app_[0-9a-z]+")
_ACTIONS: Final[tuple[str, ...]] = get_args(ConflictResolution)


class ContactBody(Value):
    """What a server writes about a contact. `cleared` are the identifiers that it sent as null."""

    claim: Claim
    lists: ContactLists
    app_id: str | None
    """Whose custom data, where the body says so."""
    cleared_identifiers: frozenset[str]


class MergeBody(Value):
    """Two contacts are one. `dry_run`: what would become of them. `confirm`: even if that is very much."""

    absorb: ContactId
    dry_run: bool
    confirm: bool


class ResolveBody(Value):
    """A conflict is settled."""

    action: ConflictResolution
    confirm: bool


def parse_contact_body(raw: bytes, limits: Limits) -> ContactBody:
    """The body of a contact that a server writes: an identify body, its custom data flat or under one app's id.

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
    return ContactBody(
        claim=replace(claim, rejected=(*claim.rejected, *rejected)),
        lists=lists,
        app_id=app_id,
        # null clears an identifier here, and in a claim it only counts as absent.
        cleared_identifiers=frozenset(kind for kind in (EXTERNAL_ID, EMAIL) if kind in said and said[kind] is None),
    )


def parse_event_body(raw: bytes, limits: Limits, now: Instant) -> EventReport:
    """Raises `BadRequest`, and `Invalid`."""
    return EventReport.from_body(_known_fields(decode_object(raw), "name", "occurred_at", "properties"), limits, now)


def parse_note_body(raw: bytes, limits: Limits) -> str:
    """The note's text. Raises `BadRequest`, and `Invalid` for a text that is none."""
    text = _known_fields(decode_object(raw), "text")["text"]
    if fault := text_error(text, limits.note_length):
        raise invalid_field("text", fault)
    return cast("str", text)


def parse_tags_body(raw: bytes, limits: Limits) -> tuple[str, ...]:
    """The tags. Raises `BadRequest`, and `Invalid` for what is no list of tags."""
    tags = _known_fields(decode_object(raw), TAGS_FIELD)[TAGS_FIELD]
    if not isinstance(tags, list):
        raise invalid_field(TAGS_FIELD, "must be a list")
    return parse_tags(cast("list[object]", tags), limits)


def parse_merge_body(raw: bytes) -> MergeBody:
    """Raises `BadRequest`, and `Invalid`."""
    said = _known_fields(decode_object(raw), "absorb", "dry_run", "confirm")
    if not (isinstance(said["absorb"], str) and is_plausible_id(said["absorb"])):
        raise invalid_field("absorb", "must be the id of the contact that becomes part of this one")
    return MergeBody(absorb=said["absorb"], dry_run=_flag(said, "dry_run"), confirm=_flag(said, "confirm"))


def parse_undo_body(raw: bytes) -> bool:
    """Whether it is a dry run. Raises `BadRequest`, and `Invalid`."""
    return _flag(_known_fields(decode_object(raw), "dry_run"), "dry_run") if raw else False


def parse_resolve_body(raw: bytes) -> ResolveBody:
    """Raises `BadRequest`, and `Invalid`."""
    said = _known_fields(decode_object(raw), "action", "confirm")
    if said["action"] not in _ACTIONS:
        raise invalid_field("action", f"must be one of {', '.join(_ACTIONS)}")
    return ResolveBody(action=cast("ConflictResolution", said["action"]), confirm=_flag(said, "confirm"))


def _known_fields(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """These fields of the body, None where they were not sent. Raises `Invalid` for others, of which it names one: what
    a body makes up is not to be told at length."""
    unknown = next((name for name in body if name not in names), None)
    if unknown is not None:
        # Unprintable characters could change the terminal that shows the error; 64 are enough to find the field.
        raise invalid_field("".join(each if each.isprintable() else "?" for each in unknown[:64]), "unknown field")
    return {name: body.get(name) for name in names}


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body[name]
    if value is None or isinstance(value, bool):
        return bool(value)
    raise invalid_field(name, "must be true or false")


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
    if not all(_APP_ID.fullmatch(name) and isinstance(each, dict) for name, each in blocks.items()):
        return None
    if len(blocks) > 1:
        raise invalid_field(CUSTOM_DATA, "holds several apps' blocks; write one app's in a call")
    return next(iter(blocks.items()))
