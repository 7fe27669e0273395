"""What servers call for privacy's sake, with an API key of a whole workspace."""

from __future__ import annotations

from typing import Final

from hullo.api.export_schemas import ExportResponse
from hullo.api.openapi.operation import KEY_REFUSALS, Operation, Operations, by_key, path_id
from hullo.api.parameters import PAGE
from hullo.api.schemas import AuditEntryResponse, PageResponse
from hullo.errors import Conflicting, Invalid, NotFound
from hullo.model.app import Scope

CALLS_ABOUT_PRIVACY: Final[Operations] = {
    "/v1/contacts/{id}/export": {
        "get": Operation(
            id="export_contact",
            summary="Export a contact",
            description="Everything that is held about the person, with where it comes from. The audit log is told.",
            security=by_key(Scope.READ),
            parameters=(path_id("ContactId"),),
            answers=(ExportResponse,),
            refusals=(NotFound, Conflicting, *KEY_REFUSALS),
        ),
    },
    "/v1/audit": {
        "get": Operation(
            id="list_audit",
            summary="Read the audit log",
            description="What was done to people's data and to keys. Each entry's digest covers the one before: "
            "`hullo audit verify` walks the chain.",
            security=by_key(Scope.READ),
            parameters=PAGE,
            answers=(PageResponse[AuditEntryResponse],),
            refusals=(Invalid, *KEY_REFUSALS),
        ),
    },
}
