"""A visitor watches the answers for what they tell of people who are not theirs: at once, and later."""

from __future__ import annotations

import pytest

from attack.serving import seen
from attack.site import Browser, Site, Victim


def _watch(browser: Browser, email: str) -> list[object]:
    """All that a session is answered that once claimed this email."""
    calls = [
        browser.get("/me"),
        browser.post("/join"),
        browser.identify(email=email, name="Mallory", custom_data={"plan": "gold"}),
        browser.post("/conversations", {"text": "Hello?", "client_id": "1"}),
        browser.identify(email=email),
        browser.get("/conversations"),
        browser.post("/identity-token"),
        browser.identify(email=email, external_id="made up"),
        browser.identify(email=f"other {email}".replace(" ", ".")),
    ]
    assert all(answer.status_code == 200 for answer in calls), [answer.text for answer in calls]
    return [seen(answer) for answer in calls]


@pytest.mark.rule("H4", "P2")
@pytest.mark.parametrize("ending", ["erase", "anonymise", "log out"])
def test_claimant_learns_of_no_erasure(site: Site, victim: Victim, ending: str) -> None:
    """Nor of a log-out: a waiting session goes on as one that claimed a stranger, while the victim's own ends."""
    stranger = f"{site.target.name('victim')}@example.com"
    waiting = {email: site.browser() for email in (victim.email, stranger)}
    for email, browser in waiting.items():
        browser.identify(email=email)
    if ending == "log out":
        assert site.api("DELETE", f"/contacts/{victim.id}/sessions").status_code == 200
    else:
        assert site.api("DELETE", f"/contacts/{victim.id}?conversations={ending}").status_code == 200
    assert victim.browser.me()["code"] == "session_revoked"
    claimed, unknown = (_watch(browser, email) for email, browser in waiting.items())
    assert claimed == unknown


@pytest.mark.rule("H3")
def test_own_proof_tells_nothing_of_other_email(site: Site, victim: Victim) -> None:
    """At once, when it is said again, and when other values stand beside it."""
    claimed = f"{site.target.name('victim')}@example.com"
    site.browser().identify(email=claimed)
    imported = f"{site.target.name('victim')}@example.com"
    site.api("POST", "/contacts", {"email": imported, "name": "Ida"})
    answers: list[list[object]] = []
    for email in (f"{site.target.name('victim')}@example.com", victim.email, claimed, imported):
        browser, me = site.browser(), site.target.name("me")
        said = [
            browser.prove(me, email=email, name="Ida", custom_data={"plan": "gold"}),
            browser.prove(me, email=email),
            browser.identify(external_id=me, email=email, company="Ltd"),
            browser.get("/me"),
        ]
        assert said[0].json()["noted"] == ["email"]
        answers.append([seen(answer) for answer in said])
    assert all(other == answers[0] for other in answers[1:])


@pytest.mark.rule("W13")
def test_first_claimant_keeps_no_power_over_owner(site: Site) -> None:
    """Neither where the owner proves the contact, nor where the site does."""
    for proves in ("owner", "site"):
        email = f"{site.target.name('dora')}@example.com"
        mallory = site.browser()
        mallory.identify(email=email, name="Dora")
        if proves == "owner":
            token = site.target.hullo.mint_token(site.app_key, external_id=email, email=email)
            dora = site.browser()
            contact_id = dora.identify(token=token).json()["contact_id"]
            # Beside the token: claims of the owner's own.
            said = dora.identify(email=email, phone="+14155550100", company="Dora Ltd", custom_data={"seats": 7})
            assert said.json()["standing"] == "proven"
        else:
            contact_id = site.api("POST", "/contacts", {"email": email}).json()["id"]
            site.browser().identify(email=email, phone="+14155550100", company="Dora Ltd", custom_data={"seats": 7})
        before = site.contact(contact_id)
        mallory.identify(email=email, phone=None, custom_data={"seats": 0})
        after = site.contact(contact_id)
        assert {**after, "updated_at": "", "last_seen_at": ""} == {**before, "updated_at": "", "last_seen_at": ""}
