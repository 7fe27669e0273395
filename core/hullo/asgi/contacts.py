"""Contacts, for servers with an API key: found, read, written, erased, and why they are as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

from hullo.asgi.answer import Answer, told
from hullo.asgi.apps import app_of
from hullo.asgi.exchange import Exchange
from hullo.asgi.keys import api_key
from hullo.asgi.shapes import (
    conflict_shape,
    contact_shape,
    decision_shape,
    kept_shape,
    page_shape,
    rejected_shape,
)
from hullo.asgi.wire import ContactBody, contact_body, wrong_field
from hullo.errors import NotFound
from hullo.model.app import ApiKey, App, Scope
from hullo.model.contact import Contact, ContactId
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.match import CREATED
from hullo.pipeline.administer import Amend, Erase
from hullo.pipeline.identify import Upsert
from hullo.store.protocol import ContactFilter, Store


async def list_contacts(exchange: Exchange) -> Answer:
    """`GET /v1/contacts`. With both identifiers: those that have both."""
    key = await api_key(exchange, Scope.READ)
    page, query = exchange.page(), exchange.query()
    asked = [Identifier(kind, query[kind]) for kind in (EXTERNAL_ID, EMAIL) if kind in query]
    wanted = ContactFilter(
        workspace_id=key.workspace_id,
        query=query.get("query") or None,
        identifier=asked[0].digest(key.workspace_id) if asked else None,
    )
    found = await exchange.edge.read(lambda store: store.list_contacts(wanted, page))
    items = (_as_seen_by(key, each) for each in found.items if all(map(each.owns, asked)))
    both = replace(found, items=tuple(items))
    return told(page_shape(both, contact_shape))


async def read_contact(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}`"""
    key = await api_key(exchange, Scope.READ)
    contact = await contact_of(exchange, key, exchange.path_id)
    return told(contact_shape(_as_seen_by(key, contact), provenance=exchange.query().get("provenance") == "1"))


async def upsert_contact(exchange: Exchange) -> Answer:
    """`POST /v1/contacts` (M1 to M3)"""
    key = await api_key(exchange, Scope.WRITE)
    hullo = exchange.edge.hullo
    body = contact_body(await exchange.body(), hullo.settings.limits)
    outcome = await exchange.edge.do(
        Upsert(
            claim=body.claim,
            key=key,
            app_id=await _app_written(exchange, key, body),
            moment=exchange.moment,
            request_id=exchange.request_id,
            hooks=hullo.hooks,
            limits=hullo.settings.limits,
        )
    )
    contact = await contact_of(exchange, key, outcome.contact_id)
    return told(
        {
            **contact_shape(_as_seen_by(key, contact)),
            "matched_by": outcome.matched_by,
            "created": outcome.matched_by == CREATED,
            "rejected": rejected_shape(outcome.rejected),
            "written": [verdict.field for verdict in outcome.written],
            "kept": kept_shape(outcome.kept),
            "conflicts": [conflict_shape(conflict) for conflict in outcome.conflicts],
            "request_id": outcome.request_id,
        }
    )


async def amend_contact(exchange: Exchange) -> Answer:
    """`PATCH /v1/contacts/{id}`: taken whole or not at all."""
    key = await api_key(exchange, Scope.WRITE)
    hullo = exchange.edge.hullo
    body = contact_body(await exchange.body(), hullo.settings.limits)
    contact = await exchange.edge.do(
        Amend(
            contact_id=exchange.path_id,
            workspace_id=key.workspace_id,
            writer=f"api-key:{key.id}",
            claim=body.claim,
            cleared=body.cleared,
            app_id=await _app_written(exchange, key, body),
            moment=exchange.moment,
            request_id=exchange.request_id,
            hooks=hullo.hooks,
            limits=hullo.settings.limits,
        )
    )
    return told(contact_shape(_as_seen_by(key, contact)))


async def erase_contact(exchange: Exchange) -> Answer:
    """`DELETE /v1/contacts/{id}` (P2)"""
    key = await api_key(exchange, Scope.ERASE)
    fate = exchange.query().get("conversations", "erase")
    if fate not in {"erase", "anonymise"}:
        raise wrong_field("conversations", "must be erase or anonymise")
    erased = await exchange.edge.do(
        Erase(
            contact_id=exchange.path_id,
            workspace_id=key.workspace_id,
            conversations=cast('Literal["erase", "anonymise"]', fate),
            moment=exchange.moment,
        )
    )
    return told({"id": erased, "erased": True})


async def list_decisions(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}/decisions`"""
    key = await api_key(exchange, Scope.READ)
    page = exchange.page()
    contact = await contact_of(exchange, key, exchange.path_id)
    found = await exchange.edge.read(lambda store: store.list_decisions(key.workspace_id, contact.id, page))
    return told(page_shape(found, decision_shape))


async def list_conflicts(exchange: Exchange) -> Answer:
    """`GET /v1/conflicts`: the open ones (C7)."""
    key = await api_key(exchange, Scope.READ)
    page = exchange.page()
    found = await exchange.edge.read(lambda store: store.list_conflicts(key.workspace_id, page))
    return told(page_shape(found, conflict_shape))


async def contact_of(exchange: Exchange, key: ApiKey, contact_id: ContactId) -> Contact:
    """Of the key's workspace. Raises `NotFound`."""
    contact = await exchange.edge.read(lambda store: store.find_contact(key.workspace_id, contact_id))
    if contact is None:
        raise NotFound("no such contact")
    return contact


def _as_seen_by(key: ApiKey, contact: Contact) -> Contact:
    """A key of one app is shown that app's custom data: the person is the workspace's, the data is the app's."""
    if key.app_id is None:
        return contact
    return replace(contact, custom_data={app: block for app, block in contact.custom_data.items() if app == key.app_id})


async def _app_written(exchange: Exchange, key: ApiKey, body: ContactBody) -> str | None:
    """Whose custom data the body holds: the app it names, the key's, or the only one there is.

    None when nothing depends on it. Raises `UnknownApp`, `Forbidden`, and `Invalid` when it is unclear.
    """
    named = body.app_id or key.app_id
    if named is not None:
        return (await app_of(exchange, key, named)).id
    if not body.claim.custom_data:
        return None
    apps = await exchange.edge.read(lambda store: _apps_of(key, store))
    if len(apps) != 1:
        raise wrong_field("custom_data", "every app has its own; name the app as app_id, or write {app_id: {…}}")
    return apps[0].id


def _apps_of(key: ApiKey, store: Store) -> list[App]:
    return [app for app in store.list_apps() if app.workspace_id == key.workspace_id]
