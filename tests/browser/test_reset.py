"""After a logout nothing of the visitor is left, in the browser, on the wire or behind the back button (S2)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from browser.pages import shop_page
from browser.serving import App
from browser.sites import Site
from browser.visits import Console, Visit

TOKEN = re.compile(r"hvs_[0-9a-f]+")


def session(visit: Visit) -> str:
    """The session's token, which is in localStorage and in the cookie."""
    kept = visit.kept()
    stored = {token for value in kept.values() for token in TOKEN.findall(value)}
    assert len(stored) == 1, kept
    return stored.pop()


def logged_in(visit: Visit, site: Site, app: App) -> str:
    """A proven visitor who has written something; the token of their session."""
    visit.go(site.put("/", shop_page(app))).ready()
    visit.identify(external_id="user_123", user_hash=app.hash("user_123"), name="Jane")
    visit.open().say("It is a secret.")
    visit.until(lambda: app.texts() == ["It is a secret."])
    return session(visit)


def me(app: App, token: str) -> int:
    return app.server.call("GET", "/hullo/v1/me", Authorization=f"Bearer {token}").status


@pytest.mark.rule("S2")
def test_reset_leaves_nothing_behind(visit: Visit, site: Site, app: App) -> None:
    before = logged_in(visit, site, app)
    assert me(app, before) == 200
    visit.run("Hullo.reset()")
    assert me(app, before) == 401
    after = session(visit)
    assert after != before
    assert before not in str(visit.kept())
    assert "secret" not in str(visit.kept())
    assert "Jane" not in str(visit.kept())
    visit.until(lambda: visit.lines.count() == 0)
    ready, reset = visit.heard("ready")[0], visit.heard("reset")[0]
    assert ready["visitor_id"] != reset["visitor_id"]


def test_next_visitor_gets_a_new_conversation(visit: Visit, site: Site, app: App) -> None:
    logged_in(visit, site, app)
    visit.run("Hullo.reset()")
    visit.until(lambda: visit.lines.count() == 0)
    visit.say("I am somebody else.")
    visit.until(lambda: len(app.conversations()) == 2)
    assert [each["contact_id"] is None for each in app.conversations()] == [True, False]
    visit.shows("I am somebody else.")
    assert visit.lines.count() == 1


def test_back_button_shows_nothing_after_reset(visit: Visit, site: Site, app: App) -> None:
    logged_in(visit, site, app)
    visit.go(site.put("/bye", shop_page(app))).ready()
    visit.run("Hullo.reset()")
    visit.page.go_back()
    visit.ready().open()
    visit.panel.get_by_text("How can we help?").wait_for()
    assert visit.lines.count() == 0
    assert "secret" not in visit.page.content()


def test_reset_survives_leaving_the_page(visit: Visit, site: Site, app: App) -> None:
    before = logged_in(visit, site, app)
    bye = site.put("/bye", shop_page(app))
    visit.run("bye => { Hullo.reset(); location.href = bye; }", bye)
    visit.page.wait_for_url(bye)
    visit.ready().open()
    visit.until(lambda: me(app, before) == 401)
    assert session(visit) != before
    assert visit.lines.count() == 0


def test_reset_reaches_the_second_tab_at_once(
    visit: Visit, another_tab: Callable[[], Visit], site: Site, app: App
) -> None:
    before = logged_in(visit, site, app)
    second = another_tab().go(site.origin + "/").ready().open()
    second.shows("It is a secret.")
    visit.run("Hullo.reset()")
    second.hears("reset")
    second.until(lambda: second.lines.count() == 0)
    assert session(second) == session(visit) != before
    second.say("From the second tab")
    visit.shows("From the second tab")


def test_reset_closes_the_previous_socket(visit: Visit, site: Site, app: App) -> None:
    """What an agent says to whoever was there is not told to whoever is there now."""
    logged_in(visit, site, app)
    visit.run("Hullo.reset()")
    app.answer("It is on its way, Jane.")
    visit.say("Hello?")
    visit.until(lambda: len(app.conversations()) == 2)
    app.answer("Hello to you.")
    visit.shows("Hello to you.")
    assert visit.lines.filter(has_text="Jane").count() == 0


def test_reset_without_server_is_sent_later(visit: Visit, site: Site, app: App, console: Console) -> None:
    console.expect("ERR_INTERNET_DISCONNECTED", "WebSocket")
    before = logged_in(visit, site, app)
    visit.page.context.set_offline(True)
    visit.run("Hullo.reset(); 0")
    visit.until(lambda: visit.lines.count() == 0)
    assert me(app, before) == 200
    visit.page.context.set_offline(False)
    visit.until(lambda: me(app, before) == 401)
    # The session that is to be ended is kept until the server has answered.
    visit.until(lambda: before not in (kept := str(visit.kept())) and TOKEN.search(kept))


@pytest.mark.rule("S4")
def test_session_ended_elsewhere_ends_on_the_page(visit: Visit, site: Site, app: App) -> None:
    before = logged_in(visit, site, app)
    [contact] = app.contacts()
    assert app.call("DELETE", f"/contacts/{contact['id']}/sessions").status in {200, 204}
    visit.until(lambda: before not in str(visit.kept()))
    visit.until(lambda: visit.lines.count() == 0)
