"""The identity goes along to the help centre, and its token is seen by nobody on the way (T1 to T5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page

from browser.pages import LISTENING, page, script, shop_page, tag
from browser.serving import App, Serving
from browser.sites import Asked, Site
from browser.visits import Console, Visit

# A script of somebody else's, which tells its server all that it sees.
ANALYTICS = "new Image().src = '/seen?' + encodeURIComponent(location.href + ' ' + document.referrer);"
WATCHING = "window.seen = []; addEventListener('click', e => seen.push(e.target.href), true);"


@dataclass(frozen=True)
class Sites:
    shop: Site
    help_centre: Site
    elsewhere: Site
    shop_app: App
    help_app: App


@pytest.fixture
def sites(shared_server: Serving, new_site: Callable[..., Site]) -> Sites:
    shop, help_centre, elsewhere = new_site(), new_site("localhost"), new_site("elsewhere.localhost")
    shop_app = shared_server.app([shop.origin])
    help_app = shared_server.app([help_centre.origin], workspace=shop_app.workspace)
    for path in ("/", "/article"):
        help_centre.put(path, watched(help_app, body=f'<a id="back" href="{shop.origin}/">Back to the shop</a>'))
    help_centre.put("/seen", "", "image/png")
    shared_server.app([elsewhere.origin])
    elsewhere.put("/", page(body="<h1>Elsewhere</h1>"))
    links = (
        f'<p><a id="help" href="{help_centre.origin}/article?from=shop#top">Help</a> '
        f'<a id="blank" target="_blank" href="{help_centre.origin}/article">Help, aside</a> '
        f'<a id="elsewhere" href="{elsewhere.origin}/">Elsewhere</a> <a id="own" href="/own">Here</a></p>'
    )
    # No setting names the help centre (T7).
    shop.put("/", page(script(LISTENING), script(WATCHING), tag(shop_app, ""), body=links))
    shop.put("/own", page())
    return Sites(shop, help_centre, elsewhere, shop_app, help_app)


def watched(app: App, body: str = "") -> str:
    """A page with the widget, and with a script of somebody else's after it."""
    return shop_page(app, attributes="", body=body).replace("</head>", f"{script(ANALYTICS)}</head>")


def carries(asked: Asked) -> bool:
    return "hullo_identity=" in asked.target


def at_the_shop(visit: Visit, sites: Sites) -> str:
    """A proven visitor; their contact."""
    visit.go(sites.shop.origin + "/").ready()
    answer = visit.identify(external_id="user_123", user_hash=sites.shop_app.hash("user_123"))
    assert answer["standing"] == "proven"
    return str(answer["contact_id"])


def check_the_arrival(arrived: Visit, sites: Sites, contact: str) -> None:
    """Somebody who is known, and a token that is seen nowhere but in the request that brought it."""
    assert arrived.hears("identified")["contact_id"] == contact
    assert "hullo_identity" not in arrived.page.url
    assert arrived.run("document.referrer") == ""
    landing, *later = [each for each in sites.help_centre.asked if not each.path.startswith("/favicon")]
    assert carries(landing)
    assert "referer" not in landing.headers
    token = landing.target.partition("hullo_identity=")[2].partition("&")[0]
    assert len(token) > 20
    for each in (*later, *sites.shop.asked, *sites.elsewhere.asked):
        assert token not in each.target
        assert token not in str(each.headers)
    assert any(each.path == "/seen" for each in later)
    assert token not in str(arrived.kept())


@pytest.mark.slow
@pytest.mark.rule("T2", "T3")
def test_click_carries_identity_and_leaves_no_token(visit: Visit, sites: Sites) -> None:
    contact = at_the_shop(visit, sites)
    visit.near(visit.page.locator("#help"))
    visit.page.click("#help")
    visit.page.wait_for_url(f"{sites.help_centre.origin}/article?from=shop#top")
    check_the_arrival(visit, sites, contact)
    # Back, and forth again: the history has the clean address.
    visit.page.go_back()
    visit.ready()
    assert visit.run("document.getElementById('help').getAttribute('href')").endswith("/article?from=shop#top")
    visit.page.go_forward()
    visit.ready()
    assert visit.page.url == f"{sites.help_centre.origin}/article?from=shop#top"
    assert len([each for each in sites.help_centre.asked if carries(each)]) == 1


