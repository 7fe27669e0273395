"""What the browser keeps of a visitor, and what it never does."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext

from browser.pages import shop_page
from browser.serving import App
from browser.sites import Site
from browser.visits import Visit

BLOCKED = """
for (const name of ['localStorage', 'sessionStorage']) {
  Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });
}
Object.defineProperty(Document.prototype, 'cookie', { get: () => '', set() {} });
"""


def known(visit: Visit, site: Site, app: App) -> str:
    """A visitor who has said who they are."""
    visit.go(site.put("/", shop_page(app))).ready()
    return str(visit.identify(email="jane@example.com")["visitor_id"])


def again(visit: Visit, site: Site) -> object:
    return visit.go(site.origin + "/").ready().heard("ready")[0]["visitor_id"]


def test_next_page_continues_the_session(visit: Visit, site: Site, app: App) -> None:
    visitor = known(visit, site, app)
    assert again(visit, site) == visitor


def test_cookie_restores_the_storage(visit: Visit, site: Site, app: App) -> None:
    visitor = known(visit, site, app)
    kept = visit.kept()
    visit.run("localStorage.clear()")
    assert again(visit, site) == visitor
    assert "hvs_" in str({name: value for name, value in visit.kept().items() if name.startswith("local")})
    assert "hvs_" in kept["cookie"]


def test_storage_restores_the_cookie(visit: Visit, site: Site, app: App) -> None:
    visitor = known(visit, site, app)
    visit.page.context.clear_cookies()
    assert again(visit, site) == visitor
    assert "hvs_" in visit.kept()["cookie"]


def test_session_without_storage_lasts_for_the_page(context: BrowserContext, site: Site, app: App) -> None:
    context.add_init_script(BLOCKED)
    visit = Visit(context.new_page())
    first = known(visit, site, app)
    visit.open().say("Hello?")
    visit.until(lambda: app.texts() == ["Hello?"])
    app.answer("Hello to you.")
    visit.shows("Hello to you.")
    assert again(visit, site) != first


def test_browser_without_cookies_works(visit: Visit, site: Site, app: App) -> None:
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("Emulation.setDocumentCookieDisabled", {"disabled": True})
    visitor = known(visit, site, app)
    assert again(visit, site) == visitor


def test_proofs_are_never_stored(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    signature, token = app.hash("user_123"), app.token("user_123", email="jane@example.com")
    visit.identify(external_id="user_123", user_hash=signature)
    visit.identify(token=token)
    visit.open().say("Hello?")
    visit.until(lambda: app.texts() == ["Hello?"])
    for _ in range(2):
        kept = str(visit.kept())
        assert signature not in kept
        assert token not in kept
        assert token.split(".")[2] not in kept
        visit.go(site.origin + "/").ready()
    assert visit.run("indexedDB.databases().then(all => all.length)") == 0
    assert visit.run("caches.keys().then(all => all.length)") == 0


def test_apps_on_one_origin_have_separate_visitors(
    visit: Visit, another_tab: Callable[[], Visit], site: Site, app: App
) -> None:
    other = app.server.app([site.origin])
    first = known(visit, site, app)
    second = another_tab().go(site.put("/other", shop_page(other))).ready()
    told = second.heard("ready")[0]
    assert told["identified"] is False
    second.run("Hullo.reset()")
    assert second.hears("reset")["visitor_id"] != told["visitor_id"]
    assert again(visit, site) == first
