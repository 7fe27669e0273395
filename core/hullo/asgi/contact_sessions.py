"""A contact's sessions, for servers with an API key: where somebody is logged in, and the end of all of it (S2)."""

from __future__ import annotations

from dataclasses import replace

from hullo.asgi.answer import Answer, told
from hullo.asgi.contacts import contact_of
from hullo.asgi.exchange import Exchange
from hullo.asgi.keys import api_key, workspace_key
from hullo.asgi.shapes import page_shape, session_shape
from hullo.model.app import Scope
from hullo.pipeline.people.log_out import LogOutEverywhere


async def list_sessions(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}/sessions`: of the key's app, or of every one; those that are over too."""
    key = await api_key(exchange, Scope.READ)
    page = exchange.page()
    contact = await contact_of(exchange, key, exchange.path_id)
    found = await exchange.edge.read(lambda store: store.list_sessions(key.workspace_id, contact.id, page))
    # A page may come out shorter for a key of one app; the cursor still leads on.
    theirs = replace(found, items=tuple(each for each in found.items if key.app_id in {None, each.app_id}))
    return told(page_shape(theirs, lambda session: session_shape(session, exchange.moment.now)))


async def log_out_everywhere(exchange: Exchange) -> Answer:
    """`DELETE /v1/contacts/{id}/sessions`. May be said again. For keys of the workspace: it is about every app."""
    key = await workspace_key(exchange, Scope.WRITE, "logging out everywhere is about all of the workspace's")
    contact = await contact_of(exchange, key, exchange.path_id)
    contact_id = await exchange.edge.do(
        LogOutEverywhere(contact_id=contact.id, workspace_id=key.workspace_id, by=key.writer, moment=exchange.moment)
    )
    return told({"id": contact_id, "logged_out": True})
