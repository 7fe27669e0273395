"""What servers are answered, field by field: the shapes of `shapes.py` as schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from hullo.asgi.openapi.answers_to_pages import CONVERSATION
from hullo.asgi.openapi.notation import COUNT, FLAG, TEXT, Schema, closed, exactly, listed, one_of, or_null, ref, said
from hullo.asgi.openapi.vocabulary import (
    KEPT,
    MATCHED_BY,
    MODE,
    REJECTED,
    RULE,
    SIGNATURE,
    STANDING,
    WRITTEN,
    an_id,
    page_of,
)
from hullo.model.claim import PROFILE_FIELDS
from hullo.model.conflict import ConflictStatus
from hullo.model.decision_record import Verdict

_WRITER: Final = said(TEXT, "As `visitor:vis_…`, `identity-key:…`, `token:…`, `api-key:…`.")
_STEPS: Final = said(
    listed(closed({"stage": TEXT, "plugin": TEXT, "answer": TEXT})), "Which plugin answered what, in order."
)

_CONTACT: Final[Mapping[str, Schema]] = {
    "id": ref("ContactId"),
    "external_id": or_null(said(TEXT, "The site's own id of the person.")),
    "email": or_null(TEXT),
    **{field: or_null(TEXT) for field in PROFILE_FIELDS},
    "custom_data": {
        "type": "object",
        "propertyNames": ref("AppId"),
        "additionalProperties": {
            "type": "object",
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        },
        "description": "Every app has its own.",
    },
    "standing": said(STANDING, "The best that is known of who this is."),
    "created_at": ref("Time"),
    "updated_at": ref("Time"),
    "last_seen_at": ref("Time"),
    "merged_into": said(ref("ContactId"), "Where this one was merged into another."),
    "provenance": {
        "type": "object",
        "additionalProperties": closed({"standing": STANDING, "at": ref("Time"), "by": _WRITER}),
        "description": "Of each value by its name, where it was asked for.",
    },
}
_RARE: Final = ("merged_into", "provenance")

_DECIDED: Final = closed(
    {
        "standing": STANDING,
        "matched_by": MATCHED_BY,
        "created": FLAG,
        "contact_id": said(or_null(ref("ContactId")), "null for a contact that would be new."),
        "switched": FLAG,
        "linked_conversations": COUNT,
        "written": WRITTEN,
        "kept": KEPT,
        "conflicts": listed(closed({"rule": RULE, "field": TEXT, "other_id": ref("ContactId")})),
        "steps": _STEPS,
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
        }
    ),
    "AttributedConversationPage": page_of("AttributedConversation"),
    "Contact": closed(_CONTACT, optional=_RARE),
    "ContactPage": page_of("Contact"),
    "WrittenContact": closed(
        {
            **_CONTACT,
            "matched_by": MATCHED_BY,
            "created": FLAG,
            "rejected": REJECTED,
            "written": WRITTEN,
            "kept": KEPT,
            "conflicts": listed(ref("Conflict")),
            "request_id": ref("RequestId"),
        },
        optional=_RARE,
    ),
    "ErasedContact": closed({"id": ref("ContactId"), "erased": exactly(True)}),
    "LoggedOutContact": closed({"id": ref("ContactId"), "logged_out": exactly(True)}),
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
    "Decision": closed(
        {
            "id": an_id("dec", "A decision."),
            "at": ref("Time"),
            "request_id": ref("RequestId"),
            "by": _WRITER,
            "matched_by": MATCHED_BY,
            "standing": STANDING,
            "steps": _STEPS,
            "fields": listed(closed({"field": TEXT, "verdict": one_of(get_args(Verdict)), "reason": TEXT})),
        }
    ),
    "DecisionPage": page_of("Decision"),
    "Conflict": closed(
        {
            "id": ref("ConflictId"),
            "contact_id": said(ref("ContactId"), "Whom the call was about."),
            "other_id": said(ref("ContactId"), "Who has what it named."),
            "field": TEXT,
            "rule": RULE,
            "status": one_of(get_args(ConflictStatus)),
            "created_at": ref("Time"),
        }
    ),
    "ConflictPage": page_of("Conflict"),
    "App": closed(
        {
            "id": ref("AppId"),
            "app_key": said(ref("AppId"), "What pages send."),
            "workspace_id": an_id("ws", "Who owns the contacts."),
            "name": TEXT,
            "origins": said(listed(TEXT), "Whose pages may call. None: those of loopback hosts alone."),
            "verification": MODE,
            "region": or_null(said(TEXT, "The country of phone numbers without one.")),
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
