"""Conversations and messages for agents' servers, with an API key. `conversations` hands calls with a key over."""

from __future__ import annotations

from functools import partial
from typing import Final, cast

from hullo.api.agent_bodies import STATUSES, AgentFirstMessageBody, AgentMessageBody, ConversationBody
from hullo.api.apps import load_app
from hullo.api.authentication import require_api_key
from hullo.api.contacts import load_contact, restrict_to_key
from hullo.api.conversation_schemas import (
    AttributedBegunConversationResponse,
    AttributedConversationResponse,
    AttributedMessageResponse,
    DetailedConversationResponse,
)
from hullo.api.openapi.notation import TEXT, one_of
from hullo.api.openapi.operation import by_key, operation
from hullo.api.parameters import QueryParameter, id_query, query
from hullo.api.request import Request
from hullo.api.request_body import invalid_field
from hullo.asgi.response import Response, json_response
from hullo.errors import Invalid, NotFound, Rejection
from hullo.model.app import ApiKey, App, Scope
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation, ConversationId, Message, Status
from hullo.model.visitor import Session
from hullo.operations.conversations.agent_messages import BeginConversation, SendAgentReply
from hullo.operations.conversations.messages import is_answerable_with
from hullo.operations.conversations.update import UpdateConversation
from hullo.store.protocol import ConversationFilter, Page, PageRequest, Store
from hullo.store.reading import current_contact

CONTACT: Final = id_query("contact_id", "ContactId", "Of this contact, and of those that it absorbed.")
APP: Final = id_query("app", "AppId", "Begun in this app.")
STATUS: Final = query("status", one_of(STATUSES), "In this status.")
ASSIGNEE: Final[QueryParameter[str | None]] = QueryParameter(
    name="assignee",
    schema=TEXT,
    description="Taken care of by this agent, exactly as it was assigned.",
    parse=str,
    default=None,
    # Agents are named by emails.
    keeps_plus=True,
)
FILTERS: Final = (CONTACT, APP, STATUS, ASSIGNEE)


async def list_conversations(request: Request) -> Response:
    """List those of the key's workspace, or of its app, that match all filters."""
    key = await require_api_key(request, Scope.READ)
    # Ids of absorbed contacts and keys of apps, as callers have them; the store compares what they stand for.
    contact_id, app_id = request.query(CONTACT), request.query(APP)
    # Loaded with the key: an app of another workspace, or another than the key's, is an error and no empty list.
    app = await load_app(request, key, app_id) if app_id is not None else None
    criteria = ConversationFilter(
        workspace_id=key.workspace_id,
        app_id=app.id if app is not None else key.app_id,
        # The id of an absorbed contact finds the conversations of its survivor (G3, L4).
        contact_id=(await load_contact(request, key, contact_id)).id if contact_id is not None else None,
        status=cast("Status | None", request.query(STATUS)),
        assignee=request.query(ASSIGNEE),
    )
    # Only now: a cursor is bound to its caller, and the key was not known before.
    page = request.page_request()
    found = await request.runtime.read(lambda store: store.list_conversations(criteria, page))
    return json_response(request.page_response(found, AttributedConversationResponse.of))


def refuse_filters(request: Request) -> None:
    """Raise `Invalid` for a visitor's call with a filter: it lists what it may see."""
    # Refused and not ignored: the caller would take the whole list for a filtered one.
    sent = [filter.name for filter in FILTERS if request.query(filter) is not None]
    if sent:
        raise Invalid("a parameter is wrong", [Rejection(field=name, reason="is for API keys") for name in sent])


async def begin_conversation(request: Request) -> Response:
    """Begin a conversation with a contact, in the app that the body names, the key's, or the only one."""
    key = await require_api_key(request, Scope.WRITE)
    body = await request.parse(AgentFirstMessageBody)
    sent = await request.runtime.run(
        BeginConversation(
            key=key,
            app=await _app_to_write_in(request, key, body.app),
            # The body may hold an absorbed id: the survivor is written to (G3).
            contact_id=(await load_contact(request, key, body.contact_id)).id,
            message=body.message(),
            context=request.context,
        )
    )
    return json_response(AttributedBegunConversationResponse.of_first(sent.conversation, sent.message))


