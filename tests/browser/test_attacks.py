"""What others try through a page that has the widget: with what a site shows of theirs, and from a sub-domain."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import BrowserContext

from browser.pages import LISTENING, page, script, shop_page, tag
from browser.serving import App, Serving
from browser.sites import Site
from browser.visits import Console, Visit

EVERYWHERE = (
    '<img name="currentScript" src="EVIL/widget.js" data-host="EVIL" data-app="app_evil">'
    '<img name="scripts" src="EVIL/widget.js"><img name="scripts" src="EVIL/hullo/widget.js">'
    '<form id="Hullo"><input name="constructor"><input name="appKey" value="app_evil"></form>'
    '<form id="hullo"><input name="q"></form><a id="hullo-widget"></a>'
)
"""What a site may let its users write, where it takes scripts out: names that a page's scripts look things up by."""


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """Of a site that signs for itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "site.pem"
    file.write_bytes(secret + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.slow
@pytest.mark.rule("S1")
def test_subdomain_planted_session_is_never_proven(
    new_context: Callable[..., BrowserContext],
    new_site: Callable[..., Site],
    shared_server: Serving,
    tls: ssl.SSLContext,
) -> None:
    """Whoever planted it would share what the visitor makes of it."""
    site = new_site("shop.localhost", tls)
    app = shared_server.app([site.origin])
    planted = shared_server.call("POST", "/hullo/v1/join", {"app_key": app.key}).json["session_token"]
    context = new_context(ignore_https_errors=True)
    context.add_cookies([{"name": "hullo_session", "value": planted, "domain": ".shop.localhost", "path": "/"}])
    visit = Visit(context.new_page()).go(site.put("/", shop_page(app))).ready()
    proven = visit.identify(external_id="user_1", user_hash=app.hash("user_1"))
    assert proven["standing"] == "proven"
    kept = {"Authorization": f"Bearer {planted}"}
    assert shared_server.call("GET", "/hullo/v1/me", **kept).json["identified"] is False
    visit.run("localStorage.clear()")
    assert visit.go(site.origin + "/").ready().heard("ready")[0]["visitor_id"] == proven["visitor_id"]


def test_dom_clobbering_does_not_redirect_the_widget(
    visit: Visit, site: Site, app: App, new_site: Callable[..., Site]
) -> None:
    evil = new_site("evil.localhost")
    users_words = EVERYWHERE.replace("EVIL", evil.origin)
    visit.go(site.put("/", page(script(LISTENING), tag(app, "defer"), body=users_words))).ready()
    assert visit.identify(external_id="user_1", user_hash=app.hash("user_1"))["standing"] == "proven"
    assert [each["external_id"] for each in app.contacts()] == ["user_1"]
    assert [each.target for each in evil.asked if "widget.js" not in each.target] == []


def test_other_vendors_script_gets_no_session(
    visit: Visit, site: Site, app: App, new_site: Callable[..., Site], console: Console
) -> None:
    # The vendor answers no socket.
    console.expect("vendor.localhost")
    vendor = new_site("vendor.localhost")
    vendor.script("/widget.js", "")
    module = f'<script type="module" crossorigin src="{app.widget}" data-app="{app.key}"></script>'
    head = script(LISTENING), f'<script src="{vendor.origin}/widget.js"></script>', module
    visit.go(site.put("/", page(*head))).ready()
    assert visit.identify(external_id="user_1", user_hash=app.hash("user_1"))["standing"] == "proven"
    assert {asked.path for asked in vendor.asked} == {"/widget.js"}
    # A script that names another host finds no session of this one.
    elsewhere = f'<script src="{app.widget}" data-app="{app.key}" data-host="{vendor.origin}/hullo"></script>'
    visit.go(site.put("/elsewhere", page(script(LISTENING), elsewhere)))
    visit.until(lambda: any("/socket" in asked.target for asked in vendor.asked))
    assert "hvs_" not in str(visit.kept())


@pytest.mark.rule("T2", "T3")
def test_click_counter_never_gets_the_token(
    visit: Visit, new_site: Callable[..., Site], shared_server: Serving
) -> None:
    """The address that `ping` names is sent the address that the link leads to."""
    site, help_centre, counter = new_site(), new_site("localhost"), new_site("counter.localhost")
    app = shared_server.app([site.origin])
    shared_server.app([help_centre.origin], workspace=app.workspace)
    help_centre.put("/", page())
    ping = f'ping="{counter.origin}/clicks" target="_blank"'
    links = f'<a id="help" href="{help_centre.origin}/" {ping}>Help</a> <a id="own" href="/own" {ping}>Here</a>'
    site.put("/own", page())
    listed = tag(app, f'async data-domains="{help_centre.origin}"')
    visit.go(site.put("/", page(script(LISTENING), listed, body=links))).ready()
    visit.identify(external_id="user_1", user_hash=app.hash("user_1"))
    with visit.page.expect_response("**/identity-token"):
        visit.page.locator("#help").hover()
    visit.page.locator("#help").click()
    visit.until(lambda: [each for each in help_centre.asked if "hullo_identity=" in each.target])
    visit.page.locator("#own").click()
    visit.until(lambda: [each for each in counter.asked if each.headers["ping-to"].endswith("/own")])
    assert "hullo_identity" not in str(counter.asked)


WORDS = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>",
    "javascript:document.title='owned'",
    "[click](javascript:document.title='owned') JAVASCRIPT:alert(1) data:text/html,<script>1</script>",
    "https://good.example@evil.example/ https://evil.example\u202e/moc.elpmaxe http://\"onclick=document.title='owned'",
    "https://x/\"><img src=x onerror=document.title='owned'>",
)


def test_agent_and_visitor_messages_stay_text(visit: Visit, site: Site, app: App, console: Console) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    for text in WORDS:
        visit.say(text)
        visit.shows(text)
        app.answer(text)
    visit.until(lambda: visit.lines.count() == 2 * len(WORDS))
    assert visit.run("document.title") == "A page"
    assert visit.panel.locator("img, script, iframe, [onerror], [onclick]").count() == 0
    links = visit.lines.locator("a").evaluate_all("links => links.map(link => [link.protocol, link.username])")
    assert {protocol for protocol, _ in links} <= {"http:", "https:"}
    assert {name for _, name in links} <= {""}
