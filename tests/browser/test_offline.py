"""Without a network, and back."""

from __future__ import annotations

import pytest

from browser.pages import shop_page
from browser.serving import App, Serving
from browser.sites import Site
from browser.visits import Console, Visit

UNREACHABLE = r"ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket"


def test_offline_message_waits_and_is_sent_once(visit: Visit, site: Site, app: App, console: Console) -> None:
    console.expect(UNREACHABLE)
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.page.context.set_offline(True)
    visit.say("First")
    visit.say("Second")
    visit.shows("Second")
    assert visit.text.input_value() == ""
    assert app.texts() == []
    visit.page.context.set_offline(False)
    visit.until(lambda: len(app.texts()) >= 2)
    assert app.texts() == ["First", "Second"]
    assert len(app.conversations()) == 1
    assert visit.lines.count() == 2


def test_offline_page_later_shows_agent_messages(visit: Visit, site: Site, app: App, console: Console) -> None:
    console.expect(UNREACHABLE)
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say("Hello?")
    visit.until(lambda: app.texts() == ["Hello?"])
    visit.page.context.set_offline(True)
    visit.run("new Promise(done => navigator.onLine ? addEventListener('offline', done) : done())")
    for text in ("One", "Two", "Three"):
        app.answer(text)
    visit.page.context.set_offline(False)
    visit.shows("Three")
    visit.until(lambda: visit.lines.count() == 4)
    shown = [text for text in ("Hello?", "One", "Two", "Three") if visit.lines.filter(has_text=text).count() == 1]
    assert shown == ["Hello?", "One", "Two", "Three"]


@pytest.mark.slow
def test_offline_identify_is_sent_on_reconnect(visit: Visit, site: Site, own_server: Serving, console: Console) -> None:
    console.expect(UNREACHABLE)
    app = own_server.app([site.origin])
    visit.go(site.put("/", shop_page(app))).ready()
    own_server.stop()
    visit.run("window.told = Hullo.identify({ email: 'jane@example.com' }); 0")
    own_server.start()
    assert visit.run("told.then(answer => answer.standing)") == "claimed"
    assert [each["email"] for each in app.contacts()] == ["jane@example.com"]


@pytest.mark.slow
def test_page_recovers_once_the_server_starts(visit: Visit, site: Site, own_server: Serving, console: Console) -> None:
    console.expect(UNREACHABLE)
    app = own_server.app([site.origin])
    # From the site itself: the script has come, as from a cache, and the server has not.
    site.script("/widget.js", own_server.call("GET", "/hullo/widget.js").body.decode())
    text = shop_page(app).replace(f'src="{app.widget}"', f'src="/widget.js" data-host="{own_server.url}/hullo"')
    own_server.stop()
    visit.go(site.put("/", text))
    visit.until(lambda: visit.run("!!window.Hullo"))
    visit.run("hullo('identify', { email: 'jane@example.com' })")
    own_server.start()
    visit.hears("identified")
    visit.hears("ready")
