"""Pages that say what the two documents say, and have changed nothing but the script's address and the ids."""

from __future__ import annotations

import pytest

from browser.pages import LISTENING, page, script, shop_page, tag
from browser.seeds import convot, sonny
from browser.serving import App
from browser.sites import Site
from browser.visits import Visit


def write_as_nobody(visit: Visit, site: Site, app: App) -> None:
    """On a page that does not say who the visitor is: they write, and are asked for their email."""
    visit.go(site.put("/before", shop_page(app))).ready().open()
    visit.say("Where is my order?")
    visit.prompt.wait_for()
    visit.until(lambda: app.texts() == ["Where is my order?"])
    assert app.contacts() == []


def check_that_they_are_known(visit: Visit, app: App) -> None:
    [contact] = visit.until(app.contacts)
    assert contact["email"] == "jane@example.com"
    [conversation] = app.conversations()
    assert conversation["contact_id"] == contact["id"]
    visit.open().shows("Where is my order?")
    assert visit.prompt.is_hidden()


@pytest.mark.parametrize(
    "install",
    [
        '<script src="{widget}" data-global="Convot" data-app="{key}"></script>',
        '<script src="{widget}?global=Convot&app={key}"></script>',
        '<script>window.Convot = {{app_id: "{key}"}}</script><script src="{widget}?global=Convot"></script>',
    ],
    ids=["attributes", "address", "preset"],
)
def test_convot_call_makes_a_contact(visit: Visit, site: Site, app: App, install: str) -> None:
    write_as_nobody(visit, site, app)
    installed = install.format(widget=app.widget, key=app.key)
    visit.go(site.put("/", page(script(LISTENING), installed, convot(app))))
    visit.until(app.contacts)
    check_that_they_are_known(visit, app)
    [contact] = app.contacts()
    assert contact["external_id"] == "your_user_id_123"
    assert (contact["name"], contact["company"]) == ("Jane Doe", "Acme Inc")
    assert (contact["phone"], contact["standing"]) == ("+1234567890", "proven")
    assert contact["avatar_url"] == "https://example.com/avatars/jane.png"
    assert contact["custom_data"] == {
        app.key: {"plan": "pro", "shopify_store": "my-store.myshopify.com", "order_count": 42}
    }


def test_sonny_snippet_makes_a_contact(visit: Visit, site: Site, app: App) -> None:
    write_as_nobody(visit, site, app)
    visit.go(site.put("/", page(sonny(app))))
    check_that_they_are_known(visit, app)
    [contact] = app.contacts()
    assert (contact["name"], contact["standing"]) == ("Jane Smith", "owned")


def test_sonny_reset_starts_a_fresh_session(visit: Visit, site: Site, app: App) -> None:
    write_as_nobody(visit, site, app)
    visit.go(site.put("/", page(sonny(app))))
    check_that_they_are_known(visit, app)
    visit.run("sonny('reset')")
    visit.until(lambda: visit.lines.count() == 0)
    visit.say("Hello?")
    visit.prompt.wait_for()
    assert len(app.conversations()) == 2


def test_page_without_calls_makes_no_contact(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", page(script(LISTENING), tag(app)))).ready()
    assert visit.heard("ready")[0]["identified"] is False
    assert app.contacts() == []
