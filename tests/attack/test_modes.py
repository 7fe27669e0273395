"""The modes of verification (V3): under `required` nobody comes in without proof, `report` and `off` give none."""

from __future__ import annotations

from typing import Any

import pytest

from attack.jose import hs256, in_order
from attack.site import Site, Victim

WITHOUT_PROOF: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an empty hash": {"user_hash": ""},
    "a null hash": {"user_hash": None},
    "a wrong hash": {"user_hash": "0" * 64},
    "a hash in a list": {"user_hash": ["0" * 64]},
    "a hash that is false": {"user_hash": False},
    "a null token": {"token": None},
    "an empty token": {"token": ""},
    "a wrong token": {"token": "e30.e30.e30"},
    "an empty identity token": {"identity_token": ""},
    "a null identity token": {"identity_token": None},
    "a wrong identity token": {"identity_token": "e30.e30.e30"},
    "null everywhere": {"user_hash": None, "token": None, "identity_token": None, "shop_hash": None},
    "a shop hash alone": {"shop_hash": "0" * 64},
    "strict": {"strict": True},
}


@pytest.mark.rule("V3")
def test_required_mode_refuses_calls_without_proof(site: Site, victim: Victim) -> None:
    site.set(verification="required")
    before, people = victim.data(), site.contacts()
    for way, said in WITHOUT_PROOF.items():
        for named in ({"email": victim.email}, {"external_id": victim.external_id}, {"external_id": "nobody"}):
            answer = site.browser().identify(**named, **said, name="Mallory")
            assert answer.status_code == 401, way
            assert answer.json()["code"] in {"proof_required", "proof_rejected"}, way
    assert (victim.data(), site.contacts()) == (before, people)


@pytest.mark.rule("V3", "T1")
def test_required_mode_has_no_way_around_identify(site: Site, victim: Victim) -> None:
    beside = site.beside()
    claimant = beside.browser()
    claimant.identify(email=victim.email)
    claimed_here = site.browser().identify(email=victim.email).json()["session_token"]
    site.set(verification="required")
    token = hs256(site.secret, in_order(site.app_key, name="Mallory"))
    attempts = [
        site.browser().identify(identity_token=claimant.hop(site)),  # claimed at a site that asks for less
        site.browser().identify(identity_token=site.hop_token(claimed_here)),  # a token that says more than is so
        site.browser().identify(token=token, email=victim.email),  # signed, and about nobody
        victim.browser.identify(external_id=victim.external_id, name="Mallory"),  # a proven session, an unsigned call
    ]
    assert {answer.status_code for answer in attempts} == {401}
    assert {answer.json()["code"] for answer in attempts} == {"proof_required"}
    joined = site.browser()
    joined.join()
    assert joined.post("/identity-token").json()["code"] == "conflict"
    assert joined.conversations() == set()


@pytest.mark.rule("V3")
def test_required_mode_refuses_known_and_unknown_alike(site: Site, victim: Victim) -> None:
    site.set(verification="required")
    answers = [site.browser().identify(external_id=name) for name in (victim.external_id, site.target.name("victim"))]
    assert answers[0].content == answers[1].content


@pytest.mark.rule("V3")
@pytest.mark.parametrize("mode", ["report", "off"])
def test_report_mode_gives_wrong_proof_no_standing(site: Site, victim: Victim, mode: str) -> None:
    site.set(verification=mode)
    before = victim.data()
    for way, said in WITHOUT_PROOF.items():
        attacker = site.browser()
        for named in ({"email": victim.email}, {"external_id": victim.external_id}):
            answer = attacker.identify(**named, **said, name="Mallory", custom_data={"plan": "free"}).json()
            assert answer["standing"] == "claimed", way
            assert "contact_id" not in answer, way
        assert attacker.conversations() == set()
    assert victim.data() == before


@pytest.mark.rule("V3")
def test_off_mode_gives_right_hash_no_standing(site: Site, victim: Victim) -> None:
    site.set(verification="off")
    before = victim.data()
    person = victim.external_id
    token = hs256(site.secret, in_order(site.app_key, sub=person, name="Mallory"))
    for said in ({"external_id": person, "user_hash": site.hash(person)}, {"external_id": person, "token": token}):
        answer = site.browser().identify(**said, name="Mallory", custom_data={"plan": "free"})
        assert answer.json()["standing"] == "claimed"
    assert site.browser().identify(token=token).json()["code"] == "no_identifier"
    assert site.browser().identify(identity_token=token).json()["code"] == "no_identifier"
    assert victim.data() == before


@pytest.mark.rule("V3", "V5", "M6")
def test_report_mode_gives_spent_token_no_standing(site: Site, victim: Victim) -> None:
    site.set(verification="report")
    person = victim.external_id
    token = hs256(site.secret, in_order(site.app_key, sub=person, jti=site.target.name("jti")))
    assert site.browser().identify(token=token).json()["standing"] == "proven"
    thief = site.browser()
    assert thief.identify(token=token, external_id=person).json()["standing"] == "claimed"
    # Without an identifier the call is about the session's contact, under the session's standing (M6).
    again = thief.identify(token=token).json()
    assert (again["standing"], "contact_id" in again) == ("claimed", False)
    assert thief.conversations() == set()
    assert site.browser().identify(token=token).json()["code"] == "no_identifier"


@pytest.mark.rule("V3")
def test_report_mode_mixed_proofs_stay_claimed(site: Site) -> None:
    site.set(verification="report")
    person = site.target.name("person")
    answer = site.browser().prove(person, token="e30.e30.e30")
    assert answer.json()["standing"] == "claimed"
