"""Somebody who proves nothing says that they are somebody else: to overwrite them, to read them, to learn of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import httpx2
import pytest

from attack.serving import at_once, seen
from attack.site import SECRET, Browser, Site, Victim

OTHER_VALUES = {
    "name": "Mallory",
    "phone": "+14155559999",
    "company": "Mallory Ltd",
    "avatar_url": "https://evil.test/mallory.png",
    "custom_data": {"plan": "free", "vip": False},
}
CLEARED = {
    "name": None,
    "phone": None,
    "company": None,
    "avatar_url": None,
    "custom_data": {"plan": None, "vip": None},
}


def names_of(victim: Victim) -> dict[str, dict[str, str]]:
    """Every way to name the victim."""
    return {
        "email": {"email": victim.email},
        "external_id": {"external_id": victim.external_id},
        "both": {"email": victim.email, "external_id": victim.external_id},
        "email beside a new external id": {"email": victim.email, "external_id": f"new-{victim.external_id}"},
        "external id beside another email": {"external_id": victim.external_id, "email": f"x{victim.email}"},
        "another spelling of the email": {"email": f" {victim.email.upper()}. "},
        "email in the external id": {"email": victim.email, "external_id": victim.email},
    }


WRITTEN = ("external_id", "email", "name", "standing")
"""What owners write about themselves below."""

WAYS = (
    "email",
    "external_id",
    "both",
    "email beside a new external id",
    "external id beside another email",
    "another spelling of the email",
    "email in the external id",
)


@pytest.mark.rule("W2", "W4", "W7")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fields", [OTHER_VALUES, CLEARED], ids=["other values", "null"])
def test_claim_overwrites_and_clears_nothing_known(
    site: Site, victim: Victim, way: str, fields: dict[str, object]
) -> None:
    before = victim.data()
    attacker = site.browser()
    for _ in range(2):
        answer = attacker.identify(**names_of(victim)[way], **fields)
        assert answer.status_code == 200
        assert answer.json()["standing"] == "claimed"
    assert victim.data() == before


@pytest.mark.rule("W4")
def test_claimed_blanks_do_not_block_later_proof(site: Site) -> None:
    victim = site.victim(custom_data={})
    site.browser().identify(email=victim.email, custom_data={"delivery_address": "1 Evil Street"})
    assert (
        victim.browser.prove(victim.external_id, custom_data={"delivery_address": "1 Good Street"}).json()["kept"] == []
    )
    assert site.contact(victim.id)["custom_data"][site.app_key]["delivery_address"] == "1 Good Street"


@pytest.mark.rule("H1")
@pytest.mark.parametrize("way", WAYS)
def test_claim_reads_and_continues_no_history(site: Site, victim: Victim, way: str) -> None:
    attacker = site.browser()
    attacker.identify(**names_of(victim)[way])
    own = attacker.say("I am the victim, believe me")
    assert attacker.conversations() == {own}
    assert {each["id"] for each in attacker.post("/join").json()["conversations"]} == {own}
    path = f"/conversations/{victim.conversation}/messages"
    answers = [attacker.get(path), attacker.post(path, {"text": "hello"})]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert victim.data()[1]["items"][0]["text"] == SECRET
    assert len(victim.data()[1]["items"]) == 1
    assert victim.sees() == {victim.conversation}


def _claim(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    return [asking.identify(email=person["email"])]


def _claim_twice(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    return [asking.identify(**person), asking.identify(**person)]


def _everything_in_a_session(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    asking.say("hello")
    return [
        asking.identify(**person, **OTHER_VALUES),
        asking.get("/me"),
        asking.get("/conversations"),
        asking.post("/conversations", {"text": "hello again"}),
        asking.post("/join"),
        asking.identify(**person, **CLEARED),
        asking.post("/reset"),
    ]


def _email_then_made_up_external_id(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    made_up = {"external_id": asking.site.target.name("made-up")}
    return [
        asking.identify(email=person["email"]),
        asking.identify(email=person["email"], **made_up),
        asking.identify(**made_up),
    ]


def _made_up_external_id_then_email(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    made_up = {"external_id": asking.site.target.name("made-up")}
    return [asking.identify(**made_up), asking.identify(**made_up, email=person["email"]), asking.get("/me")]


def _external_id_then_another_email(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    other = f"{asking.site.target.name('other')}@example.com"
    return [
        asking.identify(external_id=person["external_id"]),
        asking.identify(external_id=person["external_id"], email=other),
        asking.identify(email=other),
        asking.identify(email=person["email"]),
    ]


def _wrong_fields(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    wrong: dict[str, Any] = {"phone": "none", "avatar_url": "javascript:1", "custom_data": {"a b": 1, "c": [1]}, "x": 1}
    return [
        asking.identify(**person, **wrong),
        asking.identify(**person, **wrong, strict=True),
        asking.identify(**person, strict=True),
    ]


def _as_much_as_a_call_takes(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    calls = [{f"key{call}.{number}": "x" * 200 for number in range(90)} for call in range(3)]
    return [asking.identify(**person, custom_data=each) for each in calls]


def _wrong_proofs(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    return [
        asking.identify(**person, user_hash="0" * 64),
        asking.identify(email=person["email"], token="e30.e30.e30"),
        asking.identify(**person, shop="shop", shop_hash="0" * 64),
    ]


def _repeated(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    key = [("idempotency-key", asking.site.target.name("key"))]
    asking.join()
    return [asking.post("/identify", person, key), asking.post("/identify", person, key)]


def _carried_to_another_site(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    other = asking.site.beside().browser()
    claimed = asking.identify(**person)
    token = asking.hop(other.site)
    return [claimed, other.identify(identity_token=token), other.get("/me"), other.get("/conversations")]


def _from_a_session_that_is_proven(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    me = asking.site.target.name("me")
    return [
        asking.prove(me),
        asking.identify(email=person["email"]),
        asking.get("/me"),
        asking.prove(me),
        asking.identify(external_id=person["external_id"]),
        asking.prove(me),
        asking.prove(asking.site.target.name("me")),
    ]


def _claimed_before_proving_somebody_else(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    asking.say("hello")
    return [
        asking.identify(email=person["email"]),
        asking.prove(asking.site.target.name("me")),
        asking.get("/conversations"),
        asking.identify(email=person["email"]),
        asking.get("/conversations"),
    ]


def _typed_before_becoming_this_person(asking: Browser, person: dict[str, str]) -> list[httpx2.Response]:
    """A lead, who goes on as another person (C8)."""
    asking.say("hello")
    mine = f"{asking.site.target.name('mine')}@example.com"
    return [
        asking.identify(email=mine, source="prompt"),
        asking.post("/conversations", {"text": "hello again"}),
        asking.identify(email=person["email"], source="prompt"),
        asking.get("/conversations"),
        asking.identify(email=mine, source="prompt"),
        asking.identify(external_id=person["external_id"]),
        asking.identify(email=person["email"]),
        asking.get("/conversations"),
        asking.prove(asking.site.target.name("me")),
    ]


SEQUENCES = (
    _claim,
    _claim_twice,
    _everything_in_a_session,
    _email_then_made_up_external_id,
    _made_up_external_id_then_email,
    _external_id_then_another_email,
    _wrong_fields,
    _as_much_as_a_call_takes,
    _wrong_proofs,
    _repeated,
    _carried_to_another_site,
    _from_a_session_that_is_proven,
    _claimed_before_proving_somebody_else,
    _typed_before_becoming_this_person,
)


def _whole(site: Site, person: dict[str, str]) -> None:
    site.victim(**person)


def _without_external_id(site: Site, person: dict[str, str]) -> None:
    site.victim(email=person["email"], external_id=None)


def _only_claimed(site: Site, person: dict[str, str]) -> None:
    victim = site.browser()
    victim.say(SECRET)
    victim.identify(**person, **OTHER_VALUES)


def _erased(site: Site, person: dict[str, str]) -> None:
    victim = site.victim(**person)
    assert site.api("DELETE", f"/contacts/{victim.id}").status_code == 200


def _known_as_two_people(site: Site, person: dict[str, str]) -> None:
    site.victim(external_id=person["external_id"])
    site.victim(email=person["email"])


TELLING = (
    _everything_in_a_session,
    _email_then_made_up_external_id,
    _external_id_then_another_email,
    _from_a_session_that_is_proven,
    _claimed_before_proving_somebody_else,
    _typed_before_becoming_this_person,
)
"""Those that have most to do with what is stored."""


@pytest.mark.rule("H2", "V7")
@pytest.mark.parametrize(
    ("make_known", "ask"),
    [
        *((_whole, ask) for ask in SEQUENCES),
        *(
            (make, ask)
            for make in (_without_external_id, _only_claimed, _erased, _known_as_two_people)
            for ask in TELLING
        ),
    ],
    ids=lambda step: step.__name__.strip("_"),
)
def test_answers_hide_whether_a_person_is_known(
    site: Site,
    make_known: Callable[[Site, dict[str, str]], None],
    ask: Callable[[Browser, dict[str, str]], list[httpx2.Response]],
) -> None:
    names = [site.target.name("person") for _ in range(2)]
    known, unknown = ({"external_id": name, "email": f"{name}@example.com"} for name in names)
    make_known(site, known)
    told = [[_nameless(seen(answer), person) for answer in ask(site.browser(), person)] for person in (known, unknown)]
    assert told[0] == told[1]


def _nameless(answer: tuple[int, Any, bytes], person: dict[str, str]) -> tuple[int, Any, bytes]:
    status, headers, body = answer
    return status, headers, body.replace(person["external_id"].encode(), b"person-000000")


@pytest.mark.rule("C4", "V2", "W7")
def test_squatted_external_id_is_lost_to_proof(site: Site) -> None:
    owner_id = site.target.name("owner")
    squatter = site.browser()
    squatter.identify(external_id=owner_id, email=f"mallory-{owner_id}@evil.test", name="Mallory")
    squatted = squatter.say("I was here first")
    owner = site.browser()
    proven = owner.prove(owner_id, email=f"{owner_id}@example.com", name="Owner", custom_data={"plan": "gold"})
    assert proven.json()["standing"] == "proven"
    said = owner.say(SECRET)
    before = site.contact(proven.json()["contact_id"])
    assert (before["external_id"], before["email"], before["name"]) == (owner_id, f"{owner_id}@example.com", "Owner")

    assert squatter.me()["standing"] == "claimed"
    assert squatter.conversations() == {squatted}
    assert owner.conversations() == {said}
    for values in (OTHER_VALUES, CLEARED):
        squatter.identify(external_id=owner_id, **values)
    after = site.contact(before["id"])
    assert [after[field] for field in WRITTEN] == [before[field] for field in WRITTEN]
    assert after["custom_data"][site.app_key]["plan"] == "gold"


@pytest.mark.rule("W7", "V2")
def test_external_id_squatter_cannot_change_owners_email(site: Site) -> None:
    """The owner's server signed the external id alone, so the email beside it is the owner's word, and theirs."""
    owner_id = site.target.name("owner")
    squatter = site.browser()
    squatter.identify(external_id=owner_id)
    proven = site.browser().prove(owner_id, email=f"{owner_id}@example.com")
    squatter.identify(external_id=owner_id, email=f"mallory-{owner_id}@evil.test")
    assert site.contact(proven.json()["contact_id"])["email"] == f"{owner_id}@example.com"


@pytest.mark.rule("C4", "V2")
def test_squatted_email_is_lost_to_proof(site: Site) -> None:
    email = f"{site.target.name('owner')}@example.com"
    squatter = site.browser()
    squatter.identify(email=email, external_id=site.target.name("mallory"), name="Mallory")
    owner = site.browser()
    proven = owner.identify(email=email, user_hash=site.hash(email), name="Owner")
    assert proven.json()["standing"] == "proven"
    said = owner.say(SECRET)
    before = site.contact(proven.json()["contact_id"])
    assert (before["email"], before["name"]) == (email, "Owner")
    for values in (OTHER_VALUES, CLEARED):
        squatter.identify(email=email, **{name: values[name] for name in ("name", "phone", "company")})
    assert (site.contact(before["id"])["email"], site.contact(before["id"])["name"]) == (email, "Owner")
    assert said not in squatter.conversations()
    assert squatter.me()["standing"] == "claimed"


@pytest.mark.rule("C4", "V2", "H1")
def test_victims_email_on_attackers_contact_catches_nothing(site: Site) -> None:
    mallory, name = site.target.name("mallory"), site.target.name("victim")
    attacker = site.browser()
    attacker.prove(mallory, email=f"{name}@example.com")
    unproven = site.browser()
    unproven.identify(email=f"{name}@example.com", name="Victoria")
    assert unproven.say(SECRET) not in attacker.conversations()
    proven = site.browser()
    answer = proven.identify(email=f"{name}@example.com", user_hash=site.hash(f"{name}@example.com"))
    assert proven.say(SECRET) not in attacker.conversations()
    (own,) = site.has(external_id=mallory)
    assert answer.json()["contact_id"] != own["id"]
    assert own["email"] is None


@pytest.mark.rule("C4", "H1")
def test_attackers_email_on_victims_contact_opens_nothing(site: Site) -> None:
    """The victim has no email; the attacker fills the blank with their own, which their server signs for them."""
    victim = site.victim(email=None)
    evil = f"{site.target.name('mallory')}@evil.test"
    site.browser().identify(external_id=victim.external_id, email=evil)
    attacker = site.browser()
    answer = attacker.identify(email=evil, user_hash=site.hash(evil), name="Mallory")
    assert answer.json()["contact_id"] != victim.id
    assert victim.conversation not in attacker.conversations()
    assert site.contact(victim.id)["name"] == "Victoria Victim"


@pytest.mark.rule("L2")
def test_claim_takes_over_no_foreign_conversation(site: Site, victim: Victim) -> None:
    attacker = site.browser()
    attacker.identify(email=f"{site.target.name('mallory')}@evil.test")
    attacker.say("mine")
    attacker.identify(email=victim.email)
    linked = [each for each in site.api("GET", "/conversations").json()["items"] if each["contact_id"] == victim.id]
    assert {each["id"] for each in linked if each["standing"] == "proven"} == {victim.conversation}


@pytest.mark.rule("R1", "W2", "V2")
def test_claim_racing_a_proof_wins_nothing(site: Site) -> None:
    person, turns = site.target.name("person"), count()

    def call() -> tuple[bool, str]:
        mine = next(turns) % 2 == 0
        browser = site.browser()
        if mine:
            return True, browser.prove(person, name="Owner").json()["standing"]
        answer = browser.identify(external_id=person, name="Mallory", custom_data={"plan": "free"}).json()
        browser.say("I am the owner, believe me")
        return False, answer["standing"]

    told = at_once(call)
    assert set(told) == {(True, "proven"), (False, "claimed")}
    (contact,) = site.has(external_id=person)
    assert (contact["name"], contact["standing"]) == ("Owner", "proven")
    owner = site.browser()
    owner.prove(person)
    assert owner.conversations() == set()
