"""A contact's sessions, for servers with an API key: where somebody is logged in, and the end of all of it (S2)."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.api.authentication import require_api_key, require_workspace_key
from hullo.api.contact_schemas import LoggedOutContactResponse
from hullo.api.contacts import load_contact
from hullo.api.request import Request
from hullo.api.schemas import SessionResponse, page_response
from hullo.asgi.response import Response, json_response
from hullo.model.app import Scope
from hullo.operations.sessions.log_out import LogOutEverywhere


async def list_sessions(request: Request) -> Response:
    """`GET /v1/contacts/{id}/sessions`: of the key's app, or of every one; those that are over too."""
    key = await require_api_key(request, Scope.READ)
    page = request.page_request()
    contact = await load_contact(request, key, request.path_id)
    found = await request.runtime.read(lambda store: store.list_sessions(key.workspace_id, contact.id, page))
    # A page may come out shorter for a key of one app; the cursor still leads on.
    theirs = replace(found, items=tuple(each for each in found.items if key.app_id in {None, each.app_id}))
    return json_response(page_response(theirs, lambda session: SessionResponse.of(session, request.context.now)))


async def log_out_everywhere(request: Request) -> Response:
    """`DELETE /v1/contacts/{id}/sessions`. May be said again. For keys of the workspace: it is about every app."""
    key = await require_workspace_key(request, Scope.WRITE, "logging out everywhere is about all of the workspace's")
    contact = await load_contact(request, key, request.path_id)
    contact_id = await request.runtime.run(
        LogOutEverywhere(contact_id=contact.id, workspace_id=key.workspace_id, by=key.writer, context=request.context)
    )
    return json_response(LoggedOutContactResponse(id=contact_id, logged_out=True))
