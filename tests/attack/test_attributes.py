"""A signed attribute (V6): of another shop, of nobody, and as a way to somebody."""

from __future__ import annotations

import pytest

from attack.serving import seen
from attack.site import Site, Victim


def shop_of(site: Site, contact_id: str) -> object:
    return site.contact(contact_id)["custom_data"][site.app_key].get("shop")


@pytest.mark.rule("V6", "V7")
@pytest.mark.parametrize(
    "wrong", ["another shop", "another app", "upper case", "list", "empty", "space", "no shop", "shop is no text"]
)
def test_wrong_shop_hash_is_refused_like_any(site: Site, victim: Victim, wrong: str) -> None:
    shop = site.target.name("shop")
    right = site.hash(shop)
    forged: dict[str, dict[str, object]] = {
        "another shop": {"shop_hash": site.hash("another-shop")},
        "another app": {"shop_hash": site.beside().hash(shop)},
        "upper case": {"shop_hash": right.upper()},
        "list": {"shop_hash": [right]},
        "empty": {"shop_hash": ""},
        "space": {"shop": shop + " ", "shop_hash": right},
        "no shop": {"shop": None, "shop_hash": right},
        "shop is no text": {"shop": [shop], "shop_hash": right},
    }
    answer = site.browser().identify(**{"email": victim.email, "shop": shop, **forged[wrong]})
    reference = site.browser().identify(external_id=victim.external_id, user_hash="0" * 64)
    assert (answer.status_code, answer.json()["code"]) == (401, "proof_rejected")
    assert seen(answer) == seen(reference)
    assert shop_of(site, victim.id) is None


@pytest.mark.rule("V6", "W4")
def test_unsigned_shop_unlocks_and_overwrites_nothing(site: Site) -> None:
    victim = site.victim(custom_data={"shop": "victims-shop"})
    before = victim.data()
    attacker = site.browser()
    answer = attacker.identify(email=victim.email, shop="victims-shop")
    assert answer.json()["standing"] == "claimed"
    attacker.identify(email=victim.email, shop="mallorys-shop")
    attacker.identify(email=victim.email, shop=None)
    attacker.identify(email=victim.email, custom_data={"shop": "mallorys-shop"}, shop="mallorys-shop")
    assert attacker.conversations() == set()
    assert victim.data() == before


@pytest.mark.rule("V6", "V3")
def test_signed_shop_alone_is_no_person_proof(site: Site, victim: Victim) -> None:
    site.set(verification="required")
    shop = site.target.name("shop")
    for named in ({"email": victim.email}, {"external_id": site.target.name("nobody")}):
        answer = site.browser().identify(**named, shop=shop, shop_hash=site.hash(shop))
        assert (answer.status_code, answer.json()["code"]) == (401, "proof_required")
    assert site.contacts()[0]["id"] == victim.id
    assert len(site.contacts()) == 1


@pytest.mark.rule("V6", "V2")
def test_signed_shop_beside_victims_email_gains_nothing(site: Site) -> None:
    victim = site.victim(custom_data={"shop": "victims-shop", "plan": "gold"})
    before = victim.data()
    attacker, mine = site.browser(), site.target.name("mallorys-shop")
    answer = attacker.identify(
        email=victim.email, external_id=victim.external_id, shop=mine, shop_hash=site.hash(mine), name="Mallory"
    )
    assert answer.json()["standing"] == "claimed"
    assert attacker.conversations() == set()
    assert victim.data() == before


@pytest.mark.rule("V6", "V2", "W4")
def test_attackers_signed_shop_yields_to_victims_own(site: Site, victim: Victim) -> None:
    """It fills a blank, as any claim does (W4), and is no proven value of theirs."""
    mine, theirs = site.target.name("mallorys-shop"), site.target.name("victims-shop")
    site.browser().identify(email=victim.email, shop=mine, shop_hash=site.hash(mine))
    victim.browser.prove(victim.external_id, shop=theirs, shop_hash=site.hash(theirs))
    assert shop_of(site, victim.id) == theirs


@pytest.mark.rule("V6", "V2")
def test_unsigned_shop_never_replaces_signed_one(site: Site) -> None:
    person, shop = site.target.name("person"), site.target.name("shop")
    browser = site.browser()
    contact_id = browser.prove(person, shop=shop, shop_hash=site.hash(shop)).json()["contact_id"]
    site.browser().identify(external_id=person, shop="another-shop")
    assert shop_of(site, contact_id) == shop


@pytest.mark.rule("V6", "V1")
def test_hash_in_wrong_field_is_refused(site: Site, victim: Victim) -> None:
    """A hash of the shop that is sent for the person, and the reverse."""
    shop = site.target.name("shop")
    person = site.browser().identify(external_id=victim.external_id, shop=shop, user_hash=site.hash(shop))
    assert person.json()["code"] == "proof_rejected"
    attribute = site.browser().identify(
        external_id=victim.external_id, shop=shop, shop_hash=site.hash(victim.external_id)
    )
    assert attribute.json()["code"] == "proof_rejected"
