"""Hashes that were never made for what they are sent with, and right ones beside what they do not cover."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from attack.jose import hs256, in_order
from attack.serving import seen
from attack.site import V1, Browser, Site, Victim

COMPOSED, DECOMPOSED = "zo\u00e9", "zoe\u0301"
KELVIN = "\u212a"


def _fullwidth(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if letter.isdigit() else letter for letter in text)


def _retired(site: Site, victim: Victim) -> str:
    old = site.target.hullo.register.add_identity_key(site.app_key)
    site.target.hullo.register.retire_identity_key(site.app_key, old.id)
    return hmac.digest(old.secret.encode(), victim.external_id.encode(), "sha256").hex()


WRONG: dict[str, Callable[[Site, Victim], object]] = {
    "another app's key": lambda site, victim: site.beside().hash(victim.external_id),
    "another workspace's key": lambda site, victim: site.elsewhere().hash(victim.external_id),
    "a retired key": _retired,
    "the API key": lambda site, victim: hmac.digest(site.api_key.encode(), victim.external_id.encode(), "sha256").hex(),
    "the public app key": lambda site, victim: hmac.digest(
        site.app_key.encode(), victim.external_id.encode(), "sha256"
    ).hex(),
    "an empty key": lambda _, victim: hmac.digest(b"", victim.external_id.encode(), "sha256").hex(),
    "no key": lambda _, victim: hashlib.sha256(victim.external_id.encode()).hexdigest(),
    "SHA-512": lambda site, victim: hmac.digest(site.secret.encode(), victim.external_id.encode(), "sha512").hex(),
    "SHA-1": lambda site, victim: hmac.digest(site.secret.encode(), victim.external_id.encode(), "sha1").hex(),
    "base64": lambda site, victim: base64.b64encode(bytes.fromhex(site.hash(victim.external_id))).decode(),
    "upper case": lambda site, victim: site.hash(victim.external_id).upper(),
    "digits of another script": lambda site, victim: _fullwidth(site.hash(victim.external_id)),
    "0x before": lambda site, victim: "0x" + site.hash(victim.external_id),
    "a byte behind": lambda site, victim: site.hash(victim.external_id) + "0",
    "a new line behind": lambda site, victim: site.hash(victim.external_id) + "\n",
    "a space before": lambda site, victim: " " + site.hash(victim.external_id),
    "twice": lambda site, victim: site.hash(victim.external_id) * 2,
    "all but the last digit": lambda site, victim: site.hash(victim.external_id)[:-1],
    "a zero-width space inside": lambda site, victim: (
        site.hash(victim.external_id)[:9] + "\u200b" + site.hash(victim.external_id)[9:]
    ),
    "in a list": lambda site, victim: [site.hash(victim.external_id)],
    "in an object": lambda site, victim: {"user_hash": site.hash(victim.external_id)},
    "as a number": lambda site, victim: int(site.hash(victim.external_id), 16) % 2**63,
    "zero": lambda *_: 0,
    "true": lambda *_: True,
    "false": lambda *_: False,
    "blank": lambda *_: " " * 64,
    "a list of nothing": lambda *_: [],
    "very long": lambda *_: "0" * 30_000,
    "letters that no byte is": lambda *_: "🔑" * 64,
    "of the empty string": lambda site, _: site.hash(""),
    "of another person": lambda site, _: site.hash("somebody-else"),
    "of the email, for the external id": lambda site, victim: site.hash(victim.email),
    "of the external id with a space behind": lambda site, victim: site.hash(victim.external_id + " "),
    "of the external id with NUL behind": lambda site, victim: site.hash(victim.external_id + "\0"),
    "of the external id in upper case": lambda site, victim: site.hash(victim.external_id.upper()),
    "a JWT": lambda site, victim: hs256(site.secret, in_order(site.app_key, sub=victim.external_id)),
}


@pytest.mark.rule("V1", "V3", "V4", "V7")
@pytest.mark.parametrize("forge", WRONG.values(), ids=WRONG.keys())
def test_forged_hash_proves_and_reveals_nothing(bystander: Victim, forge: Callable[[Site, Victim], object]) -> None:
    victim, site = bystander, bystander.site
    attacker = site.browser()
    user_hash, unknown = forge(site, victim), site.target.name("victim")
    answers = [
        attacker.identify(external_id=named, user_hash=user_hash, name="Mallory")
        for named in (victim.external_id, unknown)
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(401, "proof_rejected")}
    assert seen(answers[0]) == seen(answers[1])
    assert attacker.token is None
    assert site.contact(victim.id)["name"] == "Victoria Victim"
    assert site.has(external_id=unknown) == []


@pytest.mark.rule("V1", "V2")
def test_external_id_hash_does_not_prove_email(bystander: Victim) -> None:
    victim, site = bystander, bystander.site
    attacker = site.browser()
    for beside in ({}, {"external_id": None}, {"external_id": ""}, {"external_id": "null"}, {"external_id": [1]}):
        answer = attacker.identify(email=victim.email, user_hash=site.hash(victim.external_id), **beside)
        assert answer.json()["code"] == "proof_rejected", beside


@pytest.mark.rule("V1", "M5")
def test_other_emails_hash_fails_beside_blank_id(
    bystander: Victim,
) -> None:
    site, mine = bystander.site, f"{bystander.site.target.name('mallory')}@evil.test"
    answer = site.browser().identify(external_id="undefined", email=bystander.email, user_hash=site.hash(mine))
    assert answer.json()["code"] == "proof_rejected"


@pytest.mark.rule("V2")
def test_replayed_hash_with_own_id_is_refused(bystander: Victim) -> None:
    victim, site = bystander, bystander.site
    answer = site.browser().identify(external_id=site.target.name("me"), user_hash=site.hash(victim.external_id))
    assert answer.json()["code"] == "proof_rejected"


@pytest.mark.rule("M1", "V1")
@pytest.mark.parametrize(
    ("signed", "claimed"),
    [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), ("ann", "Ann"), ("K", KELVIN)],
    ids=ascii,
)
def test_lookalike_names_hash_is_refused(site: Site, signed: str, claimed: str) -> None:
    victim = site.victim(external_id=claimed)
    assert site.browser().identify(external_id=claimed, user_hash=site.hash(signed)).status_code == 401
    attacker = site.browser()
    assert attacker.prove(signed).json()["contact_id"] != victim.id


@pytest.mark.rule("M5", "V1")
@pytest.mark.parametrize("padded", ["ann ", "\tann", "ann\u200b", "\ufeffann"], ids=ascii)
def test_padded_id_is_nobodys_under_any_hash(site: Site, padded: str) -> None:
    """Neither the person whose id it resembles, nor another one of whom it would be the id."""
    victim = site.victim(external_id="ann")
    before = victim.data()
    for signed in ("ann", padded):
        answer = site.browser().identify(external_id=padded, user_hash=site.hash(signed), name="Mallory")
        assert (answer.status_code, answer.json()["code"]) == (401, "proof_rejected")
    refused = site.api("POST", "/contacts", {"external_id": padded, "name": "Mallory"}).json()
    assert (refused["code"], [fault["field"] for fault in refused["errors"]]) == ("no_identifier", ["external_id"])
    assert victim.data() == before
    assert [held["id"] for held in site.contacts()] == [victim.id]


@pytest.mark.rule("V3")
@pytest.mark.parametrize("field", ["user_hash", "external_id"])
def test_duplicate_field_is_not_read_two_ways(bystander: Victim, field: str) -> None:
    """One reader takes the first, another the last: signed for me, and meant for the victim."""
    victim, site = bystander, bystander.site
    me = site.target.name("me")
    said = {"app_key": site.app_key, "external_id": me, "user_hash": site.hash(me)}
    doubled = json.dumps(said)[:-1] + f', "{field}": {json.dumps(victim.external_id)}}}'
    answer = site.target.call("POST", V1 + "/identify", content=doubled.encode())
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")


@pytest.mark.rule("V3")
@pytest.mark.parametrize(
    "wrong", [{"token": "e30.e30.e30"}, {"identity_token": "x"}, {"shop": "a", "shop_hash": "0"}, {"token": []}]
)
def test_right_proof_does_not_carry_wrong_one(bystander: Victim, wrong: dict[str, object]) -> None:
    site = bystander.site
    me = site.target.name("me")
    assert site.browser().prove(me, **wrong).json()["code"] == "proof_rejected"
    assert site.has(external_id=me) == []


def _in_one_call(attacker: Browser, me: str, victim: Victim) -> None:
    attacker.prove(me, email=victim.email, name="Mallory")


def _in_two_calls(attacker: Browser, me: str, victim: Victim) -> None:
    attacker.prove(me)
    attacker.prove(me, email=victim.email)
    attacker.identify(external_id=me, email=victim.email, name="Mallory")


def _in_two_calls_and_then_as_the_victim(attacker: Browser, me: str, victim: Victim) -> None:
    attacker.prove(me, email=victim.email)
    attacker.identify(email=victim.email, name="Mallory")


def _in_the_reverse_order(attacker: Browser, me: str, victim: Victim) -> None:
    attacker.identify(email=victim.email)
    attacker.say("I am the victim, believe me")
    attacker.prove(me, email=victim.email, name="Mallory")


def _claimed_with_both_ids_and_then_signed(attacker: Browser, me: str, victim: Victim) -> None:
    attacker.identify(email=victim.email, external_id=me)
    attacker.prove(me)
    attacker.prove(me, email=victim.email, name="Mallory")


def _through_the_token(attacker: Browser, me: str, victim: Victim) -> None:
    token = hs256(attacker.site.secret, in_order(attacker.site.app_key, sub=me))
    attacker.identify(token=token, email=victim.email, name="Mallory")
    attacker.identify(token=token, external_id=victim.external_id, email=victim.email, name="Mallory")


def _through_the_token_and_the_hash_of_different_people(attacker: Browser, me: str, victim: Victim) -> None:
    """Two accounts of the attacker's own, with the victim between them."""
    other = attacker.site.target.name("other")
    token = hs256(attacker.site.secret, in_order(attacker.site.app_key, sub=me))
    attacker.identify(token=token, external_id=other, user_hash=attacker.site.hash(other), email=victim.email)


