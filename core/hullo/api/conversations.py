"""Conversations and messages: the same paths serve a visitor with a session, and an agent's server with an API key.

What an API key gets is in `agent_conversations`.
"""

from __future__ import annotations

from functools import partial

from hullo.api import agent_conversations
from hullo.api.agent_bodies import FirstMessageBody, ReplyBody
from hullo.api.agent_conversations import FILTERS
from hullo.api.bodies import MessageBody, SenderBody
from hullo.api.conversation_schemas import (
    AttributedBegunConversationResponse,
    AttributedConversationResponse,
    AttributedMessageResponse,
    DetailedConversationResponse,
)
from hullo.api.openapi.operation import VISITOR, VISITOR_WITH_BODY, by_key, operation
from hullo.api.parameters import PAGE
from hullo.api.request import Request
from hullo.api.reservations import reserve_message
from hullo.api.schemas import BegunConversationResponse, ConversationResponse, MessageResponse, PageResponse
from hullo.api.sessions import list_visible_conversations
from hullo.asgi.response import Response, json_response
from hullo.errors import Blocked, Conflicting, NotFound
from hullo.model.app import Scope
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.visitor import Session
from hullo.operations.conversations.message_records import SentMessage
from hullo.operations.conversations.messages import MarkRead, SendMessage, is_visible_to
from hullo.store.protocol import Page, PageRequest, Store


@operation(
    "List conversations",
    description="The visitor's own, and a proven contact's. With an API key: those of its workspace, or app, that "
    "match all the filters; a visitor's call takes none of them.",
    security=[*VISITOR, *by_key(Scope.READ)],
    query=(*FILTERS, *PAGE),
    answers=(PageResponse[ConversationResponse], PageResponse[AttributedConversationResponse]),
    refusals=(NotFound,),
)
async def list_conversations(request: Request) -> Response:
    """`GET /v1/conversations`: the visitor's (H1), or those of the key's workspace or app."""
    # By what the call presents, valid or not: a wrong key must not turn its caller into a visitor.
    if request.has_api_key:
        return await agent_conversations.list_conversations(request)
    # Run and not only read: each use extends the session (S3).
    session_update = await request.runtime.run(await request.resume_session())
    agent_conversations.refuse_filters(request)
    found = await list_visible_conversations(request, session_update.session, request.page_request())
    return json_response(request.page_response(found, ConversationResponse.of))


@operation(
    "Begin a conversation",
    description="With the visitor's first message. With an API key, with an agent's to a contact: every browser that "
    "proves to be the contact sees it, and none that only claims to be.",
    security=[*VISITOR, *by_key(Scope.WRITE), {}],
    answers=(BegunConversationResponse, AttributedBegunConversationResponse),
    body=FirstMessageBody,
    beacon=True,
    refusals=(Blocked, NotFound, Conflicting),
    leads_to=(
        "describe_conversation",
        "amend_conversation",
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
    """`POST /v1/conversations`: a visitor's first message, or an agent's to a contact."""
    if request.has_api_key:
        return await agent_conversations.begin_conversation(request)
    sent = await send_message(request, None)
    return json_response(BegunConversationResponse.of_first(sent.conversation, sent.message))


@operation(
    "Read a conversation",
    description="With an API key also its contact, its visitor and its last message.",
    security=[*VISITOR, *by_key(Scope.READ)],
    answers=(ConversationResponse, DetailedConversationResponse),
)
async def describe_conversation(request: Request) -> Response:
    """`GET /v1/conversations/{id}`"""
    if request.has_api_key:
        return await agent_conversations.describe_conversation(request)
    session_update = await request.runtime.run(await request.resume_session())
    find = partial(_find_visible, session_update.session, request.path_id)
    return json_response(ConversationResponse.of(await request.runtime.read(find)))


@operation(
    "List messages",
    security=[*VISITOR, *by_key(Scope.READ)],
    query=PAGE,
    answers=(PageResponse[MessageResponse], PageResponse[AttributedMessageResponse]),
)
async def list_messages(request: Request) -> Response:
    """`GET /v1/conversations/{id}/messages`"""
    if request.has_api_key:
        return await agent_conversations.list_messages(request)
    session_update = await request.runtime.run(await request.resume_session())
    messages = partial(_messages_for_visitor, session_update.session, request.path_id, request.page_request())
    return json_response(request.page_response(await request.runtime.read(messages), MessageResponse.of))


@operation(
    "Say something",
    description="As the visitor; with an API key, as an agent. A `client_id` that was used in another "
    "conversation is a `conflict`.",
    security=[*VISITOR, *by_key(Scope.WRITE), {}],
    answers=(MessageResponse, AttributedMessageResponse),
    body=ReplyBody,
    beacon=True,
    refusals=(Blocked, Conflicting),
)
async def add_message(request: Request) -> Response:
    """`POST /v1/conversations/{id}/messages`"""
    if request.has_api_key:
        return await agent_conversations.add_message(request)
    sent = await send_message(request, request.path_id)
    return json_response(MessageResponse.of(sent.message))


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


async def send_message(request: Request, conversation_id: ConversationId | None) -> SentMessage:
    """Send the visitor's message; `conversation_id` None starts a conversation. Raises the errors of `SendMessage`."""
    # The body first: a beacon has its session there.
    body = await request.parse(MessageBody)
    visitor = await request.resume_session(body)
    operation = SendMessage(
        open_session=visitor, conversation_id=conversation_id, text=body.text, client_id=body.client_id
    )
    reservation = await reserve_message(request, visitor.session_digest)
    return await reservation.finish(request.runtime.run(reservation.guard(operation)))


async def mark_read(request: Request, conversation_id: ConversationId) -> Conversation:
    """Mark the conversation as read up to its last message. Raises the errors of `MarkRead`."""
    # The session may come as a header, so an empty body is valid.
    visitor = await request.resume_session(await request.parse_optional(SenderBody))
    return await request.runtime.run(MarkRead(open_session=visitor, conversation_id=conversation_id))


def _messages_for_visitor(
    session: Session, conversation_id: ConversationId, page: PageRequest, store: Store
) -> Page[Message]:
    return store.list_messages(_find_visible(session, conversation_id, store).id, page)


def _find_visible(session: Session, conversation_id: ConversationId, store: Store) -> Conversation:
    conversation = store.find_conversation(session.workspace_id, conversation_id)
    # H1: one of another visitor and one that does not exist look the same.
    if conversation is None or not is_visible_to(conversation, session):
        raise NotFound("no such conversation")
    return conversation
