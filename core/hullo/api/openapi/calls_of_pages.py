"""What pages call, with a visitor's session. Where agents take part, servers call it too."""

from __future__ import annotations

from typing import Final

from hullo.api.identify import IDEMPOTENCY_KEY_MAX_LENGTH
from hullo.api.openapi.notation import text
from hullo.api.openapi.operation import (
    ANY_CALLER,
    BODY_REFUSALS,
    EITHER_REFUSALS,
    PAGE_REFUSALS,
    VISITOR,
    VISITOR_REFUSALS,
    VISITOR_WITH_BODY,
    Operation,
    Operations,
    by_key,
    path_id,
)
from hullo.api.parameters import PAGE
from hullo.api.schemas import (
    AttributedConversationResponse,
    BegunConversationResponse,
    ClaimedResponse,
    ConversationResponse,
    IdentityTokenResponse,
    JoinedResponse,
    MeResponse,
    MessageResponse,
    PageResponse,
    ProvenResponse,
)
from hullo.errors import (
    Conflicting,
    ConsentRequired,
    Invalid,
    NoIdentifier,
    NotFound,
    ProofRejected,
    ProofRequired,
    SessionRevoked,
)
from hullo.model.app import Scope

_CONVERSATION: Final = path_id("ConversationId")

CALLS_OF_PAGES: Final[Operations] = {
    "/v1/identify": {
        "post": Operation(
            id="identify",
            summary="Say who the visitor is",
            description="Links the visitor to a contact, and writes what is said about the person. Without a session "
            "it begins one. A call that proves nothing is answered the same whether the person is known or not.",
            security=ANY_CALLER,
            parameters=(
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "description": "A repeat within a day gets the first answer, and changes nothing; another "
                    "body is a `conflict`.",
                    # Printable ASCII without a space at the ends, which servers trim (RFC 9110 §5.5).
                    "schema": text(IDEMPOTENCY_KEY_MAX_LENGTH, pattern="^[!-~]([ -~]*[!-~])?$"),
                },
            ),
            body="IdentifyBody",
            beacon=True,
            answers=(ClaimedResponse, ProvenResponse),
            discriminator="standing",
            refusals=(
                NoIdentifier,
                ProofRejected,
                ProofRequired,
                ConsentRequired,
                SessionRevoked,
                Conflicting,
                Invalid,
                *BODY_REFUSALS,
                *PAGE_REFUSALS,
            ),
        ),
    },
    "/v1/join": {
        "post": Operation(
            id="join",
            summary="Begin a session, or go on with it",
            description="Without a session that is still good, a new visitor begins.",
            security=ANY_CALLER,
            body="JoinBody",
            needs_body=False,
            beacon=True,
            answers=(JoinedResponse,),
            refusals=(*BODY_REFUSALS, *PAGE_REFUSALS),
        ),
    },
    "/v1/reset": {
        "post": Operation(
            id="reset",
            summary="Log out",
            description="Ends the session for good, and a new visitor begins. May be repeated.",
            security=ANY_CALLER,
            body="JoinBody",
            needs_body=False,
            beacon=True,
            answers=(JoinedResponse,),
            refusals=(*BODY_REFUSALS, *PAGE_REFUSALS),
        ),
    },
    "/v1/consent": {
        "post": Operation(
            id="answer_consent",
            summary="Say whether the visitor agrees to be remembered",
            description="Granted, it is a join. Withdrawn, the session ends for good and none begins. May be repeated.",
            security=ANY_CALLER,
            body="ConsentBody",
            beacon=True,
            answers=(JoinedResponse,),
            refusals=(Invalid, *BODY_REFUSALS, *PAGE_REFUSALS),
        ),
    },
    "/v1/identity-token": {
        "post": Operation(
            id="issue_token",
            summary="Take the identity to another site",
            description="Makes a token for the other site's address. It is good once, in one app, for minutes. With "
            "`to` that is the app which lists the origin: the visitor's own, or else the oldest of its workspace; "
            "`not_found` where none does. An anonymous visitor has no identity to take along: `conflict`.",
            security=VISITOR_WITH_BODY,
            body="IdentityTokenBody",
            needs_body=False,
            beacon=True,
            answers=(IdentityTokenResponse,),
            refusals=(Conflicting, NotFound, Invalid, *BODY_REFUSALS, *VISITOR_REFUSALS),
        ),
    },
    "/v1/me": {
        "get": Operation(
            id="me",
            summary="Who the visitor is",
            security=VISITOR,
            answers=(MeResponse,),
            refusals=VISITOR_REFUSALS,
        ),
    },
    "/v1/conversations": {
        "get": Operation(
            id="list_conversations",
            summary="List conversations",
            description="The visitor's own, and a proven contact's. With an API key: all of its workspace, or app.",
            security=[*VISITOR, *by_key(Scope.READ)],
            parameters=PAGE,
            answers=(PageResponse[ConversationResponse], PageResponse[AttributedConversationResponse]),
            refusals=EITHER_REFUSALS,
        ),
        "post": Operation(
            id="begin_conversation",
            summary="Begin a conversation",
            description="With the visitor's first message.",
            security=VISITOR_WITH_BODY,
            body="MessageBody",
            beacon=True,
            answers=(BegunConversationResponse,),
            refusals=(Invalid, *BODY_REFUSALS, *VISITOR_REFUSALS),
            leads_to=(
                "list_messages",
                "add_message",
                "read_conversation",
                "list_conversation_tags",
                "tag_conversation",
                "untag_conversation",
                "list_conversation_notes",
                "note_conversation",
            ),
        ),
    },
    "/v1/conversations/{id}/messages": {
        "get": Operation(
            id="list_messages",
            summary="List messages",
            security=[*VISITOR, *by_key(Scope.READ)],
            parameters=(_CONVERSATION, *PAGE),
            answers=(PageResponse[MessageResponse],),
            refusals=(NotFound, *EITHER_REFUSALS),
        ),
        "post": Operation(
            id="add_message",
            summary="Say something",
            description="As the visitor; with an API key, as an agent. A `client_id` that was used in another "
            "conversation is a `conflict`.",
            # `{}`: the body may hold the session, as that of a beacon does.
            security=[*VISITOR, *by_key(Scope.WRITE), {}],
            parameters=(_CONVERSATION,),
            body="MessageBody",
            beacon=True,
            answers=(MessageResponse,),
            refusals=(NotFound, Conflicting, *BODY_REFUSALS, *EITHER_REFUSALS),
        ),
    },
    "/v1/conversations/{id}/read": {
        "post": Operation(
            id="read_conversation",
            summary="Note that the visitor has read a conversation",
            description="Up to its last message. May be repeated.",
            security=VISITOR_WITH_BODY,
            parameters=(_CONVERSATION,),
            body="SenderBody",
            needs_body=False,
            beacon=True,
            answers=(ConversationResponse,),
            refusals=(NotFound, *BODY_REFUSALS, *VISITOR_REFUSALS),
        ),
    },
}
