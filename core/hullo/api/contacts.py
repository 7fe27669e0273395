"""Contacts, for servers with an API key: search, read and write."""

from __future__ import annotations

from functools import partial
from typing import Final

from msgspec.structs import replace

from hullo.api.apps import load_app
from hullo.api.authentication import require_api_key
from hullo.api.contact_schemas import ContactResponse, WrittenContactResponse
from hullo.api.contact_search import (
    BY_EMAIL,
    BY_EXTERNAL_ID,
    BY_PHONE,
    BY_STANDING,
    BY_TAG,
    QUERY,
    ContactSearch,
)
from hullo.api.openapi.notation import one_of
from hullo.api.openapi.operation import by_key, operation
from hullo.api.parameters import PAGE, query
from hullo.api.request import Request
from hullo.api.request_body import invalid_field
from hullo.api.schemas import PageResponse
from hullo.api.server_bodies import ContactBody
from hullo.asgi.response import Response, json_response
from hullo.errors import Conflicting, NoIdentifier, UnknownApp
from hullo.model.app import ApiKey, App, Scope
from hullo.model.contact import Contact, ContactId
from hullo.operations.contacts.update import UpdateContact
from hullo.operations.contacts.upsert_lists import UpsertWithLists
from hullo.pipeline.claim import Upsert
from hullo.store.protocol import Store
from hullo.store.reading import current_contact

PROVENANCE: Final = query("provenance", one_of(["1"]), "Also tells where each value comes from.")


@operation(
    "List contacts",
    security=by_key(Scope.READ),
    query=(
        QUERY,
        BY_EXTERNAL_ID,
        BY_EMAIL,
        BY_PHONE,
        BY_TAG,
        BY_STANDING,
        *PAGE,
    ),
    answers=PageResponse[ContactResponse],
)
async def list_contacts(request: Request) -> Response:
    """`GET /v1/contacts`. A contact must match all filters."""
    key = await require_api_key(request, Scope.READ)
    search = ContactSearch(
        workspace_id=key.workspace_id,
        readings=request.query(QUERY),
        external_id=request.query(BY_EXTERNAL_ID),
        email=request.query(BY_EMAIL),
        phone=request.query(BY_PHONE),
        tag=request.query(BY_TAG),
        standing=request.query(BY_STANDING),
    )
    # Text is searched for, which may take long; all else is looked up.
    read = request.runtime.search if search.has_text else request.runtime.read
    found = await read(partial(search.find, request.page_request()))
    return json_response(
        request.page_response(found, lambda contact: ContactResponse.of(restrict_to_key(key, contact)))
    )


@operation(
    "Read a contact",
    description="The id of one that became part of another is answered with that one, for ever.",
    security=by_key(Scope.READ),
    query=(PROVENANCE,),
    answers=ContactResponse,
)
async def read_contact(request: Request) -> Response:
    """`GET /v1/contacts/{id}`"""
    key = await require_api_key(request, Scope.READ)
    requested, provenance = request.path_id, request.query(PROVENANCE) is not None
    contact = restrict_to_key(key, await load_contact(request, key, requested))
    return json_response(ContactResponse.of(contact, requested_id=requested, provenance=provenance))


