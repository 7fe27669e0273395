"""What happened to a contact, for servers with an API key: its timeline, and why it is as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast

from hullo.asgi.answer import Answer, told
from hullo.asgi.contacts import contact_of
from hullo.asgi.exchange import Exchange
from hullo.asgi.history_shapes import decision_shape, entry_shape, reported_shape
from hullo.asgi.keys import api_key
from hullo.asgi.server_bodies import event_body
from hullo.asgi.shapes import page_shape
from hullo.model.app import ApiKey, AppId, Scope
from hullo.model.claim import CUSTOM_DATA
from hullo.model.decision_record import DecisionRecord, FieldVerdict
from hullo.model.timeline import TimelineEntry
from hullo.pipeline.people.contact_events import ReportEvent
from hullo.store.protocol import Store


async def list_timeline(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}/timeline`"""
    key = await api_key(exchange, Scope.READ)
    page = exchange.page()
    contact = await contact_of(exchange, key, exchange.path_id)
    found = await exchange.edge.read(lambda store: store.list_timeline(key.workspace_id, contact.id, page))
    # A page may come out shorter for a key of one app; the cursor still leads on.
    theirs = (
        _shown_entry(key, entry) for entry in found.items if key.app_id is None or entry.app_id in {None, key.app_id}
    )
    return told(page_shape(replace(found, items=tuple(theirs)), entry_shape))


def _shown_entry(key: ApiKey, entry: TimelineEntry) -> TimelineEntry:
    """Without what it says of custom data that the key may not read: neither the values nor their names."""
    data = dict(entry.data)
    if "fields" in data:
        fields = cast("Iterable[str]", data["fields"])
        data["fields"] = [each for each in fields if _shown(key, entry.app_id, each)]
    changes = tuple(each for each in entry.changes if _shown(key, entry.app_id, each.field))
    return replace(entry, changes=changes, data=data)


async def report_event(exchange: Exchange) -> Answer:
    """`POST /v1/contacts/{id}/events`"""
    key = await api_key(exchange, Scope.WRITE)
    report = event_body(await exchange.body(), exchange.edge.hullo.settings.limits, exchange.moment.now)
    contact = await contact_of(exchange, key, exchange.path_id)
    event = await exchange.edge.do(
        ReportEvent(
            contact_id=contact.id,
            workspace_id=key.workspace_id,
            app_id=key.app_id,
            writer=key.writer,
            report=report,
            moment=exchange.moment,
        )
    )
    return told(reported_shape(event))


async def list_decisions(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}/decisions`"""
    key = await api_key(exchange, Scope.READ)
    page = exchange.page()
    contact = await contact_of(exchange, key, exchange.path_id)
    found = await exchange.edge.read(lambda store: store.list_decisions(key.workspace_id, contact.id, page))
    apps = await exchange.edge.read(lambda store: app_names(store, key.workspace_id))
    theirs = (
        _with_fields(decision, [each for each in decision.trace.fields if _shown(key, decision.app_id, each.field)])
        for decision in found.items
        if key.app_id is None or decision.app_id in {None, key.app_id}
    )
    return told(page_shape(replace(found, items=tuple(theirs)), lambda decision: decision_shape(decision, apps)))


def app_names(store: Store, workspace_id: str) -> dict[AppId, str]:
    """Of the workspace's apps, by their ids."""
    return {app.id: app.name for app in store.list_apps() if app.workspace_id == workspace_id}


def _shown(key: ApiKey, app_id: AppId | None, field: str) -> bool:
    """Whether a key may know of the field. Where many apps' custom data is told of at once, as by a merge, each key
    is named with its app, and a key of one app is shown that app's alone."""
    if key.app_id is None or app_id is not None or not field.startswith(f"{CUSTOM_DATA}."):
        return True
    return field.startswith(f"{CUSTOM_DATA}.{key.app_id}.")


def _with_fields(decision: DecisionRecord, fields: Sequence[FieldVerdict]) -> DecisionRecord:
    return replace(decision, trace=replace(decision.trace, fields=tuple(fields)))