async def describe_conversation(request: Request) -> Response:
    """Describe one conversation with its contact, its visitor and its last message."""
    key = await require_api_key(request, Scope.READ)
    return json_response(await request.runtime.read(partial(_describe, key, request.path_id)))


@operation(
    "Close, open, assign or tag a conversation",
    description="What is not sent stays. A new message opens a closed conversation again.",
    security=by_key(Scope.WRITE),
    answers=DetailedConversationResponse,
    body=ConversationBody,
)
async def amend_conversation(request: Request) -> Response:
    """`PATCH /v1/conversations/{id}`: status, assignee, tags."""
    key = await require_api_key(request, Scope.WRITE)
    body = await request.parse(ConversationBody)
    await request.runtime.run(
        UpdateConversation(
            key=key,
            conversation_id=request.path_id,
            status=body.status,
            assignee=body.assignee,
            tags=body.tags,
            context=request.context,
            limits=request.limits,
        )
    )
    return json_response(await request.runtime.read(partial(_describe, key, request.path_id)))


async def list_messages(request: Request) -> Response:
    """List the messages of a conversation that the key may read."""
    key = await require_api_key(request, Scope.READ)
    page = request.page_request()

    def read(store: Store) -> Page[Message]:
        return store.list_messages(find_conversation(key, request.path_id, store).id, page)

    return json_response(request.page_response(await request.runtime.read(read), AttributedMessageResponse.of))


async def add_message(request: Request) -> Response:
    """Reply in a conversation that the key may answer."""
    key = await require_api_key(request, Scope.WRITE)
    # The scope is checked before the body is read: a reader's key costs no parsing.
    message = (await request.parse(AgentMessageBody)).message()
    sent = await request.runtime.run(
        SendAgentReply(key=key, conversation_id=request.path_id, message=message, context=request.context)
    )
    return json_response(AttributedMessageResponse.of(sent.message))


async def load_conversation(request: Request, key: ApiKey, conversation_id: ConversationId) -> Conversation:
    """Load a conversation that the key may read and answer. Raises `NotFound`."""
    return await request.runtime.read(partial(find_conversation, key, conversation_id))


def find_conversation(key: ApiKey, conversation_id: ConversationId, store: Store) -> Conversation:
    """Find a conversation that the key may read and answer. Raises `NotFound`."""
    conversation = store.find_conversation(key.workspace_id, conversation_id)
    # One error for both: a key of one app must not learn what other apps have.
    if conversation is None or not is_answerable_with(conversation, key):
        raise NotFound("no such conversation")
    return conversation


def _describe(key: ApiKey, conversation_id: ConversationId, store: Store) -> DetailedConversationResponse:
    conversation = find_conversation(key, conversation_id, store)
    home, contact_id = key.workspace_id, conversation.contact_id
    # Read one after the other: what an agent sees need not be of one moment.
    contact: Contact | None = None
    if contact_id is not None:
        contact = restrict_to_key(key, current_contact(store, home, contact_id))
    session: Session | None = store.find_visitor_session(home, conversation.visitor_id)
    last = store.list_messages(conversation.id, PageRequest(limit=1)).items
    return DetailedConversationResponse.of_all(conversation, contact, session, last[0] if last else None)


async def _app_to_write_in(request: Request, key: ApiKey, named: str | None) -> App:
    """Determine the app of a new conversation. Raises `UnknownApp`, `Forbidden`, and `Invalid` if unclear."""
    if named is None and key.app_id is None:
        apps = await request.runtime.read(lambda store: store.list_apps())
        own = [app for app in apps if app.workspace_id == key.workspace_id]
        # Refused and not guessed: the conversation would show in another site's widget.
        if len(own) != 1:
            raise invalid_field("app", "the workspace has several apps; name the one whose widget shows it")
        return own[0]
    # A key of one app writes there without naming it, and nowhere else.
    return await load_app(request, key, named or cast("str", key.app_id))
