"""Routes under hullo's prefix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from hullo.api import (
    agent_conversations,
    apps,
    blocks,
    contact_sessions,
    contacts,
    conversations,
    health,
    history,
    merges,
    notes,
    privacy,
    sessions,
    tags,
)
from hullo.api.check import check_identify
from hullo.api.consent import answer_consent
from hullo.api.endpoint import Endpoint, RejectionHandler
from hullo.api.identify import identify, notify_rejected
from hullo.api.identity_tokens import issue_token
from hullo.api.openapi.document import describe_routes
from hullo.api.openapi.operation import PUBLIC, Operation, operation
from hullo.api.openapi.route import DescribedRoute
from hullo.api.request import Request
from hullo.api.runtime import AsyncRuntime
from hullo.asgi.response import Response
from hullo.errors import NotFound

# Without HEAD, which `Endpoint` serves with the handler of GET.
_ALL_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def api_routes(runtime: AsyncRuntime, plugin_routes: Sequence[BaseRoute] = ()) -> list[DescribedRoute]:
    """Build all routes. `plugin_routes` are included in the OpenAPI document."""

    def route(
        path: str, *, cross_origin: bool = False, on_rejected: RejectionHandler | None = None, **methods: Operation
    ) -> DescribedRoute:
        return DescribedRoute(path, methods, runtime=runtime, cross_origin=cross_origin, on_rejected=on_rejected)

    routes = [
        # Observers hear of every refused identify, those over the limit of their address included.
        route("/v1/identify", POST=identify, cross_origin=True, on_rejected=notify_rejected),
        route("/v1/join", POST=sessions.join, cross_origin=True),
        route("/v1/reset", POST=sessions.reset, cross_origin=True),
        route("/v1/identity-token", POST=issue_token, cross_origin=True),
        route("/v1/consent", POST=answer_consent, cross_origin=True),
        route("/v1/me", GET=sessions.me, cross_origin=True),
        route(
            "/v1/conversations",
            GET=conversations.list_conversations,
            POST=conversations.begin_conversation,
            cross_origin=True,
        ),
        route(
            "/v1/conversations/{id}",
            GET=conversations.describe_conversation,
            PATCH=agent_conversations.amend_conversation,
            cross_origin=True,
        ),
        route(
            "/v1/conversations/{id}/messages",
            GET=conversations.list_messages,
            POST=conversations.add_message,
            cross_origin=True,
        ),
        route("/v1/conversations/{id}/read", POST=conversations.read_conversation, cross_origin=True),
        # No CORS from here on: an API key has no place in a browser.
        route("/v1/contacts", GET=contacts.list_contacts, POST=contacts.upsert_contact),
        route(
            "/v1/contacts/{id}",
            GET=contacts.read_contact,
            PATCH=contacts.amend_contact,
            DELETE=privacy.erase_contact,
        ),
        route(
            "/v1/contacts/{id}/sessions",
            GET=contact_sessions.list_sessions,
            DELETE=contact_sessions.log_out_everywhere,
        ),
        route("/v1/contacts/{id}/export", GET=privacy.export_contact),
        route("/v1/contacts/{id}/decisions", GET=history.list_decisions),
        route("/v1/contacts/{id}/timeline", GET=history.list_timeline),
        route("/v1/contacts/{id}/events", POST=history.report_event),
        route("/v1/contacts/{id}/tags", GET=tags.list_contact_tags, POST=tags.tag_contact),
        # `path`: a tag may hold a slash.
        route("/v1/contacts/{id}/tags/{tag:path}", DELETE=tags.untag_contact),
        route("/v1/contacts/{id}/notes", GET=notes.list_contact_notes, POST=notes.note_contact),
        route("/v1/contacts/{id}/block", POST=blocks.block_contact),
        route("/v1/contacts/{id}/unblock", POST=blocks.unblock_contact),
        route("/v1/visitors/{id}/block", POST=blocks.block_visitor),
        route("/v1/visitors/{id}/unblock", POST=blocks.unblock_visitor),
        route("/v1/contacts/{id}/merges", GET=merges.list_merges),
        route("/v1/contacts/{id}/merge", POST=merges.merge_contacts),
        route("/v1/merges/{id}/undo", POST=merges.undo_merge),
        route("/v1/conversations/{id}/tags", GET=tags.list_conversation_tags, POST=tags.tag_conversation),
        route("/v1/conversations/{id}/tags/{tag:path}", DELETE=tags.untag_conversation),
        route("/v1/conversations/{id}/notes", GET=notes.list_conversation_notes, POST=notes.note_conversation),
        route("/v1/notes/{id}", DELETE=notes.remove_note),
        route("/v1/audit", GET=privacy.list_audit),
        route("/v1/apps/{id}", GET=apps.read_app),
        route("/v1/apps/{id}/check", POST=check_identify),
        route("/v1/conflicts", GET=merges.list_conflicts),
        route("/v1/conflicts/resolve", POST=merges.resolve_conflicts),
        route("/v1/conflicts/{id}/resolve", POST=merges.resolve_conflict),
        route("/healthz", GET=health.alive),
        route("/readyz", GET=health.ready),
    ]
    return [*routes, route("/openapi.json", GET=describe_routes(runtime, [*routes, *plugin_routes]))]


def not_found_app(runtime: AsyncRuntime) -> ASGIApp:
    """Build the application that answers where no route matches."""
    endpoint = Endpoint(runtime, dict.fromkeys(_ALL_METHODS, _not_found))

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # A problem is no answer to a WebSocket: closed before it is accepted, it gets a 403 (ASGI).
            await WebSocketClose()(scope, receive, send)
        else:
            await endpoint(scope, receive, send)

    return respond


@operation("Answer that nothing is here", security=PUBLIC, answers=(), takes_any_query=True)
async def _not_found(request: Request) -> Response:  # noqa: ARG001 - the same for every request
    raise NotFound("there is nothing at this path")
