"""What pages are answered, field by field: the shapes of `shapes.py` as schemas."""

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
    BROWSER_STANDING,
    CONSENT,
    KEPT,
    MATCHED_BY,
    REJECTED,
    RULE,
    WRITTEN,
    id_schema,
    page_of,
)
from hullo.model.conversation import Author, Status
from hullo.model.standing import Standing

_ME: Final[Mapping[str, Schema]] = {
    "visitor_id": ref("VisitorId"),
    "identified": FLAG,
    "standing": or_null(
        with_description(BROWSER_STANDING, "How far the visitor is believed; null while it is anonymous.")
    ),
    "email_prompt": with_description(FLAG, "Whether the widget may ask for an email."),
}

_CLAIMED: Final[Mapping[str, Schema]] = {
    "visitor_id": ref("VisitorId"),
    "session_token": with_description(ref("SessionToken"), "Where it is new: the one to send from now on."),
    "identified": const(True),
    "standing": const(Standing.CLAIMED.public_label),
    "switched": with_description(FLAG, "Another person than before uses this browser: visitor and session are new."),
    "linked_conversations": with_description(COUNT, "How many this visitor had begun before."),
    "rejected": REJECTED,
    "request_id": ref("RequestId"),
}
_PROVEN: Final[Mapping[str, Schema]] = {
    **_CLAIMED,
    "standing": const(Standing.PROVEN.public_label),
    "contact_id": ref("ContactId"),
    "matched_by": MATCHED_BY,
    "written": WRITTEN,
    "kept": KEPT,
    "conflicts": listed(closed_object({"id": ref("ConflictId"), "rule": RULE, "field": TEXT})),
}

CONVERSATION: Final[Mapping[str, Schema]] = {
    "id": ref("ConversationId"),
    "created_at": ref("Time"),
    "status": one_of(get_args(Status)),
    "last_message_at": ref("Time"),
}
_VISITORS: Final[Mapping[str, Schema]] = {
    **CONVERSATION,
    "unread": with_description(FLAG, "An agent's message came after what the visitor has read."),
}

ANSWERS_TO_PAGES: Final[Mapping[str, Schema]] = {
    "Identified": {
        "oneOf": [ref("Claimed"), ref("Proven")],
        "discriminator": {
            "propertyName": "standing",
            "mapping": {
                Standing.CLAIMED.public_label: ref("Claimed")["$ref"],
                Standing.PROVEN.public_label: ref("Proven")["$ref"],
            },
        },
    },
    "Claimed": with_description(
        closed_object(_CLAIMED, optional=("session_token",)), "The same whether the person is known or not."
    ),
    "Proven": with_description(
        closed_object(_PROVEN, optional=("session_token",)), "The site's server vouches for who it is."
    ),
    "Joined": closed_object(
        {
            **_ME,
            "visitor_id": or_null(
                with_description(ref("VisitorId"), "null where nothing is stored before the visitor agrees.")
            ),
            "session_token": or_null(
                with_description(
                    ref("SessionToken"), "To be sent from now on; null where a cookie has it, or there is no visitor."
                )
            ),
            "expires_at": or_null(ref("Time")),
            "conversations": listed(ref("Conversation")),
            "settings": closed_object(
                {
                    "message_length": with_description(COUNT, "The most characters of a message."),
                    "consent": CONSENT,
                    "name": with_description(TEXT, "The app's."),
                    "domains": with_description(
                        listed(TEXT),
                        "The origins that the app lists: links to them take the identity along. "
                        "`https://*.example.com` stands for every sub-domain.",
                    ),
                }
            ),
        }
    ),
    "Me": closed_object(_ME),
    "IdentityToken": closed_object(
        {
            "token": TEXT,
            "expires_in": with_description(COUNT, "Seconds."),
            "parameter": with_description(TEXT, "Under which name an address carries the token."),
        }
    ),
    "Conversation": closed_object(_VISITORS),
    "ConversationPage": page_of("Conversation"),
    "BegunConversation": closed_object({**_VISITORS, "messages": listed(ref("Message"))}),
    "Message": closed_object(
        {
            "id": id_schema("msg", "A message."),
            "author": one_of(get_args(Author)),
            "text": TEXT,
            "created_at": ref("Time"),
            "client_id": with_description(TEXT, "The sender's own id, where it gave one."),
        },
        optional=("client_id",),
    ),
    "MessagePage": page_of("Message"),
}
"""By their names in the document."""
