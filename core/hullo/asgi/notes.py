"""Notes about contacts and conversations, for servers with an API key; no visitor is ever shown one."""

from __future__ import annotations

from functools import partial

from hullo.asgi.answer import Answer, told
from hullo.asgi.contacts import contact_of
from hullo.asgi.conversations import conversation_of
from hullo.asgi.exchange import Exchange
from hullo.asgi.history_shapes import note_shape
from hullo.asgi.keys import api_key
from hullo.asgi.server_bodies import note_body
from hullo.asgi.shapes import page_shape
from hullo.errors import NotFound
from hullo.model.app import ApiKey, Scope
from hullo.model.note import NoteId
from hullo.pipeline.people.notes import NoteContact, NoteConversation, RemoveNote
from hullo.pipeline.talk import answerable
from hullo.store.protocol import PageRequest, Store


async def list_contact_notes(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}/notes`"""
    key = await api_key(exchange, Scope.READ)
    page = exchange.page()
    contact = await contact_of(exchange, key, exchange.path_id)
    return await _listed(exchange, key, contact.id, page)


async def note_contact(exchange: Exchange) -> Answer:
    """`POST /v1/contacts/{id}/notes`"""
    key = await api_key(exchange, Scope.WRITE)
    text = note_body(await exchange.body(), exchange.edge.hullo.settings.limits)
    contact = await contact_of(exchange, key, exchange.path_id)
    note = await exchange.edge.do(
        NoteContact(
            contact_id=contact.id,
            workspace_id=key.workspace_id,
            writer=key.writer,
            text=text,
            moment=exchange.moment,
        )
    )
    return told(note_shape(note))


async def list_conversation_notes(exchange: Exchange) -> Answer:
    """`GET /v1/conversations/{id}/notes`"""
    key = await api_key(exchange, Scope.READ)
    page = exchange.page()
    conversation = await conversation_of(exchange, key, exchange.path_id)
    return await _listed(exchange, key, conversation.id, page)


async def note_conversation(exchange: Exchange) -> Answer:
    """`POST /v1/conversations/{id}/notes`"""
    key = await api_key(exchange, Scope.WRITE)
    text = note_body(await exchange.body(), exchange.edge.hullo.settings.limits)
    note = await exchange.edge.do(
        NoteConversation(key=key, conversation_id=exchange.path_id, text=text, moment=exchange.moment)
    )
    return told(note_shape(note))


async def remove_note(exchange: Exchange) -> Answer:
    """`DELETE /v1/notes/{id}`"""
    key = await api_key(exchange, Scope.WRITE)
    note_id = exchange.path_id
    await exchange.edge.read(partial(_refuse_others, key, note_id))
    removed = await exchange.edge.do(RemoveNote(note_id=note_id, workspace_id=key.workspace_id))
    return told({"id": removed, "removed": True})


async def _listed(exchange: Exchange, key: ApiKey, subject_id: str, page: PageRequest) -> Answer:
    found = await exchange.edge.read(lambda store: store.list_notes(key.workspace_id, subject_id, page))
    return told(page_shape(found, note_shape))


def _refuse_others(key: ApiKey, note_id: NoteId, store: Store) -> None:
    """Raises `NotFound` for a note of another workspace, or of a conversation in another app than the key's."""
    note = store.find_note(key.workspace_id, note_id)
    conversation = store.find_conversation(key.workspace_id, note.subject_id) if note is not None else None
    if note is None or (conversation is not None and not answerable(conversation, key)):
        raise NotFound("no such note")
