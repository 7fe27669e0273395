"""Contacts, for servers with an API key: found, read and written."""

from __future__ import annotations

from dataclasses import replace

from hullo.asgi.answer import Answer, told
from hullo.asgi.apps import app_of
from hullo.asgi.contact_shapes import contact_shape
from hullo.asgi.exchange import Exchange
from hullo.asgi.history_shapes import conflict_shape
from hullo.asgi.keys import api_key
from hullo.asgi.server_bodies import ContactBody, contact_body
from hullo.asgi.shapes import kept_shape, page_shape, rejected_shape
from hullo.asgi.wire import wrong_field
from hullo.model.app import ApiKey, App, Scope
from hullo.model.contact import Contact, ContactId
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.match import CREATED
from hullo.pipeline.identify import Upsert
from hullo.pipeline.people.administer import Amend
from hullo.pipeline.people.upsert_lists import UpsertWithLists
from hullo.pipeline.survivors import current_contact
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
        tag=query.get("tag") or None,
    )
    found = await exchange.edge.read(lambda store: store.list_contacts(wanted, page))
    items = (as_seen_by(key, each) for each in found.items if all(map(each.owns, asked)))
    both = replace(found, items=tuple(items))
    return told(page_shape(both, contact_shape))


async def read_contact(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}`"""
    key = await api_key(exchange, Scope.READ)
    asked, provenance = exchange.path_id, exchange.query().get("provenance") == "1"
    contact = as_seen_by(key, await contact_of(exchange, key, asked))
    return told(contact_shape(contact, asked=asked, provenance=provenance))


async def upsert_contact(exchange: Exchange) -> Answer:
    """`POST /v1/contacts` (M1 to M3)"""
    key = await api_key(exchange, Scope.WRITE)
    hullo = exchange.edge.hullo
    body = contact_body(await exchange.body(), hullo.settings.limits)
    upsert = Upsert(
        claim=body.claim,
        key=key,
        app_id=await _app_written(exchange, key, body),
        moment=exchange.moment,
        request_id=exchange.request_id,
        hooks=hullo.hooks,
        limits=hullo.settings.limits,
    )
    outcome = await exchange.edge.do(UpsertWithLists(upsert=upsert, lists=body.lists) if body.lists.said else upsert)
    assert outcome.contact_id is not None, "a server's word makes anybody"
    contact = await contact_of(exchange, key, outcome.contact_id)
    return told(
        {
            **contact_shape(as_seen_by(key, contact)),
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
    asked = exchange.path_id
    contact = await exchange.edge.do(
        Amend(
            contact_id=(await contact_of(exchange, key, asked)).id,
            workspace_id=key.workspace_id,
            writer=key.writer,
            claim=body.claim,
            cleared=body.cleared,
            lists=body.lists,
            app_id=await _app_written(exchange, key, body),
            moment=exchange.moment,
            request_id=exchange.request_id,
            hooks=hullo.hooks,
            limits=hullo.settings.limits,
        )
    )
    return told(contact_shape(as_seen_by(key, contact), asked=asked))


async def contact_of(exchange: Exchange, key: ApiKey, contact_id: ContactId) -> Contact:
    """Of the key's workspace; whoever absorbed the one with this id, if somebody did (G3). Raises `NotFound`."""
    return await exchange.edge.read(lambda store: current_contact(store, key.workspace_id, contact_id))


def as_seen_by(key: ApiKey, contact: Contact) -> Contact:
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
