"""Tags of contacts and conversations, for servers with an API key."""

from __future__ import annotations

from collections.abc import Iterable

from hullo.api.agent_conversations import load_conversation
from hullo.api.authentication import require_api_key
from hullo.api.contact_schemas import TagsResponse
from hullo.api.contacts import load_contact
from hullo.api.openapi.operation import by_key, operation
from hullo.api.request import Request
from hullo.api.server_bodies import TagsBody
from hullo.asgi.response import Response, json_response
from hullo.errors import Conflicting
from hullo.model.app import ApiKey, Scope
from hullo.operations.contacts.tags import TagChanges, TagContact, parse_tags
from hullo.operations.conversations.update import UpdateConversation


@operation(
    "A contact's tags",
    security=by_key(Scope.READ),
    answers=TagsResponse,
)
async def list_contact_tags(request: Request) -> Response:
    """`GET /v1/contacts/{id}/tags`"""
    key = await require_api_key(request, Scope.READ)
    return _tags_response((await load_contact(request, key, request.path_id)).tags)


@operation(
    "Tag a contact",
    description="Those that are there stay. The answer has all of them.",
    security=by_key(Scope.WRITE),
    answers=TagsResponse,
    body=TagsBody,
    refusals=(Conflicting,),
)
async def tag_contact(request: Request) -> Response:
    """`POST /v1/contacts/{id}/tags`"""
    key = await require_api_key(request, Scope.WRITE)
    return await _tag_contact(request, key, await _tags_to_add(request))


@operation(
    "Take a tag from a contact",
    description="The answer has those that are left. May be repeated.",
    security=by_key(Scope.WRITE),
    answers=TagsResponse,
    refusals=(Conflicting,),
)
async def untag_contact(request: Request) -> Response:
    """`DELETE /v1/contacts/{id}/tags/{tag}`"""
    key = await require_api_key(request, Scope.WRITE)
    return await _tag_contact(request, key, _tags_to_remove(request))


@operation(
    "A conversation's tags",
    security=by_key(Scope.READ),
    answers=TagsResponse,
)
async def list_conversation_tags(request: Request) -> Response:
    """`GET /v1/conversations/{id}/tags`"""
    key = await require_api_key(request, Scope.READ)
    return _tags_response((await load_conversation(request, key, request.path_id)).tags)


@operation(
    "Tag a conversation",
    description="Those that are there stay. The answer has all of them.",
    security=by_key(Scope.WRITE),
    answers=TagsResponse,
    body=TagsBody,
)
async def tag_conversation(request: Request) -> Response:
    """`POST /v1/conversations/{id}/tags`"""
    key = await require_api_key(request, Scope.WRITE)
    return await _tag_conversation(request, key, await _tags_to_add(request))


@operation(
    "Take a tag from a conversation",
    description="The answer has those that are left. May be repeated.",
    security=by_key(Scope.WRITE),
    answers=TagsResponse,
)
async def untag_conversation(request: Request) -> Response:
    """`DELETE /v1/conversations/{id}/tags/{tag}`"""
    key = await require_api_key(request, Scope.WRITE)
    return await _tag_conversation(request, key, _tags_to_remove(request))


async def _tag_contact(request: Request, key: ApiKey, tagging: TagChanges) -> Response:
    # The path may hold an absorbed id: the survivor is tagged (G3).
    contact = await load_contact(request, key, request.path_id)
    tagged = await request.runtime.run(
        TagContact(
            contact_id=contact.id,
            workspace_id=key.workspace_id,
            app_id=key.app_id,
            writer=key.writer,
            changes=tagging,
            context=request.context,
            limits=request.runtime.hullo.settings.limits,
        )
    )
    return _tags_response(tagged.tags)


async def _tag_conversation(request: Request, key: ApiKey, tagging: TagChanges) -> Response:
    tagged = await request.runtime.run(
        # Not loaded first: the operation itself checks that the key may see the conversation.
        UpdateConversation(
            key=key,
            conversation_id=request.path_id,
            tag_changes=tagging,
            context=request.context,
            limits=request.runtime.hullo.settings.limits,
        )
    )
    return _tags_response(tagged.tags)


async def _tags_to_add(request: Request) -> TagChanges:
    return TagChanges(add=(await request.parse(TagsBody)).tags)


def _tags_to_remove(request: Request) -> TagChanges:
    return TagChanges(remove=parse_tags([request.path_param("tag")], request.runtime.hullo.settings.limits))


def _tags_response(tags: Iterable[str]) -> Response:
    # Sorted, as a set has no order: equal tags give equal responses.
    return json_response(TagsResponse(tags=sorted(tags)))
