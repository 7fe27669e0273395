"""What pages are answered, field by field: the shapes of `shapes.py` as schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from hullo.asgi.openapi.notation import COUNT, FLAG, TEXT, Schema, closed, exactly, listed, one_of, or_null, ref, said
from hullo.asgi.openapi.vocabulary import (
    BROWSER_STANDING,
    CONSENT,
    KEPT,
    MATCHED_BY,
    REJECTED,
    RULE,
    WRITTEN,
    an_id,
    page_of,
)
from hullo.model.conversation import Author, Status
from hullo.model.standing import Standing

_ME: Final[Mapping[str, Schema]] = {
    "visitor_id": ref("VisitorId"),
    "identified": FLAG,
    "standing": or_null(said(BROWSER_STANDING, "How far the visitor is believed; null while it is anonymous.")),
    "email_prompt": said(FLAG, "Whether the widget may ask for an email."),
}

_CLAIMED: Final[Mapping[str, Schema]] = {
    "visitor_id": ref("VisitorId"),
    "session_token": said(ref("SessionToken"), "Where it is new: the one to send from now on."),
    "identified": exactly(True),
    "standing": exactly(Standing.CLAIMED.browser_word),
    "switched": said(FLAG, "Another person than before uses this browser: visitor and session are new."),
    "linked_conversations": said(COUNT, "How many this visitor had begun before."),
    "rejected": REJECTED,
    "request_id": ref("RequestId"),
}
_PROVEN: Final[Mapping[str, Schema]] = {
    **_CLAIMED,
    "standing": exactly(Standing.PROVEN.browser_word),
    "contact_id": ref("ContactId"),
    "matched_by": MATCHED_BY,
    "written": WRITTEN,
    "kept": KEPT,
    "conflicts": listed(closed({"id": ref("ConflictId"), "rule": RULE, "field": TEXT})),
}

CONVERSATION: Final[Mapping[str, Schema]] = {
    "id": ref("ConversationId"),
    "created_at": ref("Time"),
    "status": one_of(get_args(Status)),
    "last_message_at": ref("Time"),
}
_VISITORS: Final[Mapping[str, Schema]] = {
    **CONVERSATION,
    "unread": said(FLAG, "An agent's message came after what the visitor has read."),
}

ANSWERS_TO_PAGES: Final[Mapping[str, Schema]] = {
    "Identified": {
        "oneOf": [ref("Claimed"), ref("Proven")],
        "discriminator": {
            "propertyName": "standing",
            "mapping": {
                Standing.CLAIMED.browser_word: ref("Claimed")["$ref"],
                Standing.PROVEN.browser_word: ref("Proven")["$ref"],
            },
        },
    },
    "Claimed": said(closed(_CLAIMED, optional=("session_token",)), "The same whether the person is known or not."),
    "Proven": said(closed(_PROVEN, optional=("session_token",)), "The site's server vouches for who it is."),
    "Joined": closed(
        {
            **_ME,
            "visitor_id": or_null(said(ref("VisitorId"), "null where nothing is stored before the visitor agrees.")),
            "session_token": or_null(
                said(ref("SessionToken"), "To be sent from now on; null where a cookie has it, or there is no visitor.")
            ),
            "expires_at": or_null(ref("Time")),
            "conversations": listed(ref("Conversation")),
            "settings": closed(
                {
                    "message_length": said(COUNT, "The most characters of a message."),
                    "consent": CONSENT,
                    "name": said(TEXT, "The app's."),
                    "domains": said(
                        listed(TEXT),
                        "The origins that the app lists: links to them take the identity along. "
                        "`https://*.example.com` stands for every sub-domain.",
                    ),
                }
            ),
        }
    ),
    "Me": closed(_ME),
    "IdentityToken": closed(
        {
            "token": TEXT,
            "expires_in": said(COUNT, "Seconds."),
            "parameter": said(TEXT, "Under which name an address carries the token."),
        }
    ),
    "Conversation": closed(_VISITORS),
    "ConversationPage": page_of("Conversation"),
    "BegunConversation": closed({**_VISITORS, "messages": listed(ref("Message"))}),
    "Message": closed(
        {
            "id": an_id("msg", "A message."),
            "author": one_of(get_args(Author)),
            "text": TEXT,
            "created_at": ref("Time"),
            "client_id": said(TEXT, "The sender's own id, where it gave one."),
        },
        optional=("client_id",),
    ),
    "MessagePage": page_of("Message"),
}
"""By their names in the document."""
