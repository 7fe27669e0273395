"""What is answered for privacy's sake: the parts of `export_document.py`, and lines of the audit log, as schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from hullo.api.openapi.notation import (
    COUNT,
    TEXT,
    Schema,
    closed_object,
    const,
    listed,
    one_of,
    or_null,
    ref,
    with_description,
)
from hullo.api.openapi.vocabulary import MATCHED_BY, RULE, SCALAR, STANDING, STEPS, WRITER, id_schema
from hullo.model.conflict import ConflictResolution, ConflictStatus
from hullo.model.conversation import Author, Status
from hullo.model.decision_record import Verdict
from hullo.operations.privacy.export import EXPORT_FORMAT

_SCALAR_OR_NULL: Final[Schema] = {"type": [*SCALAR["type"], "null"]}
_DATA: Final[Schema] = {"type": "object", "description": "Ids, names of fields, counts."}
_FACT: Final[Mapping[str, Schema]] = {"value": SCALAR, "standing": STANDING, "at": ref("Time"), "by": WRITER}
_FACTS: Final[Schema] = {"type": "object", "additionalProperties": ref("ExportedValue")}
_NOTES: Final = listed(
    closed_object({"id": ref("NoteId"), "subject_id": TEXT, "at": ref("Time"), "by": WRITER, "text": TEXT})
)
_AUDIT: Final[Mapping[str, Schema]] = {
    "number": with_description(COUNT, "1, 2, 3, … in each workspace."),
    "at": ref("Time"),
    "by": with_description(TEXT, "As `api-key:…`, `command line`, `host`, `retention`."),
    "action": with_description(TEXT, "As `contact.erased`."),
    "subject": with_description(TEXT, "The id of what it was done to."),
    "data": _DATA,
}

ANSWERS_ABOUT_PRIVACY: Final[Mapping[str, Schema]] = {
    "ExportedValue": closed_object(_FACT),
    "ExportedContact": closed_object(
        {
            "id": ref("ContactId"),
            "workspace_id": id_schema("ws", "Who owns the contacts."),
            "created_at": ref("Time"),
            "created_by": WRITER,
            "updated_at": ref("Time"),
            "last_seen_at": ref("Time"),
            "standing": STANDING,
            "identifiers": with_description(
                listed(closed_object({"kind": TEXT, **_FACT})), "The primary one of its kind first."
            ),
            "profile": _FACTS,
            "further_phones": listed(ref("ExportedValue")),
            "tags": _FACTS,
            "custom_data": {"type": "object", "propertyNames": ref("AppId"), "additionalProperties": _FACTS},
        }
    ),
    "Export": closed_object(
        {
            "format": const(EXPORT_FORMAT),
            "exported_at": ref("Time"),
            "asked_for": with_description(ref("ContactId"), "Where it was merged into another, which this is."),
            "merged_into": with_description(ref("ContactId"), "That other."),
            "contact": ref("ExportedContact"),
            "merges": listed(
                closed_object(
                    {
                        "id": ref("MergeId"),
                        "survivor_id": ref("ContactId"),
                        "absorbed_id": ref("ContactId"),
                        "at": ref("Time"),
                        "by": WRITER,
                        "rule": TEXT,
                        "undone_at": or_null(ref("Time")),
                        "undone_by": or_null(TEXT),
                        "survivor_before": ref("ExportedContact"),
                        "absorbed_before": ref("ExportedContact"),
                    }
                )
            ),
            "conversations": listed(
                closed_object(
                    {
                        "id": ref("ConversationId"),
                        "created_at": ref("Time"),
                        "status": one_of(get_args(Status)),
                        "last_message_at": ref("Time"),
                        "read_at": or_null(with_description(ref("Time"), "Up to when its visitor has read it.")),
                        "app_id": ref("AppId"),
                        "visitor_id": TEXT,
                        "standing": or_null(STANDING),
                        "tags": listed(TEXT),
                        "messages": listed(
                            closed_object(
                                {
                                    "id": id_schema("msg", "A message."),
                                    "author": one_of(get_args(Author)),
                                    "at": ref("Time"),
                                    "text": TEXT,
                                    "client_id": or_null(TEXT),
                                }
                            )
                        ),
                        "notes": _NOTES,
                    }
                )
            ),
            "sessions": listed(
                closed_object(
                    {
                        "visitor_id": ref("VisitorId"),
                        "app_id": ref("AppId"),
                        "standing": or_null(STANDING),
                        "created_at": ref("Time"),
                        "last_seen_at": ref("Time"),
                        "expires_at": ref("Time"),
                        "revoked_at": or_null(ref("Time")),
                    }
                )
            ),
            "timeline": listed(
                closed_object(
                    {
                        "id": TEXT,
                        "at": ref("Time"),
                        "name": TEXT,
                        "contact_id": ref("ContactId"),
                        "app_id": or_null(ref("AppId")),
                        "by": or_null(TEXT),
                        "data": {"type": "object"},
                        "changes": listed(
                            closed_object({"field": TEXT, "before": _SCALAR_OR_NULL, "after": _SCALAR_OR_NULL})
                        ),
                    }
                )
            ),
            "decisions": listed(
                closed_object(
                    {
                        "id": id_schema("dec", "A decision."),
                        "at": ref("Time"),
                        "contact_id": ref("ContactId"),
                        "app_id": or_null(ref("AppId")),
                        "request_id": TEXT,
                        "by": WRITER,
                        "matched_by": MATCHED_BY,
                        "standing": STANDING,
                        "steps": STEPS,
                        "fields": listed(
                            closed_object({"field": TEXT, "verdict": one_of(get_args(Verdict)), "reason": TEXT})
                        ),
                    }
                )
            ),
            "conflicts": listed(
                closed_object(
                    {
                        "id": ref("ConflictId"),
                        "app_id": or_null(ref("AppId")),
                        "contact_id": ref("ContactId"),
                        "other_id": ref("ContactId"),
                        "field": TEXT,
                        "rule": RULE,
                        "created_at": ref("Time"),
                        "status": one_of(get_args(ConflictStatus)),
                        "resolution": or_null(one_of(get_args(ConflictResolution))),
                        "resolved_at": or_null(ref("Time")),
                        "resolved_by": or_null(TEXT),
                    }
                )
            ),
            "notes": _NOTES,
            "audit": listed(closed_object(_AUDIT)),
        },
        optional=("asked_for", "merged_into"),
    ),
}
"""By their names in the document."""
