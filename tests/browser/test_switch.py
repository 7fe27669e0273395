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


# What a busy browser does: it hands over answers late, shows a tab for a while what the storage held before, and passes
# on late what another tab says.
ANSWERS_LATE = """
const handler = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage');
Object.defineProperty(WebSocket.prototype, 'onmessage', {
  set(take) { handler.set.call(this, event => setTimeout(take, window.late ? 1_000 : 0, event)); },
});
"""
WORDS_LATE = """
const words = Object.getOwnPropertyDescriptor(BroadcastChannel.prototype, 'onmessage');
Object.defineProperty(BroadcastChannel.prototype, 'onmessage', {
  set(take) { words.set.call(this, event => setTimeout(take, 3_000, event)); },
});
"""
STORAGE_LATE = """([key, until]) => {
  const [old, read] = [localStorage.getItem(key), Storage.prototype.getItem];
  Storage.prototype.getItem = function (name) { return name === key ? old : read.call(this, name); };
  setTimeout(() => { Storage.prototype.getItem = read; }, until);
}"""


@pytest.mark.rule("C5")
@pytest.mark.parametrize("late", ["answer", "storage", "word"])
def test_slow_tab_keeps_the_next_user(
    visit: Visit, another_tab: Callable[[], Visit], site: Site, app: App, late: str
) -> None:
    visit.page.add_init_script(ANSWERS_LATE)
    visit.go(site.put("/", shop_page(app))).ready()
    visit.identify(**jane(app))
    second = another_tab()
    if late == "word":
        second.page.add_init_script(WORDS_LATE)
    second.go(site.origin + "/").ready()
    if late == "answer":
        visit.run("window.late = true")
    else:
        # For long enough that the second tab begins a session of its own, where no word comes.
        second.run(STORAGE_LATE, [f"hullo:{app.key}", 2_800 if late == "word" else 1_000])
    switched = visit.identify(**ravi(app))
    assert switched.get("switched") is True
    second.until(lambda: {"visitor_id": switched["visitor_id"]} in second.heard("reset"))
    second.open().say("I am Ravi.")
    visit.open().shows("I am Ravi.")
    assert [each["contact_id"] for each in app.conversations()] == [switched["contact_id"]]
    assert late == "word" or visit.heard("reset") == []


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
