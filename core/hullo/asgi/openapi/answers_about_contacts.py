"""What servers are told of contacts, field by field: `contact_shapes.py` and `history_shapes.py` as schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from hullo.asgi.openapi.notation import COUNT, FLAG, TEXT, Schema, closed, exactly, listed, one_of, or_null, ref, said
from hullo.asgi.openapi.vocabulary import (
    KEPT,
    MATCHED_BY,
    REJECTED,
    RULE,
    SCALAR,
    STANDING,
    STEPS,
    WRITER,
    WRITTEN,
    an_id,
    page_of,
)
from hullo.model.claim import PROFILE_FIELDS
from hullo.model.conflict import ConflictStatus, Resolution
from hullo.model.decision_record import Verdict
from hullo.model.event import EVENT_NAMES, OUTSIDE_TIMELINES
from hullo.model.timeline import CONTACT_EVENT

_CONTACT: Final[Mapping[str, Schema]] = {
    "id": ref("ContactId"),
    "external_id": or_null(said(TEXT, "The site's own id of the person.")),
    "email": or_null(TEXT),
    **{field: or_null(TEXT) for field in PROFILE_FIELDS},
    "emails": said(listed(TEXT), "All of them; the first is `email`. The contact is found by each."),
    "phones": said(listed(TEXT), "All of them; the first is `phone`."),
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
    "standing": said(STANDING, "The best that is known of who this is."),
    "created_at": ref("Time"),
    "updated_at": ref("Time"),
    "last_seen_at": ref("Time"),
    "merged_into": said(ref("ContactId"), "Where another was asked for, that has become part of this one."),
    "provenance": {
        "type": "object",
        "additionalProperties": closed({"standing": STANDING, "at": ref("Time"), "by": WRITER}),
        "description": "Of each value by its name, where it was asked for. `emails.1` is the second of `emails`.",
    },
}
_RARE: Final = ("merged_into", "provenance")

_CONFLICT: Final[Mapping[str, Schema]] = {
    "id": ref("ConflictId"),
    "contact_id": said(ref("ContactId"), "Whom the call was about."),
    "other_id": said(ref("ContactId"), "Who has what it named."),
    "field": TEXT,
    "rule": RULE,
    "status": one_of(get_args(ConflictStatus)),
    "resolution": or_null(said(one_of(get_args(Resolution)), "How it was resolved.")),
    "created_at": ref("Time"),
    "resolved_at": or_null(ref("Time")),
    "resolved_by": or_null(WRITER),
}

_TYPES: Final = (*(name for name in EVENT_NAMES if name not in OUTSIDE_TIMELINES), CONTACT_EVENT)

ANSWERS_ABOUT_CONTACTS: Final[Mapping[str, Schema]] = {
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
    "Decision": closed(
        {
            "id": an_id("dec", "A decision."),
            "at": ref("Time"),
            "request_id": ref("RequestId"),
            "by": WRITER,
            "matched_by": MATCHED_BY,
            "standing": STANDING,
            "words": said(TEXT, "All of it in sentences, for people."),
            "steps": STEPS,
            "fields": listed(closed({"field": TEXT, "verdict": one_of(get_args(Verdict)), "reason": TEXT})),
        }
    ),
    "DecisionPage": page_of("Decision"),
    "TimelineEntry": closed(
        {
            "id": ref("EventId"),
            "at": ref("Time"),
            "type": said(one_of(_TYPES), f"What happened. `{CONTACT_EVENT}` is what a site has reported itself."),
            "contact_id": said(ref("ContactId"), "Whose it was then: this contact's, or one's that became part of it."),
            "app_id": or_null(said(ref("AppId"), "Where; null for what is about no app.")),
            "by": or_null(WRITER),
            "data": {
                "type": "object",
                "description": "Ids and names of fields; of what a site has reported its `name` and `properties`.",
            },
            "changes": said(
                listed(closed({"field": TEXT, "before": or_null(SCALAR), "after": or_null(SCALAR)})),
                "The values that were written, before and after; null where there was none, or is none any more.",
            ),
        }
    ),
    "TimelinePage": page_of("TimelineEntry"),
    "Tags": closed({"tags": listed(TEXT)}),
    "Note": closed(
        {
            "id": ref("NoteId"),
            "about": {"anyOf": [ref("ContactId"), ref("ConversationId")]},
            "text": TEXT,
            "at": ref("Time"),
            "by": WRITER,
        }
    ),
    "NotePage": page_of("Note"),
    "RemovedNote": closed({"id": ref("NoteId"), "removed": exactly(True)}),
    "Merge": closed(
        {
            "id": ref("MergeId"),
            "survivor_id": ref("ContactId"),
            "absorbed_id": ref("ContactId"),
            "rule": said(TEXT, "Why: a rule as `C1`, `by hand`, `conflict cfl_…`, or a plugin's own word."),
            "at": ref("Time"),
            "by": WRITER,
            "undone_at": or_null(ref("Time")),
            "undone_by": or_null(WRITER),
        }
    ),
    "MergePage": page_of("Merge"),
    "Merged": closed(
        {
            "merge_id": ref("MergeId"),
            "survivor_id": ref("ContactId"),
            "absorbed_id": ref("ContactId"),
            "dry_run": said(FLAG, "Nothing was done, and there is no such merge."),
            "contact": said(ref("Contact"), "The survivor, afterwards."),
            "clashes": said(
                listed(closed({"field": TEXT, "kept": SCALAR, "lost": SCALAR})),
                "Where the two said different things. What is lost comes back when the merge is undone.",
            ),
            "moves": said(
                closed(
                    {"conversations": COUNT, "sessions": COUNT, "events": COUNT, "notes": COUNT, "people": COUNT},
                ),
                "How much there is of the absorbed one.",
            ),
        }
    ),
    "Unmerged": closed(
        {
            "merge_id": ref("MergeId"),
            "dry_run": said(FLAG, "Nothing was done."),
            "survivor": ref("Contact"),
            "restored": ref("Contact"),
            "changed_since": said(listed(ref("Fault")), "What is not as it was before the merge, and why."),
        }
    ),
    "Conflict": closed(_CONFLICT),
    "ConflictPage": page_of("Conflict"),
    "ResolvedConflict": closed(
        {**_CONFLICT, "merge": or_null(said(ref("Merged"), "What a merge did, where that was the answer."))}
    ),
}
"""By their names in the document."""
