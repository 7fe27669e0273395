"""hullo under its prefix, in whatever application it is put."""

from __future__ import annotations

from urllib.parse import unquote

import anyio
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocketDisconnect

from hullo import Hullo, IdentityMiddleware, Settings, hookimpl
from hullo.api.runtime import runtime_of
from hullo.errors import NotFound, SettingsError


async def _echo(scope, receive, send):
    await PlainTextResponse(f"host {scope['path']}")(scope, receive, send)


def test_only_prefixed_paths_are_hullos(backend):
    client = TestClient(IdentityMiddleware(_echo, Hullo("memory:")), backend=backend)
    for path in ("/", "/hull", "/hullo-world/v1/join", "/hulloo", "/v1/join", "/x/hullo/v1/join"):
        assert client.get(path).text == f"host {path}"
    for path in ("/hullo", "/hullo/", "/hullo/v1/join"):
        assert client.get(path).headers["content-type"] == "application/problem+json"


def test_prefix_may_be_changed(backend):
    by_settings = Hullo("memory:", settings=Settings(prefix="/who/is/it"))
    for app in (IdentityMiddleware(_echo, by_settings), IdentityMiddleware(_echo, Hullo("memory:"), "/who/is/it")):
        client = TestClient(app, backend=backend)
        assert client.get("/who/is/it/healthz").json() == {"status": "ok"}
        assert client.get("/hullo/healthz").text == "host /hullo/healthz"


@pytest.mark.parametrize("prefix", ["", "/", "hullo", "/hullo/"])
def test_invalid_prefix_is_refused(prefix):
    with pytest.raises(SettingsError):
        IdentityMiddleware(_echo, Hullo("memory:"), prefix)


def test_mounted_whole_application_works(backend):
    hullo = Hullo("memory:")
    app_key = hullo.create_app("Shop").app_key
    outer = Starlette(routes=[Mount("/shop/{name}", IdentityMiddleware(_echo, hullo))])
    client = TestClient(outer, backend=backend)
    token = client.post("/shop/a/hullo/v1/join", json={"app_key": app_key}).json()["session_token"]
    said = client.post(
        "/shop/a/hullo/v1/conversations", json={"text": "x"}, headers={"authorization": f"Bearer {token}"}
    )
    path = f"/shop/a/hullo/v1/conversations/{said.json()['id']}/messages"
    assert client.get(path, headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert client.get("/shop/a/hullo/v1/nothing").json()["code"] == "not_found"
    assert client.get("/shop/a/page").text == "host /shop/a/page"


def test_proxy_stripping_a_path_works(backend):
    client = TestClient(IdentityMiddleware(_echo, Hullo("memory:")), backend=backend, root_path="/behind")
    assert client.get("/hullo/healthz").status_code == 200
    assert client.get("/hullo/v1/contacts/con_1").json()["code"] == "key_required"


class Doors:
    """Routes of a plugin."""

    name = "doors"

    @hookimpl
    def routes(self, hullo):
        async def door(request):
            apps = await runtime_of(request).read(lambda store: store.list_apps())
            return PlainTextResponse(f"{len(apps)} {request.url_for('door', name='x').path}")

        async def shut(request):
            error = {"hullo": NotFound("no such door"), "http": HTTPException(429, "slowly", {"Retry-After": "3"})}
            raise error.get(request.path_params["how"], ValueError("jane@example.com"))

        async def torn(request):
            async def body():
                yield b"x"
                raise ValueError

            from starlette.responses import StreamingResponse

            return StreamingResponse(body())

        async def bell(websocket):
            await websocket.accept()
            await websocket.send_text("ding")
            await websocket.close()

        async def usurper(request):
            return PlainTextResponse("mine")

        return [
            Route("/doors/{name}", door, name="door"),
            Route("/shut/{how}", shut),
            Route("/torn", torn),
            Route("/v1/me", usurper),
            WebSocketRoute("/bell", bell),
        ]


@pytest.fixture(params=["alone", "mounted"])
def doors(request, backend):
    hullo = Hullo("memory:", plugins=[Doors()])
    hullo.create_app("Shop")
    app = IdentityMiddleware(_echo, hullo)
    if request.param == "mounted":
        return TestClient(Starlette(routes=[Mount("/in", app)]), backend=backend), "/in/hullo"
    return TestClient(app, backend=backend), "/hullo"


def test_plugins_serve_routes_under_prefix(doors):
    client, prefix = doors
    assert client.get(f"{prefix}/doors/red").text == f"1 {prefix}/doors/x"


def test_own_paths_come_before_plugin_routes(doors):
    client, prefix = doors
    assert client.get(f"{prefix}/v1/me").json()["code"] == "session_required"


def test_error_in_plugin_route_is_problem(doors, caplog):
    client, prefix = doors
    assert client.get(f"{prefix}/shut/hullo").json()["detail"] == "no such door"
    limited = client.get(f"{prefix}/shut/http")
    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert limited.headers["retry-after"] == "3"
    broken = client.get(f"{prefix}/shut/otherwise")
    assert (broken.status_code, broken.json()["code"]) == (500, "internal")
    assert "jane" not in broken.text + caplog.text


def test_error_after_answer_began_is_raised(doors):
    client, prefix = doors
    with pytest.raises(ValueError):
        client.get(f"{prefix}/torn")


def test_sockets_are_served_only_by_plugins(doors):
    client, prefix = doors
    with client.websocket_connect(f"{prefix}/bell") as socket:
        assert socket.receive_text() == "ding"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{prefix}/v1/join"):
        pass


def test_other_scope_types_go_to_host(backend):
    import anyio

    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    scope = {"type": "something.new"}
    anyio.run(IdentityMiddleware(app, Hullo("memory:")), scope, None, None, backend=backend)
    assert seen == [scope]


def test_health_says_alive_and_ready(shop):
    assert shop.http.get("/hullo/healthz").json() == {"status": "ok"}
    assert shop.http.get("/hullo/readyz").json() == {"status": "ok"}


async def _location(app: ASGIApp, path: str, /, query: str = "a=%2F&hullo_identity=x&b=1&a=", **changed: object) -> str:
    """Where the redirect of an arrival leads, for a scope as a server makes it."""
    sent: list[Message] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"shop.test")],
        "client": ("127.0.0.1", 1),
        **changed,
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({name: value for name, value in scope.items() if value is not None}, receive, send)
    return dict(sent[0]["headers"])[b"location"].decode()


