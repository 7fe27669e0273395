"""Rules V: what counts as proof."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hullo.errors import ProofRejected, ProofRequired
from hullo.model.standing import Standing
from hullo.model.user_hash import user_hash
from world import World

KEY = "3f9c" * 16
VECTORS = [
    ("user_123", "777c61fcf84cde9bd537726458b85a6d5f7047b8891c7fb2ffcce433f1901c1c"),
    ("jane@example.com", "acff5f38529dd163c5e9b5ecf56792c31ca2b09f83348157a4f2271db720125e"),
    ("johns-store.myshopify.com", "cfed6ef6de2aa87f94d16dbefcbd69bbca437709c9ecb5c658255803160ce81c"),
    ("ユーザー1", "0b55c17c370a913a0ffbda406b3aff1a2529de4b1f4f447cbd08a7cc0c5dba49"),
]
OTHER_LANGUAGES = json.loads((Path(__file__).parent / "user_hash_vectors.json").read_text("utf-8"))["vectors"]


@pytest.mark.rule("V1")
@pytest.mark.parametrize(("message", "expected"), VECTORS)
def test_published_vectors_verify(message: str, expected: str) -> None:
    assert user_hash(KEY, message) == expected


@pytest.mark.rule("V1")
@pytest.mark.parametrize("vector", OTHER_LANGUAGES, ids=lambda vector: repr(vector["value"]))
def test_five_other_languages_compute_the_same_hash(vector: dict[str, str]) -> None:
    assert user_hash(vector["secret"], vector["value"]) == vector["user_hash"]


@pytest.mark.rule("V1")
def test_external_id_hash_proves_the_identity(world: World) -> None:
    outcome = world.visitor().identify(external_id="jane", signed="external_id")
    assert outcome.standing is Standing.PROVEN


@pytest.mark.rule("V1")
def test_email_is_signed_as_it_is_sent(world: World) -> None:
    assert world.visitor().identify(email=" Jane@Example.com ", signed="email").standing is Standing.PROVEN
    with pytest.raises(ProofRejected):
        world.visitor().identify(email=" Jane@Example.com ", user_hash=world.sign("jane@example.com"))


@pytest.mark.rule("V1")
def test_email_hash_beside_external_id_is_wrong(world: World) -> None:
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", email="jane@example.com", signed="email")


@pytest.mark.rule("V1")
def test_hex_decoded_key_is_refused() -> None:
    import hashlib
    import hmac

    decoded = hmac.new(bytes.fromhex(KEY), b"user_123", hashlib.sha256).hexdigest()
    assert decoded.startswith("e1d1d2f0db1c952a")
    assert decoded != user_hash(KEY, "user_123")


@pytest.mark.rule("V2")
def test_external_id_hash_does_not_prove_email(world: World) -> None:
    outcome = world.visitor().identify(external_id="jane", email="jane@example.com", signed="external_id")
    identifiers = world.contact(outcome.contact_id).identifiers
    assert identifiers["external_id"].standing is Standing.PROVEN
    assert identifiers["email"].standing is Standing.CLAIMED


JUNK = ["x", "0" * 64, "é" * 64, "１" * 64, ["a"], {"a": 1}, 7, True, 1.5]


@pytest.mark.rule("V3", "V7")
@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_wrong_proof_leaves_no_trace(world: World, junk: object) -> None:
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", user_hash=junk)
    assert world.contacts() == ()


@pytest.mark.rule("V3")
@pytest.mark.parametrize(
    "change", [str.upper, lambda text: text[:-1], lambda text: text + " ", lambda text: text + "0"]
)
def test_nearly_right_hash_is_wrong(world: World, change: object) -> None:
    nearly = change(world.sign("jane"))  # type: ignore[operator]
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", user_hash=nearly)


@pytest.mark.rule("V3")
def test_optional_app_takes_unproven_claim(world: World) -> None:
    assert world.visitor().identify(external_id="jane", user_hash=None).standing < Standing.PROVEN


@pytest.mark.rule("V3")
def test_off_mode_ignores_right_and_wrong_hashes(world: World) -> None:
    world.set_app(verification="off")
    assert world.visitor().identify(external_id="a", signed="external_id").standing < Standing.PROVEN
    assert world.visitor().identify(external_id="b", user_hash="wrong").standing < Standing.PROVEN


@pytest.mark.rule("V3")
def test_report_mode_takes_wrong_hash_as_claim(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.set_app(verification="report")
    assert world.visitor().identify(external_id="a", signed="external_id").standing is Standing.PROVEN
    assert world.visitor().identify(external_id="secret-id", user_hash="wrong").standing < Standing.PROVEN
    assert "let_pass" in caplog.text
    assert "secret-id" not in caplog.text


@pytest.mark.rule("V3")
def test_required_mode_demands_a_proof(world: World) -> None:
    world.set_app(verification="required")
    with pytest.raises(ProofRequired):
        world.visitor().identify(external_id="jane")
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", user_hash="wrong")
    assert world.visitor().identify(external_id="jane", signed="external_id").standing is Standing.PROVEN


@pytest.mark.rule("V3")
def test_proof_without_a_verifier_is_wrong(world: World) -> None:
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", token="eyJhbGciOiJub25lIn0.e30.")


@pytest.mark.rule("V4")
def test_active_keys_verify_and_retired_ones_fail(world: World) -> None:
    old = world.sign("jane")
    added = world.hullo.register.add_identity_key(world.app.app_key)
    new = world.sign("jane")
    assert old != new
    for signature in (old, new):
        assert world.visitor().identify(external_id="jane", user_hash=signature).standing is Standing.PROVEN
    world.hullo.register.retire_identity_key(world.app.app_key, world.app.identity_key_id)
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", user_hash=old)
    assert world.visitor().identify(external_id="jane", user_hash=new).standing is Standing.PROVEN
    assert added.id != world.app.identity_key_id


@pytest.mark.rule("V4")
def test_key_may_retire_at_a_future_time(world: World) -> None:
    signature = world.sign("jane")
    hour = 3600 * 1_000_000
    world.hullo.register.retire_identity_key(world.app.app_key, world.app.identity_key_id, at=world.clock.now + hour)
    world.visitor().identify(external_id="jane", user_hash=signature)
    world.clock.now += hour
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", user_hash=signature)


@pytest.mark.rule("V4")
def test_key_records_its_last_use(world: World) -> None:
    world.visitor().identify(external_id="jane", signed="external_id")
    app = world.hullo.store.find_app(world.app.app_key)
    assert app is not None
    assert app.identity_keys[0].last_used_at is not None


@pytest.mark.rule("V4")
def test_key_of_another_app_proves_nothing(world: World) -> None:
    other = world.hullo.create_app("Other")
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", user_hash=world.sign("jane", other))


@pytest.mark.rule("V7")
def test_wrong_proof_does_not_reveal_a_contact(world: World) -> None:
    world.upsert(external_id="jane")

    def refusal(external_id: str) -> str:
        with pytest.raises(ProofRejected) as refused:
            world.visitor().identify(external_id=external_id, user_hash="0" * 64)
        return refused.value.detail

    assert refusal("jane") == refusal("nobody")


@pytest.mark.rule("V3")
def test_proven_session_stays_proven_for_same_person(world: World) -> None:
    browser = world.visitor()
    browser.identify(external_id="jane", signed="external_id")
    assert browser.identify(external_id="jane", name="Jane").standing is Standing.PROVEN
    assert browser.identify(external_id="bert", name="Bert").standing < Standing.PROVEN


@pytest.mark.rule("V6", "C1")
def test_email_hash_proves_email_beside_id(world: World) -> None:
    """It confirms what the email alone would only claim: the contact that has the email is merged."""
    known = world.upsert(email="jane@example.com").contact_id
    world.upsert(external_id="jane")
    email = " Jane@Example.com "
    said = world.visitor().identify(external_id="jane", signed="external_id", email=email, email_hash=world.sign(email))
    assert (said.standing, said.noted) == (Standing.PROVEN, ())
    assert world.current(str(known)).id == said.contact_id
    fact = world.contact(str(said.contact_id)).identifiers["email"]
    assert (fact.standing, fact.value) == (Standing.PROVEN, "jane@example.com")
    # Alone it proves the email as a user_hash does, also where proofs are required.
    world.set_app(verification="required")
    alone = world.visitor().identify(email="jane@example.com", email_hash=world.sign("jane@example.com"))
    assert (alone.standing, alone.contact_id) == (Standing.PROVEN, said.contact_id)


@pytest.mark.rule("V6", "V2", "V7")
@pytest.mark.parametrize("signed", ["jane", "jane@example.com ", "joe@example.com", "email"])
def test_email_hash_is_over_the_email_only(world: World, signed: str) -> None:
    """A hash over the external id beside it is none over the email; nor is any other text's."""
    fields = {"external_id": "jane", "email": "jane@example.com", "user_hash": world.sign("jane")}
    with pytest.raises(ProofRejected):
        world.visitor().identify(**fields, email_hash=world.sign(signed))
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", email_hash=world.sign("jane"))
    # The right hash of the email does not make up for a wrong one of the id.
    with pytest.raises(ProofRejected):
        world.visitor().identify(
            **{**fields, "user_hash": world.sign(f"{signed}!")}, email_hash=world.sign(fields["email"])
        )
    assert world.contacts() == ()
    # V2: blank evidence is none.
    claimed = world.visitor().identify(external_id="jane", user_hash="", email_hash="", email="jane@example.com")
    assert claimed.standing is Standing.OWNED
