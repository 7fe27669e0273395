"""Contacts that become one and two again, and conflicts about who is who, for servers with an API key (rules G, C7)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, cast, get_args

from hullo.asgi.answer import Answer, told
from hullo.asgi.contacts import contact_of
from hullo.asgi.exchange import Exchange
from hullo.asgi.history_shapes import absorbed_shape, conflict_shape, merge_shape, unmerged_shape
from hullo.asgi.keys import api_key, workspace_key
from hullo.asgi.server_bodies import merge_body, resolve_body, undo_body
from hullo.asgi.shapes import page_shape
from hullo.asgi.wire import could_be_id, wrong_field
from hullo.errors import NotFound
from hullo.model.app import Scope
from hullo.model.conflict import Conflict, ConflictStatus
from hullo.model.contact import ContactId
from hullo.model.decision import Decision
from hullo.model.merge import Extent, Merge, MergeId
from hullo.pipeline.merging.absorb import Absorb, Absorbed
from hullo.pipeline.merging.settle import SettleConflict
from hullo.pipeline.merging.undo import UndoMerge, Unmerged
from hullo.pipeline.survivors import current_contact
from hullo.store.protocol import ConflictFilter, SnapshotQuery, Store

_STATUSES: Final[tuple[str, ...]] = get_args(ConflictStatus)
_EVERY_APP: Final = "who is one with whom is about all of the workspace's"


async def list_merges(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}/merges`"""
    key = await api_key(exchange, Scope.READ)
    page = exchange.page()
    contact = await contact_of(exchange, key, exchange.path_id)
    found = await exchange.edge.read(lambda store: store.list_merges(key.workspace_id, contact.id, page))
    return told(page_shape(found, merge_shape))


async def merge_contacts(exchange: Exchange) -> Answer:
    """`POST /v1/contacts/{id}/merge` (G1)"""
    key = await workspace_key(exchange, Scope.WRITE, _EVERY_APP)
    body = merge_body(await exchange.body())
    pair = await exchange.edge.read(partial(_pair, key.workspace_id, exchange.path_id, body.absorb))
    absorb = Absorb(
        survivor_id=pair.contact_id,
        absorbed_id=pair.other_id,
        workspace_id=key.workspace_id,
        writer=key.writer,
        moment=exchange.moment,
        request_id=exchange.request_id,
        extent=pair.extent,
        confirmed=body.confirm or body.dry_run,
    )
    absorbed: Absorbed
    if body.dry_run:
        considered: Decision[Absorbed] = await exchange.edge.think(
            partial(exchange.edge.hullo.pipeline.consider, absorb)
        )
        absorbed = considered.answer
    else:
        absorbed = await exchange.edge.do(absorb)
    return told(absorbed_shape(absorbed, pair.extent, dry_run=body.dry_run))


async def undo_merge(exchange: Exchange) -> Answer:
    """`POST /v1/merges/{id}/undo` (G2)"""
    key = await workspace_key(exchange, Scope.WRITE, _EVERY_APP)
    dry_run = undo_body(await exchange.body())
    merge = await exchange.edge.read(partial(_merge, key.workspace_id, exchange.path_id))
    undo = UndoMerge(merge=merge, writer=key.writer, moment=exchange.moment, request_id=exchange.request_id)
    unmerged: Unmerged
    if dry_run:
        considered: Decision[Unmerged] = await exchange.edge.think(partial(exchange.edge.hullo.pipeline.consider, undo))
        unmerged = considered.answer
    else:
        unmerged = await exchange.edge.do(undo)
    return told(unmerged_shape(unmerged, dry_run=dry_run))


async def list_conflicts(exchange: Exchange) -> Answer:
    """`GET /v1/conflicts`: those that are open, or in another status; with one contact, on either side (C7)."""
    key = await api_key(exchange, Scope.READ)
    page, query = exchange.page(), exchange.query()
    status, contact_id = query.get("status", "open"), query.get("contact_id")
    if status not in {*_STATUSES, "all"}:
        raise wrong_field("status", f"must be one of {', '.join(_STATUSES)}, all")
    if contact_id is not None and not could_be_id(contact_id):
        raise wrong_field("contact_id", "must be the id of a contact")
    wanted = ConflictFilter(
        workspace_id=key.workspace_id,
        status=cast("ConflictStatus", status) if status != "all" else None,
        contact_id=contact_id,
    )
    found = await exchange.edge.read(lambda store: store.list_conflicts(wanted, page))
    return told(page_shape(found, conflict_shape))


async def resolve_conflict(exchange: Exchange) -> Answer:
    """`POST /v1/conflicts/{id}/resolve`"""
    key = await workspace_key(exchange, Scope.WRITE, _EVERY_APP)
    body = resolve_body(await exchange.body())
    conflict = await exchange.edge.read(partial(_conflict, key.workspace_id, exchange.path_id))
    pair = await exchange.edge.read(partial(_pair, key.workspace_id, conflict.contact_id, conflict.other_id))
    settled = await exchange.edge.do(
        SettleConflict(
            conflict_id=conflict.id,
            contact_id=pair.contact_id,
            other_id=pair.other_id,
            action=body.action,
            workspace_id=key.workspace_id,
            writer=key.writer,
            moment=exchange.moment,
            request_id=exchange.request_id,
            extent=pair.extent,
            confirmed=body.confirm,
        )
    )
    merged = settled.absorbed
    merge = absorbed_shape(merged, pair.extent, dry_run=False) if merged is not None else None
    return told({**conflict_shape(settled.conflict), "merge": merge})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Two contacts as they are by now, and how much there is of the second."""

    contact_id: ContactId
    other_id: ContactId
    extent: Extent


def _pair(workspace_id: str, contact_id: ContactId, other_id: ContactId, store: Store) -> _Pair:
    """Raises `NotFound`."""
    contact, other = (current_contact(store, workspace_id, each) for each in (contact_id, other_id))
    return _Pair(contact_id=contact.id, other_id=other.id, extent=store.extent_of(workspace_id, other.id))


def _merge(workspace_id: str, merge_id: MergeId, store: Store) -> Merge:
    """Raises `NotFound`."""
    merge = store.find_merge(workspace_id, merge_id)
    if merge is None:
        raise NotFound("no such merge")
    return merge


def _conflict(workspace_id: str, conflict_id: str, store: Store) -> Conflict:
    """Raises `NotFound`."""
    query = SnapshotQuery(workspace_id=workspace_id, app_id=None, conflicts=(conflict_id,))
    conflict = store.load([query])[0].conflicts.get(conflict_id)
    if conflict is None:
        raise NotFound("no such conflict")
    return conflict