@pytest.mark.rule("T7", "S5")
def test_links_both_ways_work_without_settings(visit: Visit, sites: Sites) -> None:
    contact = at_the_shop(visit, sites)
    for link, address in (("#help", "/article?from=shop#top"), ("#back", "/")):
        visit.near(visit.page.locator(link))
        visit.page.click(link)
        visit.page.wait_for_url(f"**{address}")
        assert visit.hears("identified")["contact_id"] == contact
    # The visitor logs out in the shop, and the help centre forgets them too.
    visit.run("Hullo.reset()")
    visit.hears("reset")
    visit.go(f"{sites.help_centre.origin}/").ready()
    assert visit.heard("ready")[0]["identified"] is False


@pytest.mark.rule("T6")
def test_page_rendered_ahead_redeems_no_token(visit: Visit, sites: Sites) -> None:
    ahead = "document.ahead = true; Object.defineProperty(document, 'prerendering', { get: () => document.ahead });"
    page_ahead = shop_page(sites.help_app, attributes="").replace("<head>", f"<head>{script(ahead)}")
    sites.help_centre.put("/ahead", page_ahead)
    visit.go(f"{sites.help_centre.origin}/ahead?hullo_identity={sites.help_app.token('user_123')}")
    visit.page.wait_for_load_state("networkidle")
    assert (visit.calls, visit.page.url) == ([], f"{sites.help_centre.origin}/ahead")
    visit.run("document.ahead = false; document.dispatchEvent(new Event('prerenderingchange'))")
    assert visit.hears("identified")["standing"] == "proven"


def test_click_without_hover_waits_for_token(visit: Visit, sites: Sites) -> None:
    contact = at_the_shop(visit, sites)
    visit.run("document.getElementById('help').click()")
    visit.page.wait_for_url(f"{sites.help_centre.origin}/article?from=shop#top")
    check_the_arrival(visit, sites, contact)


def test_one_app_hops_between_listed_origins(
    visit: Visit, shared_server: Serving, new_site: Callable[..., Site]
) -> None:
    shop, blog = new_site(), new_site("localhost")
    app = shared_server.app([shop.origin, blog.origin])
    shop.put("/", shop_page(app, body=f'<a id="blog" href="{blog.origin}/">Blog</a>'))
    blog.put("/", watched(app))
    blog.put("/seen", "", "image/png")
    visit.go(shop.origin + "/").ready()
    visit.identify(email="jane@example.com")
    visit.near(visit.page.locator("#blog"))
    visit.page.click("#blog")
    visit.page.wait_for_url(f"{blog.origin}/")
    assert visit.hears("identified")["standing"] == "claimed"
    assert [carries(each) for each in blog.asked if each.path == "/"] == [True]


def test_page_scripts_never_see_the_token(visit: Visit, sites: Sites) -> None:
    at_the_shop(visit, sites)
    visit.run("document.body.addEventListener('click', e => sessionStorage.setItem('late', e.target.href))")
    visit.near(visit.page.locator("#help"))
    visit.page.click("#help")
    visit.page.wait_for_url("**/article**")
    visit.page.go_back()
    assert "hullo_identity" not in visit.run("sessionStorage.getItem('late')")


@pytest.mark.parametrize(
    "open_aside",
    [
        lambda page: page.click("#blank"),
        lambda page: page.click("#help", button="middle"),
        lambda page: page.click("#help", modifiers=["Control"]),
    ],
    ids=["target blank", "middle click", "with Control"],
)
def test_new_tab_link_carries_the_identity(visit: Visit, sites: Sites, open_aside: Callable[[Page], None]) -> None:
    contact = at_the_shop(visit, sites)
    visit.near(visit.page.locator("#help"))
    with visit.page.context.expect_page() as opened:
        open_aside(visit.page)
    aside = Visit(opened.value)
    aside.page.wait_for_url("**/article**")
    check_the_arrival(aside, sites, contact)
    assert urlsplit(visit.page.url).path == "/"


def test_copied_link_holds_token_while_menu_open(visit: Visit, sites: Sites) -> None:
    at_the_shop(visit, sites)
    link = visit.page.locator("#help")
    visit.near(link)

    def menu() -> str:
        link.click(button="right")
        return str(link.get_attribute("href"))

    visit.until(lambda: "hullo_identity=" in menu())
    visit.page.keyboard.press("Escape")
    visit.page.mouse.move(1, 1)
    visit.until(lambda: "hullo_identity=" not in str(link.get_attribute("href")))
    assert not link.get_attribute("referrerpolicy")


@pytest.mark.rule("T7")
@pytest.mark.parametrize(("where", "there"), [("#elsewhere", "/"), ("#own", "/own")])
def test_identity_goes_to_no_unlisted_place(visit: Visit, sites: Sites, where: str, there: str) -> None:
    at_the_shop(visit, sites)
    visit.page.locator(where).hover()
    visit.page.click(where)
    visit.page.wait_for_url(f"**{there}")
    asked = [*sites.elsewhere.asked, *sites.shop.asked, *sites.help_centre.asked]
    assert not any(carries(each) for each in asked)
    assert "identity-token" not in visit.calls


