"""The plugin in a running hullo: who is found, and who is not."""

from collections.abc import Iterator
from typing import Any

import pytest
from hullo_loyalty_card import ByLoyaltyCard

from hullo import Hullo, HulloError


class Shop:
    """A hullo with the plugin and one app. Each call is of a browser that was never seen before."""

    def __init__(self, plugin: ByLoyaltyCard) -> None:
        self.hullo = Hullo("memory:", plugins=[plugin])
        self.app = self.hullo.create_app("Shop")

    def identify(self, **body: Any):
        return self.hullo.identify(body, app_key=self.app.app_key).result

    def signed(self, external_id: str, **body: Any):
        """As `identify`, vouched for by the shop's server."""
        user_hash = self.hullo.user_hash(self.app.app_key, external_id)
        return self.identify(external_id=external_id, user_hash=user_hash, **body)

    def cards(self, contact_id: str) -> list[object]:
        """The cards that the contact owns."""
        contact = self.hullo.store.find_contact(self.app.workspace_id, contact_id)
        assert contact is not None
        return [fact.value for kind, fact in contact.identifiers.items() if kind == "loyalty_card"]


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop(ByLoyaltyCard())
    yield shop
    shop.hullo.close()


def card(value: object) -> dict[str, object]:
    return {"loyalty_card": value}


def test_card_finds_owner_on_another_browser(shop: Shop):
    created = shop.identify(email="jane@example.com", custom_data=card("LC-4711"))
    found = shop.identify(custom_data=card("LC-4711"))
    assert (created.matched_by, found.matched_by) == ("created", "loyalty-card")
    assert found.contact_id == created.contact_id
    assert shop.cards(created.contact_id) == ["LC-4711"]


def test_card_alone_makes_a_contact(shop: Shop):
    created = shop.identify(custom_data=card("LC-4711"))
    assert created.matched_by == "created"
    assert shop.cards(created.contact_id) == ["LC-4711"]


def test_card_is_added_to_contact_found_otherwise(shop: Shop):
    jane = shop.signed("user_123")
    assert shop.signed("user_123", custom_data=card("LC-4711")).matched_by == "external_id"
    assert shop.cards(jane.contact_id) == ["LC-4711"]


def test_card_is_matched_before_external_id(shop: Shop):
    jane = shop.signed("jane", custom_data=card("LC-4711"))
    joe = shop.signed("joe")
    outcome = shop.identify(external_id="joe", custom_data=card("LC-4711"))
    assert outcome.matched_by == "loyalty-card"
    assert outcome.contact_id == jane.contact_id != joe.contact_id
    assert [conflict.field for conflict in outcome.conflicts] == ["external_id"]


def test_a_card_proves_nothing(shop: Shop):
    shop.signed("jane", name="Jane", custom_data=card("LC-4711"))
    outcome = shop.identify(name="Mallory", custom_data=card("LC-4711"))
    assert outcome.standing.label == "claimed"
    assert [kept.field for kept in outcome.kept] == ["name"]


def test_card_sent_as_number_equals_text(shop: Shop):
    created = shop.identify(custom_data=card(4711))
    assert shop.identify(custom_data=card(" 4711 ")).contact_id == created.contact_id
    assert shop.cards(created.contact_id) == ["4711"]


@pytest.mark.parametrize("junk", [True, 47.11, "", "   ", "null", "0000", 0, None])
def test_junk_card_matches_no_contacts(shop: Shop, junk: object):
    jane = shop.identify(email="jane@example.com", custom_data=card(junk))
    joe = shop.identify(email="joe@example.com", custom_data=card(junk))
    assert jane.contact_id != joe.contact_id
    assert shop.cards(jane.contact_id) == shop.cards(joe.contact_id) == []


@pytest.mark.parametrize("junk", [True, "null"])
def test_junk_card_alone_is_no_identifier(shop: Shop, junk: object):
    with pytest.raises(HulloError) as refused:
        shop.identify(custom_data=card(junk))
    assert refused.value.code == "no_identifier"


def test_prefix_excludes_other_values_as_cards():
    shop = Shop(ByLoyaltyCard(key="card", prefix="LC-"))
    with shop.hullo:
        for number, (value, owned) in enumerate([("LC-4711", ["LC-4711"]), ("4711", []), ("LC-", []), (4711, [])]):
            outcome = shop.identify(email=f"{number}@example.com", custom_data={"card": value})
            assert shop.cards(outcome.contact_id) == owned, value
