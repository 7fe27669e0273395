"""Two people at one browser (C5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browser.pages import shop_page
from browser.serving import App
from browser.sites import Site
from browser.visits import Visit


def jane(app: App) -> dict[str, str]:
    return {"external_id": "user_123", "user_hash": app.hash("user_123"), "name": "Jane"}


def ravi(app: App) -> dict[str, str]:
    return {"external_id": "user_124", "user_hash": app.hash("user_124"), "name": "Ravi"}


@pytest.mark.rule("C5")
def test_next_user_sees_nothing_of_the_first(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    first = visit.identify(**jane(app))
    visit.open().say("Where is my order?")
    visit.until(lambda: app.texts() == ["Where is my order?"])
    second = visit.identify(**ravi(app))
    assert second["switched"] is True
    assert second["visitor_id"] != first["visitor_id"]
    visit.until(lambda: visit.lines.count() == 0)

    visit.say("And mine?")
    visit.until(lambda: len(app.conversations()) == 2)
    owners = {each["contact_id"] for each in app.conversations()}
    assert owners == {first["contact_id"], second["contact_id"]}
    assert {each["name"] for each in app.contacts()} == {"Jane", "Ravi"}


@pytest.mark.rule("C8", "S6")
def test_lead_logs_in_and_guest_page_logs_out(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say("Where is my order?")
    visit.panel.get_by_label("Email").fill("typed@example.com")
    visit.panel.get_by_role("button", name="Save").click()
    visit.until(lambda: [each["email"] for each in app.contacts()] == ["typed@example.com"])
    guest = visit.run("Hullo.identify(null)")
    assert (guest["identified"], guest["switched"]) == (False, False)
    answer = visit.identify(**jane(app))
    assert (answer["switched"], answer["visitor_id"]) == (False, guest["visitor_id"])
    visit.shows("Where is my order?")
    assert [each["id"] for each in app.contacts()] == [answer["contact_id"]]
    left = visit.run("Hullo.identify(null)")
    assert (left["identified"], left["switched"]) == (False, True)
    visit.until(lambda: visit.lines.count() == 0)


def test_switch_reaches_other_tabs(visit: Visit, another_tab: Callable[[], Visit], site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    visit.identify(**jane(app))
    visit.open().say("Where is my order?")
    visit.until(lambda: app.texts() == ["Where is my order?"])
    second = another_tab().go(site.origin + "/").ready().open()
    second.shows("Where is my order?")
    switched = visit.identify(**ravi(app))
    second.until(lambda: second.lines.count() == 0)
    second.say("I am Ravi.")
    visit.shows("I am Ravi.")
    newest = app.conversations()[0]
    assert newest["contact_id"] == switched["contact_id"]


@pytest.mark.rule("C5", "S2")
def test_page_fields_of_first_user_never_leak(
    visit: Visit, another_tab: Callable[[], Visit], site: Site, app: App
) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    person = jane(app)
    visit.run("person => { Hullo.push(['set', 'session:data', ['plan', 'pro']]); Hullo.identify(person); }", person)
    visit.hears("identified", times=2)
    second = another_tab().go(site.origin + "/").ready()
    second.run("Hullo.reset()")
    visit.hears("reset")
    visit.run("Hullo.push(['set', 'session:data', ['page', '/x']])")
    visit.run("Hullo.identify({ email: 'ravi@example.com' })")
    assert [each["standing"] for each in visit.heard("identified")] == ["proven", "proven", "claimed"]


def test_first_user_gets_their_conversation_back(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    visit.identify(**jane(app))
    visit.open().say("Where is my order?")
    visit.until(lambda: app.texts() == ["Where is my order?"])
    visit.identify(**ravi(app))
    visit.until(lambda: visit.lines.count() == 0)
    visit.identify(**jane(app))
    visit.shows("Where is my order?")
