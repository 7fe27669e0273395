"""What servers are told of contacts, field by field: `contact_shapes.py` and `history_shapes.py` as schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from hullo.api.openapi.notation import (
    COUNT,
    FLAG,
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
from hullo.api.openapi.vocabulary import (
    KEPT,
    MATCHED_BY,
    REJECTED,
    RULE,
    SCALAR,
    STANDING,
    STEPS,
    WRITER,
    WRITTEN,
    id_schema,
    page_of,
)
from hullo.model.claim import PROFILE_FIELDS
from hullo.model.conflict import ConflictResolution, ConflictStatus
from hullo.model.decision_record import Verdict
from hullo.model.event import EVENT_NAMES, NON_TIMELINE_EVENTS
from hullo.model.timeline import CONTACT_EVENT

_CONTACT: Final[Mapping[str, Schema]] = {
    "id": ref("ContactId"),
    "external_id": or_null(with_description(TEXT, "The site's own id of the person.")),
    "email": or_null(TEXT),
    **{field: or_null(TEXT) for field in PROFILE_FIELDS},
    "emails": with_description(listed(TEXT), "All of them; the first is `email`. The contact is found by each."),
    "phones": with_description(listed(TEXT), "All of them; the first is `phone`."),
    "identifiers": {
        "type": "object",
        "additionalProperties": listed(TEXT),
        "description": "Every other name of the person by its kind, as `external_id` and whatever plugins name.",
    },
    "tags": listed(TEXT),
    "custom_data": {
        "type": "object",
        "propertyNames": ref("AppId"),
        "additionalProperties": {"type": "object", "additionalProperties": SCALAR},
        "description": "Every app has its own.",
    },
    "standing": with_description(STANDING, "The best that is known of who this is."),
    "created_at": ref("Time"),
    "updated_at": ref("Time"),
    "last_seen_at": ref("Time"),
    "merged_into": with_description(ref("ContactId"), "Where another was asked for, that has become part of this one."),
    "provenance": {
        "type": "object",
        "additionalProperties": closed_object({"standing": STANDING, "at": ref("Time"), "by": WRITER}),
        "description": "Of each value by its name, where it was asked for. `emails.1` is the second of `emails`.",
    },
}
_RARE: Final = ("merged_into", "provenance")

_CONFLICT: Final[Mapping[str, Schema]] = {
    "id": ref("ConflictId"),
    "contact_id": with_description(ref("ContactId"), "Whom the call was about."),
    "other_id": with_description(ref("ContactId"), "Who has what it named."),
    "field": TEXT,
    "rule": RULE,
    "status": one_of(get_args(ConflictStatus)),
    "resolution": or_null(with_description(one_of(get_args(ConflictResolution)), "How it was resolved.")),
    "created_at": ref("Time"),
    "resolved_at": or_null(ref("Time")),
    "resolved_by": or_null(WRITER),
}

_TYPES: Final = (*(name for name in EVENT_NAMES if name not in NON_TIMELINE_EVENTS), CONTACT_EVENT)

ANSWERS_ABOUT_CONTACTS: Final[Mapping[str, Schema]] = {
    "Contact": closed_object(_CONTACT, optional=_RARE),
    "ContactPage": page_of("Contact"),
    "WrittenContact": closed_object(
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
    "ErasedContact": closed_object({"id": ref("ContactId"), "erased": const(True)}),
    "LoggedOutContact": closed_object({"id": ref("ContactId"), "logged_out": const(True)}),
    "Decision": closed_object(
        {
            "id": id_schema("dec", "A decision."),
            "at": ref("Time"),
            "request_id": ref("RequestId"),
            "by": WRITER,
            "matched_by": MATCHED_BY,
            "standing": STANDING,
            "words": with_description(TEXT, "All of it in sentences, for people."),
            "steps": STEPS,
            "fields": listed(closed_object({"field": TEXT, "verdict": one_of(get_args(Verdict)), "reason": TEXT})),
        }
    ),
    "DecisionPage": page_of("Decision"),
    "TimelineEntry": closed_object(
        {
            "id": ref("EventId"),
            "at": ref("Time"),
            "type": with_description(
                one_of(_TYPES), f"What happened. `{CONTACT_EVENT}` is what a site has reported itself."
            ),
            "contact_id": with_description(
                ref("ContactId"), "Whose it was then: this contact's, or one's that became part of it."
            ),
            "app_id": or_null(with_description(ref("AppId"), "Where; null for what is about no app.")),
            "by": or_null(WRITER),
            "data": {
                "type": "object",
                "description": "Ids and names of fields; of what a site has reported its `name` and `properties`.",
            },
            "changes": with_description(
                listed(closed_object({"field": TEXT, "before": or_null(SCALAR), "after": or_null(SCALAR)})),
                "The values that were written, before and after; null where there was none, or is none any more.",
            ),
        }
    ),
    "TimelinePage": page_of("TimelineEntry"),
    "Tags": closed_object({"tags": listed(TEXT)}),
    "Note": closed_object(
        {
            "id": ref("NoteId"),
            "about": {"anyOf": [ref("ContactId"), ref("ConversationId")]},
            "text": TEXT,
            "at": ref("Time"),
            "by": WRITER,
        }
    ),
    "NotePage": page_of("Note"),
    "RemovedNote": closed_object({"id": ref("NoteId"), "removed": const(True)}),
    "Merge": closed_object(
        {
            "id": ref("MergeId"),
            "survivor_id": ref("ContactId"),
            "absorbed_id": ref("ContactId"),
            "rule": with_description(TEXT, "Why: a rule as `C1`, `by hand`, `conflict cfl_…`, or a plugin's own word."),
            "at": ref("Time"),
            "by": WRITER,
            "undone_at": or_null(ref("Time")),
            "undone_by": or_null(WRITER),
        }
    ),
    "MergePage": page_of("Merge"),
    "Merged": closed_object(
        {
            "merge_id": ref("MergeId"),
            "survivor_id": ref("ContactId"),
            "absorbed_id": ref("ContactId"),
            "dry_run": with_description(FLAG, "Nothing was done, and there is no such merge."),
            "contact": with_description(ref("Contact"), "The survivor, afterwards."),
            "clashes": with_description(
                listed(closed_object({"field": TEXT, "kept": SCALAR, "lost": SCALAR})),
                "Where the two said different things. What is lost comes back when the merge is undone.",
            ),
            "moves": with_description(
                closed_object(
                    {"conversations": COUNT, "sessions": COUNT, "events": COUNT, "notes": COUNT, "people": COUNT},
                ),
                "How much there is of the absorbed one.",
            ),
        }
    ),
    "Unmerged": closed_object(
        {
            "merge_id": ref("MergeId"),
            "dry_run": with_description(FLAG, "Nothing was done."),
            "survivor": ref("Contact"),
            "restored": ref("Contact"),
            "changed_since": with_description(listed(ref("Fault")), "What is not as it was before the merge, and why."),
        }
    ),
    "Conflict": closed_object(_CONFLICT),
    "ConflictPage": page_of("Conflict"),
    "ResolvedConflict": closed_object(
        {**_CONFLICT, "merge": or_null(with_description(ref("Merged"), "What a merge did, where that was the answer."))}
    ),
}
"""By their names in the document."""
