"""Merges, their undo, and conflicts, for servers with an API key (rules G, C7)."""

from __future__ import annotations

from functools import partial
from typing import Final, cast, get_args

from hullo.api.authentication import require_api_key, require_workspace_key
from hullo.api.contact_schemas import ConflictResponse
from hullo.api.contacts import load_contact
from hullo.api.history_schemas import (
    MergedResponse,
    MergeResponse,
    ResolvedConflictResponse,
    ResolvedConflictsResponse,
    UnmergedResponse,
)
from hullo.api.openapi.operation import by_key, operation
from hullo.api.parameters import PAGE, choice, id_query
from hullo.api.request import Request
from hullo.api.schemas import PageResponse
from hullo.api.server_bodies import MergeBody, ResolveAllBody, ResolveBody, UndoBody
from hullo.asgi.response import Response, json_response
from hullo.engine.conflict_resolution import ResolveAll
from hullo.errors import Conflicting, NotFound
from hullo.model.app import Scope
from hullo.model.conflict import Conflict, ConflictStatus
from hullo.model.contact import ContactId
from hullo.model.decision import Decision
from hullo.model.merge import Merge, MergeId, RelatedCounts
from hullo.model.snapshot import SnapshotQuery
from hullo.operations.contacts.merge import MergeContacts, MergeResult
from hullo.operations.contacts.resolve_conflict import ResolveConflict
from hullo.operations.contacts.undo_merge import UndoMerge, UndoMergeResult, decisions_since
from hullo.store.protocol import ConflictFilter, Store
from hullo.store.reading import current_contact
from hullo.value import Value

STATUS: Final = choice("status", [*get_args(ConflictStatus), "all"], "open", "In which status.")
CONTACT: Final = id_query("contact_id", "ContactId", "On either side.")
_WORKSPACE_KEY_REASON: Final = "merges and conflicts affect the whole workspace"


@operation(
    "Merges that a contact is of",
    description="Those that were undone, too.",
    security=by_key(Scope.READ),
    query=PAGE,
    answers=PageResponse[MergeResponse],
)
async def list_merges(request: Request) -> Response:
    """`GET /v1/contacts/{id}/merges`"""
    key = await require_api_key(request, Scope.READ)
    page = request.page_request()
    contact = await load_contact(request, key, request.path_id)
    found = await request.runtime.read(lambda store: store.list_merges(key.workspace_id, contact.id, page))
    return json_response(request.page_response(found, MergeResponse.of))


@operation(
    "Make two contacts one",
    description="The other becomes part of this one: its names, values, tags, conversations and sessions. Of "
    "two values the better proven one is shown, else this contact's. The other's id answers with this one "
    "from then on. Not for keys of one app.",
    security=by_key(Scope.WRITE),
    answers=MergedResponse,
    body=MergeBody,
    leads_to=("undo_merge",),
    leads_by="merge_id",
    refusals=(Conflicting,),
)
async def merge_contacts(request: Request) -> Response:
    """`POST /v1/contacts/{id}/merge` (G1)"""
    key = await require_workspace_key(request, Scope.WRITE, _WORKSPACE_KEY_REASON)
    body = await request.parse(MergeBody)
    # Both ids may be absorbed ones, which stand for their survivors (G3).
    pair = await request.runtime.read(partial(_load_pair, key.workspace_id, request.path_id, body.absorb))
    absorb = MergeContacts(
        survivor_id=pair.contact_id,
        absorbed_id=pair.other_id,
        workspace_id=key.workspace_id,
        writer=key.writer,
        context=request.context,
        request_id=request.request_id,
        related_counts=pair.extent,
        # A dry run moves nothing, so there is nothing to confirm.
        confirmed=body.confirm or body.dry_run,
    )
    absorbed: MergeResult
    if body.dry_run:
        # Beside the lanes: a dry run writes nothing, so it needs no place in a batch.
        decision: Decision[MergeResult] = await request.runtime.run_in_thread(
            partial(request.runtime.hullo.executor.dry_run, absorb)
        )
        absorbed = decision.result
    else:
        absorbed = await request.runtime.run(absorb)
    return json_response(MergedResponse.of(absorbed, pair.extent, dry_run=body.dry_run))


@operation(
    "Undo a merge",
    description="However long ago it was. The two have what they had; what was changed since stays as it is, "
    "and is told. Not for keys of one app.",
    security=by_key(Scope.WRITE),
    answers=UnmergedResponse,
    body=UndoBody,
    needs_body=False,
    refusals=(Conflicting,),
)
async def undo_merge(request: Request) -> Response:
    """`POST /v1/merges/{id}/undo` (G2)"""
    key = await require_workspace_key(request, Scope.WRITE, _WORKSPACE_KEY_REASON)
    dry_run = (await request.parse_optional(UndoBody)).dry_run
    merge = await request.runtime.read(partial(_load_merge, key.workspace_id, request.path_id))
    undo = UndoMerge(
        merge=merge,
        writer=key.writer,
        context=request.context,
        request_id=request.request_id,
        decisions=await request.runtime.read(lambda store: decisions_since(store, merge)),
    )
    unmerged: UndoMergeResult
    if dry_run:
        decision: Decision[UndoMergeResult] = await request.runtime.run_in_thread(
            partial(request.runtime.hullo.executor.dry_run, undo)
        )
        unmerged = decision.result
    else:
        unmerged = await request.runtime.run(undo)
    return json_response(UnmergedResponse.of(unmerged, dry_run=dry_run))