def test_anonymous_visitor_carries_nothing(visit: Visit, sites: Sites) -> None:
    visit.go(sites.shop.origin + "/").ready()
    visit.page.click("#help")
    visit.page.wait_for_url("**/article**")
    assert visit.hears("ready")["identified"] is False
    assert not any(carries(each) for each in sites.help_centre.asked)


@pytest.mark.rule("T1", "T5")
def test_token_works_once_and_page_without_it(
    visit: Visit, sites: Sites, new_context: Callable[..., BrowserContext], console: Console
) -> None:
    console.expect("401")
    at_the_shop(visit, sites)
    visit.near(visit.page.locator("#help"))
    visit.page.click("#help")
    visit.page.wait_for_url("**/article**")
    visit.hears("identified")
    [landing] = [each for each in sites.help_centre.asked if carries(each)]
    thief = Visit(new_context().new_page())
    thief.go(sites.help_centre.origin + landing.target).ready()
    assert thief.page.url == f"{sites.help_centre.origin}/article?from=shop"
    assert thief.heard("ready")[0]["identified"] is False
    assert thief.heard("identified") == []
    thief.open().say("Who am I?")
    thief.until(lambda: sites.shop_app.texts() == ["Who am I?"])


def test_refused_landing_keeps_the_earlier_visitor(visit: Visit, sites: Sites, console: Console) -> None:
    console.expect("401")
    visit.go(f"{sites.help_centre.origin}/").ready()
    known = visit.identify(email="ravi@example.com")
    visit.go(f"{sites.help_centre.origin}/?a=1&hullo_identity=rubbish&b=2").ready()
    assert visit.page.url == f"{sites.help_centre.origin}/?a=1&b=2"
    assert visit.heard("ready")[0] == {"visitor_id": known["visitor_id"], "identified": True}


def test_convot_parameter_is_understood(visit: Visit, sites: Sites) -> None:
    token = sites.help_app.token("user_123", name="Jane Doe")
    visit.go(f"{sites.help_centre.origin}/?convot_identity={token}")
    assert visit.hears("identified")["standing"] == "proven"
    assert visit.page.url == f"{sites.help_centre.origin}/"


def test_page_can_request_a_token_itself(visit: Visit, sites: Sites) -> None:
    at_the_shop(visit, sites)
    token = visit.run("to => Hullo.identityToken(to)", sites.help_centre.origin)
    visit.go(f"{sites.help_centre.origin}/?hullo_identity={token}")
    assert visit.hears("identified")["standing"] == "proven"


def test_chat_links_carry_identity_where_allowed(visit: Visit, sites: Sites) -> None:
    contact = at_the_shop(visit, sites)
    visit.open().say("How do I descale it?")
    visit.until(lambda: sites.shop_app.texts() == ["How do I descale it?"])
    sites.shop_app.answer(f"See {sites.help_centre.origin}/article and {sites.elsewhere.origin}/ for more.")
    visit.shows("for more.")
    for address, check in (
        (f"{sites.elsewhere.origin}/", lambda _: not any(map(carries, sites.elsewhere.asked))),
        (f"{sites.help_centre.origin}/article", lambda aside: check_the_arrival(aside, sites, contact) is None),
    ):
        link = visit.panel.locator(f'a[href="{address}"]')
        link.hover()
        with visit.page.context.expect_page() as opened:
            link.click()
        aside = Visit(opened.value)
        aside.page.wait_for_url(address)
        assert check(aside)


@pytest.mark.rule("T6", "T3")
def test_mail_link_leaves_no_token_in_history(visit: Visit, shared_server: Serving, console: Console) -> None:
    app = shared_server.app([])
    console.expect("404")
    page = visit.page
    page.goto(f"{shared_server.url}/hullo/healthz")
    page.goto(f"{shared_server.url}/landing%2Fx?a=1&hullo_identity={app.token('user_123', for_mail=True)}")
    # Out of the address before the visitor presses anything.
    assert page.url == f"{shared_server.url}/landing%2Fx?a=1"
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state()
    page.wait_for_url(f"{shared_server.url}/landing%2Fx?a=1")
    assert [cookie["name"] for cookie in page.context.cookies()] == ["hullo_session"]
    for address in ("/landing%2Fx?a=1", "/hullo/healthz"):
        page.go_back()
        assert page.url == shared_server.url + address
