"""What servers are answered, field by field, but for what is about contacts: the shapes of `shapes.py` as schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hullo.asgi.openapi.answers_to_pages import CONVERSATION
from hullo.asgi.openapi.notation import COUNT, FLAG, TEXT, Schema, closed, exactly, listed, or_null, ref, said
from hullo.asgi.openapi.vocabulary import (
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
    an_id,
    page_of,
)
from hullo.model.retention import Retention
from hullo.pipeline.register.app_settings import kept_days

_DECIDED: Final = closed(
    {
        "standing": STANDING,
        "matched_by": MATCHED_BY,
        "created": FLAG,
        "contact_id": said(or_null(ref("ContactId")), "null for one that would be new, or was erased."),
        "switched": FLAG,
        "linked_conversations": COUNT,
        "written": WRITTEN,
        "kept": KEPT,
        "conflicts": listed(closed({"rule": RULE, "field": TEXT, "other_id": ref("ContactId")})),
        "steps": STEPS,
    }
)

ANSWERS_TO_SERVERS: Final[Mapping[str, Schema]] = {
    "AttributedConversation": closed(
        {
            **CONVERSATION,
            "app_id": ref("AppId"),
            "visitor_id": ref("VisitorId"),
            "contact_id": or_null(ref("ContactId")),
            "standing": or_null(said(STANDING, "How sure it is that it is the contact's.")),
            "tags": listed(TEXT),
        }
    ),
    "AttributedConversationPage": page_of("AttributedConversation"),
    "Session": closed(
        {
            "visitor_id": ref("VisitorId"),
            "app_id": ref("AppId"),
            "standing": or_null(STANDING),
            "active": said(FLAG, "Neither ended nor too old."),
            "created_at": ref("Time"),
            "last_seen_at": ref("Time"),
            "expires_at": ref("Time"),
            "revoked_at": or_null(ref("Time")),
        }
    ),
    "SessionPage": page_of("Session"),
    "App": closed(
        {
            "id": ref("AppId"),
            "app_key": said(ref("AppId"), "What pages send."),
            "workspace_id": an_id("ws", "Who owns the contacts."),
            "name": TEXT,
            "origins": said(listed(TEXT), "Whose pages may call. None: those of loopback hosts alone."),
            "verification": MODE,
            "region": or_null(said(TEXT, "The country of phone numbers without one.")),
            "consent": CONSENT,
            "retention": said(
                closed(dict.fromkeys(kept_days(Retention()), or_null({"type": "integer", "minimum": 1}))),
                "Days; null is for ever.",
            ),
            "created_at": ref("Time"),
            "calls": said(
                closed(
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
    "Checked": closed(
        {
            "app_key": ref("AppId"),
            "verification": MODE,
            "accepted": FLAG,
            "refused": or_null(said(closed({"code": TEXT, "status": {"type": "integer"}, "detail": TEXT}), "Why.")),
            "signature": SIGNATURE,
            "mistakes": said(
                listed(closed({"field": TEXT, "code": TEXT, "says": TEXT})), "In what should prove the call."
            ),
            "remarks": listed(TEXT),
            "decision": or_null(said(_DECIDED, "What would be done.")),
            "rejected": REJECTED,
        }
    ),
    "Health": closed({"status": exactly("ok")}),
    "Description": {"type": "object", "description": "An OpenAPI document."},
}
"""By their names in the document."""
