"""`hullo serve --demo`: what it makes and finds in the database, what it prints, and who may reach it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable

import httpx2
import pytest

from cli.serving import Server
from cli.terminal import Terminal
from demo_site import sites_of
from hullo.application import Hullo
from hullo_plugins.demo.customers import CUSTOMERS
from hullo_plugins.demo.sites import DemoSites

Start = Callable[..., Server]


def open_demo(hullo: Hullo) -> DemoSites:
    return DemoSites.open(hullo, "http://127.0.0.1:8000", "http://localhost:8001")


def test_session_of_another_app_shows_no_contact(start: Start, terminal: Terminal):
    other = terminal.json("app", "create", "Real shop")
    server = start("--demo").ready()
    claim = {"app_key": other["app_key"], "email": "real@example.com", "name": "Real"}
    session = server.call("POST", "/hullo/v1/identify", claim).json["session_token"]
    view = server.call("GET", "/who.json", Authorization=f"Bearer {session}").json
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
    apps = {app["app_key"]: app for app in terminal.json("app", "list")["items"]}
    assert len(apps) == 2
    assert apps[app_key]["name"] == "Demo shop"
    assert second.url in apps[app_key]["origins"]
    assert first.url not in apps[app_key]["origins"]
    keys = terminal.json("api-key", "list")["items"]
    assert len([key for key in keys if key["revoked_at"] is None]) == 1
    assert terminal.json("contacts", "show", contact[1])["name"] == "Jane Doe"


def test_demo_has_each_customer_proven():
    with Hullo("memory:") as hullo:
        demo = open_demo(hullo)
        for customer in CUSTOMERS:
            signed = {"external_id": customer.number, "user_hash": hullo.user_hash(demo.app_key, customer.number)}
            found = hullo.identify(signed, app_key=demo.app_key, dry_run=True).result
            assert found.matched_by == "external_id"


def test_demo_with_a_retired_key_gets_another():
    with Hullo("memory:") as hullo:
        demo = open_demo(hullo)
        [key] = hullo.store.find_app(demo.app_key).identity_keys
        hullo.register.retire_identity_key(demo.app_key, key.id)
        again = open_demo(hullo)
        assert (again.app_key, again.contact_id) == (demo.app_key, demo.contact_id)
        assert hullo.user_hash(demo.app_key, "user_123")


def test_demo_prints_contact_command_for_its_database(start: Start):
    elsewhere = start("--demo", "--db", "sqlite:///other.db").ready()
    assert re.search(r"hullo contacts show con_\w+ --db sqlite:///other.db\n", elsewhere.told())
    nowhere = start("--demo", "--db", "memory:").ready()
    assert "contacts show" not in nowhere.told()


def test_demo_leaves_other_apps_and_keys_alone():
    with Hullo("memory:") as hullo:
        real = hullo.create_app("Demo shop")
        key = hullo.create_api_key(app_key=real.app_key).key
        demo = open_demo(hullo)
        assert demo.app_key != real.app_key
        keys = {found.id: found for found in hullo.store.list_api_keys()}
        assert keys.pop(key.id) == key
        workspace_id = hullo.store.find_app(demo.app_key).workspace_id
        assert [made.workspace_id for made in keys.values()] == [workspace_id]
        assert workspace_id != key.workspace_id


def test_demo_repr_shows_no_secret():
    with Hullo("memory:") as hullo:
        demo = open_demo(hullo)
    assert DemoSites.decode(demo.encode()) == demo
    assert demo.api_key not in repr(demo)
    assert demo.login_key not in repr(demo)


@pytest.mark.slow
def test_several_processes_serve_the_demo(start: Start):
    server = start("--demo", "--workers", "2").ready()
    sites = sites_of(server)
    with sites.browser(follow_redirects=True) as browser:
        browser.post("/login", data={"as": "ravi"})
        browser.post("/profile", data={"name": "Ravi", "plan": "pro"})
        # Each connection may reach the other process.
        pages = [httpx2.get(f"{sites.shop}/profile", cookies=browser.cookies).text for _ in range(8)]
    assert all('value="Ravi"' in page for page in pages)
    assert "How can we help?" in httpx2.get(sites.help_centre).text
    assert server.stop() == 0


def test_demo_follows_the_configured_prefix(start: Start, terminal: Terminal):
    (terminal.folder / "hullo.toml").write_text('prefix = "/who-is"')
    sites = sites_of(start("--demo").ready("/who-is"))
    assert 'src="/who-is/widget.js"' in httpx2.get(sites.shop).text
    assert f'data-host="{sites.shop}/who-is"' in httpx2.get(sites.help_centre).text
    assert httpx2.get(f"{sites.shop}/desk.json").json() == {"conversations": []}


def test_demo_routes_need_the_flag(start: Start):
    server = start(HULLO_DEMO_SITES="{}").ready()
    for method, path in (("POST", "/login?as=jane"), ("GET", "/who.json"), ("GET", "/static/shop.js")):
        assert server.call(method, path).status == 404
    assert b"hullo is running" in server.call("GET", "/").body


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example.com", "localhost.example.com"])
def test_demo_refuses_a_public_host(terminal: Terminal, host: str):
    assert "without a password" in terminal.misuse("serve", "--demo", "--host", host)


def test_demo_public_variable_allows_a_public_host(start: Start):
    server = start("--demo", "--host", "0.0.0.0", HULLO_DEMO_PUBLIC="1").ready()
    assert server.call("GET", "/").status == 200
    assert server.call("GET", "/", Host="shop.example.com").status == 200


def test_taken_help_centre_port_is_reported(terminal: Terminal):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refusal = terminal.refusal("serve", "--demo", "--port", str(port - 1))
    assert refusal == f"cannot listen at 127.0.0.1 port {port}: Address already in use"
    assert not (terminal.folder / "hullo.db").exists()
