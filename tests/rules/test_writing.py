"""Rules W: what is written, kept and rejected."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hullo.errors import Invalid
from hullo.model.claim import Claim
from hullo.model.standing import Standing
from hullo.store.protocol import Store
from world import Browser, World


def profile(world: World, contact_id: str) -> dict[str, object]:
    return {name: fact.value for name, fact in world.contact(contact_id).profile.items()}


@pytest.mark.rule("W1")
def test_sent_values_are_written_and_others_stay(world: World) -> None:
    first = world.upsert(external_id="jane", name="Jane", company="Acme", custom_data={"plan": "pro"})
    world.upsert(external_id="jane", company="Initech")
    assert profile(world, first.contact_id) == {"name": "Jane", "company": "Initech"}
    assert world.custom_data(first.contact_id) == {"plan": "pro"}


@pytest.mark.rule("W2")
def test_claim_does_not_replace_proven_profile_value(world: World) -> None:
    jane = world.upsert(email="jane@example.com", name="Jane")
    outcome = world.visitor().identify(email="jane@example.com", name="Mallory", company="Evil")
    assert profile(world, jane.contact_id) == {"name": "Jane", "company": "Evil"}
    assert [verdict.field for verdict in outcome.kept] == ["name"]


@pytest.mark.rule("W2")
def test_newest_unproven_profile_value_wins(world: World) -> None:
    first = world.visitor().identify(email="jane@example.com", name="Jane")
    world.visitor().identify(email="jane@example.com", name="Jane Smith")
    assert profile(world, first.contact_id) == {"name": "Jane Smith"}


@pytest.mark.rule("W2")
def test_proof_replaces_any_value(world: World) -> None:
    jane = world.upsert(external_id="jane", name="Jane")
    world.visitor().identify(external_id="jane", name="Jane Smith", signed="external_id")
    assert profile(world, jane.contact_id) == {"name": "Jane Smith"}


@pytest.mark.rule("W2")
def test_same_value_with_proof_becomes_protected(world: World) -> None:
    first = world.visitor().identify(external_id="jane", name="Jane")
    world.visitor().identify(external_id="jane", name="Jane", signed="external_id")
    world.visitor().identify(external_id="jane", name="Mallory")
    assert profile(world, first.contact_id) == {"name": "Jane"}


@pytest.mark.rule("W3")
def test_custom_data_merges_key_by_key(world: World) -> None:
    browser = world.visitor()
    outcome = browser.identify(email="jane@example.com", custom_data={"plan": "pro", "seats": 3})
    browser.identify(email="jane@example.com", custom_data={"seats": 4, "trial": False})
    assert world.custom_data(outcome.contact_id) == {"plan": "pro", "seats": 4, "trial": False}


@pytest.mark.rule("W3")
def test_each_app_has_its_own_custom_data(world: World) -> None:
    other = world.hullo.create_app("Second shop")
    first = world.visitor().identify(email="jane@example.com", custom_data={"plan": "pro"})
    world.visitor(other).identify(email="jane@example.com", custom_data={"plan": "free"})
    assert world.custom_data(first.contact_id) == {"plan": "pro"}
    assert world.custom_data(first.contact_id, other) == {"plan": "free"}


@pytest.mark.rule("W4")
@pytest.mark.parametrize("blank", [None, ""])
def test_claimed_custom_data_fills_only_blanks(world: World, blank: str | None) -> None:
    jane = world.upsert(email="jane@example.com", custom_data={"plan": "pro", "note": blank})
    outcome = world.visitor().identify(email="jane@example.com", custom_data={"plan": "free", "note": "hi", "new": 1})
    assert world.custom_data(jane.contact_id) == {"plan": "pro", "note": "hi", "new": 1}
    assert [verdict.field for verdict in outcome.kept] == ["custom_data.plan"]


@pytest.mark.rule("W4")
def test_claim_does_not_replace_owners_custom_value(world: World) -> None:
    first = world.visitor().identify(email="jane@example.com", custom_data={"plan": "pro"})
    world.visitor().identify(email="jane@example.com", custom_data={"plan": "free"})
    assert world.custom_data(first.contact_id) == {"plan": "pro"}


@pytest.mark.rule("W4", "W13")
def test_owner_replaces_unproven_values_until_proof(world: World) -> None:
    owner = world.visitor()
    first = owner.identify(email="jane@example.com", custom_data={"mine": 1})
    world.visitor().identify(email="jane@example.com", custom_data={"theirs": 1})
    owner.identify(email="jane@example.com", custom_data={"mine": 2, "theirs": 2})
    assert world.custom_data(first.contact_id) == {"mine": 2, "theirs": 2}
    # The site proves the contact by its email, and writes no other value.
    world.upsert(email="jane@example.com")
    assert owner.identify(email="jane@example.com", custom_data={"mine": 3, "new": 3}).standing is Standing.CLAIMED
    assert world.custom_data(first.contact_id) == {"mine": 2, "theirs": 2, "new": 3}


@pytest.mark.rule("W4")
def test_proof_may_replace_any_custom_value(world: World) -> None:
    jane = world.upsert(external_id="jane", custom_data={"plan": "pro"})
    world.visitor().identify(external_id="jane", custom_data={"plan": "free"}, signed="external_id")
    assert world.custom_data(jane.contact_id) == {"plan": "free"}


@pytest.mark.rule("W5")
def test_null_clears_custom_key_like_a_write(world: World) -> None:
    jane = world.upsert(external_id="jane", custom_data={"plan": "pro", "seats": 3})
    world.visitor().identify(external_id="jane", custom_data={"plan": None})
    assert world.custom_data(jane.contact_id) == {"plan": "pro", "seats": 3}
    world.upsert(external_id="jane", custom_data={"plan": None, "absent": None})
    assert world.custom_data(jane.contact_id) == {"seats": 3}


@pytest.mark.rule("W5")
def test_null_clears_profile_field_for_owner_only(world: World) -> None:
    owner = world.visitor()
    first = owner.identify(email="jane@example.com", name="Jane", company="Acme")
    world.visitor().identify(email="jane@example.com", name=None)
    assert profile(world, first.contact_id)["name"] == "Jane"
    owner.identify(email="jane@example.com", name=None)
    assert profile(world, first.contact_id) == {"company": "Acme"}


@pytest.mark.rule("W6", "W8")
@pytest.mark.parametrize("value", [{"a": 1}, [1], float("nan"), float("inf"), 2**63, "\x00", "a\x1b[31m", "\ud800"])
def test_bad_custom_value_is_dropped_alone(world: World, value: object) -> None:
    outcome = world.visitor().identify(email="jane@example.com", custom_data={"bad": value, "plan": "pro"})
    assert world.custom_data(outcome.contact_id) == {"plan": "pro"}
    assert [rejection.field for rejection in outcome.rejected] == ["custom_data.bad"]


@pytest.mark.rule("W6")
@pytest.mark.parametrize("value", ["", "text", "zwei\nZeilen", 0, -1, 2**63 - 1, 1.5, 1e300, True, False])
def test_plain_values_return_as_sent(world: World, value: object) -> None:
    outcome = world.visitor().identify(email="jane@example.com", custom_data={"key": value})
    stored = world.custom_data(outcome.contact_id)["key"]
    assert (stored, type(stored)) == (value, type(value))


@pytest.mark.rule("W7")
def test_claim_fills_a_blank_identifier(world: World) -> None:
    jane = world.upsert(external_id="jane")
    world.visitor().identify(external_id="jane", email="jane@example.com")
    assert world.contact(jane.contact_id).email == "jane@example.com"
    assert world.contact(jane.contact_id).identifiers["email"].standing is Standing.CLAIMED


@pytest.mark.rule("W7")
def test_claim_replaces_no_identifier(world: World) -> None:
    first = world.visitor().identify(external_id="jane", email="jane@example.com")
    world.visitor().identify(external_id="jane", email="mallory@example.com")
    assert world.contact(first.contact_id).email == "jane@example.com"


@pytest.mark.rule("W7")
def test_owner_or_proof_may_replace_unproven_identifier(world: World) -> None:
    owner = world.visitor()
    first = owner.identify(external_id="jane", email="old@example.com")
    owner.identify(external_id="jane", email="new@example.com")
    assert world.contact(first.contact_id).email == "new@example.com"
    world.visitor().identify(external_id="jane", email="newest@example.com", signed="external_id")
    assert world.contact(first.contact_id).email == "newest@example.com"
    assert world.upsert(email="old@example.com").matched_by == "created"


@pytest.mark.rule("W7", "V2")
def test_unproven_email_replaces_no_proven_one(world: World) -> None:
    jane = world.upsert(external_id="jane", email="jane@example.com")
    world.visitor().identify(external_id="jane", email="other@example.com")
    assert world.contact(jane.contact_id).email == "jane@example.com"


@pytest.mark.rule("W8")
def test_bad_field_does_not_lose_the_rest(world: World) -> None:
    outcome = world.visitor().identify(
        email="jane@example.com", name="Jane", phone="call me", avatar_url="javascript:alert(1)", compny="x"
    )
    assert profile(world, outcome.contact_id) == {"name": "Jane"}
    assert {rejection.field for rejection in outcome.rejected} == {"phone", "avatar_url", "compny"}


@pytest.mark.rule("W8")
def test_strict_call_with_bad_field_writes_nothing(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        world.visitor().identify(email="jane@example.com", phone="call me", strict=True)
    assert [rejection.field for rejection in refused.value.rejected] == ["phone"]
    assert world.contacts() == ()


@pytest.mark.rule("W9")
@pytest.mark.parametrize("signed", [None, "external_id"])
def test_unchanged_call_writes_nothing(world: World, signed: str | None) -> None:
    browser = world.visitor()
    body = {
        "external_id": "jane",
        "email": "jane@example.com",
        "name": "Jane",
        "custom_data": {"plan": "pro"},
    }
    browser.identify(**body, signed=signed)
    for _ in range(3):
        outcome = browser.identify(**body, signed=signed)
        assert browser.wrote.is_empty
        assert not outcome.changed
        assert browser.wrote.events == ()


@pytest.mark.rule("W9", "S3")
def test_visit_is_recorded_at_most_hourly(world: World) -> None:
    browser = world.visitor()
    browser.identify(email="jane@example.com")
    world.clock.now += 3600 * 1_000_000
    outcome = browser.identify(email="jane@example.com")
    assert not browser.wrote.is_empty
    assert world.contact(outcome.contact_id).last_seen_at > world.clock.now - 1_000_000
    browser.identify(email="jane@example.com")
    assert browser.wrote.is_empty


@pytest.mark.rule("W10")
@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("external_id", 255),
        ("name", 255),
        ("company", 255),
        ("phone", 32),
        ("avatar_url", 2048),
        ("email", 254),
    ],
)
def test_overlong_value_is_rejected_and_never_cut(world: World, field: str, longest: int) -> None:
    def text(length: int) -> str:
        match field:
            case "email":
                # 64 @ labels of at most 63
                domain = ".".join(["d" * 60] * 3)
                return "l" * (length - len(domain) - 1) + "@" + domain
            case "avatar_url":
                return "https://example.com/".ljust(length, "a")
            case "phone":
                return "1" * length
            case _:
                return "x" * length

    if field == "email":  # the local part ends at 64 by RFC 5321, long before the whole does
        claim = Claim.from_body({"email": "x" * 64 + "@" + ".".join(["d" * 63] * 2 + ["d" * 60])})
        assert claim.email is not None
    else:
        assert Claim.from_body({"external_id": "a", field: text(longest)}).rejected == ()
    rejected = Claim.from_body({field: text(longest + 1)}).rejected
    assert [(each.field, each.reason) for each in rejected] == [(field, f"longer than {longest} characters")]


@pytest.mark.rule("W10")
def test_custom_key_number_length_letters_are_limited() -> None:
    claim = Claim.from_body(
        {
            "email": "a@b",
            "custom_data": {"k" * 64: 1, "k" * 65: 1, "with space": 1, "": 1, "ключ": 1, "__proto__": 1},
        }
    )
    assert list(claim.custom_data) == ["k" * 64]
    assert len(claim.rejected) == 5
    many = Claim.from_body({"email": "a@b", "custom_data": {f"k{number}": 1 for number in range(101)}})
    assert many.custom_data == {}
    assert [rejection.field for rejection in many.rejected] == ["custom_data"]


@pytest.mark.rule("W10")
def test_contact_holds_250_custom_keys_per_app(world: World) -> None:
    browser = world.visitor()
    for start in (0, 100, 200):
        outcome = browser.identify(
            email="jane@example.com", custom_data={f"key{number}": 1 for number in range(start, start + 100)}
        )
    assert len(world.custom_data(outcome.contact_id)) == 250
    assert len(outcome.kept) == 50
    browser.identify(email="jane@example.com", custom_data={"key0": 2})
    assert world.custom_data(outcome.contact_id)["key0"] == 2


@pytest.mark.rule("W11")
@pytest.mark.parametrize("email", ["user@localhost", "jane@shop.test", "a@b", "jané@bücher.example", "a+b@c.d"])
def test_valid_email_forms_are_accepted(email: str) -> None:
    assert Claim.from_body({"email": email}).email == email


@pytest.mark.rule("W11")
@pytest.mark.parametrize(
    "email",
    [
        "jane",
        "@example.com",
        "jane@",
        "a b@c.d",
        "a@b@c",
        "jane@.com",
        "jane@a..b",
        "a\nb@c",
        "x" * 65 + "@b.c",
    ],
)
def test_invalid_email_is_rejected(email: str) -> None:
    claim = Claim.from_body({"email": email})
    assert claim.email is None
    assert [rejection.field for rejection in claim.rejected] == ["email"]


@pytest.mark.rule("W8", "W11")
def test_numeric_phone_is_read_as_digits(world: World) -> None:
    outcome = world.visitor().identify(email="jane@example.com", phone=4930901820)
    assert (profile(world, outcome.contact_id), outcome.rejected) == ({"phone": "4930901820"}, ())
    for wrong in (True, 4930901820.5, ["4930901820"]):
        (fault,) = world.visitor().identify(email="ann@example.com", phone=wrong).rejected
        assert (fault.field, fault.reason) == ("phone", "must be text")


@pytest.mark.rule("W11")
@pytest.mark.parametrize(
    ("sent", "region", "stored"),
    [
        ("+1 (415) 555-2671", None, "+14155552671"),
        ("030 901820", "DE", "+4930901820"),
        ("+1234567890", None, "+1234567890"),
        ("030 901820", None, "030 901820"),
        ("ext. 12", "DE", "ext. 12"),
    ],
)
def test_phone_is_kept_as_e164_or_raw(world: World, sent: str, region: str | None, stored: str) -> None:
    pytest.importorskip("phonenumbers")
    if region is not None:
        world.set_app(region=region)
    outcome = world.visitor().identify(email="jane@example.com", phone=sent)
    assert outcome.rejected == ()
    assert profile(world, outcome.contact_id) == {"phone": stored}


@pytest.mark.rule("W11")
@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://example.com/a.png", True),
        ("http://localhost:8000/a", True),
        ("data:image/png;base64,AA", False),
        ("javascript:alert(1)", False),
        ("//example.com/a.png", False),
        ("https://", False),
        ("https://[::1", False),
        ("https://exa mple.com", False),
    ],
)
def test_avatar_must_be_a_web_address(url: str, fine: bool) -> None:
    claim = Claim.from_body({"email": "a@b", "avatar_url": url})
    assert (claim.rejected == ()) is fine


scalars = st.one_of(st.text(max_size=8), st.integers(-5, 5), st.booleans(), st.floats(allow_nan=False), st.none())
blocks = st.dictionaries(st.sampled_from(["a", "b", "c"]), scalars, max_size=3)
calls = st.lists(st.tuples(st.sampled_from(["owner", "stranger", "server"]), blocks), max_size=8)


@pytest.mark.rule("W3", "W4", "W5")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls)
def test_value_yields_only_to_equal_standing(
    calls: list[tuple[str, dict[str, object]]],
) -> None:
    from hullo.hooks.entry_points import open_store

    World.end()  # that of the example before
    world = World(open_store("memory:"))
    who: dict[str, Browser] = {"owner": world.visitor(), "stranger": world.visitor()}
    contact_id = who["owner"].identify(email="jane@example.com").contact_id
    before: dict[str, Standing] = {}
    for speaker, block in calls:
        if speaker == "server":
            world.upsert(email="jane@example.com", custom_data=block)
        else:
            who[speaker].identify(email="jane@example.com", custom_data=block)
        facts = world.contact(contact_id).custom_data.get(world.app.app_id, {})
        standing = {"server": Standing.PROVEN, "owner": Standing.OWNED, "stranger": Standing.CLAIMED}[speaker]
        for key, was in before.items():
            now = facts.get(key)
            if standing < was:
                assert now is not None
                assert now.standing is was or now.value != ""
        before = {key: fact.standing for key, fact in facts.items() if fact.value != ""}


def test_store_fixture_is_a_real_store(store: Store) -> None:
    assert isinstance(store, Store)


@pytest.mark.rule("W12")
def test_protected_keys_are_written_by_site_only(world: World) -> None:
    """In a new contact too; not by a signed attribute, and not cleared."""
    world.set_app(protected_keys="plan, billing.*,company")
    values = {"plan": "enterprise", "billing.seats": 9, "billing": "free", "theme": "dark"}
    page = world.visitor()
    for kind in ({"external_id": "jane", "signed": "external_id"}, {"email": "joe@x.test"}):
        said = world.visitor().identify(**kind, custom_data=values, company="Evil", name="Jane")
        assert {verdict.field for verdict in said.kept} == {"company", "custom_data.plan", "custom_data.billing.seats"}
        assert all("(W12)" in verdict.reason for verdict in said.kept)
        assert world.custom_data(str(said.contact_id)) == {"billing": "free", "theme": "dark"}
    # The site's server, and a token that states them; beside it they are kept back.
    jane = str(world.upsert(external_id="jane", custom_data={"plan": "free"}, company="Acme").contact_id)
    token = world.hullo.mint_token(world.app.app_key, external_id="jane", custom_data={"billing.seats": 1})
    stated = page.identify(token=token, custom_data={"plan": "pro", "billing.seats": 5}, company=None)
    assert {verdict.field for verdict in stated.kept} == {"custom_data.plan", "company"}
    assert world.custom_data(jane) == {"billing": "free", "theme": "dark", "plan": "free", "billing.seats": 1}
    assert world.contact(jane).profile["company"].value == "Acme"
    # What is said again as it is changes nothing, and is not kept back (W9).
    assert page.identify(custom_data={"plan": "free"}).kept == ()
    world.set_app(protected_keys="shop")
    attribute = page.identify(external_id="jane", shop="a", shop_hash=world.sign("a"))
    assert [verdict.field for verdict in attribute.kept] == ["custom_data.shop"]
    world.set_app(protected_keys="none")
    assert page.identify(custom_data={"plan": "pro"}).kept == ()


@pytest.mark.rule("W12")
@pytest.mark.parametrize(
    "keys", ["email", "external_id,plan", "a b", "billing*.x", "**", ",".join(f"k{n}" for n in range(101))]
)
def test_wrong_protected_keys_are_refused(world: World, keys: str) -> None:
    with pytest.raises(Invalid):
        world.set_app(protected_keys=keys)
    assert world.hullo.store.find_app(world.app.app_id).protected_keys == ()  # type: ignore[union-attr]