def _through_a_token_without_a_subject(attacker: Browser, me: str, victim: Victim) -> None:
    token = hs256(attacker.site.secret, in_order(attacker.site.app_key, email=f"{me}@evil.test"))
    attacker.identify(token=token, external_id=victim.external_id, name="Mallory")


def _through_a_token_about_nobody(attacker: Browser, me: str, victim: Victim) -> None:
    token = hs256(attacker.site.secret, in_order(attacker.site.app_key, name="Mallory"))
    attacker.identify(token=token, external_id=victim.external_id, email=victim.email)


def _through_the_victims_shop(attacker: Browser, me: str, victim: Victim) -> None:
    shop = attacker.site.target.name("shop")
    attacker.identify(email=victim.email, shop=shop, shop_hash=attacker.site.hash(shop), name="Mallory")


def _with_the_email_signed_and_the_external_id_claimed(attacker: Browser, me: str, victim: Victim) -> None:
    evil = f"{me}@evil.test"
    attacker.identify(email=evil, user_hash=attacker.site.hash(evil))
    attacker.identify(email=evil, external_id=victim.external_id, name="Mallory")


BESIDE = (
    _in_one_call,
    _in_two_calls,
    _in_two_calls_and_then_as_the_victim,
    _in_the_reverse_order,
    _claimed_with_both_ids_and_then_signed,
    _through_the_token,
    _through_the_token_and_the_hash_of_different_people,
    _through_a_token_without_a_subject,
    _through_a_token_about_nobody,
    _through_the_victims_shop,
    _with_the_email_signed_and_the_external_id_claimed,
)


