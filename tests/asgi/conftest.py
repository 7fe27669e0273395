"""A shop that runs hullo in front of its site, as a browser and as its server see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient

from databases import Databases
from hullo import Hullo, IdentityMiddleware, identity_of
from hullo.model.app import ALL_SCOPES, Scope

PAGE = "https://shop.example.com"


class Shop:
    """One app with its keys, and a client that speaks to the whole application."""

    def __init__(self, hullo: Hullo, client: TestClient) -> None:
        self.hullo = hullo
        self.http = client
        self.made = hullo.create_app("Shop", origins=[PAGE])
        self.app_key = self.made.app_key

    def post(self, path: str, body: Any = None, token: str | None = None, **headers: str) -> Any:
        return self.http.post(f"/hullo/v1{path}", json=body, headers=_headers(token, headers))

    def get(self, path: str, token: str | None = None, **headers: str) -> Any:
        return self.http.get(f"/hullo/v1{path}", headers=_headers(token, headers))

    def patch(self, path: str, body: Any, token: str) -> Any:
        return self.http.patch(f"/hullo/v1{path}", json=body, headers=_headers(token, {}))

    def join(self) -> str:
        """A new visitor's token."""
        return self.post("/join", {"app_key": self.app_key}).json()["session_token"]

    def identify(self, token: str | None = None, /, **fields: Any) -> Any:
        return self.post("/identify", {"app_key": self.app_key, **fields}, token)

    def signed(self, external_id: str, **fields: Any) -> dict[str, Any]:
        """The fields of a proven identify."""
        user_hash = self.hullo.user_hash(self.app_key, external_id)
        return {"external_id": external_id, "user_hash": user_hash, **fields}

    def api_key(self, *scopes: Scope, app_key: str | None = None) -> str:
        """A new key's secret."""
        return self.hullo.create_api_key(app_key=app_key, scopes=scopes or ALL_SCOPES).secret


def _headers(token: str | None, headers: Mapping[str, str]) -> dict[str, str]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["authorization"] = f"Bearer {token}"
    return sent


@pytest.fixture
def masked() -> Callable[[str], str]:
    """An answer without what differs from call to call: ids, tokens, times."""
    return _masked


def _masked(text: str) -> str:
    text = re.sub(r"\b(vis|con|req|cnv|msg|dec|cfl|app)_[0-9a-z]{26}\b", r"\1_", text)
    text = re.sub(r"\bhvs_[0-9a-f]{64}\b", "hvs_", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "then", text)


async def home(request: Any) -> JSONResponse:
    identity = identity_of(request)
    standing = identity.standing.label if identity.standing else None
    return JSONResponse([identity.visitor_id, identity.contact_id, standing])


async def chat(websocket: Any) -> None:
    await websocket.accept()
    await websocket.send_json(identity_of(websocket).visitor_id)
    await websocket.close()


def host(hullo: Hullo, app_key: str | None = None, **options: Any) -> Starlette:
    """A site with a page and a socket of its own."""
    return Starlette(
        routes=[Route("/", home), WebSocketRoute("/chat", chat)],
        middleware=[Middleware(IdentityMiddleware, hullo=hullo, app_key=app_key)],
        **options,
    )


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    """Both event loops."""
    return str(request.param)


@pytest.fixture(params=["asyncio over memory", "trio over sqlite"])
def shop(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Shop]:
    """Both event loops and both stores, each once."""
    backend, _, store = str(request.param).partition(" over ")
    hullo = Hullo("memory:" if store == "memory" else databases.shared("sqlite"))
    with TestClient(host(hullo), backend=backend) as client:
        yield Shop(hullo, client)


@pytest.fixture
def serve() -> Iterator[Callable[..., Shop]]:
    """Serves shops that are set up in some other way: `serve(hullo, backend, app_key=…)`."""
    with ExitStack() as serving:

        def begin(hullo: Hullo, backend: str, **options: Any) -> Shop:
            return Shop(hullo, serving.enter_context(TestClient(host(hullo, **options), backend=backend)))

        yield begin
