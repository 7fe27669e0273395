"""What several answers tell of: ids, times, standings, faults, pages of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hullo.asgi.openapi.notation import TEXT, Schema, closed, listed, one_of, or_null, ref, said
from hullo.model.app import VerificationMode
from hullo.model.proof import Signature
from hullo.model.standing import Standing
from hullo.pipeline.register.app_settings import NONE, REQUIRED

STANDING: Final = one_of([each.word for each in Standing])
BROWSER_STANDING: Final = one_of(dict.fromkeys(each.browser_word for each in Standing))
MODE: Final = said(one_of([each.value for each in VerificationMode]), "What the app demands of identify calls.")
SIGNATURE: Final = said(one_of([each.value for each in Signature]), "What the call has to show for itself.")

CONSENT: Final = said(
    one_of([REQUIRED, NONE]), "`required`: nothing is stored of a visitor until the page says that they agree."
)

MATCHED_BY: Final = said(TEXT, "`external_id`, `email`, `created`, the name of a plugin, or `erased`.")
REJECTED: Final = said(listed(ref("Fault")), "What was left out, and why: faults of the call alone.")
WRITTEN: Final = said(listed(TEXT), "The fields that changed.")
KEPT: Final = said(listed(ref("Fault")), "What was not written, as what is stored goes before it.")
RULE: Final = said(TEXT, "Why the two contacts were kept apart, as `C1`.")
WRITER: Final = said(TEXT, "As `visitor:vis_…`, `identity-key:…`, `token:…`, `api-key:…`, `command line`.")
STEPS: Final = said(
    listed(closed({"stage": TEXT, "plugin": TEXT, "answer": TEXT})), "Which plugin answered what, in order."
)
SCALAR: Final[Schema] = {"type": ["string", "number", "boolean"]}


def an_id(prefix: str, what: str) -> Schema:
    """Of the things whose ids begin like this."""
    return {"type": "string", "pattern": f"^{prefix}_", "description": what}


def page_of(item: str) -> Schema:
    """A list, or a part of one."""
    return closed({"items": listed(ref(item)), "next": or_null(said(TEXT, "The `cursor` of what comes after."))})


VOCABULARY: Final[Mapping[str, Schema]] = {
    "AppId": an_id("app", "An app: one place a widget runs. It is its public key too."),
    "VisitorId": an_id("vis", "One browser profile in one app. It proves nothing."),
    "ContactId": an_id("con", "A person in a workspace."),
    "ConversationId": an_id("cnv", "A conversation."),
    "ConflictId": an_id("cfl", "A conflict."),
    "EventId": an_id("evt", "Something that happened to a contact, in the order of time."),
    "MergeId": an_id("mrg", "A merge."),
    "NoteId": an_id("note", "A note."),
    "RequestId": an_id("req", "One call, as the log names it."),
    "SessionToken": an_id("hvs", "A visitor's secret: whoever sends it is that browser."),
    "Time": {"type": "string", "format": "date-time", "description": "UTC, to the millisecond."},
    "Fault": closed({"field": TEXT, "reason": said(TEXT, "For people.")}),
}
"""By their names in the document."""
