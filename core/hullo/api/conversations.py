"""Conversations and messages: a visitor with its session, or an agent's server with an API key, on the same paths."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from hullo.api.authentication import require_api_key
from hullo.api.bodies import parse_join_body, parse_message_body
from hullo.api.request import EMPTY_ENVELOPE, Request
from hullo.api.schemas import (
    AttributedConversationResponse,
    BegunConversationResponse,
    ConversationResponse,
    MessageResponse,
    page_response,
)
from hullo.api.sessions import list_visible_conversations
from hullo.asgi.response import Response, json_response
from hullo.errors import NotFound
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


async def list_conversations(request: Request) -> Response:
    """`GET /v1/conversations`: a visitor's (H1), or all of the key's workspace or app."""
    page = request.page_request()
    if not request.has_api_key:
        visit = await request.runtime.run(await request.resume_session())
        return json_response(
            page_response(await list_visible_conversations(request, visit.session, page), ConversationResponse.of)
        )
    key = await require_api_key(request, Scope.READ)
    found = await request.runtime.read(lambda store: store.list_conversations(key.workspace_id, page))
    # A page may come out shorter for a key of one app; the cursor still leads on.
    theirs = replace(found, items=tuple(each for each in found.items if is_answerable_with(each, key)))
    return json_response(page_response(theirs, AttributedConversationResponse.of))


async def begin_conversation(request: Request) -> Response:
    """`POST /v1/conversations`: a visitor's first message."""
    said = await send_message(request, None)
    return json_response(BegunConversationResponse.of_first(said.conversation, said.message))


async def list_messages(request: Request) -> Response:
    """`GET /v1/conversations/{id}/messages`"""
    page = request.page_request()
    if request.has_api_key:
        key = await require_api_key(request, Scope.READ)
        messages = partial(_messages_for_key, key, request.path_id, page)
    else:
        visit = await request.runtime.run(await request.resume_session())
        messages = partial(_messages_for_visitor, visit.session, request.path_id, page)
    return json_response(page_response(await request.runtime.read(messages), MessageResponse.of))


async def add_message(request: Request) -> Response:
    """`POST /v1/conversations/{id}/messages`"""
    if not request.has_api_key:
        said = await send_message(request, request.path_id)
        return json_response(MessageResponse.of(said.message))
    key = await require_api_key(request, Scope.WRITE)
    body = parse_message_body(await request.body(), request.runtime.hullo.settings.limits)
    said = await request.runtime.run(
        SendAgentReply(
            key=key,
            conversation_id=request.path_id,
            text=body.text,
            client_id=body.client_id,
            context=request.context,
        )
    )
    return json_response(MessageResponse.of(said.message))


async def read_conversation(request: Request) -> Response:
    """`POST /v1/conversations/{id}/read`"""
    return json_response(ConversationResponse.of(await mark_read(request, request.path_id)))


async def load_conversation(request: Request, key: ApiKey, conversation_id: ConversationId) -> Conversation:
    """One that the key may read and answer. Raises `NotFound`."""
    return await request.runtime.read(partial(_find_conversation, key, conversation_id))


async def send_message(request: Request, conversation_id: ConversationId | None) -> SentMessage:
    """The visitor says something; None begins a conversation. Raises what refuses it."""
    body = parse_message_body(await request.body(), request.runtime.hullo.settings.limits)
    visitor = await request.resume_session(body.envelope)
    say = SendMessage(open_session=visitor, conversation_id=conversation_id, text=body.text, client_id=body.client_id)
    return await request.runtime.run(say)


async def mark_read(request: Request, conversation_id: ConversationId) -> Conversation:
    """The visitor has read it, up to its last message. Raises what refuses it."""
    raw = await request.body()
    visitor = await request.resume_session(parse_join_body(raw) if raw else EMPTY_ENVELOPE)
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
    """Whether it does not exist or is somebody else's: the answer is the same (H1)."""
    return NotFound("no such conversation")
