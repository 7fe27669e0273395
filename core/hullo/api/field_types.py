"""The types of fields in responses. Each carries what the OpenAPI document says about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from msgspec import Meta

from hullo.api.openapi.notation import ref
from hullo.model.app import EmailMatch, VerificationMode
from hullo.model.proof import Signature
from hullo.model.standing import Standing
from hullo.operations.admin.app_settings import NONE, REQUIRED


def named(name: str) -> Meta:
    """Describe a text by the schema that has this name in `NAMED_SCHEMAS`."""
    return Meta(extra_json_schema=ref(name))


def one_of(values: Iterable[str | None], description: str | None = None) -> Meta:
    """Describe a text out of a short list, in the list's order. msgspec would sort a `Literal`."""
    return Meta(extra_json_schema={"enum": list(values)}, description=description)


def const(value: str | bool | None) -> Meta:
    """Describe a field that has one value only."""
    return Meta(extra_json_schema={"const": value})


def id_schema(prefix: str, description: str) -> dict[str, Any]:
    """Describe an id that begins with `prefix` and an underscore."""
    return {"type": "string", "pattern": f"^{prefix}_", "description": description}


NAMED_SCHEMAS: Final[Mapping[str, Mapping[str, Any]]] = {
    "AppId": id_schema("app", "An app: one place a widget runs. It is its public key too."),
    "VisitorId": id_schema("vis", "One browser profile in one app. It proves nothing."),
    "ContactId": id_schema("con", "A person in a workspace."),
    "ConversationId": id_schema("cnv", "A conversation."),
    "ConflictId": id_schema("cfl", "A conflict."),
    "EventId": id_schema("evt", "Something that happened to a contact, in the order of time."),
    "MergeId": id_schema("mrg", "A merge."),
    "NoteId": id_schema("note", "A note."),
    "RequestId": id_schema("req", "One call, as the log names it."),
    "SessionToken": id_schema("hvs", "A visitor's secret: the browser that sends it is that visitor."),
    "Time": {"type": "string", "format": "date-time", "description": "UTC, to the millisecond."},
}
"""Schemas that requests, responses and parameters share, by their names in the document."""

AppId = Annotated[str, named("AppId")]
VisitorId = Annotated[str, named("VisitorId")]
ContactId = Annotated[str, named("ContactId")]
ConversationId = Annotated[str, named("ConversationId")]
ConflictId = Annotated[str, named("ConflictId")]
EventId = Annotated[str, named("EventId")]
MergeId = Annotated[str, named("MergeId")]
NoteId = Annotated[str, named("NoteId")]
RequestId = Annotated[str, named("RequestId")]
SessionToken = Annotated[str, named("SessionToken")]
Time = Annotated[str, named("Time")]

DecisionId = Annotated[str, Meta(pattern="^dec_", description="A decision.")]
MessageId = Annotated[str, Meta(pattern="^msg_", description="A message.")]
WorkspaceId = Annotated[str, Meta(pattern="^ws_", description="The workspace that owns the contacts.")]

Count = Annotated[int, Meta(ge=0)]
# A custom value is one of these and nothing else (W6).
Scalar = str | int | float | bool

StandingLabel = Annotated[
    str, one_of([standing.label for standing in Standing], "How far the visitor is believed about who it is.")
]
PublicStanding = Annotated[
    str | None,
    one_of(
        # Each once: `owned` shows as `claimed`, since it would tell that the contact is new (H2).
        [*dict.fromkeys(standing.public_label for standing in Standing), None],
        "How far the visitor is believed; null while it is anonymous.",
    ),
]
Mode = Annotated[str, one_of([mode.value for mode in VerificationMode], "What the app demands of identify calls.")]
SignatureLabel = Annotated[
    str, one_of([signature.value for signature in Signature], "What the call has to show for itself.")
]
Consent = Annotated[
    str, one_of([REQUIRED, NONE], "`required`: nothing is stored of a visitor until the page says that they agree.")
]
EmailMatches = Annotated[
    str,
    one_of(
        [match.value for match in EmailMatch],
        "How far the email beside a signed id counts where another record has it: `joined` shows the record as claims, "
        "`trusted` takes the email as the site's word, `proven` keeps the two apart.",
    ),
]
Field = Annotated[str, Meta(description="The name of a field, as `name`, `email` or `custom_data.plan`.")]
MatchedBy = Annotated[
    str, Meta(description="`external_id`, `email`, `created`, `session`, the name of a plugin, or `erased`.")
]
Rule = Annotated[str, Meta(description="Why the two contacts were kept apart, as `C1`.")]
Writer = Annotated[
    str, Meta(description="As `visitor:vis_…`, `identity-key:…`, `token:…`, `api-key:…`, `command line`.")
]
