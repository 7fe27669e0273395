"""What privacy asks of a server: everything about a person, its end, and the log that says so (rules P)."""

from __future__ import annotations

from functools import partial
from typing import cast

from hullo.api.authentication import require_api_key, require_workspace_key
from hullo.api.bodies import invalid_field
from hullo.api.contact_schemas import ErasedContactResponse
from hullo.api.export_schemas import build_export
from hullo.api.request import Request
from hullo.api.schemas import AuditEntryResponse, page_response
from hullo.asgi.response import Response, json_response
from hullo.model.app import Scope
from hullo.operations.privacy.erase import EraseContact, ErasureMode
from hullo.operations.privacy.export import RecordExport


async def export_contact(request: Request) -> Response:
    """`GET /v1/contacts/{id}/export` (P1)"""
    key = await require_workspace_key(request, Scope.READ, "an export is everything that the workspace holds")
    asked = request.path_id
    record = await request.runtime.read(
        lambda store: RecordExport.for_contact(store, key.workspace_id, asked, by=key.writer, context=request.context)
    )
    await request.runtime.run(record)  # first: nobody gets what nobody is told of
    hullo = request.runtime.hullo
    # It may take its time, and the lanes are for others.
    return json_response(
        await request.runtime.run_in_thread(
            partial(build_export, hullo.store, key.workspace_id, asked, request.context.now)
        )
    )


async def erase_contact(request: Request) -> Response:
    """`DELETE /v1/contacts/{id}` (P2)"""
    key = await require_api_key(request, Scope.ERASE)
    fate = request.query_params().get("conversations", "erase")
    if fate not in {"erase", "anonymise"}:
        raise invalid_field("conversations", "must be erase or anonymise")
    erase = await request.runtime.read(
        partial(
            EraseContact.for_contact,
            workspace_id=key.workspace_id,
            contact_id=request.path_id,
            conversations=cast("ErasureMode", fate),
            by=key.writer,
            context=request.context,
        )
    )
    return json_response(ErasedContactResponse(id=await request.runtime.run(erase), erased=True))


async def list_audit(request: Request) -> Response:
    """`GET /v1/audit`: the newest first."""
    key = await require_workspace_key(request, Scope.READ, "the audit log is the workspace's")
    page = request.page_request()
    found = await request.runtime.read(lambda store: store.list_audit(key.workspace_id, page))
    return json_response(page_response(found, AuditEntryResponse.of))