@pytest.mark.rule("V2", "C2", "C4", "H1")
@pytest.mark.parametrize("attempt", BESIDE, ids=lambda attempt: attempt.__name__.strip("_"))
@pytest.mark.parametrize("has", ["both", "email only", "external id only"])
def test_own_proof_beside_victims_name_gains_nothing(
    site: Site, attempt: Callable[[Browser, str, Victim], None], has: str
) -> None:
    missing: dict[str, dict[str, Any]] = {"email only": {"external_id": None}, "external id only": {"email": None}}
    victim = site.victim(**missing.get(has, {}))
    if victim.email is None or victim.external_id is None:
        named = f"{site.target.name('victim')}@example.com" if victim.email is None else site.target.name("victim")
        field = "email" if victim.email is None else "external_id"
        victim = Victim(**{**vars(victim), field: named})  # a blank that the attacker may try to fill
    before = victim.data()
    attacker, me = site.browser(), site.target.name("mallory")
    attempt(attacker, me, victim)

    assert victim.conversation not in attacker.conversations()
    assert attacker.get(f"/conversations/{victim.conversation}/messages").status_code == 404
    after = victim.data()
    assert after[1] == before[1]
    for field, value in before[0].items():
        assert not value or field in _MOVES or after[0][field] == value, field
    assert set(before[0]["custom_data"][site.app_key].items()) <= set(after[0]["custom_data"][site.app_key].items())
    assert victim.sees() == {victim.conversation}
    assert all(contact["id"] != victim.id for contact in site.has(external_id=me))


_MOVES = frozenset({"updated_at", "last_seen_at", "provenance", "custom_data"})
"""May change when a claim fills a blank, which it may (W4)."""


@pytest.mark.rule("V2", "V5")
@pytest.mark.parametrize("proof", ["hash", "token", "token of the email"])
def test_own_proof_yields_own_contact_only(site: Site, victim: Victim, proof: str) -> None:
    me = site.target.name("me")
    proofs: dict[str, dict[str, Any]] = {
        "hash": {"external_id": me, "user_hash": site.hash(me), "email": victim.email},
        "token": {"token": hs256(site.secret, in_order(site.app_key, sub=me)), "email": victim.email},
        "token of the email": {
            "token": hs256(site.secret, in_order(site.app_key, email=f"{me}@evil.test")),
            "external_id": victim.external_id,
        },
    }
    for _ in range(2):
        answer = site.browser().identify(**proofs[proof]).json()
        assert answer["standing"] == "proven"
        assert answer["contact_id"] != victim.id
