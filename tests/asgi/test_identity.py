"""Who is calling, in the host's own routes."""

from __future__ import annotations

import anyio
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from hullo import Hullo, Identity, IdentityMiddleware, Standing, identity_of
from hullo.asgi.scope import read_cookie, route_path
from hullo.errors import HulloError, StoreUnavailable

NOBODY = [None, None, None]


def _home(shop, **headers):
    return shop.http.get("/", headers=headers).json()


def test_visitor_is_known_by_header_or_cookie(shop):
    joined = shop.post("/join", {"app_key": shop.app_key}).json()
    expected = [joined["visitor_id"], None, None]
    token = joined["session_token"]
    assert _home(shop, authorization=f"Bearer {token}") == expected
    assert _home(shop, authorization=f"bearer  {token} ") == expected
    assert _home(shop, cookie=f"theme=dark; hullo_session={token}; a=b") == expected
    assert _home(shop, cookie=f"hullo_session={token}", authorization="Bearer the-hosts-own") == expected


def test_identified_visitor_has_its_standing(shop):
    token = shop.join()
    shop.identify(token, email="jane@example.com")
    assert _home(shop, authorization=f"Bearer {token}")[2] == "owned"
    contact = shop.identify(token, **shop.signed("user_1", email="jane@example.com")).json()["contact_id"]
    assert _home(shop, authorization=f"Bearer {token}")[1:] == [contact, "proven"]


def test_missing_or_invalid_token_is_anonymous(shop):
    old = shop.join()
    shop.post("/reset", {}, old)
    assert _home(shop) == NOBODY
    for token in (old, "hvs_unknown", "hvs_", "", "garbage", "hsk_x", "hvs_" + "x" * 5000):
        assert _home(shop, authorization=f"Bearer {token}") == NOBODY
        assert _home(shop, cookie=f"hullo_session={token}") == NOBODY


@pytest.mark.rule("S1")
def test_a_visitor_id_alone_proves_nothing(shop):
    visitor = shop.post("/join", {"app_key": shop.app_key}).json()["visitor_id"]
    assert _home(shop, authorization=f"Bearer {visitor}") == NOBODY


def test_host_socket_knows_its_visitor(shop):
    joined = shop.post("/join", {"app_key": shop.app_key}).json()
    cookie_header = {"cookie": f"hullo_session={joined['session_token']}"}
    with shop.http.websocket_connect("/chat", headers=cookie_header) as socket:
        assert socket.receive_json() == joined["visitor_id"]
    with shop.http.websocket_connect("/chat") as socket:
        assert socket.receive_json() is None


def test_identity_reads_from_request_or_scope():
    identity = Identity(visitor_id="vis_1", contact_id="con_1", standing=Standing.PROVEN)
    scope = {"type": "http", "hullo.identity": identity}
    assert identity_of(scope) is identity
    assert identity_of(Request(scope)) is identity
    assert identity.is_identified
    assert not Identity(visitor_id="vis_1").is_identified


@pytest.mark.parametrize("connection", [{"type": "http"}, Request({"type": "http"}), None, "request"])
def test_missing_middleware_gives_helpful_error(connection):
    with pytest.raises(RuntimeError, match="IdentityMiddleware") as missing:
        identity_of(connection)
    assert isinstance(missing.value, HulloError)


def test_host_scope_is_copied_not_changed(backend):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    async def nothing(*args):
        raise AssertionError("the host was to answer")

    scope = {"type": "http", "path": "/", "headers": [], "state": {}}
    before = dict(scope)
    anyio.run(IdentityMiddleware(app, Hullo("memory:")), scope, nothing, nothing, backend=backend)
    assert scope == before
    assert seen[0] == {**before, "hullo.identity": Identity()}
    assert seen[0]["state"] is scope["state"]


class _Down:
    """A store that nobody is to ask, or that fails when it is."""

    max_concurrent_batches = 1
    shared_between_processes = False

    def __init__(self):
        self.asked = 0

    def open(self):
        self.asked += 1
        raise StoreUnavailable("the database cannot be reached")

    def __getattr__(self, name):
        raise AssertionError(f"{name} was asked")


def _site(hullo, backend):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(identity_of(scope).visitor_id).encode()})

    return TestClient(IdentityMiddleware(app, hullo), backend=backend)


def test_host_site_survives_store_down(backend, caplog):
    client = _site(Hullo(_Down()), backend)
    answer = client.get("/", headers={"cookie": "hullo_session=hvs_secret"})
    assert (answer.status_code, answer.text) == (200, "None")
    assert "anonymous" in caplog.text
    assert "hvs_secret" not in caplog.text
    assert client.get("/hullo/readyz").status_code == 503


def test_request_without_token_skips_store(backend):
    store = _Down()
    client = _site(Hullo(store), backend)
    assert client.get("/").text == "None"
    assert client.get("/", headers={"authorization": "Bearer the-hosts-own", "cookie": "a=b"}).text == "None"
    assert client.get("/hullo/healthz").status_code == 200
    assert store.asked == 0


def test_cookies_may_span_several_headers():
    headers = [(b"cookie", b"a=b"), (b"x", b"hullo_session=no"), (b"cookie", b" hullo_session=hvs_1 ")]
    assert read_cookie({"headers": headers}, b"hullo_session") == "hvs_1"
    assert read_cookie({"headers": headers}, b"c") is None
    assert read_cookie({"headers": [(b"cookie", b"hullo_session=")]}, b"hullo_session") is None


@pytest.mark.parametrize(
    ("path", "root_path", "below"),
    [
        ("/a/b", "", "/a/b"),
        ("/a/b", "/a", "/b"),
        ("/a", "/a", ""),
        ("/ab", "/a", "/ab"),
        ("/x", "/a", "/x"),
    ],
)
def test_path_is_read_below_the_mount(path, root_path, below):
    assert route_path({"path": path, "root_path": root_path}) == below


@pytest.mark.rule("S1")
def test_site_may_be_limited_to_one_app(backend):
    hullo = Hullo("memory:")
    ours, theirs = hullo.create_app("Ours"), hullo.create_app("Theirs", workspace="another")
    tokens = [
        hullo.identify(
            {"external_id": "admin", "user_hash": hullo.user_hash(app.app_key, "admin")}, app_key=app.app_key
        ).result.session_token
        for app in (ours, theirs)
    ]

    async def page(scope, receive, send):
        identity = identity_of(scope)
        known = f"{identity.app_id} {identity.workspace_id} {identity.standing}"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": known.encode()})

    client = TestClient(IdentityMiddleware(page, hullo, app_key=ours.app_key), backend=backend)
    told = [client.get("/", headers={"authorization": f"Bearer {token}"}).text for token in tokens]
    assert told == [f"{ours.app_id} {ours.workspace_id} 3", "None None None"]
