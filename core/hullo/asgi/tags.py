"""Tags of contacts and conversations, for servers with an API key."""

from __future__ import annotations

from collections.abc import Iterable

from hullo.asgi.answer import Answer, told
from hullo.asgi.contacts import contact_of
from hullo.asgi.conversations import conversation_of
from hullo.asgi.exchange import Exchange
from hullo.asgi.keys import api_key
from hullo.asgi.server_bodies import tags_body
from hullo.model.app import ApiKey, Scope
from hullo.pipeline.people.tagging import TAGS, TagContact, TagConversation, Tagging, read_tags


async def list_contact_tags(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}/tags`"""
    key = await api_key(exchange, Scope.READ)
    return _told((await contact_of(exchange, key, exchange.path_id)).tags)


async def tag_contact(exchange: Exchange) -> Answer:
    """`POST /v1/contacts/{id}/tags`"""
    key = await api_key(exchange, Scope.WRITE)
    return await _tag_contact(exchange, key, await _added(exchange))


async def untag_contact(exchange: Exchange) -> Answer:
    """`DELETE /v1/contacts/{id}/tags/{tag}`"""
    key = await api_key(exchange, Scope.WRITE)
    return await _tag_contact(exchange, key, _removed(exchange))


async def list_conversation_tags(exchange: Exchange) -> Answer:
    """`GET /v1/conversations/{id}/tags`"""
    key = await api_key(exchange, Scope.READ)
    return _told((await conversation_of(exchange, key, exchange.path_id)).tags)


async def tag_conversation(exchange: Exchange) -> Answer:
    """`POST /v1/conversations/{id}/tags`"""
    key = await api_key(exchange, Scope.WRITE)
    return await _tag_conversation(exchange, key, await _added(exchange))


async def untag_conversation(exchange: Exchange) -> Answer:
    """`DELETE /v1/conversations/{id}/tags/{tag}`"""
    key = await api_key(exchange, Scope.WRITE)
    return await _tag_conversation(exchange, key, _removed(exchange))


async def _tag_contact(exchange: Exchange, key: ApiKey, tagging: Tagging) -> Answer:
    contact = await contact_of(exchange, key, exchange.path_id)
    tagged = await exchange.edge.do(
        TagContact(
            contact_id=contact.id,
            workspace_id=key.workspace_id,
            app_id=key.app_id,
            writer=key.writer,
            tagging=tagging,
            moment=exchange.moment,
            limits=exchange.edge.hullo.settings.limits,
        )
    )
    return _told(tagged.tags)


async def _tag_conversation(exchange: Exchange, key: ApiKey, tagging: Tagging) -> Answer:
    tagged = await exchange.edge.do(
        TagConversation(
            key=key,
            conversation_id=exchange.path_id,
            tagging=tagging,
            limits=exchange.edge.hullo.settings.limits,
        )
    )
    return _told(tagged.tags)


async def _added(exchange: Exchange) -> Tagging:
    return Tagging(add=tags_body(await exchange.body(), exchange.edge.hullo.settings.limits))


def _removed(exchange: Exchange) -> Tagging:
    return Tagging(remove=read_tags([exchange.path_text("tag")], exchange.edge.hullo.settings.limits))


def _told(tags: Iterable[str]) -> Answer:
    return told({TAGS: sorted(tags)})
