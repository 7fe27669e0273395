"""The demo site: hullo mounted, under `default-src 'self'` and Trusted Types, and a help centre on another origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from browser.serving import Serving
from browser.visits import Visit
from demo_site import Sites, serving


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with serving(tmp_path_factory.mktemp("demo")) as sites:
        yield sites


def known(page: Page, name: str) -> str:
    """What stands on `/who` beside a name."""
    return page.locator(f"dt:text-is('{name}') + dd").first.inner_text()


def log_in(visit: Visit, sites: Sites, name: str) -> None:
    visit.go(f"{sites.shop}/login")
    visit.page.get_by_role("button", name=name).click()
    visit.page.get_by_role("button", name="Log out").wait_for()


@pytest.mark.slow
def test_visitor_chats_logs_in_hops_logs_out(visit: Visit, another_tab: Callable[[], Visit], sites: Sites) -> None:
    visit.go(f"{sites.shop}/")
    visit.page.get_by_role("button", name="Ask about it").first.click()
    visit.text.wait_for()
    visit.say("Does it really whistle in F?")
    desk = another_tab().go(f"{sites.shop}/desk")
    desk.page.get_by_text("Does it really whistle in F?").wait_for()
    desk.page.get_by_label("Answer", exact=True).first.fill("In F sharp, near the sea.")
    desk.page.get_by_role("button", name="Answer").first.click()
    visit.shows("In F sharp, near the sea.")

    log_in(visit, sites, "Jane Doe")
    who = another_tab().go(f"{sites.shop}/who")
    who.until(lambda: known(who.page, "standing") == "proven")
    assert known(who.page, "logged in") == "jane"
    assert known(who.page, "email").startswith("jane@example.com")
    visit.open().shows("In F sharp, near the sea.")
    assert visit.prompt.is_hidden()

    contact = known(who.page, "contact_id")
    # The other tab may have been the first to say who she is: before this one knows, its links take nobody along.
    visit.until(lambda: visit.run("Hullo.identityToken().then(() => true, () => false)"))
    to_help = visit.page.get_by_role("link", name="Help centre")
    visit.near(to_help)
    to_help.click()
    visit.page.wait_for_url(f"{sites.help_centre}/")
    visit.page.get_by_text(contact).first.wait_for()
    assert "hullo_identity" not in visit.page.content()

    visit.page.get_by_role("link", name="Back to the shop").click()
    visit.page.wait_for_url(f"{sites.shop}/")
    visit.page.get_by_role("button", name="Log out").click()
    visit.page.get_by_role("link", name="Log in").wait_for()
    who.until(lambda: known(who.page, "standing") == "nobody")
    visit.open().panel.get_by_text("How can we help?").wait_for()
    assert visit.lines.count() == 0


def test_profile_change_reaches_the_contact(visit: Visit, another_tab: Callable[[], Visit], sites: Sites) -> None:
    log_in(visit, sites, "Ravi Patel")
    visit.go(f"{sites.shop}/profile")
    visit.page.get_by_label("Plan").select_option("pro")
    visit.page.get_by_role("button", name="Save").click()
    who = another_tab().go(f"{sites.shop}/who")
    who.until(lambda: who.page.locator("dt:text-is('plan')").count() == 1 and known(who.page, "plan").startswith("pro"))
    assert known(who.page, "logged in") == "ravi"


def test_claim_to_be_jane_reveals_nothing(visit: Visit, another_tab: Callable[[], Visit], sites: Sites) -> None:
    log_in(visit, sites, "Jane Doe")
    visit.go(f"{sites.shop}/who")
    visit.until(lambda: known(visit.page, "standing") == "proven")
    visit.page.get_by_role("button", name="Log out").click()
    visit.page.get_by_role("link", name="Log in").wait_for()
    visit.go(f"{sites.shop}/who")
    visit.page.get_by_role("button", name="Claim to be Jane, unsigned").click()
    visit.until(lambda: known(visit.page, "standing") == "claimed")
    visit.until(lambda: known(visit.page, "name").startswith("Jane Doe"))
    told = visit.page.locator("#events").inner_text()
    assert "Jane" not in told
    assert "user_123" not in told


@pytest.fixture
def of_the_command_line(tmp_path: Path) -> Iterator[Serving]:
    server = Serving(tmp_path, "--demo")
    yield server.start()
    server.end()


@pytest.mark.slow
def test_command_line_demo_has_the_widget(of_the_command_line: Serving, visit: Visit) -> None:
    visit.go(f"{of_the_command_line.url}/").open()
    visit.page.get_by_role("button", name="As Jane").click()
    visit.page.get_by_text("Proven: the shop’s server vouches for this.").wait_for()
    visit.say("Where is my order?")
    visit.page.locator("#contact strong", has_text="Jane Doe").wait_for()
    visit.until(lambda: "identify" in visit.calls)
    assert visit.prompt.is_hidden()
    visit.page.locator("#reset").click()
    visit.until(lambda: visit.lines.count() == 0)
