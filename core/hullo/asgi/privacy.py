"""What privacy asks of a server: everything about a person, its end, and the log that says so (rules P)."""

from __future__ import annotations

from functools import partial
from typing import cast

from hullo.asgi.answer import Answer, told
from hullo.asgi.exchange import Exchange
from hullo.asgi.keys import api_key, workspace_key
from hullo.asgi.shapes import audit_shape, page_shape
from hullo.asgi.wire import wrong_field
from hullo.model.app import Scope
from hullo.pipeline.privacy.erasing import Erase, Fate
from hullo.pipeline.privacy.export import RecordExport, export_of


async def export_contact(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}/export` (P1)"""
    key = await workspace_key(exchange, Scope.READ, "an export is everything that the workspace holds")
    asked = exchange.path_id
    record = await exchange.edge.read(
        lambda store: RecordExport.found(store, key.workspace_id, asked, by=key.writer, moment=exchange.moment)
    )
    await exchange.edge.do(record)  # first: nobody gets what nobody is told of
    hullo = exchange.edge.hullo
    # It may take its time, and the lanes are for others.
    return told(
        await exchange.edge.think(partial(export_of, hullo.store, key.workspace_id, asked, exchange.moment.now))
    )


async def erase_contact(exchange: Exchange) -> Answer:
    """`DELETE /v1/contacts/{id}` (P2)"""
    key = await api_key(exchange, Scope.ERASE)
    fate = exchange.query().get("conversations", "erase")
    if fate not in {"erase", "anonymise"}:
        raise wrong_field("conversations", "must be erase or anonymise")
    erase = await exchange.edge.read(
        partial(
            Erase.found,
            workspace_id=key.workspace_id,
            contact_id=exchange.path_id,
            conversations=cast("Fate", fate),
            by=key.writer,
            moment=exchange.moment,
        )
    )
    return told({"id": await exchange.edge.do(erase), "erased": True})


async def list_audit(exchange: Exchange) -> Answer:
    """`GET /v1/audit`: the newest first."""
    key = await workspace_key(exchange, Scope.READ, "the audit log is the workspace's")
    page = exchange.page()
    found = await exchange.edge.read(lambda store: store.list_audit(key.workspace_id, page))
    return told(page_shape(found, audit_shape))
