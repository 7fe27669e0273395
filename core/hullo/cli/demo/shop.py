"""The demo's app and people, made once and found again on every later start."""

from __future__ import annotations

from typing import Final

from msgspec.structs import asdict

from hullo.application import Hullo
from hullo.cli.demo.people import PEOPLE, Person
from hullo.model.app import ApiKey, App
from hullo.model.claim import Claim
from hullo.model.contact import ContactId
from hullo.model.identifier import EXTERNAL_ID, Identifier
from hullo.model.outcome import Outcome
from hullo.pipeline.claim import Upsert
from hullo.store.protocol import ContactFilter, PageRequest
from hullo.value import Value

NAME: Final = "Demo shop"
WORKSPACE: Final = "Demo"
"""Of its own, so that its people never meet anybody else's."""


class Shop(Value):
    """What the demo works with."""

    app_key: str
    contact_ids: tuple[ContactId, ...]
    """In the order of `PEOPLE`."""


def open_shop(hullo: Hullo) -> Shop:
    """The demo's shop in this hullo's database; whatever of it is missing is made."""
    app_key = _app_key(hullo)
    app = hullo.executor.apps.reload(app_key)
    return Shop(app_key=app_key, contact_ids=tuple(_contact_id(hullo, app, person) for person in PEOPLE))


def _app_key(hullo: Hullo) -> str:
    homes = [each.id for each in hullo.store.list_workspaces() if each.name == WORKSPACE]
    for app in hullo.store.list_apps():
        if app.name == NAME and app.workspace_id in homes:
            if app.signing_key(hullo.clock()) is None:
                hullo.register.add_identity_key(app.app_key)
            return app.app_key
    return hullo.create_app(NAME, workspace=WORKSPACE).app_key


def _contact_id(hullo: Hullo, app: App, person: Person) -> ContactId:
    """Written as a shop's server would do it, unless somebody is known by this id: the visitor's changes stay."""
    digest = Identifier(EXTERNAL_ID, person.external_id).digest(app.workspace_id)
    found = hullo.store.list_contacts(
        ContactFilter(workspace_id=app.workspace_id, identifier=digest), PageRequest(limit=1)
    )
    if found.items:
        return found.items[0].id
    body = {field: value for field, value in asdict(person).items() if field != "login"}
    moment = hullo.new_context()
    upsert = Upsert(
        claim=Claim.from_body(body, hullo.settings.limits),
        key=_api_key(hullo, app),
        app_id=app.id,
        context=moment,
        request_id=moment.new_id("req"),
        hooks=hullo.hooks,
        limits=hullo.settings.limits,
    )
    outcome: Outcome = hullo.executor.run(upsert).result
    assert outcome.contact_id is not None, "a server's word makes anybody"
    return outcome.contact_id


def _api_key(hullo: Hullo, app: App) -> ApiKey:
    for key in hullo.store.list_api_keys():
        if key.app_id == app.id and key.revoked_at is None:
            return key
    return hullo.create_api_key(app_key=app.app_key).key
