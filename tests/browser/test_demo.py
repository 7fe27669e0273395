"""The demo in a browser: the shop under `default-src 'self'` and Trusted Types, the help centre on another origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from browser.visits import Visit
from demo_site import Sites, serving


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with serving(tmp_path_factory.mktemp("demo")) as sites:
        yield sites


def known(page: Page, name: str) -> str:
    """Read the value beside a name on `/who`."""
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
    who.page.get_by_text("identified them by external id with a signed hash").first.wait_for()
    assert known(who.page, "conversation") == "belongs to the contact"
    visit.open().shows("In F sharp, near the sea.")
    assert visit.prompt.is_hidden()

    contact = known(who.page, "contact_id")
    # The other tab may identify her first. Until this tab knows it too, its links carry no identity.
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
    who.until(lambda: known(who.page, "standing") == "anonymous")
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
    events = visit.page.locator("#events").inner_text()
    assert "Jane" not in events
    assert "user_123" not in events
