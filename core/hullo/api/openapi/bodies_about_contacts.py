"""What servers send about contacts, within the limits of the settings: `server_bodies.py` as a schema."""

from __future__ import annotations

from typing import get_args

from hullo.api.openapi.bodies import STRICT, person_fields
from hullo.api.openapi.notation import FLAG, Schema, fields, one_of, or_null, ref, text, with_description
from hullo.model.conflict import ConflictResolution
from hullo.model.limits import Limits


def bodies_about_contacts(limits: Limits) -> dict[str, Schema]:
    """By their names in the document."""
    person = person_fields(limits)
    confirm = with_description(
        or_null(FLAG), "Also where that makes very many people one, or moves very many conversations."
    )
    dry_run = with_description(or_null(FLAG), "Nothing is done: the answer says what would be.")
    return {
        "ContactBody": with_description(
            fields(
                {
                    "app_id": with_description(
                        ref("AppId"), "Whose custom data it is, where the workspace has several apps."
                    ),
                    **person,
                    "emails": _list_of(person["email"], limits.emails, "email"),
                    "phones": _list_of(person["phone"], limits.phones, "phone"),
                    "custom_data": {"anyOf": [ref("CustomData"), _under_its_app(ref("CustomData"))]},
                    "strict": STRICT,
                }
            ),
            "What is not sent stays as it is.",
        ),
        "EventBody": fields(
            {
                "name": text(limits.event_name_length, "What happened, in the site's own words.", pattern=r"\S"),
                "occurred_at": or_null(
                    with_description(
                        {"type": "string", "format": "date-time"},
                        "Since 1970, and an hour in the future at most. null: now.",
                    )
                ),
                "properties": {
                    "type": ["object", "null"],
                    "description": f"Any JSON, of {limits.event_properties_bytes} bytes at most and "
                    f"{limits.event_properties_depth} objects or lists within one another. Whole numbers fit in 64 "
                    "bits.",
                },
            },
            required=("name",),
        ),
        "TagsBody": fields({"tags": {"type": "array", "items": tag(limits)}}, required=("tags",)),
        "NoteBody": fields({"text": text(limits.note_length, pattern=r"\S")}, required=("text",)),
        "MergeBody": fields(
            {
                "absorb": with_description(ref("ContactId"), "Who becomes part of the contact in the path."),
                "dry_run": dry_run,
                "confirm": confirm,
            },
            required=("absorb",),
        ),
        "UndoBody": fields({"dry_run": dry_run}),
        "ResolveBody": fields(
            {
                "action": with_description(
                    one_of(get_args(ConflictResolution)),
                    "`merge`: they are one, and `other_id` becomes part of `contact_id`. `keep`: they are two. "
                    "`move_email`: the email goes to `contact_id`.",
                ),
                "confirm": confirm,
            },
            required=("action",),
        ),
    }


def tag(limits: Limits) -> Schema:
    """One tag."""
    return text(limits.tag_length, "White space around it does not count; upper and lower case do.", pattern=r"\S")


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
