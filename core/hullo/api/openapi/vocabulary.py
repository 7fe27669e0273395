"""What several answers tell of: ids, times, standings, faults, pages of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hullo.api.openapi.notation import TEXT, Schema, closed_object, listed, one_of, or_null, ref, with_description
from hullo.model.app import VerificationMode
from hullo.model.proof import Signature
from hullo.model.standing import Standing
from hullo.operations.admin.app_settings import NONE, REQUIRED

STANDING: Final = one_of([each.label for each in Standing])
BROWSER_STANDING: Final = one_of(dict.fromkeys(each.public_label for each in Standing))
MODE: Final = with_description(
    one_of([each.value for each in VerificationMode]), "What the app demands of identify calls."
)
SIGNATURE: Final = with_description(one_of([each.value for each in Signature]), "What the call has to show for itself.")

CONSENT: Final = with_description(
    one_of([REQUIRED, NONE]), "`required`: nothing is stored of a visitor until the page says that they agree."
)

MATCHED_BY: Final = with_description(TEXT, "`external_id`, `email`, `created`, the name of a plugin, or `erased`.")
REJECTED: Final = with_description(listed(ref("Fault")), "What was left out, and why: faults of the call alone.")
WRITTEN: Final = with_description(listed(TEXT), "The fields that changed.")
KEPT: Final = with_description(listed(ref("Fault")), "What was not written, as what is stored goes before it.")
RULE: Final = with_description(TEXT, "Why the two contacts were kept apart, as `C1`.")
WRITER: Final = with_description(TEXT, "As `visitor:vis_…`, `identity-key:…`, `token:…`, `api-key:…`, `command line`.")
STEPS: Final = with_description(
    listed(closed_object({"stage": TEXT, "plugin": TEXT, "answer": TEXT})), "Which plugin answered what, in order."
)
SCALAR: Final[Schema] = {"type": ["string", "number", "boolean"]}


def id_schema(prefix: str, what: str) -> Schema:
    """Of the things whose ids begin like this."""
    return {"type": "string", "pattern": f"^{prefix}_", "description": what}


def page_of(item: str) -> Schema:
    """A list, or a part of one."""
    return closed_object(
        {"items": listed(ref(item)), "next": or_null(with_description(TEXT, "The `cursor` of what comes after."))}
    )


VOCABULARY: Final[Mapping[str, Schema]] = {
    "AppId": id_schema("app", "An app: one place a widget runs. It is its public key too."),
    "VisitorId": id_schema("vis", "One browser profile in one app. It proves nothing."),
    "ContactId": id_schema("con", "A person in a workspace."),
    "ConversationId": id_schema("cnv", "A conversation."),
    "ConflictId": id_schema("cfl", "A conflict."),
    "EventId": id_schema("evt", "Something that happened to a contact, in the order of time."),
    "MergeId": id_schema("mrg", "A merge."),
    "NoteId": id_schema("note", "A note."),
    "RequestId": id_schema("req", "One call, as the log names it."),
    "SessionToken": id_schema("hvs", "A visitor's secret: whoever sends it is that browser."),
    "Time": {"type": "string", "format": "date-time", "description": "UTC, to the millisecond."},
    "Fault": closed_object({"field": TEXT, "reason": with_description(TEXT, "For people.")}),
}
"""By their names in the document."""
