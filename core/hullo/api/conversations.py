"""Conversations and messages: the same paths serve a visitor with a session, and an agent's server with an API key."""

from __future__ import annotations

from functools import partial

from hullo.api.authentication import require_api_key
from hullo.api.bodies import MessageBody, SenderBody
from hullo.api.openapi.operation import VISITOR, VISITOR_WITH_BODY, by_key, operation
from hullo.api.parameters import PAGE
from hullo.api.request import Request
from hullo.api.schemas import (
    AttributedConversationResponse,
    BegunConversationResponse,
    ConversationResponse,
    MessageResponse,
    PageResponse,
)
from hullo.api.sessions import list_visible_conversations
from hullo.asgi.response import Response, json_response
from hullo.errors import Conflicting, NotFound
from hullo.model.app import ApiKey, Scope
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.visitor import Session
from hullo.operations.conversations.messages import (
    MarkRead,
    SendAgentReply,
    SendMessage,
    SentMessage,
    is_answerable_with,
    is_visible_to,
)
from hullo.store.protocol import Page, PageRequest, Store
from hullo.store.reading import page_matching


@operation(
    "List conversations",
    description="The visitor's own, and a proven contact's. With an API key: all of its workspace, or app.",
    security=[*VISITOR, *by_key(Scope.READ)],
    query=PAGE,
    answers=(PageResponse[ConversationResponse], PageResponse[AttributedConversationResponse]),
)
async def list_conversations(request: Request) -> Response:
    """`GET /v1/conversations`: the visitor's (H1), or those of the key's workspace or app."""
    # By what the call presents, valid or not: a wrong key must not turn its caller into a visitor.
    if not request.has_api_key:
        # Run and not only read: each use extends the session (S3).
        session_update = await request.runtime.run(await request.resume_session())
        seen = await list_visible_conversations(request, session_update.session, request.page_request())
        return json_response(request.page_response(seen, ConversationResponse.of))
    key = await require_api_key(request, Scope.READ)
    page = request.page_request()
    found = await request.runtime.read(
        lambda store: page_matching(
            partial(store.list_conversations, key.workspace_id),
            page,
            lambda conversation: is_answerable_with(conversation, key),
        )
    )
    return json_response(request.page_response(found, AttributedConversationResponse.of))


@operation(
    "Begin a conversation",
    description="With the visitor's first message.",
    security=VISITOR_WITH_BODY,
    answers=BegunConversationResponse,
    body=MessageBody,
    beacon=True,
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
)
async def begin_conversation(request: Request) -> Response:
    """`POST /v1/conversations`: a visitor's first message."""
    sent = await send_message(request, None)
    return json_response(BegunConversationResponse.of_first(sent.conversation, sent.message))


@operation(
    "List messages",
    security=[*VISITOR, *by_key(Scope.READ)],
    query=PAGE,
    answers=PageResponse[MessageResponse],
)
async def list_messages(request: Request) -> Response:
    """`GET /v1/conversations/{id}/messages`"""
    if request.has_api_key:
        key = await require_api_key(request, Scope.READ)
        messages = partial(_messages_for_key, key, request.path_id, request.page_request())
    else:
        session_update = await request.runtime.run(await request.resume_session())
        messages = partial(_messages_for_visitor, session_update.session, request.path_id, request.page_request())
    return json_response(request.page_response(await request.runtime.read(messages), MessageResponse.of_same))


@operation(
    "Say something",
    description="As the visitor; with an API key, as an agent. A `client_id` that was used in another "
    "conversation is a `conflict`.",
    security=[*VISITOR, *by_key(Scope.WRITE), {}],
    answers=MessageResponse,
    body=MessageBody,
    beacon=True,
    refusals=(Conflicting,),
)
async def add_message(request: Request) -> Response:
    """`POST /v1/conversations/{id}/messages`"""
    if not request.has_api_key:
        sent = await send_message(request, request.path_id)
        return json_response(MessageResponse.of_same(sent.message))
    key = await require_api_key(request, Scope.WRITE)
    body = await request.parse(MessageBody)
    sent = await request.runtime.run(
        SendAgentReply(
            key=key,
            conversation_id=request.path_id,
            text=body.text,
            client_id=body.client_id,
            context=request.context,
        )
    )
    return json_response(MessageResponse.of_same(sent.message))


@operation(
    "Note that the visitor has read a conversation",
    description="Up to its last message. May be repeated.",
    security=VISITOR_WITH_BODY,
    answers=ConversationResponse,
    body=SenderBody,
    needs_body=False,
    beacon=True,
)
async def read_conversation(request: Request) -> Response:
    """`POST /v1/conversations/{id}/read`"""
    return json_response(ConversationResponse.of(await mark_read(request, request.path_id)))


async def load_conversation(request: Request, key: ApiKey, conversation_id: ConversationId) -> Conversation:
    """Load a conversation that the key may read and answer. Raises `NotFound`."""
    return await request.runtime.read(partial(_find_conversation, key, conversation_id))


async def send_message(request: Request, conversation_id: ConversationId | None) -> SentMessage:
    """Send the visitor's message; `conversation_id` None starts a conversation. Raises the errors of `SendMessage`."""
    # The body first: a beacon has its session there.
    body = await request.parse(MessageBody)
    visitor = await request.resume_session(body)
    operation = SendMessage(
        open_session=visitor, conversation_id=conversation_id, text=body.text, client_id=body.client_id
    )
    return await request.runtime.run(operation)


async def mark_read(request: Request, conversation_id: ConversationId) -> Conversation:
    """Mark the conversation as read up to its last message. Raises the errors of `MarkRead`."""
    # The session may come as a header, so an empty body is valid.
    visitor = await request.resume_session(await request.parse_optional(SenderBody))
    return await request.runtime.run(MarkRead(open_session=visitor, conversation_id=conversation_id))


def _messages_for_visitor(
    session: Session, conversation_id: ConversationId, page: PageRequest, store: Store
) -> Page[Message]:
    conversation = store.find_conversation(session.workspace_id, conversation_id)
    if conversation is None or not is_visible_to(conversation, session):
        raise _conversation_not_found()
    return store.list_messages(conversation_id, page)


def _messages_for_key(key: ApiKey, conversation_id: ConversationId, page: PageRequest, store: Store) -> Page[Message]:
    return store.list_messages(_find_conversation(key, conversation_id, store).id, page)


def _find_conversation(key: ApiKey, conversation_id: ConversationId, store: Store) -> Conversation:
    conversation = store.find_conversation(key.workspace_id, conversation_id)
    if conversation is None or not is_answerable_with(conversation, key):
        raise _conversation_not_found()
    return conversation


def _conversation_not_found() -> NotFound:
    """Make the same error for a conversation that does not exist and for one of another visitor (H1)."""
    return NotFound("no such conversation")
