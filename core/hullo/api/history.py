"""History of a contact, for servers with an API key: its timeline and its decisions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import cast

from msgspec.structs import replace

from hullo.api.authentication import require_api_key
from hullo.api.contacts import load_contact
from hullo.api.history_schemas import DecisionResponse, TimelineEntryResponse
from hullo.api.openapi.operation import by_key, operation
from hullo.api.parameters import PAGE
from hullo.api.request import Request
from hullo.api.schemas import PageResponse
from hullo.api.server_bodies import EventBody
from hullo.asgi.response import Response, json_response
from hullo.errors import Conflicting
from hullo.model.app import ApiKey, AppId, Scope
from hullo.model.claim import CUSTOM_DATA
from hullo.model.decision_record import DecisionRecord
from hullo.model.timeline import CONTACT_EVENT, TimelineEntry
from hullo.operations.contacts.contact_events import AddContactEvent
from hullo.store.protocol import Store
from hullo.store.reading import page_matching


@operation(
    "What happened to a contact",
    description="The newest first: identifies, changes with their values before and after, merges, "
    f"conversations, and as `{CONTACT_EVENT}` all events that a site has reported, by the time when they happened. "
    "A key of one app is not shown what happened in others.",
    security=by_key(Scope.READ),
    query=PAGE,
    answers=PageResponse[TimelineEntryResponse],
)
async def list_timeline(request: Request) -> Response:
    """`GET /v1/contacts/{id}/timeline`"""
    key = await require_api_key(request, Scope.READ)
    page = request.page_request()
    contact = await load_contact(request, key, request.path_id)
    found = await request.runtime.read(
        lambda store: page_matching(
            partial(store.list_timeline, key.workspace_id, contact.id), page, partial(_concerns_key, key)
        )
    )
    return json_response(
        request.page_response(found, lambda entry: TimelineEntryResponse.of(_redact_entry(key, entry)))
    )


def _redact_entry(key: ApiKey, entry: TimelineEntry) -> TimelineEntry:
    """Remove fields of custom data that the key may not read: values and names."""
    data = dict(entry.data)
    if "fields" in data:
        fields = cast("Iterable[str]", data["fields"])
        # The names of fields alone would tell a key of one app what other apps keep.
        data["fields"] = [field for field in fields if _is_visible(key, entry.app_id, field)]
    changes = tuple(change for change in entry.changes if _is_visible(key, entry.app_id, change.field))
    return replace(entry, changes=changes, data=data)


@operation(
    "Report what a contact did",
    description="Adds one line to their timeline, and sends no event. Reported twice, there are two lines.",
    security=by_key(Scope.WRITE),
    answers=TimelineEntryResponse,
    body=EventBody,
    refusals=(Conflicting,),
)
async def report_event(request: Request) -> Response:
    """`POST /v1/contacts/{id}/events`"""
    key = await require_api_key(request, Scope.WRITE)
    report = (await request.parse(EventBody)).report(request.limits, request.context.now)
    # The path may hold an absorbed id: the event belongs to the survivor (G3).
    contact = await load_contact(request, key, request.path_id)
    event = await request.runtime.run(
        AddContactEvent(
            contact_id=contact.id,
            workspace_id=key.workspace_id,
            app_id=key.app_id,
            writer=key.writer,
            report=report,
            context=request.context,
        )
    )
    return json_response(TimelineEntryResponse.of_event(event))


@operation(
    "Why a contact is as it is",
    description="What each call wrote, and why: in words, stage by stage, field by field.",
    security=by_key(Scope.READ),
    query=PAGE,
    answers=PageResponse[DecisionResponse],
)
async def list_decisions(request: Request) -> Response:
    """`GET /v1/contacts/{id}/decisions`"""
    key = await require_api_key(request, Scope.READ)
    page = request.page_request()
    contact = await load_contact(request, key, request.path_id)
    found = await request.runtime.read(
        lambda store: page_matching(
            partial(store.list_decisions, key.workspace_id, contact.id), page, partial(_concerns_key, key)
        )
    )
    apps = await request.runtime.read(lambda store: app_names(store, key.workspace_id))
    return json_response(
        request.page_response(found, lambda decision: DecisionResponse.of(_redact_decision(key, decision), apps))
    )


def app_names(store: Store, workspace_id: str) -> dict[AppId, str]:
    """Map the ids of the workspace's apps to their names."""
    return {app.id: app.name for app in store.list_apps() if app.workspace_id == workspace_id}


def _concerns_key(key: ApiKey, record: TimelineEntry | DecisionRecord) -> bool:
    """Return whether the key may see the record. One about no app is the workspace's: every key may read it."""
    return key.app_id is None or record.app_id in {None, key.app_id}


def _is_visible(key: ApiKey, app_id: AppId | None, field: str) -> bool:
    """Return whether the key may see the field. In entries about several apps, such as merges, custom keys are prefixed
    with their app, and a key of one app sees only its own."""
    if key.app_id is None or app_id is not None or not field.startswith(f"{CUSTOM_DATA}."):
        return True
    return field.startswith(f"{CUSTOM_DATA}.{key.app_id}.")


def _redact_decision(key: ApiKey, decision: DecisionRecord) -> DecisionRecord:
    fields = (verdict for verdict in decision.trace.fields if _is_visible(key, decision.app_id, verdict.field))
    return replace(decision, trace=replace(decision.trace, fields=tuple(fields)))
