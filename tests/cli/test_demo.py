"""`hullo serve --demo`: the site, and the routes that only a demo may have."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from cli.serving import Server
from cli.terminal import Terminal
from hullo.application import Hullo
from hullo.cli.demo.people import PEOPLE
from hullo.cli.demo.shop import open_shop
from hullo.cli.site import create_application

Start = Callable[..., Server]


@pytest.fixture
def shop() -> TestClient:
    hullo = Hullo("memory:").open()
    client = TestClient(create_application(hullo, open_shop(hullo).app_key))
    client.app_key = open_shop(hullo).app_key
    with client:
        yield client


def bearer(answer) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['session_token']}"}


def test_demo_page_loads_nothing_foreign_or_inline(shop: TestClient):
    page = shop.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page.text)
    assert not re.search(r"<script(?![^>]*src=)|<style|\son[a-z]+=|\sstyle=", page.text)
    assert shop.app_key in page.text
    for part, kind in (("/demo/page.js", "text/javascript"), ("/demo/page.css", "text/css")):
        assert part in page.text
        assert shop.get(part).headers["content-type"].startswith(kind)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", shop.get("/demo/page.js").text
    )


def test_demo_page_has_every_scripted_id(shop: TestClient):
    asked = set(re.findall(r'\bat\("([a-z-]+)"\)', shop.get("/demo/page.js").text))
    there = set(re.findall(r'\bid="([a-z-]+)"', shop.get("/").text))
    assert asked <= there
    assert {person.login for person in PEOPLE} == set(re.findall(r'data-login="(\w+)"', shop.get("/").text))


def test_agent_sees_visitor_go_anonymous_claimed_proven(shop: TestClient):
    joined = shop.post("/hullo/v1/join", json={"app_key": shop.app_key})
    session = bearer(joined)
    assert shop.get("/demo/agent").json()["contact"] is None
    assert shop.get("/demo/agent", headers=session).json()["contact"] is None

    said = {"app_key": shop.app_key, "text": "Where is my order?", "client_id": "1"}
    shop.post("/hullo/v1/conversations", json=said, headers=session)
    assert [each["linked"] for each in shop.get("/demo/agent", headers=session).json()["conversations"]] == [False]

    claim = {"app_key": shop.app_key, "email": "jane@example.com", "name": "Mallory"}
    claimed = shop.post("/hullo/v1/identify", json=claim, headers=session)
    assert claimed.json()["standing"] == "claimed"
    view = shop.get("/demo/agent", headers=session).json()
    assert view["standing"] == "claimed"
    assert view["contact"]["name"] == "Jane Doe"
    assert [each["linked"] for each in view["conversations"]] == [True]
    assert "name" in [each["field"] for each in view["decisions"][0]["fields"] if each["verdict"] == "kept"]

    signed = shop.post("/demo/login?as=jane").json()
    proven = shop.post("/hullo/v1/identify", json={"app_key": shop.app_key, **signed}, headers=session)
    assert proven.json()["standing"] == "proven"
    view = shop.get("/demo/agent", headers=session).json()
    assert (view["standing"], view["contact"]["external_id"]) == ("proven", "user_123")
    assert view["contact"]["provenance"]["email"]["by"].startswith("api-key:")
    assert len(view["people"]) == len(PEOPLE)


def test_login_without_an_account_is_refused(shop: TestClient):
    assert shop.post("/demo/login?as=nobody").status_code == 404
    assert shop.post("/demo/login").status_code == 404
    assert shop.get("/demo/login?as=jane").status_code == 405


def test_session_of_another_app_shows_no_contact():
    with Hullo("memory:") as hullo:
        other = hullo.create_app("Real shop")
        with TestClient(create_application(hullo, open_shop(hullo).app_key)) as client:
            claim = {"app_key": other.app_key, "email": "real@example.com", "name": "Real"}
            session = bearer(client.post("/hullo/v1/identify", json=claim))
            view = client.get("/demo/agent", headers=session).json()
    assert (view["contact"], view["decisions"], view["conversations"]) == (None, [], [])


def test_restart_finds_the_earlier_demo(start: Start, terminal: Terminal):
    first = start("--demo").ready()
    assert first.stop() == 0
    contact = re.search(r"hullo contacts show (con_\w+)\n", first.told())
    assert contact is not None
    assert f"{first.url}/\n" in first.told()
    second = start("--demo", "--json").ready()
    assert contact[0] in second.told()
    second.stop()
    app_key = json.loads(second.printed())["app_key"]
    assert app_key in first.told()
    assert [each["app_key"] for each in terminal.json("app", "list")["items"]] == [app_key]
    assert len(terminal.json("api-key", "list")["items"]) == 1
    assert terminal.json("contacts", "show", contact[1])["name"] == "Jane Doe"


def test_demo_with_a_retired_key_gets_another(terminal: Terminal):
    with Hullo("memory:") as hullo:
        shop = open_shop(hullo)
        [key] = hullo.store.find_app(shop.app_key).identity_keys
        hullo.register.retire_identity_key(shop.app_key, key.id)
        assert open_shop(hullo) == shop
        assert hullo.user_hash(shop.app_key, "user_123")


def test_demo_prints_contact_command_for_its_database(start: Start):
    elsewhere = start("--demo", "--db", "sqlite:///other.db").ready()
    assert re.search(r"hullo contacts show con_\w+ --db sqlite:///other.db\n", elsewhere.told())
    nowhere = start("--demo", "--db", "memory:").ready()
    assert "contacts show" not in nowhere.told()


def test_demo_leaves_other_apps_and_keys_alone():
    with Hullo("memory:") as hullo:
        real = hullo.create_app("Demo shop")
        key = hullo.create_api_key(app_key=real.app_key).key
        shop = open_shop(hullo)
        assert shop.app_key != real.app_key
        made = [each for each in hullo.store.list_api_keys() if each.id != key.id]
        assert [each.app_id for each in made] == [shop.app_key]


@pytest.mark.slow
def test_several_processes_serve_the_demo(start: Start):
    server = start("--demo", "--workers", "2").ready()
    assert b"Who is this visitor?" in server.call("GET", "/").body
    assert server.call("POST", "/demo/login?as=ravi").json["external_id"] == "user_124"
    assert server.stop() == 0


def test_demo_routes_need_the_flag(start: Start):
    server = start(HULLO_DEMO_APP="app_1").ready()
    for method, path in (("POST", "/demo/login?as=jane"), ("GET", "/demo/agent"), ("GET", "/demo/page.js")):
        assert server.call(method, path).status == 404
    assert b"hullo is running" in server.call("GET", "/").body


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example.com", "localhost.example.com"])
def test_demo_refuses_a_public_host(terminal: Terminal, host: str):
    assert "signs for anybody" in terminal.misuse("serve", "--demo", "--host", host)


def test_demo_public_variable_allows_a_public_host(start: Start):
    server = start("--demo", "--host", "0.0.0.0", HULLO_DEMO_PUBLIC="1").ready()
    assert server.call("GET", "/").status == 200
