"""Notes about contacts and conversations, for servers with an API key; no visitor is ever shown one."""

from __future__ import annotations

from functools import partial

from hullo.api.agent_conversations import load_conversation
from hullo.api.authentication import require_api_key
from hullo.api.contacts import load_contact
from hullo.api.history_schemas import NoteResponse, RemovedNoteResponse
from hullo.api.openapi.operation import by_key, operation
from hullo.api.parameters import PAGE
from hullo.api.request import Request
from hullo.api.schemas import PageResponse
from hullo.api.server_bodies import NoteBody
from hullo.asgi.response import Response, json_response
from hullo.errors import Conflicting, NotFound
from hullo.model.app import ApiKey, Scope
from hullo.model.note import NoteId
from hullo.operations.contacts.notes import AddContactNote, AddConversationNote, RemoveNote
from hullo.operations.conversations.messages import is_answerable_with
from hullo.store.protocol import PageRequest, Store


@operation(
    "Notes about a contact",
    description="For agents among themselves: no visitor is ever shown one.",
    security=by_key(Scope.READ),
    query=PAGE,
    answers=PageResponse[NoteResponse],
)
async def list_contact_notes(request: Request) -> Response:
    """`GET /v1/contacts/{id}/notes`"""
    key = await require_api_key(request, Scope.READ)
    page = request.page_request()
    contact = await load_contact(request, key, request.path_id)
    return await _list_notes(request, key, contact.id, page)


@operation(
    "Note something about a contact",
    security=by_key(Scope.WRITE),
    answers=NoteResponse,
    body=NoteBody,
    leads_to=("remove_note",),
    refusals=(Conflicting,),
)
async def note_contact(request: Request) -> Response:
    """`POST /v1/contacts/{id}/notes`"""
    key = await require_api_key(request, Scope.WRITE)
    text = (await request.parse(NoteBody)).text
    contact = await load_contact(request, key, request.path_id)
    note = await request.runtime.run(
        AddContactNote(
            contact_id=contact.id,
            workspace_id=key.workspace_id,
            writer=key.writer,
            text=text,
            context=request.context,
        )
    )
    return json_response(NoteResponse.of(note))


@operation(
    "Notes about a conversation",
    description="For agents among themselves: no visitor is ever shown one.",
    security=by_key(Scope.READ),
    query=PAGE,
    answers=PageResponse[NoteResponse],
)
async def list_conversation_notes(request: Request) -> Response:
    """`GET /v1/conversations/{id}/notes`"""
    key = await require_api_key(request, Scope.READ)
    page = request.page_request()
    conversation = await load_conversation(request, key, request.path_id)
    return await _list_notes(request, key, conversation.id, page)


@operation(
    "Note something about a conversation",
    security=by_key(Scope.WRITE),
    answers=NoteResponse,
    body=NoteBody,
    leads_to=("remove_note",),
)
async def note_conversation(request: Request) -> Response:
    """`POST /v1/conversations/{id}/notes`"""
    key = await require_api_key(request, Scope.WRITE)
    text = (await request.parse(NoteBody)).text
    note = await request.runtime.run(
        AddConversationNote(key=key, conversation_id=request.path_id, text=text, context=request.context)
    )
    return json_response(NoteResponse.of(note))


@operation(
    "Remove a note",
    security=by_key(Scope.WRITE),
    answers=RemovedNoteResponse,
)
async def remove_note(request: Request) -> Response:
    """`DELETE /v1/notes/{id}`"""
    key = await require_api_key(request, Scope.WRITE)
    note_id = request.path_id
    # Checked here, since the operation knows the workspace but not the app of the key.
    await request.runtime.read(partial(_require_own_note, key, note_id))
    removed = await request.runtime.run(RemoveNote(note_id=note_id, workspace_id=key.workspace_id))
    return json_response(RemovedNoteResponse(id=removed, removed=True))


async def _list_notes(request: Request, key: ApiKey, subject_id: str, page: PageRequest) -> Response:
    found = await request.runtime.read(lambda store: store.list_notes(key.workspace_id, subject_id, page))
    return json_response(request.page_response(found, NoteResponse.of))


def _require_own_note(key: ApiKey, note_id: NoteId, store: Store) -> None:
    """Check access to a note. Raises `NotFound` for one of another workspace, or of a conversation in another app than
    the key's."""
    note = store.find_note(key.workspace_id, note_id)
    # None for a note about a contact, which every key of the workspace may remove.
    conversation = store.find_conversation(key.workspace_id, note.subject_id) if note is not None else None
    if note is None or (conversation is not None and not is_answerable_with(conversation, key)):
        # The same error for both: a key must not learn which ids exist in other apps.
        raise NotFound("no such note")
