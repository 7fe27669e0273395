"""The two sites of the demo, from outside: the shop, in which hullo is mounted, and the help centre, another site."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo_site import LOG, Sites, serving


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with serving(tmp_path_factory.mktemp("demo")) as sites:
        yield sites


def app_key(page: httpx2.Response) -> str:
    found = re.search(r'data-app="(app_\w+)"', page.text)
    assert found is not None, page.text
    return found[1]


def identity(page: httpx2.Response) -> Any:
    """What the page hands to `Hullo.identify`."""
    found = re.search(r'<script type="application/json" id="identity">(.*?)</script>', page.text)
    assert found is not None, page.text
    return json.loads(found[1])


def log_in(browser: httpx2.Client, login: str) -> httpx2.Response:
    return browser.post("/login", data={"as": login}, follow_redirects=True)


def call(browser: httpx2.Client, path: str, body: Mapping[str, object], **headers: str) -> httpx2.Response:
    return browser.post(f"/hullo/v1{path}", json=body, headers=headers)


PAGES = ("/", "/login", "/who", "/desk")
ARTICLES = ("/", "/articles/descale", "/articles/returns", "/articles/delivery")


def test_every_page_exists_without_inline_script(sites: Sites) -> None:
    for site, paths in ((sites.shop, PAGES), (sites.help_centre, ARTICLES)):
        for path in paths:
            page = httpx2.get(site + path)
            assert page.status_code == 200
            assert "default-src 'self'" in page.headers["content-security-policy"]
            assert "unsafe" not in page.headers["content-security-policy"]
            runs = re.sub(r'<script type="application/json".*?</script>', "", page.text)
            assert not re.search(r"<script(?![^>]*src=)|<style|\son[a-z]+=|\sstyle=|\$", runs)
            for part in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
                file = httpx2.get(site + part)
                assert file.status_code == 200, part
                assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", file.text)


def test_sites_have_own_apps_and_link_up(sites: Sites) -> None:
    shop, help_centre = httpx2.get(sites.shop), httpx2.get(sites.help_centre)
    assert app_key(shop) != app_key(help_centre)
    assert f'href="{sites.help_centre}/"' in shop.text
    assert f'href="{sites.shop}/"' in help_centre.text
    assert httpx2.get(f"{sites.help_centre}/hullo/healthz").status_code == 404


def test_shop_signs_only_for_logged_in_user(sites: Sites) -> None:
    with sites.browser() as browser:
        assert identity(browser.get("/")) is None
        signed = identity(log_in(browser, "jane"))
        assert signed["external_id"] == "user_123"
        proven = call(browser, "/identify", {"app_key": app_key(browser.get("/")), **signed}).json()
        assert proven["standing"] == "proven"

        browser.post("/logout")
        assert identity(browser.get("/")) is None


@pytest.mark.parametrize(
    "cookie", ["jane", "jane.9999999999", "jane.9999999999." + "0" * 64, "..", "é", "jane.never." + "0" * 64]
)
def test_unsigned_login_is_refused(sites: Sites, cookie: str) -> None:
    page = httpx2.get(sites.shop, headers={"Cookie": f"shop_login={cookie}".encode()})
    assert identity(page) is None


def test_changed_profile_is_identified_on_next_page(sites: Sites) -> None:
    with sites.browser(follow_redirects=True) as browser:
        assert browser.get("/profile").url.path == "/login"
        log_in(browser, "ravi")
        page = browser.post("/profile", data={"name": '</script><b>"Ravi"', "plan": "pro"})
        assert page.url.path == "/profile"
        assert identity(page)["name"] == '</script><b>"Ravi"'
        assert identity(page)["custom_data"]["plan"] == "pro"
        assert "<b>" not in page.text
        assert identity(browser.post("/profile", data={"name": " ", "plan": "gold"})) == identity(page)


def test_who_page_shows_the_known_identity(sites: Sites) -> None:
    with sites.browser() as browser:
        key = app_key(browser.get("/who"))
        nobody = browser.get("/who.json").json()
        assert (nobody["visitor_id"], nobody["standing"], nobody["contact"]) == (None, None, None)

        # The session is in a cookie, which is only taken from pages of the same host.
        joined = call(browser, "/join", {"app_key": key}, Origin=sites.shop).json()
        assert joined["session_token"] is None
        assert browser.get("/who.json").json()["visitor_id"] == joined["visitor_id"]

        log_in(browser, "zoe")
        call(browser, "/identify", {"app_key": key, **identity(browser.get("/"))}, Origin=sites.shop)
        known = browser.get("/who.json").json()
        assert (known["login"], known["standing"]) == ("zoe", "proven")
        assert known["contact"]["name"] == "Zoë Lindström"
        assert known["contact"]["provenance"]["external_id"]["standing"] == "proven"
        assert known["decisions"][0]["words"]


def test_visitor_goes_anonymous_claimed_proven(sites: Sites) -> None:
    with sites.browser() as browser:
        key = app_key(browser.get("/"))
        session = call(browser, "/join", {"app_key": key}).json()["session_token"]
        bearer = {"Authorization": f"Bearer {session}"}
        assert browser.get("/who.json", headers=bearer).json()["contact"] is None

        call(browser, "/conversations", {"text": "Where is my order?", "client_id": "1"}, **bearer)
        anonymous = browser.get("/who.json", headers=bearer).json()
        assert [conversation["contact_id"] for conversation in anonymous["conversations"]] == [None]

        claim = {"app_key": key, "email": "jane@example.com", "name": "Mallory"}
        assert call(browser, "/identify", claim, **bearer).json()["standing"] == "claimed"
        claimed = browser.get("/who.json", headers=bearer).json()
        assert claimed["standing"] == "claimed"
        assert claimed["contact"]["name"] == "Jane Doe"
        [conversation] = claimed["conversations"]
        assert conversation["contact_id"] == claimed["contact_id"]
        assert "name" in [field["field"] for field in claimed["decisions"][0]["fields"] if field["verdict"] == "kept"]

        signed = identity(log_in(browser, "jane"))
        assert call(browser, "/identify", {"app_key": key, **signed}, **bearer).json()["standing"] == "proven"
        proven = browser.get("/who.json", headers=bearer).json()
        assert (proven["standing"], proven["contact"]["external_id"]) == ("proven", "user_123")
        assert proven["contact"]["provenance"]["email"]["standing"] == "proven"


def test_login_without_an_account_is_refused(sites: Sites) -> None:
    with sites.browser() as browser:
        assert log_in(browser, "nobody").status_code == 400
        assert browser.post("/login").status_code == 400
        assert identity(browser.get("/login?as=jane")) is None


def test_desk_replies_through_the_server_api(sites: Sites) -> None:
    with sites.browser() as browser:
        key = app_key(browser.get("/"))
        session = call(browser, "/join", {"app_key": key}).json()["session_token"]
        bearer = {"Authorization": f"Bearer {session}"}
        asked = call(browser, "/conversations", {"text": "Do you ship to Peru?", "client_id": "1"}, **bearer).json()
        [shown] = [found for found in browser.get("/desk.json").json()["conversations"] if found["id"] == asked["id"]]
        assert [message["text"] for message in shown["messages"]] == ["Do you ship to Peru?"]
        assert shown["contact"] is None

        assert browser.post("/desk.json", data={"conversation": asked["id"], "text": "We do."}).status_code == 204
        assert browser.post("/desk.json", data={"conversation": "../../contacts", "text": "No."}).status_code == 400
        path = f"/hullo/v1/conversations/{asked['id']}/messages"
        heard = browser.get(path, headers=bearer).json()["items"]
        assert {(message["author"], message["text"]) for message in heard} == {
            ("visitor", "Do you ship to Peru?"),
            ("agent", "We do."),
        }


@pytest.mark.parametrize("path", ["/login", "/logout", "/profile", "/desk.json"])
def test_cross_site_post_is_refused(sites: Sites, path: str) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert httpx2.post(sites.shop + path, data={"as": "jane"}, headers=elsewhere).status_code == 403


def test_foreign_host_header_is_refused(sites: Sites) -> None:
    for site in (sites.shop, sites.help_centre):
        assert httpx2.get(site, headers={"Host": "rebound.example.com"}).status_code == 400


def test_only_help_centre_pages_may_call_hullo(sites: Sites) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    join = f"{sites.shop}/hullo/v1/join"
    body = {"app_key": app_key(httpx2.get(sites.help_centre))}
    preflight = httpx2.options(join, headers={"Origin": sites.help_centre, **asked})
    joined = httpx2.post(join, json=body, headers={"Origin": sites.help_centre})
    assert preflight.headers["access-control-allow-origin"] == sites.help_centre
    assert joined.headers["access-control-allow-origin"] == sites.help_centre
    assert joined.json()["session_token"].startswith("hvs_")

    refused = httpx2.post(join, json=body, headers={"Origin": "https://elsewhere.example"})
    assert (refused.status_code, refused.json()["code"]) == (403, "bad_origin")
    assert "access-control-allow-origin" not in refused.headers


def test_customer_identity_follows_to_help_centre(sites: Sites) -> None:
    with sites.browser() as browser:
        here, there = app_key(browser.get("/")), app_key(httpx2.get(sites.help_centre))
        log_in(browser, "jane")
        proven = call(browser, "/identify", {"app_key": here, **identity(browser.get("/"))}).json()
        bearer = {"Authorization": f"Bearer {proven['session_token']}"}
        hop = call(browser, "/identity-token", {"app_key": here, "audience": there}, **bearer).json()
    arrived = httpx2.post(
        f"{sites.shop}/hullo/v1/identify",
        json={"app_key": there, "identity_token": hop["token"]},
        headers={"Origin": sites.help_centre},
    ).json()
    assert (arrived["standing"], arrived["contact_id"]) == ("proven", proven["contact_id"])


def test_sites_take_consecutive_ports_and_stop_cleanly(tmp_path: Path) -> None:
    port = two_free_ports()
    with serving(tmp_path, port) as sites:
        assert (sites.shop, sites.help_centre) == (f"http://127.0.0.1:{port}", f"http://localhost:{port + 1}")
        assert httpx2.get(sites.shop).status_code == httpx2.get(sites.help_centre).status_code == 200
        assert sites.server.stop(signal.SIGINT) == 0
        assert "Traceback" not in sites.server.told()
    assert [path.name for path in tmp_path.iterdir()] == [LOG]


def two_free_ports() -> int:
    """The first of two neighbours."""
    for _ in range(100):
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = int(first.getsockname()[1])
            try:
                socket.create_server(("127.0.0.1", port + 1)).close()
            except (OSError, OverflowError):
                continue
            return port
    pytest.fail("there are no two neighbouring ports free")