@pytest.mark.rule("T3")
def test_arrival_keeps_the_address_as_sent(backend: str) -> None:
    async def arrive() -> None:
        plain = IdentityMiddleware(_echo, hullo)
        mounted = Starlette(routes=[Mount("/help", plain)])
        for app, path, changed, clean in (
            (plain, "/docs/a%2Fb", {}, "/docs/a%2Fb"),
            # A proxy strips the prefix and FastAPI's `root_path` names it, or the server puts it back.
            (plain, "/landing/x", {"root_path": "/api"}, "/api/landing/x"),
            (plain, "/api/landing/x", {"root_path": "/api"}, "/api/landing/x"),
            (plain, "/apiary", {"root_path": "/api"}, "/api/apiary"),
            (plain, "//evil.test", {"root_path": "/api"}, "/api//evil.test"),
            (plain, "/api/x%2Fy", {"root_path": "/api"}, "/api/x%2Fy"),
            (plain, "/x", {"root_path": "/api", "path": "/api/x"}, "/api/x"),
            (plain, "/x", {"root_path": "//evil.test"}, "/evil.test/x"),
            (plain, "/x", {"root_path": "/caf\N{LATIN SMALL LETTER E WITH ACUTE}/"}, "/caf%C3%A9/x"),
            (mounted, "/help/a%2Fb/", {}, "/help/a%2Fb/"),
            (mounted, "/help/x", {"root_path": "/api", "path": "/api/help/x"}, "/api/help/x"),
            (mounted, "/help/x", {"root_path": "/api"}, "/api/help/x"),
            # Servers need not send raw paths, and some of them hold what is no path.
            (plain, "/a b", {"raw_path": None}, "/a%20b"),
            (plain, "/x", {"raw_path": b"/x?hullo_identity=x"}, "/x"),
            (plain, "/x", {"raw_path": b"http://evil.test/x"}, "/http://evil.test/x"),
            (plain, "/x", {"raw_path": b"/\\evil.test/\xff%zz"}, "/%5Cevil.test/%FF%zz"),
            (plain, "/x", {"raw_path": b""}, "/"),
        ):
            assert await _location(app, path, **changed) == f"{clean}?a=%2F&b=1&a="

    with Hullo("memory:") as hullo:
        anyio.run(arrive, backend=backend)
