"""Sessions of a contact, for servers with an API key: list, and end of all (S2)."""

from __future__ import annotations

from functools import partial

from hullo.api.authentication import require_api_key, require_workspace_key
from hullo.api.contact_schemas import LoggedOutContactResponse
from hullo.api.contacts import load_contact
from hullo.api.openapi.operation import by_key, operation
from hullo.api.parameters import PAGE
from hullo.api.request import Request
from hullo.api.schemas import PageResponse, SessionResponse
from hullo.asgi.response import Response, json_response
from hullo.model.app import Scope
from hullo.operations.sessions.log_out import LogOutEverywhere
from hullo.store.reading import page_matching


@operation(
    "List a contact's sessions",
    description="Of every app, and those that are over too.",
    security=by_key(Scope.READ),
    query=PAGE,
    answers=PageResponse[SessionResponse],
)
async def list_sessions(request: Request) -> Response:
    """`GET /v1/contacts/{id}/sessions`: of the key's app, or of all; ended sessions too."""
    key = await require_api_key(request, Scope.READ)
    page = request.page_request()
    contact = await load_contact(request, key, request.path_id)
    found = await request.runtime.read(
        lambda store: page_matching(
            partial(store.list_sessions, key.workspace_id, contact.id),
            page,
            lambda session: key.app_id in {None, session.app_id},
        )
    )
    return json_response(request.page_response(found, lambda session: SessionResponse.of(session, request.context.now)))


@operation(
    "Log a contact out everywhere",
    description="In every app and browser. May be repeated.",
    security=by_key(Scope.WRITE),
    answers=LoggedOutContactResponse,
)
async def log_out_everywhere(request: Request) -> Response:
    """`DELETE /v1/contacts/{id}/sessions`. Harmless to repeat. Workspace keys only: it affects every app."""
    key = await require_workspace_key(request, Scope.WRITE, "logging out everywhere affects the whole workspace")
    contact = await load_contact(request, key, request.path_id)
    contact_id = await request.runtime.run(
        LogOutEverywhere(contact_id=contact.id, workspace_id=key.workspace_id, by=key.writer, context=request.context)
    )
    return json_response(LoggedOutContactResponse(id=contact_id, logged_out=True))
