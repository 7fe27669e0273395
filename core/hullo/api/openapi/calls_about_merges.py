"""What servers call where two contacts are one, or might be."""

from __future__ import annotations

from typing import Final

from hullo.api.contact_schemas import ConflictResponse
from hullo.api.history_schemas import MergedResponse, MergeResponse, ResolvedConflictResponse, UnmergedResponse
from hullo.api.merges import CONTACT, STATUS
from hullo.api.openapi.operation import BODY_REFUSALS, KEY_REFUSALS, Operation, Operations, by_key, path_id
from hullo.api.parameters import PAGE
from hullo.api.schemas import PageResponse
from hullo.errors import Conflicting, Invalid, NotFound
from hullo.model.app import Scope

_CONTACT: Final = path_id("ContactId")

CALLS_ABOUT_MERGES: Final[Operations] = {
    "/v1/contacts/{id}/merge": {
        "post": Operation(
            id="merge_contacts",
            summary="Make two contacts one",
            description="The other becomes part of this one: its names, values, tags, conversations and sessions. Of "
            "two values the better proven one is shown, else this contact's. The other's id answers with this one "
            "from then on. Not for keys of one app.",
            security=by_key(Scope.WRITE),
            parameters=(_CONTACT,),
            body="MergeBody",
            answers=(MergedResponse,),
            refusals=(NotFound, Conflicting, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
            leads_to=("undo_merge",),
            leads_by="merge_id",
        ),
    },
    "/v1/contacts/{id}/merges": {
        "get": Operation(
            id="list_merges",
            summary="Merges that a contact is of",
            description="Those that were undone, too.",
            security=by_key(Scope.READ),
            parameters=(_CONTACT, *PAGE),
            answers=(PageResponse[MergeResponse],),
            refusals=(NotFound, Invalid, *KEY_REFUSALS),
        ),
    },
    "/v1/merges/{id}/undo": {
        "post": Operation(
            id="undo_merge",
            summary="Undo a merge",
            description="However long ago it was. The two have what they had; what was changed since stays as it is, "
            "and is told. Not for keys of one app.",
            security=by_key(Scope.WRITE),
            parameters=(path_id("MergeId"),),
            body="UndoBody",
            needs_body=False,
            answers=(UnmergedResponse,),
            refusals=(NotFound, Conflicting, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
        ),
    },
    "/v1/conflicts": {
        "get": Operation(
            id="list_conflicts",
            summary="List conflicts",
            description="Two contacts that one call named, for somebody to look at.",
            security=by_key(Scope.READ),
            parameters=(
                STATUS,
                CONTACT,
                *PAGE,
            ),
            answers=(PageResponse[ConflictResponse],),
            refusals=(Invalid, *KEY_REFUSALS),
        ),
    },
    "/v1/conflicts/{id}/resolve": {
        "post": Operation(
            id="resolve_conflict",
            summary="Resolve a conflict",
            description="Once: a merge can be undone, and the rest be changed by hand. Not for keys of one app.",
            security=by_key(Scope.WRITE),
            parameters=(path_id("ConflictId"),),
            body="ResolveBody",
            answers=(ResolvedConflictResponse,),
            refusals=(NotFound, Conflicting, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
        ),
    },
}
