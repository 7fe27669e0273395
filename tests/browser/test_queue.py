"""Calls from before the script is there, under whatever names, and how often they are sent."""

from __future__ import annotations

import threading

import pytest

from browser.pages import LISTENING, page, script, shop_page, tag
from browser.serving import App, Serving
from browser.sites import Site
from browser.visits import Console, Visit


def slow_widget(site: Site, app: App) -> threading.Event:
    """The script at `/widget.js` of the site, which arrives when the event is set."""
    arrives = threading.Event()
    text = app.server.call("GET", "/hullo/widget.js").body.decode()
    site.script("/widget.js", text, held=arrives)
    return arrives


def slow_page(site: Site, app: App, calls: str, attributes: str = "") -> str:
    installed = f'<script async src="/widget.js" data-host="{app.server.url}/hullo" {attributes}></script>'
    return site.put("/", page(script(LISTENING), script(calls), installed))


def test_queued_calls_run_in_order(visit: Visit, site: Site, app: App) -> None:
    arrives = slow_widget(site, app)
    calls = f"""
        hullo('identify', {{ email: 'jane@example.com', name: 'Before init' }});
        hullo('init', {{ siteId: '{app.key}' }});
        hullo('identify', {{ email: 'jane@example.com', name: 'After init', custom_data: {{ plan: 'pro' }} }});
        hullo('identify', {{ email: 'jane@example.com', custom_data: {{ plan: 'gold' }} }});
    """
    visit.page.goto(slow_page(site, app, calls), wait_until="commit")
    visit.until(lambda: any(each.path == "/widget.js" for each in site.asked))
    assert app.contacts() == []
    arrives.set()
    visit.hears("identified", times=3)
    [contact] = app.contacts()
    assert (contact["name"], contact["custom_data"][app.key]["plan"]) == ("After init", "gold")


def test_stub_keeps_working_after_the_script_loads(visit: Visit, site: Site, app: App) -> None:
    calls = "window.kept = hullo; hullo.mark = 1;"
    visit.go(site.put("/", shop_page(app, script(calls)))).ready()
    assert visit.run("kept === hullo && hullo.mark === 1")
    visit.run("kept('identify', { email: 'jane@example.com' })")
    visit.hears("identified")
    visit.run("hullo.q.push(['identify', { email: 'jane@example.com', name: 'By the queue' }])")
    visit.hears("identified", times=2)
    assert app.contacts()[0]["name"] == "By the queue"


def test_calls_wait_for_a_late_app_key(visit: Visit, site: Site, app: App) -> None:
    installed = f'<script src="{app.widget}"></script>'
    visit.go(site.put("/", page(script(LISTENING), installed)))
    visit.run("window.told = Hullo.identify({ email: 'jane@example.com' }); 0")
    assert visit.calls == []
    visit.run("key => Hullo.init({ appKey: key })", app.key)
    assert visit.run("told.then(answer => answer.standing)") == "claimed"


