"""Export, erasure and audit log, for servers with an API key (rules P)."""

from __future__ import annotations

from functools import partial
from typing import Final, cast, get_args

from hullo.api.authentication import require_api_key, require_workspace_key
from hullo.api.contact_schemas import ErasedContactResponse
from hullo.api.export_schemas import ExportResponse, build_export
from hullo.api.openapi.operation import by_key, operation
from hullo.api.parameters import PAGE, choice
from hullo.api.request import Request
from hullo.api.schemas import AuditEntryResponse, PageResponse
from hullo.asgi.response import Response, json_response
from hullo.errors import Conflicting
from hullo.model.app import Scope
from hullo.operations.privacy.erase import EraseContact, ErasureMode
from hullo.operations.privacy.export import RecordExport

CONVERSATIONS: Final = choice("conversations", get_args(ErasureMode), "erase", "What becomes of what was said.")


@operation(
    "Export a contact",
    description="Everything that is held about the person, with where it comes from. The audit log is told.",
    security=by_key(Scope.READ),
    answers=ExportResponse,
    refusals=(Conflicting,),
)
async def export_contact(request: Request) -> Response:
    """`GET /v1/contacts/{id}/export` (P1)"""
    key = await require_workspace_key(request, Scope.READ, "an export covers every app of the workspace")
    contact_id = request.path_id
    record = await request.runtime.read(
        lambda store: RecordExport.for_contact(
            store, key.workspace_id, contact_id, by=key.writer, context=request.context
        )
    )
    await request.runtime.run(record)  # P1: before the data is read, so that no export is without its audit entry
    hullo = request.runtime.hullo
    # Outside of the lanes: a long export must not delay identifies.
    return json_response(
        await request.runtime.run_in_thread(
            partial(build_export, hullo.store, key.workspace_id, contact_id, request.context.now)
        )
    )


@operation(
    "Erase a contact",
    description="And everything else that is held about the person, for good.",
    security=by_key(Scope.ERASE),
    query=(CONVERSATIONS,),
    answers=ErasedContactResponse,
)
async def erase_contact(request: Request) -> Response:
    """`DELETE /v1/contacts/{id}` (P2)"""
    # A scope of its own: a key that may write must not erase for that reason.
    key = await require_api_key(request, Scope.ERASE)
    erase = await request.runtime.read(
        partial(
            EraseContact.for_contact,
            workspace_id=key.workspace_id,
            contact_id=request.path_id,
            conversations=cast("ErasureMode", request.query(CONVERSATIONS)),
            by=key.writer,
            context=request.context,
        )
    )
    return json_response(ErasedContactResponse(id=await request.runtime.run(erase), erased=True))


@operation(
    "Read the audit log",
    description="What was done to people's data and to keys. Each entry's digest covers the one before: "
    "`hullo audit verify` walks the chain.",
    security=by_key(Scope.READ),
    query=PAGE,
    answers=PageResponse[AuditEntryResponse],
)
async def list_audit(request: Request) -> Response:
    """`GET /v1/audit`: newest first."""
    key = await require_workspace_key(request, Scope.READ, "the audit log is the workspace's")
    page = request.page_request()
    found = await request.runtime.read(lambda store: store.list_audit(key.workspace_id, page))
    return json_response(request.page_response(found, AuditEntryResponse.of_same))