@operation(
    "Write a contact",
    description="The one with this `external_id`, else with this `email`, else a new one. Every value "
    "counts as proven. `emails` and `phones` are whole lists: what is not in them goes.",
    security=by_key(Scope.WRITE),
    answers=WrittenContactResponse,
    body=ContactBody,
    leads_to=(
        "read_contact",
        "amend_contact",
        "erase_contact",
        "list_sessions",
        "log_out_everywhere",
        "list_decisions",
        "list_timeline",
        "report_event",
        "list_contact_tags",
        "tag_contact",
        "untag_contact",
        "list_contact_notes",
        "note_contact",
        "list_duplicates",
        "list_merges",
        "merge_contacts",
        "block_contact",
        "unblock_contact",
        "export_contact",
    ),
    refusals=(
        NoIdentifier,
        UnknownApp,
    ),
)
async def upsert_contact(request: Request) -> Response:
    """`POST /v1/contacts` (M1 to M3)"""
    key = await require_api_key(request, Scope.WRITE)
    hullo = request.runtime.hullo
    body = ContactBody.parse(await request.person_body(), hullo.settings.limits)
    upsert = Upsert(
        claim=body.claim,
        key=key,
        app_id=await _custom_data_app_id(request, key, body),
        context=request.context,
        request_id=request.request_id,
        hooks=hullo.hooks,
        limits=hullo.settings.limits,
    )
    outcome = await request.runtime.run(
        UpsertWithLists(upsert=upsert, lists=body.lists) if body.lists.is_given else upsert
    )
    assert outcome.contact_id is not None, "a server's upsert always has a contact"
    # Read again: the outcome holds the decision, and not the contact as it is stored now.
    contact = await load_contact(request, key, outcome.contact_id)
    return json_response(WrittenContactResponse.of_outcome(restrict_to_key(key, contact), outcome))


@operation(
    "Change a contact",
    description="Taken whole or not at all; null clears, identifiers too. What names another contact is a "
    "`conflict`. An email or phone that is a further one of this contact changes places with the first one.",
    security=by_key(Scope.WRITE),
    answers=ContactResponse,
    body=ContactBody,
    refusals=(
        Conflicting,
        UnknownApp,
    ),
)
async def amend_contact(request: Request) -> Response:
    """`PATCH /v1/contacts/{id}`: applied whole or not at all."""
    key = await require_api_key(request, Scope.WRITE)
    hullo = request.runtime.hullo
    body = ContactBody.parse(await request.person_body(), hullo.settings.limits)
    requested = request.path_id
    contact = await request.runtime.run(
        UpdateContact(
            # The path may hold an absorbed id: the survivor is changed (G3).
            contact_id=(await load_contact(request, key, requested)).id,
            workspace_id=key.workspace_id,
            writer=key.writer,
            claim=body.claim,
            cleared_kinds=body.cleared_identifiers,
            lists=body.lists,
            app_id=await _custom_data_app_id(request, key, body),
            context=request.context,
            request_id=request.request_id,
            hooks=hullo.hooks,
            limits=hullo.settings.limits,
        )
    )
    return json_response(ContactResponse.of(restrict_to_key(key, contact), requested_id=requested))


async def load_contact(request: Request, key: ApiKey, contact_id: ContactId) -> Contact:
    """Load a contact of the key's workspace; for an absorbed id, its survivor (G3). Raises `NotFound`."""
    return await request.runtime.read(lambda store: current_contact(store, key.workspace_id, contact_id))


def restrict_to_key(key: ApiKey, contact: Contact) -> Contact:
    """Remove the custom data of other apps than the key's: the person is the workspace's, the data is the app's."""
    if key.app_id is None:
        return contact
    return replace(contact, custom_data={app: block for app, block in contact.custom_data.items() if app == key.app_id})


async def _custom_data_app_id(request: Request, key: ApiKey, body: ContactBody) -> str | None:
    """Determine the app of the body's custom data: the one it names, the key's, or the only one.

    None without custom data. Raises `UnknownApp`, `Forbidden`, and `Invalid` when several apps could be meant.
    """
    named = body.app_id or key.app_id
    if named is not None:
        # Loaded with the key: a key of one app writes no other app's data.
        return (await load_app(request, key, named)).id
    if not body.claim.custom_data:
        return None
    apps = await request.runtime.read(lambda store: _apps_in_workspace(key, store))
    # Refused and not guessed: the values would land in another app's block.
    if len(apps) != 1:
        raise invalid_field("custom_data", "every app has its own; name the app as app_id, or write {app_id: {…}}")
    return apps[0].id


def _apps_in_workspace(key: ApiKey, store: Store) -> list[App]:
    return [app for app in store.list_apps() if app.workspace_id == key.workspace_id]