@pytest.mark.rule("S2")
def test_queued_reset_ends_the_earlier_session(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    before = visit.identify(external_id="user_123", user_hash=app.hash("user_123"))
    visit.open().say("It is a secret.")
    visit.until(lambda: app.texts() == ["It is a secret."])
    visit.go(site.put("/bye", shop_page(app, script("hullo('reset');"))))
    assert visit.hears("ready")["visitor_id"] != before["visitor_id"]
    visit.open()
    assert visit.lines.count() == 0
    assert [each["contact_id"] for each in app.conversations()] == [before["contact_id"]]
    sessions = app.call("GET", f"/contacts/{before['contact_id']}/sessions").json["items"]
    assert [each["active"] for each in sessions] == [False]


def test_token_is_promised_before_a_session_exists(visit: Visit, site: Site, app: App) -> None:
    address = site.put("/", shop_page(app))
    visit.go(address).ready()
    visit.identify(external_id="user_123", user_hash=app.hash("user_123"))
    asked = script("hullo('identityToken', token => { window.token = token; });")
    visit.go(site.put("/later", shop_page(app, asked))).ready()
    assert visit.until(lambda: visit.run("window.token")).count(".") == 2


def test_consent_queued_before_the_script_is_kept(visit: Visit, site: Site, app: App, shared_server: Serving) -> None:
    with shared_server.beside() as hullo:
        hullo.register.change_app(app.key, {"consent": "required"})
    visit.go(site.put("/", shop_page(app, script("hullo('agree');"))))
    assert visit.hears("ready")["visitor_id"] is not None


def test_identity_before_consent_waits_for_it(visit: Visit, site: Site, app: App, shared_server: Serving) -> None:
    with shared_server.beside() as hullo:
        hullo.register.change_app(app.key, {"consent": "required"})
    visit.go(site.put("/", shop_page(app))).ready()
    identity = {"external_id": "user_123", "user_hash": app.hash("user_123")}
    visit.run("identity => { window.told = Hullo.identify(identity); }", identity)
    visit.until(lambda: "identify" in visit.calls)
    assert app.contacts() == []
    visit.run("Hullo.agree()")
    assert visit.run("told.then(answer => answer.standing)") == "proven"
    assert visit.heard("error") == []


def test_unsubscribed_page_gets_no_more_events(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say("Where is my order?")
    visit.hears("message")
    visit.run("['unread', 'message', 'close'].forEach(name => Hullo.off(name)); Hullo.close()")
    app.answer("On its way.")
    visit.page.get_by_label("Open chat, 1 new message").wait_for()
    assert [each["author"] for each in visit.heard("message")] == ["visitor"]


def test_identify_promises_the_answer(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    assert visit.identify(name="Nobody") == {"refused": "no_identifier"}
    answer = visit.identify(email="jane@example.com", phone="none at all")
    assert (answer["standing"], answer["identified"], answer["switched"]) == ("claimed", True, False)
    assert [each["field"] for each in answer["rejected"]] == ["phone"]
    # M6: from here on it is about whom the session knows.
    assert visit.identify(name="Jane")["visitor_id"] == answer["visitor_id"]
    assert [each["name"] for each in app.contacts()] == ["Jane"]


def test_global_names_can_be_changed(visit: Visit, site: Site, app: App) -> None:
    attributes = 'data-global="Acme" data-function="acme" async'
    visit.go(site.put("/", shop_page(app, attributes=attributes)))
    visit.until(lambda: visit.run("!!window.Acme"))
    assert visit.run("typeof window.Hullo") == "undefined"
    visit.run("acme('identify', { email: 'jane@example.com' })")
    visit.until(app.contacts)
    assert visit.run("Acme.identify({ email: 'jane@example.com', name: 'Jane' }).then(answer => answer.standing)")


def test_other_widgets_verbs_work_queued_and_live(visit: Visit, site: Site, app: App, console: Console) -> None:
    calls = """
        window.loaded = 0;
        window.$crisp = [];
        $crisp.push(['set', 'user:email', ['jane@example.com']]);
        $crisp.push(['set', 'user:nickname', ['Jane Doe']]);
        $crisp.push(['set', 'session:data', [[['plan', 'pro'], ['orders', 42]]]]);
        $crisp.push(['on', 'session:loaded', () => { loaded += 1; }]);
        $crisp.push(['do', 'chat:open']);
    """
    visit.go(site.put("/", shop_page(app, script(calls), attributes='data-global="$crisp" async')))
    visit.panel.wait_for()
    [contact] = visit.until(app.contacts)
    assert (contact["email"], contact["name"]) == ("jane@example.com", "Jane Doe")
    assert contact["custom_data"] == {app.key: {"plan": "pro", "orders": 42}}
    visit.until(lambda: visit.run("loaded") == 1)

    visit.run("$crisp.push(['set', 'user:phone', ['+14155550100']])")
    visit.until(lambda: app.contacts()[0]["phone"] == "+14155550100")
    assert console.said("hullo|jane|4155") == [], "nothing of a person is on the console"
    visit.run("$crisp.push(['do', 'chat:close'], ['do', 'session:reset'])")
    visit.hears("close")
    assert visit.hears("reset")["visitor_id"] != visit.heard("ready")[0]["visitor_id"]


def test_repeated_identity_sends_nothing(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    jane = {"email": "jane@example.com", "custom_data": {"plan": "pro", "orders": 3}}
    first = visit.identify(**jane)
    sent = visit.calls.count("identify")
    assert sent == 1
    # Of another order of its fields, too.
    again = visit.identify(custom_data={"orders": 3, "plan": "pro"}, email="jane@example.com")
    assert (again["standing"], again["visitor_id"]) == (first["standing"], first["visitor_id"])
    assert visit.calls.count("identify") == sent
    visit.identify(**{**jane, "name": "Jane"})
    assert visit.calls.count("identify") == sent + 1


def test_identity_is_resent_after_a_reset(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    first = visit.identify(email="jane@example.com")
    visit.run("Hullo.reset()")
    second = visit.identify(email="jane@example.com")
    assert visit.calls.count("identify") == 2
    assert second["visitor_id"] != first["visitor_id"]


def test_identity_is_resent_after_a_refused_proof(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    wrong = {"external_id": "user_123", "user_hash": "0" * 64}
    assert visit.identify(**wrong) == {"refused": "proof_rejected"}
    assert visit.identify(**wrong) == {"refused": "proof_rejected"}
    assert visit.calls.count("identify") == 2


def test_identity_travels_with_the_join(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app, script("hullo('identify', { email: 'jane@example.com' })"))))
    visit.hears("identified")
    assert visit.calls.count("join") == 1
    assert visit.calls.count("identify") == 1
    assert visit.calls[:2] == ["join", "identify"]


def test_late_listener_gets_identity_until_reset(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    visit.identify(email="jane@example.com")
    late = "name => new Promise(done => { Hullo.on(name, () => done(true)); setTimeout(() => done(false), 50); })"
    assert [visit.run(late, name) for name in ("ready", "identified", "open")] == [True, True, False]
    visit.run("Hullo.reset()")
    assert visit.run(late, "identified") is False


def test_script_loaded_twice_makes_one_widget(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app, tag(app)))).ready()
    visit.page.wait_for_load_state("networkidle")
    visit.identify(email="jane@example.com")
    visit.open().say("Hello?")
    visit.until(lambda: app.texts() == ["Hello?"])
    assert len(app.contacts()) == 1
    assert visit.page.locator("hullo-widget").count() == 1
