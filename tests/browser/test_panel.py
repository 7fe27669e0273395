"""The chat: text is text, keys are enough, and what fails can be tried again."""

from __future__ import annotations

import pytest

from browser.pages import shop_page
from browser.serving import App, Serving
from browser.sites import Site
from browser.visits import Console, Visit

MARKUP = (
    "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    "<b>bold</b> &lt;i&gt; javascript:document.title='run' https://example.com/\"onmouseover=\"alert(1)"
)


def test_agent_message_is_shown_as_text(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say(MARKUP)
    visit.until(lambda: app.texts() == [MARKUP])
    app.answer(MARKUP)
    visit.until(lambda: visit.lines.count() == 2)
    for line in visit.lines.all():
        assert "<b>bold</b> &lt;i&gt;" in line.inner_text()
        assert line.locator("img, script, b, i").count() == 0
        for link in line.locator("a").all():
            assert (link.get_attribute("href") or "").startswith("https://example.com/")
            assert link.get_attribute("onmouseover") is None
    assert visit.page.title() == "A page"


def test_panel_works_by_keyboard_alone(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    keys = visit.page.keyboard
    keys.press("Tab")
    assert visit.launcher.evaluate("button => button.getRootNode().activeElement === button")
    keys.press("Enter")
    visit.panel.wait_for()
    focused = "panel => panel.contains(panel.getRootNode().activeElement)"
    visit.until(lambda: visit.panel.evaluate(focused))
    for _ in range(8):
        if visit.text.evaluate("box => box.getRootNode().activeElement === box"):
            break
        keys.press("Tab")
    keys.type("Hello?")
    keys.press("Shift+Enter")
    keys.type("Two lines.")
    keys.press("Enter")
    visit.until(lambda: app.texts() == ["Hello?\nTwo lines."])
    keys.press("Escape")
    visit.hears("close")
    visit.panel.wait_for(state="hidden")
    assert visit.launcher.evaluate("button => button.getRootNode().activeElement === button")


def test_anonymous_visitor_may_leave_an_email(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say("Where is my order?")
    visit.until(lambda: app.texts() == ["Where is my order?"])
    visit.prompt.fill("jane@example.com")
    visit.prompt.press("Enter")
    visit.prompt.wait_for(state="hidden")
    [contact] = visit.until(app.contacts)
    assert (contact["email"], contact["standing"]) == ("jane@example.com", "owned")
    assert app.conversations()[0]["contact_id"] == contact["id"]


def test_invalid_email_is_refused(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say("Where is my order?")
    visit.prompt.fill("jane at example")
    visit.prompt.press("Enter")
    visit.panel.get_by_text("That does not look like an email address.").wait_for()
    assert visit.prompt.get_attribute("aria-invalid") == "true"
    assert visit.prompt.is_visible()
    assert app.contacts() == []


def test_known_visitor_is_not_asked_for_email(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say("Where is my order?")
    visit.prompt.wait_for()
    visit.identify(email="jane@example.com")
    visit.prompt.wait_for(state="hidden")
    visit.go(site.origin + "/").ready().open().shows("Where is my order?")
    assert visit.prompt.is_hidden()


def test_failed_history_load_can_be_retried(visit: Visit, site: Site, own_server: Serving, console: Console) -> None:
    console.expect("50[03]|net::ERR|WebSocket")  # whatever a browser says of a server whose database is broken
    app = own_server.app([site.origin])
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say("Where is my order?")
    visit.panel.locator(".line.sent").wait_for()  # else the next page would send it once more, and show it
    visit.go(site.origin + "/").ready()
    own_server.sql("ALTER TABLE message RENAME TO message_elsewhere")
    visit.open()
    again = visit.panel.get_by_role("button", name="Try again")
    again.wait_for()
    assert visit.lines.count() == 0
    own_server.sql("ALTER TABLE message_elsewhere RENAME TO message")
    again.click()
    visit.shows("Where is my order?")
    assert again.is_hidden()


@pytest.mark.rule("S2")
def test_draft_is_cleared_for_the_next_visitor(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.text.fill("What Jane was about to say")
    visit.identify(email="jane@example.com")
    assert visit.text.input_value() == "What Jane was about to say"
    visit.run("Hullo.reset()")
    visit.until(lambda: visit.text.input_value() == "")


def test_overlong_text_stays_in_the_input(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    long = "é" * 8000
    visit.say(long)
    visit.until(app.texts)
    assert app.texts() == [long]
    visit.say("x" * 8001)
    visit.panel.get_by_text("Too long to send.").wait_for()
    assert visit.text.input_value() == "x" * 8001
    assert app.texts() == [long]


def test_panel_opens_and_closes_by_call(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready()
    visit.run("Hullo.open()")
    visit.hears("open")
    assert visit.launcher.get_attribute("aria-expanded") == "true"
    visit.run("Hullo.toggle()")
    visit.hears("close")
    assert visit.panel.is_hidden()
    visit.run("Hullo.hide()")
    assert visit.launcher.is_hidden()
    visit.run("Hullo.show()")
    assert visit.launcher.is_visible()


def test_messages_persist_on_the_next_page(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    for number in range(3):
        visit.say(f"Message {number}")
    visit.until(lambda: len(app.texts()) == 3)
    app.answer("Answer")
    visit.shows("Answer")
    visit.go(site.origin + "/").ready().open()
    visit.shows("Answer")
    said = ["Message 0", "Message 1", "Message 2", "Answer"]
    assert [text in line for text, line in zip(said, visit.lines.all_inner_texts(), strict=True)] == [True] * 4
