"""Firefox, and WebKit as the engine of Safari: what a visitor does most, with their own clicks and keys.

What is particular to no engine is tried in Chromium, in the files beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from browser.engines import FIREFOX, WEBKIT, XVFB, firefox, webkit
from browser.pages import LISTENING, page, script, shop_page, tag
from browser.seeds import convot, sonny
from browser.serving import App, Serving
from browser.sites import Site
from browser.tabs import Engine, Tab

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["firefox", "webkit"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "firefox" and FIREFOX is None:
        pytest.skip("there is no Firefox here: apt install firefox-esr")
    if request.param == "webkit" and (WEBKIT is None or XVFB is None):
        pytest.skip("there is no WebKit here: apt install webkit2gtk-driver xvfb")
    start = firefox if request.param == "firefox" else webkit
    with start(tmp_path_factory.mktemp(request.param)) as engine:
        yield engine


@pytest.fixture
def tab(engine: Engine) -> Tab:
    return Tab(engine)


def kept(tab: Tab) -> str:
    """What the site's storages and cookies hold."""
    return str(tab.run("JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie"))


def known(tab: Tab, app: App, site: Site, text: str = "") -> str:
    """A proven visitor; their contact."""
    tab.go(site.put("/", text or shop_page(app))).hears("ready")
    identity = f"{{ external_id: 'user_123', user_hash: '{app.hash('user_123')}', name: 'Jane' }}"
    answer = tab.run(f"Hullo.identify({identity})")
    assert answer["standing"] == "proven"
    return str(answer["contact_id"])


@pytest.mark.parametrize("document", ["convot", "sonny"])
def test_both_documented_calls_create_a_contact(tab: Tab, site: Site, app: App, document: str) -> None:
    tab.go(site.put("/before", shop_page(app))).open_chat().say("Where is my order?")
    tab.until(lambda: app.texts() == ["Where is my order?"])
    tab.sees("where('[role=dialog] input[type=email]')")
    installed = f'<script src="{app.widget}?global=Convot&app={app.key}"></script>{convot(app)}'
    tab.go(site.put("/", page(installed if document == "convot" else sonny(app))))
    [contact] = tab.until(app.contacts)
    assert contact["email"] == "jane@example.com"
    assert app.conversations()[0]["contact_id"] == contact["id"]
    tab.open_chat().shows("Where is my order?")
    assert not tab.run("where('[role=dialog] input[type=email]')")


def test_agent_answer_is_shown_at_once(tab: Tab, site: Site, app: App) -> None:
    policy = f"default-src 'none'; script-src 'self' {app.server.url}; connect-src {app.sources}"
    site.script("/page.js", LISTENING)
    text = page('<script src="/page.js"></script>', tag(app))
    tab.go(site.put("/", text, headers={"Content-Security-Policy": policy})).hears("ready")
    tab.open_chat().say("Hello?")
    tab.until(lambda: app.texts() == ["Hello?"])
    app.answer("Hello to you.")
    tab.shows("Hello to you.")
    assert tab.run("getComputedStyle(deep('button[aria-expanded]')).borderTopLeftRadius") != "0px"


@pytest.mark.parametrize("lost", ["localStorage.clear()", "document.cookie = 'hullo_session=; max-age=0; path=/'"])
def test_lost_browser_storage_is_restored(tab: Tab, site: Site, app: App, lost: str) -> None:
    address = site.put("/", shop_page(app))
    tab.go(address)
    visitor = tab.hears("ready")["visitor_id"]
    tab.run(lost)
    tab.go(address)
    assert tab.hears("ready")["visitor_id"] == visitor
    assert tab.run("Object.values(localStorage).some(each => each.includes('hvs_'))")
    assert tab.run("document.cookie.includes('hvs_')")


@pytest.mark.rule("S2")
def test_reset_clears_every_tab(tab: Tab, engine: Engine, site: Site, app: App) -> None:
    known(tab, app, site)
    tab.open_chat().say("It is a secret.")
    tab.until(lambda: app.texts() == ["It is a secret."])
    other = Tab(engine).go(f"{site.origin}/")
    before = other.hears("ready")["visitor_id"]
    other.open_chat().shows("It is a secret.")
    tab.run("Hullo.reset()")
    assert tab.hears("reset")["visitor_id"] != before
    assert other.hears("reset")["visitor_id"] == tab.hears("reset")["visitor_id"]
    for each in (tab, other):
        each.sees("!deep('[role=log]').textContent.includes('secret')")
        assert "Jane" not in kept(each)


@pytest.fixture
def help_centre(new_site: Callable[..., Site], shared_server: Serving, app: App) -> Site:
    """Another origin's, in the same workspace."""
    site = new_site("localhost")
    site.put("/", shop_page(shared_server.app([site.origin], workspace=app.workspace)))
    return site


def beside_a_link(tab: Tab, site: Site, app: App, help_centre: Site) -> str:
    """A proven visitor on a page with a link to the help centre; their contact."""
    link = f'<a id="help" href="{help_centre.origin}/">Help</a>'
    return known(tab, app, site, page(script(LISTENING), tag(app, f'data-domains="{help_centre.origin}"'), body=link))


def check_the_landing(help_centre: Site) -> None:
    landing = next(each for each in help_centre.asked if each.path == "/")
    assert "hullo_identity=" in landing.target
    assert "referer" not in landing.headers


@pytest.mark.rule("T1", "T2")
def test_click_carries_identity_to_the_help_centre(tab: Tab, site: Site, app: App, help_centre: Site) -> None:
    contact = beside_a_link(tab, site, app, help_centre)
    tab.near("#help")
    tab.click("#help")
    tab.sees(f"location.origin === {help_centre.origin!r}")
    assert tab.hears("identified")["contact_id"] == contact
    assert tab.run("location.href") == f"{help_centre.origin}/"
    assert tab.run("document.referrer") == ""
    check_the_landing(help_centre)


@pytest.mark.rule("T1", "T2")
def test_middle_click_tab_carries_the_identity(tab: Tab, site: Site, app: App, help_centre: Site) -> None:
    beside_a_link(tab, site, app, help_centre)
    tab.near("#help")
    tab.click("#help", button=1)
    tab.until(lambda: any(each.path == "/" for each in help_centre.asked))
    check_the_landing(help_centre)
    # The small browser that WebKit brings along opens it in the page's place.
    tab.sees(f"(document.getElementById('help') ?? location).href === '{help_centre.origin}/'")
