"""The demo's site: its page, and what only a demo may answer. It signs for anybody who asks."""

from __future__ import annotations

import html
from collections.abc import Callable
from importlib.resources import files
from string import Template
from typing import Final

from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hullo.api.contact_schemas import ContactResponse
from hullo.api.history_schemas import DecisionResponse
from hullo.api.schemas import JsonObject
from hullo.application import Hullo
from hullo.asgi.identity import Identity, identity_of
from hullo.cli.demo.people import PEOPLE
from hullo.model.app import App
from hullo.store.protocol import ContactFilter, PageRequest

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
SHOWN: Final = PageRequest(limit=20)

Endpoint = Callable[[Request], Response]
"""Starlette calls it in a thread, since it is no coroutine: it may ask the store."""


def demo_routes(hullo: Hullo, app_key: str) -> list[BaseRoute]:
    """The page at `/`, and under `/demo` its parts, the shop's login, and the agent's view of the visitor."""
    known = {"app_key": html.escape(app_key), "prefix": html.escape(hullo.settings.prefix)}
    page = Template(_text("page.html")).substitute(known)
    return [
        Route("/", _constant(page, "text/html")),
        Route("/demo/page.css", _constant(_text("page.css"), "text/css")),
        Route("/demo/page.js", _constant(_text("page.js"), "text/javascript")),
        Route("/demo/login", _login(hullo, app_key), methods=["POST"]),
        Route("/demo/agent", _agent(hullo, app_key)),
    ]


def _login(hullo: Hullo, app_key: str) -> Endpoint:
    """What a shop does after it has checked the password, which this one does not ask for."""
    people = {person.login: person for person in PEOPLE}

    def login(request: Request) -> Response:
        person = people.get(request.query_params.get("as", ""))
        if person is None:
            return JSONResponse({"detail": "nobody here has this login"}, status_code=404, headers=HEADERS)
        signature = hullo.user_hash(app_key, person.external_id)
        signed = {"external_id": person.external_id, "user_hash": signature, "name": person.name}
        return JSONResponse(signed, headers=HEADERS)

    return login


def _agent(hullo: Hullo, app_key: str) -> Endpoint:
    """What an agent sees of whoever calls. A browser is never told this outside of the demo (H2)."""

    def agent(request: Request) -> Response:
        view = _view(hullo, app_key, identity_of(request))
        return JSONResponse(view, headers=HEADERS)

    return agent


def _view(hullo: Hullo, app_key: str, visitor: Identity) -> JsonObject:
    app = hullo.executor.apps.find(app_key)
    store = hullo.store
    # Looked for in the demo's own workspace, so that a session of another app shows nothing of its person.
    contact = store.find_contact(app.workspace_id, visitor.contact_id) if visitor.contact_id else None
    decisions = store.list_decisions(app.workspace_id, contact.id, SHOWN).items if contact else ()
    people = store.list_contacts(ContactFilter(workspace_id=app.workspace_id), SHOWN).items
    return {
        "standing": visitor.standing.label if visitor.standing else None,
        "contact": to_builtins(ContactResponse.of(contact, provenance=True)) if contact else None,
        "decisions": [to_builtins(DecisionResponse.of(each, {app.id: app.name})) for each in decisions],
        "conversations": _conversations(hullo, app, visitor),
        "people": [to_builtins(ContactResponse.of(each)) for each in people],
    }


def _conversations(hullo: Hullo, app: App, visitor: Identity) -> list[JsonObject]:
    listed = hullo.store.list_conversations(app.workspace_id, SHOWN).items
    return [
        {"id": each.id, "linked": each.contact_id is not None}
        for each in listed
        if each.app_id == app.id
        and (
            each.visitor_id == visitor.visitor_id
            or (each.contact_id is not None and each.contact_id == visitor.contact_id)
        )
    ]


def _constant(text: str, media_type: str) -> Endpoint:
    response = Response(text, media_type=media_type, headers=HEADERS)

    def constant(request: Request) -> Response:  # noqa: ARG001 - Starlette hands it in
        return response

    return constant


def _text(name: str) -> str:
    return files("hullo.cli.demo").joinpath(name).read_text("utf-8")
