"""What servers call about what happened to a contact, and about what agents add to it: tags and notes."""

from __future__ import annotations

from typing import Final

from hullo.api.contact_schemas import TagsResponse
from hullo.api.history_schemas import DecisionResponse, NoteResponse, RemovedNoteResponse, TimelineEntryResponse
from hullo.api.openapi.operation import (
    BODY_REFUSALS,
    KEY_REFUSALS,
    Operation,
    Operations,
    by_key,
    in_path,
    path_id,
)
from hullo.api.parameters import PAGE
from hullo.api.schemas import PageResponse
from hullo.errors import Conflicting, Invalid, NotFound
from hullo.model.app import Scope
from hullo.model.timeline import CONTACT_EVENT

_CONTACT: Final = path_id("ContactId")
_CONVERSATION: Final = path_id("ConversationId")
_NOTE: Final = path_id("NoteId")
# OpenAPI has no parameter of several segments: clients escape a slash in a tag.
_TAG: Final = in_path("tag", {"type": "string", "minLength": 1})

CALLS_ABOUT_HISTORY: Final[Operations] = {
    "/v1/contacts/{id}/decisions": {
        "get": Operation(
            id="list_decisions",
            summary="Why a contact is as it is",
            description="What each call wrote, and why: in words, stage by stage, field by field.",
            security=by_key(Scope.READ),
            parameters=(_CONTACT, *PAGE),
            answers=(PageResponse[DecisionResponse],),
            refusals=(NotFound, Invalid, *KEY_REFUSALS),
        ),
    },
    "/v1/contacts/{id}/timeline": {
        "get": Operation(
            id="list_timeline",
            summary="What happened to a contact",
            description="The newest first: identifies, changes with their values before and after, merges, "
            f"conversations, and as `{CONTACT_EVENT}` whatever a site has reported, by the time when that happened. "
            "A key of one app is not shown what happened in others.",
            security=by_key(Scope.READ),
            parameters=(_CONTACT, *PAGE),
            answers=(PageResponse[TimelineEntryResponse],),
            refusals=(NotFound, Invalid, *KEY_REFUSALS),
        ),
    },
    "/v1/contacts/{id}/events": {
        "post": Operation(
            id="report_event",
            summary="Report what a contact did",
            description="One more line in their timeline; nobody is told of it. Reported twice, there are two.",
            security=by_key(Scope.WRITE),
            parameters=(_CONTACT,),
            body="EventBody",
            answers=(TimelineEntryResponse,),
            refusals=(NotFound, Conflicting, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
        ),
    },
    "/v1/contacts/{id}/tags": {
        "get": Operation(
            id="list_contact_tags",
            summary="A contact's tags",
            security=by_key(Scope.READ),
            parameters=(_CONTACT,),
            answers=(TagsResponse,),
            refusals=(NotFound, *KEY_REFUSALS),
        ),
        "post": Operation(
            id="tag_contact",
            summary="Tag a contact",
            description="Those that are there stay. The answer has all of them.",
            security=by_key(Scope.WRITE),
            parameters=(_CONTACT,),
            body="TagsBody",
            answers=(TagsResponse,),
            refusals=(NotFound, Conflicting, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
        ),
    },
    "/v1/contacts/{id}/tags/{tag}": {
        "delete": Operation(
            id="untag_contact",
            summary="Take a tag from a contact",
            description="The answer has those that are left. May be repeated.",
            security=by_key(Scope.WRITE),
            parameters=(_CONTACT, _TAG),
            answers=(TagsResponse,),
            refusals=(NotFound, Conflicting, Invalid, *KEY_REFUSALS),
        ),
    },
    "/v1/contacts/{id}/notes": {
        "get": Operation(
            id="list_contact_notes",
            summary="Notes about a contact",
            description="For agents among themselves: no visitor is ever shown one.",
            security=by_key(Scope.READ),
            parameters=(_CONTACT, *PAGE),
            answers=(PageResponse[NoteResponse],),
            refusals=(NotFound, Invalid, *KEY_REFUSALS),
        ),
        "post": Operation(
            id="note_contact",
            summary="Note something about a contact",
            security=by_key(Scope.WRITE),
            parameters=(_CONTACT,),
            body="NoteBody",
            answers=(NoteResponse,),
            refusals=(NotFound, Conflicting, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
            leads_to=("remove_note",),
        ),
    },
    "/v1/conversations/{id}/tags": {
        "get": Operation(
            id="list_conversation_tags",
            summary="A conversation's tags",
            security=by_key(Scope.READ),
            parameters=(_CONVERSATION,),
            answers=(TagsResponse,),
            refusals=(NotFound, *KEY_REFUSALS),
        ),
        "post": Operation(
            id="tag_conversation",
            summary="Tag a conversation",
            description="Those that are there stay. The answer has all of them.",
            security=by_key(Scope.WRITE),
            parameters=(_CONVERSATION,),
            body="TagsBody",
            answers=(TagsResponse,),
            refusals=(NotFound, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
        ),
    },
    "/v1/conversations/{id}/tags/{tag}": {
        "delete": Operation(
            id="untag_conversation",
            summary="Take a tag from a conversation",
            description="The answer has those that are left. May be repeated.",
            security=by_key(Scope.WRITE),
            parameters=(_CONVERSATION, _TAG),
            answers=(TagsResponse,),
            refusals=(NotFound, Invalid, *KEY_REFUSALS),
        ),
    },
    "/v1/conversations/{id}/notes": {
        "get": Operation(
            id="list_conversation_notes",
            summary="Notes about a conversation",
            description="For agents among themselves: no visitor is ever shown one.",
            security=by_key(Scope.READ),
            parameters=(_CONVERSATION, *PAGE),
            answers=(PageResponse[NoteResponse],),
            refusals=(NotFound, Invalid, *KEY_REFUSALS),
        ),
        "post": Operation(
            id="note_conversation",
            summary="Note something about a conversation",
            security=by_key(Scope.WRITE),
            parameters=(_CONVERSATION,),
            body="NoteBody",
            answers=(NoteResponse,),
            refusals=(NotFound, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
            leads_to=("remove_note",),
        ),
    },
    "/v1/notes/{id}": {
        "delete": Operation(
            id="remove_note",
            summary="Remove a note",
            security=by_key(Scope.WRITE),
            parameters=(_NOTE,),
            answers=(RemovedNoteResponse,),
            refusals=(NotFound, *KEY_REFUSALS),
        ),
    },
}