@operation(
    "List conflicts",
    description="Two contacts that one call named, for an agent to look at.",
    security=by_key(Scope.READ),
    query=(
        STATUS,
        CONTACT,
        *PAGE,
    ),
    answers=PageResponse[ConflictResponse],
)
async def list_conflicts(request: Request) -> Response:
    """`GET /v1/conflicts`: open ones by default; with `contact_id`, those with the contact on either side (C7)."""
    key = await require_api_key(request, Scope.READ)
    page, status = request.page_request(), request.query(STATUS)
    conflict_filter = ConflictFilter(
        workspace_id=key.workspace_id,
        status=cast("ConflictStatus", status) if status != "all" else None,
        contact_id=request.query(CONTACT),
    )
    found = await request.runtime.read(lambda store: store.list_conflicts(conflict_filter, page))
    return json_response(request.page_response(found, ConflictResponse.of_same))


@operation(
    "Resolve a conflict",
    description="Once: a merge can be undone, and the rest be changed by hand. Not for keys of one app.",
    security=by_key(Scope.WRITE),
    answers=ResolvedConflictResponse,
    body=ResolveBody,
    refusals=(Conflicting,),
)
async def resolve_conflict(request: Request) -> Response:
    """`POST /v1/conflicts/{id}/resolve`"""
    key = await require_workspace_key(request, Scope.WRITE, _WORKSPACE_KEY_REASON)
    body = await request.parse(ResolveBody)
    conflict = await request.runtime.read(partial(_load_conflict, key.workspace_id, request.path_id))
    # Read anew: either contact may have been merged since the conflict was stored (G3).
    pair = await request.runtime.read(partial(_load_pair, key.workspace_id, conflict.contact_id, conflict.other_id))
    resolved = await request.runtime.run(
        ResolveConflict(
            conflict_id=conflict.id,
            contact_id=pair.contact_id,
            other_id=pair.other_id,
            action=body.action,
            workspace_id=key.workspace_id,
            writer=key.writer,
            context=request.context,
            request_id=request.request_id,
            related_counts=pair.extent,
            confirmed=body.confirm,
        )
    )
    merged = resolved.merge_result
    # None for `keep` and `move_email`: these merge nothing.
    merge = MergedResponse.of(merged, pair.extent, dry_run=False) if merged is not None else None
    return json_response(ResolvedConflictResponse.of_resolved(resolved.conflict, merge))


@operation(
    "Resolve all conflicts of a rule",
    description="Each open conflict of the rule. Those that need a confirmation stay open. Not for keys of one app.",
    security=by_key(Scope.WRITE),
    answers=ResolvedConflictsResponse,
    body=ResolveAllBody,
)
async def resolve_conflicts(request: Request) -> Response:
    """`POST /v1/conflicts/resolve` (C9)"""
    key = await require_workspace_key(request, Scope.WRITE, _WORKSPACE_KEY_REASON)
    body = await request.parse(ResolveAllBody)
    hullo = request.runtime.hullo
    work = ResolveAll(workspace_id=key.workspace_id, action=body.action, writer=key.writer, rule=body.rule)
    # Beside the lanes: there may be thousands, in batches of their own.
    resolved = await request.runtime.run_in_thread(
        partial(work.run, hullo.executor, hullo.new_context, dry_run=body.dry_run)
    )
    return json_response(ResolvedConflictsResponse(resolved=resolved, dry_run=body.dry_run))


class _Pair(Value):
    """Two current contacts, and the number of records about the second."""

    contact_id: ContactId
    other_id: ContactId
    extent: RelatedCounts


def _load_pair(workspace_id: str, contact_id: ContactId, other_id: ContactId, store: Store) -> _Pair:
    """Load the current contacts of two ids. Raises `NotFound`."""
    contact, other = (current_contact(store, workspace_id, id) for id in (contact_id, other_id))
    # Counted before the transaction, so roughly: they are shown, and decide whether the caller has to confirm.
    return _Pair(contact_id=contact.id, other_id=other.id, extent=store.count_related(workspace_id, other.id))


def _load_merge(workspace_id: str, merge_id: MergeId, store: Store) -> Merge:
    """Load a merge. Raises `NotFound`."""
    # Searched in the key's workspace alone: a merge of another one is as unknown as one that never was.
    merge = store.find_merge(workspace_id, merge_id)
    if merge is None:
        raise NotFound("no such merge")
    return merge


def _load_conflict(workspace_id: str, conflict_id: str, store: Store) -> Conflict:
    """Load a conflict. Raises `NotFound`."""
    query = SnapshotQuery(workspace_id=workspace_id, app_id=None, conflicts=(conflict_id,))
    conflict = store.load([query])[0].conflicts.get(conflict_id)
    if conflict is None:
        raise NotFound("no such conflict")
    return conflict
