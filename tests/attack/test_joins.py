"""A customer with a proof of their own gives the email of another, to get at what the site knows of that person (J)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.sync.client import connect

from attack.serving import Target
from attack.site import V1, Browser, Site
from cli.serving import PATIENCE

RECORD = {"name": "Victoria Victim", "company": "Victims Inc", "custom_data": {"plan": "gold"}}


class Owner:
    """The person whose email it is, known to the site in one of the ways."""

    def __init__(self, site: Site, known: str) -> None:
        self.site, self.known = site, known
        self.name = site.target.name("owner")
        self.email = f"{self.name}@example.com"
        self.browser = site.browser()
        if known == "claimed":
            # Without values: what a visitor only says stays with whoever proves the contact (C3).
            self.browser.identify(email=self.email)
            return
        self.id = self.write(**RECORD, **({"external_id": self.name} if known == "with an id" else {}))["id"]
        if known in {"attested", "merged"}:
            self.prove(external_id=self.name if known == "merged" else None)
        if known == "merged":
            # What an agent has made one stays one.
            further = site.api("POST", "/contacts", {"email": f"further.{self.email}"}).json()["id"]
            site.api("POST", f"/contacts/{self.id}/merge", {"absorb": further})
        if known == "erased":
            site.api("DELETE", f"/contacts/{self.id}")

    def write(self, **fields: object) -> Any:
        """The site's server writes about the email, with no idea who gave it."""
        answer = self.site.api("POST", "/contacts", {"email": self.email, "app_id": self.site.app_key, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def prove(self, external_id: str | None) -> str:
        """The owner comes with a token for the email."""
        token = self.site.target.hullo.mint_token(self.site.app_key, external_id=external_id, email=self.email)
        answer = self.browser.identify(token=token)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["contact_id"])


def in_one_call(mallory: Browser, me: str, email: str) -> None:
    mallory.prove(me, email=email, name="Mallory")


def in_two_calls(mallory: Browser, me: str, email: str) -> None:
    mallory.prove(me, name="Mallory")
    mallory.prove(me, email=email)


def email_first(mallory: Browser, me: str, email: str) -> None:
    mallory.identify(email=email, source="prompt")
    mallory.identify(email=email, external_id=me)
    mallory.prove(me, email=email, name="Mallory")


def after_a_hop(mallory: Browser, me: str, email: str) -> None:
    there = mallory.site.beside()
    sender = there.browser()
    sender.prove(me, email=email, name="Mallory")
    mallory.identify(identity_token=sender.hop(mallory.site))
    mallory.prove(me, email=email, name="Mallory")


def over_a_socket(mallory: Browser, me: str, email: str) -> None:
    site = mallory.site
    identity = {"external_id": me, "user_hash": site.hash(me), "email": email, "name": "Mallory"}
    with connect(f"{site.target.url.replace('http', 'ws', 1)}{V1}/socket") as line:
        line.send(json.dumps({"type": "join", "app_key": site.app_key, "identity": identity}))
        joined = json.loads(line.recv(PATIENCE))
        mallory.token = joined["session_token"]


WAYS = [in_one_call, in_two_calls, email_first, after_a_hop, over_a_socket]


def values(contact: Any) -> dict[str, Any]:
    """The values of the record that a contact shows."""
    custom = {key: value for block in contact["custom_data"].values() for key, value in block.items()}
    return {"company": contact["company"], "plan": custom.get("plan"), "email": contact["email"]}


@pytest.mark.rule("J", "C1", "C3", "C4", "V2", "H1")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way.__name__))
@pytest.mark.parametrize("known", ["recorded", "attested", "claimed", "with an id", "erased", "merged", "kept apart"])
def test_given_email_brings_nothing_of_its_owner(
    target: Target, known: str, way: Callable[[Browser, str, str], None]
) -> None:
    site = Site(target)
    owner, mallory, me = Owner(site, known), site.browser(), target.name("mallory")
    if known == "kept apart":
        in_one_call(site.browser(), me, owner.email)
        (merge,) = site.api("GET", f"/contacts/{owner.id}/merges").json()["items"]
        site.api("POST", f"/merges/{merge['id']}/undo", {})
    way(mallory, me, owner.email)
    # The site's servers go on about the email, and so does the attacker.
    owner.write(custom_data={"plan": "enterprise"})
    way(mallory, me, owner.email)
    (own,) = site.has(external_id=me)
    contact = site.contact(own["id"])
    assert contact["identifiers"]["external_id"] == [me]
    if known in {"attested", "with an id", "merged", "kept apart"}:
        assert values(contact) == {"company": None, "plan": None, "email": None}
    provenance = contact["provenance"]
    others = {field: origin["standing"] for field, origin in provenance.items() if field not in {"external_id", "name"}}
    assert set(others.values()) <= {"claimed"}, others
    assert mallory.conversations() == set()
    # The owner proves the email, and has all that the site ever wrote about it.
    mine = site.contact(owner.prove(external_id=None if known != "with an id" else owner.name))
    assert mine["id"] != contact["id"]
    assert (values(mine)["plan"], values(mine)["email"]) == ("enterprise", owner.email)
    assert mine["provenance"]["email"]["standing"] == "proven"
    if known not in {"erased", "claimed"}:
        assert values(mine)["company"] == "Victims Inc"
    left = site.contact(contact["id"])
    assert values(left) == {"company": None, "plan": None, "email": None}
    assert (left["name"], left.get("joined")) == ("Mallory", None)
    # And the attacker cannot take it back.
    way(mallory, me, owner.email)
    assert site.contact(mine["id"])["email"] == owner.email
    assert values(site.contact(contact["id"]))["plan"] is None


@pytest.mark.rule("J")
def test_one_contact_collects_no_second_record(site: Site) -> None:
    first, second, third = (Owner(site, "recorded") for _ in range(3))
    mallory, me = site.browser(), site.target.name("mallory")
    for owner in (first, second, third, first, second):
        mallory.prove(me, email=owner.email)
        owner.write(custom_data={"plan": "gold"})
    (own,) = site.has(external_id=me)
    assert own["emails"] == [first.email]
    assert {owner.write()["id"] for owner in (second, third)} == {second.id, third.id}


@pytest.mark.rule("J", "C4")
def test_proof_of_claimed_id_captures_no_record(site: Site) -> None:
    """The attacker claims a record's external id before the site does, and proves it later."""
    owner, me = Owner(site, "recorded"), site.target.name("mallory")
    site.browser().identify(external_id=me, email=owner.email)
    owner.write(custom_data={"plan": "gold"})
    mallory = site.browser()
    taken = mallory.prove(me).json()["contact_id"]
    assert taken != owner.id
    assert values(site.contact(taken)) == {"company": None, "plan": None, "email": None}
    assert owner.prove(external_id=None) == owner.id
