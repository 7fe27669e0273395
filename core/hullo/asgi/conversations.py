"""Conversations and messages: a visitor with its session, or an agent's server with an API key, on the same paths."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from hullo.asgi.answer import Answer, told
from hullo.asgi.exchange import NOBODY, Exchange
from hullo.asgi.keys import api_key
from hullo.asgi.sessions import visible_conversations
from hullo.asgi.shapes import attributed_conversation_shape, conversation_shape, message_shape, page_shape
from hullo.asgi.wire import join_body, message_body
from hullo.errors import NotFound
from hullo.model.app import ApiKey, Scope
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.visitor import Session
from hullo.pipeline.talk import Read, Reply, Said, Say, answerable, visible
from hullo.store.protocol import Page, PageRequest, Store


async def list_conversations(exchange: Exchange) -> Answer:
    """`GET /v1/conversations`: a visitor's (H1), or all of the key's workspace or app."""
    page = exchange.page()
    if not exchange.by_api_key:
        visit = await exchange.edge.do(await exchange.resumed())
        return told(page_shape(await visible_conversations(exchange, visit.session, page), conversation_shape))
    key = await api_key(exchange, Scope.READ)
    found = await exchange.edge.read(lambda store: store.list_conversations(key.workspace_id, page))
    # A page may come out shorter for a key of one app; the cursor still leads on.
    theirs = replace(found, items=tuple(each for each in found.items if answerable(each, key)))
    return told(page_shape(theirs, attributed_conversation_shape))


async def begin_conversation(exchange: Exchange) -> Answer:
    """`POST /v1/conversations`: a visitor's first message."""
    said = await say(exchange, None)
    return told({**conversation_shape(said.conversation), "messages": [message_shape(said.message)]})


async def list_messages(exchange: Exchange) -> Answer:
    """`GET /v1/conversations/{id}/messages`"""
    page = exchange.page()
    if exchange.by_api_key:
        key = await api_key(exchange, Scope.READ)
        messages = partial(_messages_for_key, key, exchange.path_id, page)
    else:
        visit = await exchange.edge.do(await exchange.resumed())
        messages = partial(_messages_for_visitor, visit.session, exchange.path_id, page)
    return told(page_shape(await exchange.edge.read(messages), message_shape))


async def add_message(exchange: Exchange) -> Answer:
    """`POST /v1/conversations/{id}/messages`"""
    if not exchange.by_api_key:
        said = await say(exchange, exchange.path_id)
        return told(message_shape(said.message))
    key = await api_key(exchange, Scope.WRITE)
    body = message_body(await exchange.body(), exchange.edge.hullo.settings.limits)
    said = await exchange.edge.do(
        Reply(
            key=key,
            conversation_id=exchange.path_id,
            text=body.text,
            client_id=body.client_id,
            moment=exchange.moment,
        )
    )
    return told(message_shape(said.message))


async def read_conversation(exchange: Exchange) -> Answer:
    """`POST /v1/conversations/{id}/read`"""
    return told(conversation_shape(await mark_read(exchange, exchange.path_id)))


async def conversation_of(exchange: Exchange, key: ApiKey, conversation_id: ConversationId) -> Conversation:
    """One that the key may read and answer. Raises `NotFound`."""
    return await exchange.edge.read(partial(_found, key, conversation_id))


async def say(exchange: Exchange, conversation_id: ConversationId | None) -> Said:
    """The visitor says something; None begins a conversation. Raises what refuses it."""
    body = message_body(await exchange.body(), exchange.edge.hullo.settings.limits)
    visitor = await exchange.resumed(body.envelope)
    say = Say(visitor=visitor, conversation_id=conversation_id, text=body.text, client_id=body.client_id)
    return await exchange.edge.do(say)


async def mark_read(exchange: Exchange, conversation_id: ConversationId) -> Conversation:
    """The visitor has read it, up to its last message. Raises what refuses it."""
    raw = await exchange.body()
    visitor = await exchange.resumed(join_body(raw) if raw else NOBODY)
    return await exchange.edge.do(Read(visitor=visitor, conversation_id=conversation_id))


def _messages_for_visitor(
    session: Session, conversation_id: ConversationId, page: PageRequest, store: Store
) -> Page[Message]:
    conversation = store.find_conversation(session.workspace_id, conversation_id)
    if conversation is None or not visible(conversation, session):
        raise _no_such_conversation()
    return store.list_messages(conversation_id, page)


def _messages_for_key(key: ApiKey, conversation_id: ConversationId, page: PageRequest, store: Store) -> Page[Message]:
    return store.list_messages(_found(key, conversation_id, store).id, page)


def _found(key: ApiKey, conversation_id: ConversationId, store: Store) -> Conversation:
    conversation = store.find_conversation(key.workspace_id, conversation_id)
    if conversation is None or not answerable(conversation, key):
        raise _no_such_conversation()
    return conversation


def _no_such_conversation() -> NotFound:
    """Whether it does not exist or is somebody else's: the answer is the same (H1)."""
    return NotFound("no such conversation")
