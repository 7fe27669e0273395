"""What servers are answered, field by field, but for what is about contacts: the shapes of `shapes.py` as schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hullo.api.openapi.answers_to_pages import CONVERSATION
from hullo.api.openapi.notation import (
    COUNT,
    FLAG,
    TEXT,
    Schema,
    closed_object,
    const,
    listed,
    or_null,
    ref,
    with_description,
)
from hullo.api.openapi.vocabulary import (
    CONSENT,
    KEPT,
    MATCHED_BY,
    MODE,
    REJECTED,
    RULE,
    SIGNATURE,
    STANDING,
    STEPS,
    WRITTEN,
    id_schema,
    page_of,
)
from hullo.model.retention import Retention
from hullo.operations.admin.app_settings import retention_days

_DECIDED: Final = closed_object(
    {
        "standing": STANDING,
        "matched_by": MATCHED_BY,
        "created": FLAG,
        "contact_id": with_description(or_null(ref("ContactId")), "null for one that would be new, or was erased."),
        "switched": FLAG,
        "linked_conversations": COUNT,
        "written": WRITTEN,
        "kept": KEPT,
        "conflicts": listed(closed_object({"rule": RULE, "field": TEXT, "other_id": ref("ContactId")})),
        "steps": STEPS,
    }
)

ANSWERS_TO_SERVERS: Final[Mapping[str, Schema]] = {
    "AttributedConversation": closed_object(
        {
            **CONVERSATION,
            "app_id": ref("AppId"),
            "visitor_id": ref("VisitorId"),
            "contact_id": or_null(ref("ContactId")),
            "standing": or_null(with_description(STANDING, "How sure it is that it is the contact's.")),
            "tags": listed(TEXT),
        }
    ),
    "AttributedConversationPage": page_of("AttributedConversation"),
    "Session": closed_object(
        {
            "visitor_id": ref("VisitorId"),
            "app_id": ref("AppId"),
            "standing": or_null(STANDING),
            "active": with_description(FLAG, "Neither ended nor too old."),
            "created_at": ref("Time"),
            "last_seen_at": ref("Time"),
            "expires_at": ref("Time"),
            "revoked_at": or_null(ref("Time")),
        }
    ),
    "SessionPage": page_of("Session"),
    "App": closed_object(
        {
            "id": ref("AppId"),
            "app_key": with_description(ref("AppId"), "What pages send."),
            "workspace_id": id_schema("ws", "Who owns the contacts."),
            "name": TEXT,
            "origins": with_description(listed(TEXT), "Whose pages may call. None: those of loopback hosts alone."),
            "verification": MODE,
            "region": or_null(with_description(TEXT, "The country of phone numbers without one.")),
            "consent": CONSENT,
            "retention": with_description(
                closed_object(dict.fromkeys(retention_days(Retention()), or_null({"type": "integer", "minimum": 1}))),
                "Days; null is for ever.",
            ),
            "created_at": ref("Time"),
            "calls": with_description(
                closed_object(
                    {
                        "days": COUNT,
                        "signed": COUNT,
                        "unsigned": COUNT,
                        "wrong": COUNT,
                        "signed_percent": or_null({"type": "number", "minimum": 0, "maximum": 100}),
                    }
                ),
                "Identify calls of the last days, by what they had to show for themselves.",
            ),
        }
    ),
    "Checked": closed_object(
        {
            "app_key": ref("AppId"),
            "verification": MODE,
            "accepted": FLAG,
            "refused": or_null(
                with_description(closed_object({"code": TEXT, "status": {"type": "integer"}, "detail": TEXT}), "Why.")
            ),
            "signature": SIGNATURE,
            "mistakes": with_description(
                listed(closed_object({"field": TEXT, "code": TEXT, "says": TEXT})), "In what should prove the call."
            ),
            "remarks": listed(TEXT),
            "decision": or_null(with_description(_DECIDED, "What would be done.")),
            "rejected": REJECTED,
        }
    ),
    "Health": closed_object({"status": const("ok")}),
    "Description": {"type": "object", "description": "An OpenAPI document."},
}
"""By their names in the document."""
