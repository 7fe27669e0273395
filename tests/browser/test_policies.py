"""Pages that forbid nearly everything, and what the widget does to a page."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from browser.pages import LISTENING, page, script, shop_page, tag
from browser.serving import App, Serving
from browser.sites import Site
from browser.visits import Console, Visit


def strict_page(site: Site, app: App, policy: str, attributes: str = "") -> str:
    """Nothing inline: what the page says is in a file."""
    site.script("/page.js", LISTENING)
    text = page(f'<script src="/page.js" {attributes}></script>', tag(app, f"async {attributes}"))
    text = text.replace('<link rel="icon" href="data:,">', "")
    return site.put("/", text, headers={"Content-Security-Policy": policy})


def check_that_it_works(visit: Visit, app: App) -> None:
    visit.ready()
    assert visit.identify(email="jane@example.com")["standing"] == "claimed"
    visit.open().say("Hello?")
    visit.until(lambda: app.texts() == ["Hello?"])
    app.answer("Hello to you.")
    visit.shows("Hello to you.")
    # Its looks came with it: a button without them would stand in the page's flow.
    assert visit.launcher.evaluate("button => getComputedStyle(button).borderTopLeftRadius") != "0px"
    width = visit.panel.evaluate("panel => panel.getBoundingClientRect().width")
    assert 200 < width < 600


def test_widget_works_when_only_its_origin_allowed(visit: Visit, site: Site, app: App) -> None:
    policy = f"default-src 'none'; script-src 'self' {app.server.url}; connect-src {app.sources}; base-uri 'none'"
    visit.go(strict_page(site, app, policy))
    check_that_it_works(visit, app)


def test_widget_works_with_trusted_types(visit: Visit, site: Site, app: App) -> None:
    policy = (
        f"default-src 'self' {app.sources}; require-trusted-types-for 'script'; trusted-types hullo; object-src 'none'"
    )
    visit.go(strict_page(site, app, policy))
    check_that_it_works(visit, app)


@pytest.mark.parametrize(
    "swap",
    [
        "document.body.innerHTML = '<h1>Another view</h1>'",
        "document.body = document.createElement('body')",
        "document.body = document.createElement('body'); await 0; document.body.innerHTML = '<h1>Another view</h1>'",
    ],
)
def test_view_change_keeps_the_launcher(visit: Visit, site: Site, app: App, swap: str) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    visit.launcher.wait_for()
    visit.run(f"async () => {{ {swap} }}")
    visit.open().say("Hello?")
    visit.until(lambda: app.texts() == ["Hello?"])


def test_widget_works_where_scripts_need_a_nonce(visit: Visit, site: Site, app: App) -> None:
    policy = f"default-src 'none'; script-src 'nonce-r4nd0m'; connect-src {app.sources}"
    visit.go(strict_page(site, app, policy, 'nonce="r4nd0m"'))
    check_that_it_works(visit, app)


def pinned(app: App, integrity: str, version: str) -> str:
    address = f"{app.server.url}/hullo/widget/{version}/widget.js"
    return shop_page(app).replace(
        f'src="{app.widget}"', f'src="{address}" integrity="{integrity}" crossorigin="anonymous"'
    )


def test_widget_works_pinned_by_integrity_hash(visit: Visit, site: Site, app: App, manifest: dict[str, str]) -> None:
    visit.go(site.put("/", pinned(app, manifest["integrity"], manifest["version"])))
    check_that_it_works(visit, app)


def test_file_with_wrong_integrity_hash_never_runs(
    visit: Visit, site: Site, app: App, manifest: dict[str, str], console: Console
) -> None:
    console.expect("integrity")
    wrong = "sha384-" + "A" * 64
    visit.go(site.put("/", pinned(app, wrong, manifest["version"])))
    visit.until(lambda: console.said("integrity"))
    assert visit.run("typeof window.Hullo") == "undefined"


@pytest.fixture
def manifest(shared_server: Serving) -> dict[str, str]:
    """Of the script that this server serves."""
    told = json.loads(files("hullo_plugins.widget").joinpath("built/manifest.json").read_text("utf-8"))
    return {"version": told["version"], "integrity": told["files"]["widget.js"]["integrity"]}


def test_widget_causes_no_layout_shift(visit: Visit, site: Site, app: App) -> None:
    watch = """
        window.shifted = 0;
        new PerformanceObserver(list => list.getEntries().forEach(each => { shifted += each.value; }))
          .observe({ type: 'layout-shift', buffered: true });
    """
    body = "<h1>A page</h1>" + "<p>Words that stand still. </p>" * 40
    visit.go(site.put("/", shop_page(app, script(watch), body=body))).ready()
    visit.run("Hullo.open()")
    visit.text.wait_for()
    visit.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert visit.run("shifted") == 0
    # A shift is noticed here: so much for an observer that sees nothing.
    visit.run("document.querySelector('h1').style.marginTop = '400px'")
    visit.until(lambda: visit.run("shifted") > 0)


def test_page_styles_do_not_reach_the_widget(visit: Visit, site: Site, app: App) -> None:
    body = (
        "<style>* { font-size: 90px !important; color: red !important }"
        "button, textarea, svg { display: none !important }</style><h1>Rude</h1>"
    )
    visit.go(site.put("/", shop_page(app, body=body))).ready()
    visit.open()
    size = visit.text.evaluate("box => parseFloat(getComputedStyle(box).fontSize)")
    assert size < 30
    assert visit.launcher.is_visible()


# What a developer did wrong is said once, on the console, and a visitor is not bothered.


def test_unknown_app_key_is_reported_once(visit: Visit, site: Site, app: App, console: Console) -> None:
    console.expect("404", "WebSocket")
    visit.go(site.put("/", shop_page(app).replace(app.key, "app_nobody")))
    visit.until(lambda: console.said("app_nobody"))
    visit.run("hullo('identify', { email: 'jane@example.com' })")
    assert visit.hears("error")["code"] == "unknown_app"
    visit.page.wait_for_load_state("networkidle")
    assert len(console.said("^hullo: ")) == 1


def test_unlisted_origin_is_reported_once(visit: Visit, site: Site, shared_server: Serving, console: Console) -> None:
    console.expect("403", "CORS", "ERR_FAILED", "WebSocket")
    app = shared_server.app(["https://shop.example.com"])
    visit.go(site.put("/", shop_page(app)))
    visit.until(lambda: console.said("^hullo: "))
    assert visit.hears("error")["code"] == "bad_origin"
    visit.run("hullo('identify', { email: 'jane@example.com' })")
    visit.page.wait_for_load_state("networkidle")
    [line] = console.said("^hullo: ")
    assert site.origin in line
    assert app.contacts() == []


def test_empty_identify_is_reported_once(visit: Visit, site: Site, app: App, console: Console) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    for _ in range(3):
        assert visit.identify(name="Jane") == {"refused": "no_identifier"}
    visit.run("hullo('identify', {})")
    assert visit.hears("error")["code"] == "no_identifier"
    assert len(console.said("^hullo: .*email")) == 1
    assert len(console.said("^hullo: ")) == 1


def test_required_proof_is_reported_and_may_follow(
    visit: Visit, site: Site, shared_server: Serving, console: Console
) -> None:
    app = shared_server.app([site.origin], verification="required")
    visit.go(site.put("/", shop_page(app))).ready()
    assert visit.identify(external_id="user_123") == {"refused": "proof_required"}
    assert visit.hears("identity-required") == {"code": "proof_required"}
    assert app.contacts() == []
    assert visit.identify(external_id="user_123", user_hash=app.hash("user_123"))["standing"] == "proven"
    assert len(visit.heard("identity-required")) == 1


def test_expired_proof_is_reported(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    token = app.token("user_123")
    assert visit.identify(token=token)["standing"] == "proven"
    visit.run("Hullo.reset()")
    # It was good once.
    assert visit.identify(token=token) == {"refused": "proof_rejected"}
    assert visit.hears("identity-required") == {"code": "proof_rejected"}
