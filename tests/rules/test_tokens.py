"""Tokens that a site's server signs (V5, T4), and attributes that it signs (V6)."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from databases import before_any_database
from hullo.errors import Invalid, NoIdentifier, ProofRejected, ProofRequired
from hullo.model.claim import Claim
from hullo.model.compact_token import parse_token
from hullo.model.instant import DAY, HOUR, MINUTE, SECOND
from hullo.model.proof import Signature
from hullo.model.standing import Standing
from hullo.store.protocol import Store
from world import World

VECTORS = json.loads((Path(__file__).parent / "identity_token_vectors.json").read_text("utf-8"))


class Site:
    """A site's server that signs tokens, well or badly."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.clock.now // SECOND

    def payload(self, **claims: object) -> dict[str, Any]:
        good = {"sub": "jane", "exp": self.now + 300, "aud": self.world.app.app_key}
        return {name: value for name, value in {**good, **claims}.items() if value is not ...}

    def token(self, *, key: Any = None, alg: str = "HS256", headers: dict[str, Any] | None = None, **claims: object):
        return jwt.encode(self.payload(**claims), key or self.world.app.identity_key, algorithm=alg, headers=headers)


@pytest.fixture
def site(world: World) -> Site:
    return Site(world)


def mistake(world: World, **body: object) -> str | None:
    """How the refusal of this call is called."""
    with pytest.raises(ProofRejected) as refused:
        world.visitor().identify(**body)
    return refused.value.mistake


@pytest.mark.rule("V5")
def test_token_values_are_proven_and_others_claimed(world: World, site: Site) -> None:
    token = site.token(email="jane@example.com", name="Jane", custom_data={"plan": "pro"})
    outcome = world.visitor().identify(token=token, company="Acme", custom_data={"colour": "red"})
    contact = world.contact(outcome.contact_id)
    assert outcome.standing is Standing.PROVEN
    assert {field: fact.standing for field, fact in {**contact.identifiers, **contact.profile}.items()} == {
        "external_id": Standing.PROVEN,
        "email": Standing.PROVEN,
        "name": Standing.PROVEN,
        "company": Standing.CLAIMED,
    }
    block = contact.custom_data[world.app.app_id]
    assert {key: fact.standing for key, fact in block.items()} == {"plan": Standing.PROVEN, "colour": Standing.CLAIMED}


@pytest.mark.rule("V5")
def test_token_wins_over_the_same_field(world: World, site: Site) -> None:
    token = site.token(email="jane@example.com", name="Jane", custom_data={"plan": "pro"})
    outcome = world.visitor().identify(
        token=token, external_id="mallory", email="m@example.com", name="Mallory", custom_data={"plan": "free"}
    )
    contact = world.contact(outcome.contact_id)
    assert (contact.external_id, contact.email, contact.profile["name"].value) == ("jane", "jane@example.com", "Jane")
    assert world.custom_data(outcome.contact_id) == {"plan": "pro"}


@pytest.mark.rule("V5", "W2", "W4")
def test_claim_beside_token_replaces_no_proven_value(world: World, site: Site) -> None:
    world.upsert(external_id="jane", name="Jane", custom_data={"plan": "pro"})
    outcome = world.visitor().identify(token=site.token(), name="J", custom_data={"plan": "free"})
    assert [verdict.field for verdict in outcome.kept] == ["name", "custom_data.plan"]


@pytest.mark.rule("V5")
def test_call_without_token_replaces_no_token_value(world: World, site: Site) -> None:
    browser = world.visitor()
    browser.identify(token=site.token(name="Jane", custom_data={"plan": "free"}))
    outcome = browser.identify(external_id="jane", name="Boss", custom_data={"plan": "enterprise"})
    assert outcome.standing is Standing.PROVEN
    assert [verdict.field for verdict in outcome.kept] == ["name", "custom_data.plan"]
    browser.identify(token=site.token(custom_data={"plan": "pro"}))
    assert world.custom_data(outcome.contact_id) == {"plan": "pro"}


@pytest.mark.rule("V5")
def test_token_without_identifier_proves_none(world: World, site: Site) -> None:
    token = site.token(sub=..., name="Jane")
    with pytest.raises(NoIdentifier):
        world.visitor().identify(token=token)
    world.upsert(external_id="victim", name="Victim")
    outcome = world.visitor().identify(token=token, external_id="victim")
    assert outcome.standing is Standing.CLAIMED
    assert world.contact(outcome.contact_id).profile["name"].value == "Victim"
    world.set_app(verification="required")
    with pytest.raises(ProofRequired):
        world.visitor().identify(token=token, external_id="victim")


@pytest.mark.rule("V5")
def test_email_token_proves_only_the_email(world: World, site: Site) -> None:
    world.upsert(external_id="boss", name="Boss")
    outcome = world.visitor().identify(token=site.token(sub=..., email="jane@example.com"), external_id="boss")
    contact = world.contact(outcome.contact_id)
    assert contact.email == "jane@example.com"
    assert contact.external_id != "boss"


@pytest.mark.rule("V5")
@pytest.mark.parametrize("nobody", [{"sub": "guest"}, {"sub": ...}])
def test_token_without_identifier_vouches_for_no_contact(world: World, site: Site, nobody: dict[str, Any]) -> None:
    token = site.token(**nobody, custom_data={"plan": "enterprise"})
    browser = world.visitor()
    contact = browser.identify(external_id="jane", signed="external_id").contact_id
    browser.identify(external_id="jane", token=token)
    assert world.contact(contact).custom_data[world.app.app_id]["plan"].standing is Standing.CLAIMED


@pytest.mark.rule("V5")
def test_hash_beside_token_weakens_no_token_value(world: World, site: Site) -> None:
    browser = world.visitor()
    token = site.token(custom_data={"plan": "free"})
    browser.identify(token=token, external_id="jane", user_hash=world.sign("jane"))
    outcome = browser.identify(external_id="jane", custom_data={"plan": "enterprise"})
    assert world.custom_data(outcome.contact_id) == {"plan": "free"}


@pytest.mark.rule("V2", "V3")
def test_proof_of_unmatched_identifier_is_ignored(store: Store) -> None:
    world = World(store, without=["external-id"])
    victim = world.upsert(email="victim@example.com", name="Victim").contact_id
    outcome = world.visitor().identify(external_id="mine", user_hash=world.sign("mine"), email="victim@example.com")
    assert (outcome.signature, outcome.standing) == (Signature.UNSIGNED, Standing.CLAIMED)
    assert outcome.contact_id == victim
    world.set_app(verification="required")
    with pytest.raises(ProofRequired):
        world.visitor().identify(external_id="mine", user_hash=world.sign("mine"), email="victim@example.com")


@pytest.mark.rule("V1", "T1")
def test_site_signature_cannot_make_hop_token(world: World) -> None:
    from hullo_plugins.token.hop import _hop_secret

    app = world.hullo.executor.apps.reload(world.app.app_key)
    assert _hop_secret(app.identity_keys[0]) != world.sign("hullo hop token")


KINDS: dict[str, tuple[Callable[[], Any], str]] = {
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, "Ed25519"),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), "P-256"),
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), "RSA"),
}


def public_half(private: Any) -> str:
    pem: bytes = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


@pytest.mark.rule("V5", "V4")
@pytest.mark.parametrize("algorithm", KINDS)
def test_site_may_sign_with_its_own_key(world: World, site: Site, algorithm: str) -> None:
    private = KINDS[algorithm][0]()
    key = world.hullo.register.add_public_key(world.app.app_key, public_half(private))
    token = site.token(key=private, alg=algorithm, headers={"kid": key.id})
    assert world.visitor().identify(token=token).standing is Standing.PROVEN
    world.hullo.register.retire_identity_key(world.app.app_key, key.id)
    assert mistake(world, token=site.token(key=private, alg=algorithm)) == "retired_key"


@pytest.mark.rule("V5")
@pytest.mark.parametrize("algorithm", KINDS)
def test_public_key_is_no_signing_secret(world: World, site: Site, algorithm: str) -> None:
    public = public_half(KINDS[algorithm][0]())
    key = world.hullo.register.add_public_key(world.app.app_key, public)
    header = {"alg": "HS256", "typ": "JWT", "kid": key.id}
    for secret in (public.encode(), public.strip().encode(), str(key.public_key).encode(), b""):
        for kid in (True, False):
            said = header if kid else {name: value for name, value in header.items() if name != "kid"}
            signed = f"{encoded(said)}.{encoded(site.payload())}"
            mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signed.encode(), secret)
            text = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
            assert mistake(world, token=text) in {"unknown_kid", "signature"}


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": -61}, "expired"),
    "no exp": ({"exp": ...}, "no_exp"),
    "exp is a text": ({"exp": "soon"}, "no_exp"),
    "exp is in milliseconds": ({"exp": 1_790_000_300_000}, "milliseconds"),
    "no aud": ({"aud": ...}, "no_aud"),
    "another app": ({"aud": "app_other"}, "audience"),
    "a list of others": ({"aud": ["app_other"]}, "audience"),
    "no text": ({"aud": 1}, "audience"),
    "lives for more than a day": ({"exp": 86461}, "lives_too_long"),
    "begins later": ({"nbf": 61}, "not_yet_valid"),
    "made in the future": ({"iat": 61}, "not_yet_valid"),
    "a jti that is a number": ({"jti": 1}, "no_jti"),
    "an empty jti": ({"jti": ""}, "no_jti"),
}


@pytest.mark.rule("V5")
@before_any_database
@pytest.mark.parametrize("name", BAD)
def test_wrong_or_expired_token_is_refused(world: World, site: Site, name: str) -> None:
    claims, code = BAD[name]
    times = {
        each: site.now + value
        for each, value in claims.items()
        if each in {"exp", "nbf", "iat"} and isinstance(value, int) and value < 10**9
    }
    assert mistake(world, token=site.token(**{**claims, **times})) == code


@pytest.mark.rule("V5")
def test_clock_may_differ_by_a_minute(world: World, site: Site) -> None:
    for claims in ({"exp": site.now - 59}, {"iat": site.now + 59}, {"nbf": site.now + 59}):
        assert world.visitor().identify(token=site.token(**claims)).standing is Standing.PROVEN


@pytest.mark.rule("V5")
def test_token_lifetime_counts_from_its_iat(world: World, site: Site) -> None:
    old = site.token(iat=site.now - 3600, exp=site.now + 23 * 3600 + 61)
    assert mistake(world, token=old) == "lives_too_long"
    assert world.visitor().identify(token=site.token(iat=site.now, exp=site.now + 86400)).signature == "signed"


@pytest.mark.rule("V5")
def test_audience_may_be_one_of_several(world: World, site: Site) -> None:
    assert world.visitor().identify(token=site.token(aud=["other", world.app.app_key])).signature == "signed"


@pytest.mark.rule("V5")
def test_numeric_subject_becomes_its_digits(world: World, site: Site) -> None:
    outcome = world.visitor().identify(token=site.token(sub=4711))
    assert world.contact(outcome.contact_id).external_id == "4711"


@pytest.mark.rule("V5", "V4")
def test_kid_selects_only_the_key(world: World, site: Site) -> None:
    register, app_key = world.hullo.register, world.app.app_key
    newer = register.add_identity_key(app_key)
    assert world.visitor().identify(token=site.token(headers={"kid": world.app.identity_key_id})).signature == "signed"
    assert world.visitor().identify(token=site.token(key=newer.secret)).signature == "signed"
    assert mistake(world, token=site.token(headers={"kid": newer.id})) == "signature"
    assert mistake(world, token=site.token(headers={"kid": "../../etc/passwd"})) == "unknown_kid"
    register.retire_identity_key(app_key, newer.id)
    assert mistake(world, token=site.token(key=newer.secret, headers={"kid": newer.id})) == "retired_key"
    assert mistake(world, token=site.token(key=newer.secret)) == "signature"


@pytest.mark.rule("V5")
@before_any_database
@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"alg": "none"}, "algorithm"),
        ({"alg": "None"}, "algorithm"),
        ({"alg": ""}, "algorithm"),
        ({"alg": "HS512"}, "algorithm"),
        ({"alg": ["HS256"]}, "algorithm"),
        ({}, "algorithm"),
        ({"alg": "RS256"}, "algorithm"),
        ({"alg": "HS256", "typ": "hullo-hop"}, "token_type"),
        ({"alg": "HS256", "typ": 1}, "token_type"),
        ({"alg": "HS256", "crit": ["exp"]}, "no_jwt"),
        ({"alg": "HS256", "b64": False}, "no_jwt"),
        ({"alg": "HS256", "zip": "DEF"}, "no_jwt"),
        ({"alg": "HS256", "enc": "A256GCM"}, "no_jwt"),
        ({"alg": "HS256", "cty": "JWT"}, "no_jwt"),
        ({"alg": "HS256", "kid": ["x"]}, "unknown_kid"),
    ],
)
def test_unexpected_token_header_is_refused(world: World, site: Site, header: dict[str, Any], code: str) -> None:
    good = site.token().split(".")
    assert mistake(world, token=f"{encoded(header)}.{good[1]}.{good[2]}") == code


@pytest.mark.rule("V5")
def test_non_token_is_refused(world: World, site: Site) -> None:
    good = site.token()
    head, payload, signature = good.split(".")
    nested = f"{head}.{base64.urlsafe_b64encode(good.encode()).decode().rstrip('=')}.{signature}"
    doubled = base64.urlsafe_b64encode(b'{"sub":"a","sub":"b"}').decode().rstrip("=")
    for text in ("a.b", f"{good}.", f"{good}=", f" {good}", f"{head}.{payload}.", nested, "é.é.é", "." * 4000):
        assert mistake(world, token=text) == "no_jwt"
    assert mistake(world, token=f"{head}.{doubled}.{signature}") == "no_jwt"
    assert mistake(world, token="a" * 8193) == "token_too_long"
    assert mistake(world, token=["a"]) == "no_jwt"
    with pytest.raises(ProofRejected):
        world.visitor().identify(token=f"{head}.{encoded(site.payload(sub='boss'))}.{signature}")


@pytest.mark.rule("V5")
def test_jti_is_accepted_once(world: World, site: Site) -> None:
    token = site.token(jti="one")
    browser = world.visitor()
    browser.identify(token=token)
    for again in (browser, world.visitor()):
        with pytest.raises(ProofRejected):
            again.identify(token=token)
    assert browser.identify(token=site.token(jti="two")).signature == "signed"
    other = world.hullo.create_app("Other")
    elsewhere = jwt.encode(site.payload(jti="one", aud=other.app_key), other.identity_key, algorithm="HS256")
    assert world.visitor(other).identify(token=elsewhere).signature == "signed"


@pytest.mark.rule("V5", "R1")
def test_concurrent_jti_is_accepted_once(world: World, site: Site) -> None:
    token, start, answers = site.token(jti="one"), threading.Barrier(16), list[str]()

    def show() -> None:
        start.wait()
        try:
            answers.append(world.visitor().identify(token=token).standing.label)
        except ProofRejected as refused:
            answers.append(str(refused.mistake))

    threads = [threading.Thread(target=show) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["proven", *["used_before"] * 15]


@pytest.mark.rule("V5", "R3")
def test_call_refused_otherwise_spends_no_token(world: World, site: Site) -> None:
    token = site.token(jti="one")
    with pytest.raises(Invalid):
        world.visitor().identify(token=token, phone="none", strict=True)
    assert world.visitor().identify(token=token).signature == "signed"


@pytest.mark.rule("V3", "V5")
def test_report_mode_ignores_wrong_token(world: World, site: Site) -> None:
    world.set_app(verification="report")
    token = site.token(jti="one", name="Jane")
    world.visitor().identify(token=token)
    again = world.visitor().identify(token=token, external_id="jane", name="Mallory")
    assert (again.standing, again.signature, again.mistake) == (Standing.CLAIMED, Signature.WRONG, "used_before")
    with pytest.raises(NoIdentifier):
        world.visitor().identify(token=token)
    expired = world.visitor().identify(token=site.token(exp=site.now - 100), external_id="jane")
    assert (expired.signature, expired.mistake) == (Signature.WRONG, "expired")


@pytest.mark.rule("V3", "V5")
def test_off_mode_ignores_tokens(world: World, site: Site) -> None:
    world.set_app(verification="off")
    outcome = world.visitor().identify(token=site.token(name="Jane"), external_id="x")
    assert (outcome.standing, outcome.signature, outcome.mistake) == (Standing.OWNED, None, None)
    assert "name" not in world.contact(outcome.contact_id).profile


@pytest.mark.rule("V5")
def test_tokens_from_other_languages_verify(world: World) -> None:
    app = world.hullo.store.find_app(world.app.app_key)
    assert app is not None
    for name in ("jsonwebtoken", "jsonwebtoken_no_iat_no_exp", "jose_hs256"):
        jwt.decode(
            VECTORS[name],
            VECTORS["secret"],
            algorithms=["HS256"],
            options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
        )
        assert parse_token(VECTORS[name], 8192).header["alg"] == "HS256"
        # Theirs live for ten years, or for ever, and are for somebody else.
        assert mistake(world, token=VECTORS[name]) in {"signature", "unknown_kid"}
    world.hullo.register.add_public_key(world.app.app_key, json.dumps(VECTORS["eddsa_jwk"]))
    assert mistake(world, token=VECTORS["jose_eddsa"]) == "unknown_kid"


@pytest.mark.rule("T4", "V5")
def test_server_may_mint_a_token(world: World) -> None:
    mint = world.hullo.mint_token
    app_key = world.app.app_key
    token = mint(app_key, external_id="jane", email="jane@example.com", name="Jane", custom_data={"plan": "pro"})
    outcome = world.visitor().identify(token=token)
    assert (outcome.standing, world.custom_data(outcome.contact_id)) == (Standing.PROVEN, {"plan": "pro"})
    short = mint(app_key, external_id="jane", ttl=1)
    world.clock.now += 62 * SECOND
    assert mistake(world, token=short) == "expired"
    for ttl in (0, -1, 86401):
        with pytest.raises(Invalid):
            mint(app_key, external_id="jane", ttl=ttl)
    with pytest.raises(NoIdentifier):
        mint(app_key)
    with pytest.raises(Invalid):
        mint(app_key, email="nobody")
    assert world.visitor().identify(token=mint(app_key, external_id="a", ttl=DAY // SECOND)).signature == "signed"


@pytest.mark.rule("T1", "T4")
def test_token_used_in_url_is_spent(world: World, site: Site) -> None:
    token = site.token()
    world.visitor().identify(token=token)
    world.visitor().identify(identity_token=token)
    assert mistake(world, token=token) == "used_before"


@pytest.mark.rule("T4", "T1")
def test_minted_url_token_works_once(world: World, site: Site) -> None:
    for token in (world.hullo.mint_token(world.app.app_key, external_id="jane"), site.token()):
        assert world.visitor().identify(identity_token=token).standing is Standing.PROVEN
        assert mistake(world, identity_token=token) == "used_before"
    reusable = site.token(name="Jane")
    assert world.visitor().identify(token=reusable).signature == "signed"
    assert world.visitor().identify(token=reusable).signature == "signed"


@pytest.mark.rule("T6", "R1")
def test_stated_uses_are_counted_under_concurrency(world: World, site: Site) -> None:
    for token in (
        world.hullo.mint_token(world.app.app_key, external_id="jane", uses=3),
        # Made in another language; without a `jti` too, in an address.
        site.token(jti="mail-1", hullo_uses=3),
        site.token(name="Jane", hullo_uses=3),
    ):
        start, answers = threading.Barrier(12), list[str]()

        def redeem(token: object = token, start: threading.Barrier = start, answers: list[str] = answers) -> None:
            start.wait()
            try:
                answers.append(world.visitor().identify(identity_token=token).standing.label)
            except ProofRejected as refused:
                answers.append(str(refused.mistake))

        threads = [threading.Thread(target=redeem) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [*["proven"] * 3, *["used_before"] * 9]
        assert mistake(world, token=token) == "used_before"


@pytest.mark.rule("T6", "V5")
def test_invalid_number_of_uses_is_refused(world: World, site: Site) -> None:
    for wrong in (0, -1, 21, 1.5, "3", True, None, [3]):
        assert mistake(world, token=site.token(hullo_uses=wrong)) == "no_uses"
    for wrong in (1, "true", None, {}):
        assert mistake(world, token=site.token(hullo_confirm=wrong)) == "no_confirm"
    for uses in (0, 21):
        with pytest.raises(Invalid):
            world.hullo.mint_token(world.app.app_key, external_id="jane", uses=uses)
    assert world.visitor().identify(token=site.token(hullo_uses=1, hullo_confirm=False)).signature == "signed"


@pytest.mark.rule("T6", "T4")
def test_mail_token_counts_when_confirmed_only(world: World, site: Site) -> None:
    for token in (
        world.hullo.mint_token(world.app.app_key, external_id="jane", for_mail=True),
        site.token(jti="mail-1", hullo_confirm=True),
    ):
        assert mistake(world, identity_token=token) == mistake(world, token=token) == "unconfirmed"
        # A page cannot say that its visitor has confirmed.
        assert mistake(world, identity_token=token, is_confirmed=True) == "unconfirmed"
        claim = replace(Claim.from_body({"identity_token": token}), is_confirmed=True)
        outcome = world.hullo.identify(claim, app_key=world.app.app_key).result
        assert (outcome.standing, outcome.signature) == (Standing.PROVEN, "signed")
    # A mail is read hours later.
    late = world.hullo.mint_token(world.app.app_key, external_id="jane", for_mail=True, uses=2)
    world.clock.now += DAY - HOUR
    assert mistake(world, identity_token=late) == "unconfirmed"


SHOP = "johns-store.myshopify.com"


@pytest.mark.rule("V6")
def test_attribute_is_proven_only_when_signed(world: World) -> None:
    signed = world.visitor().identify(email="a@example.com", shop=SHOP, shop_hash=world.sign(SHOP))
    claimed = world.visitor().identify(email="b@example.com", shop=SHOP)
    standings = [
        world.contact(outcome.contact_id).custom_data[world.app.app_id]["shop"].standing
        for outcome in (signed, claimed)
    ]
    assert standings == [Standing.PROVEN, Standing.OWNED]
    assert [outcome.standing for outcome in (signed, claimed)] == [Standing.OWNED, Standing.OWNED]


@pytest.mark.rule("V6", "V2")
def test_signed_attribute_does_not_prove_the_identity(world: World) -> None:
    victim = world.upsert(external_id="jane", email="jane@example.com", custom_data={"shop": "hers"})
    outcome = world.visitor().identify(email="jane@example.com", shop=SHOP, shop_hash=world.sign(SHOP))
    assert outcome.standing is Standing.CLAIMED
    assert world.custom_data(victim.contact_id) == {"shop": "hers"}
    world.set_app(verification="required")
    with pytest.raises(ProofRequired):
        world.visitor().identify(email="jane@example.com", shop=SHOP, shop_hash=world.sign(SHOP))


@pytest.mark.rule("V6", "V2", "W4")
def test_creator_cannot_override_owner_by_signed_attribute(world: World) -> None:
    squatter = world.visitor()
    contact = squatter.identify(email="jane@example.com").contact_id
    assert world.visitor().identify(email="jane@example.com", signed="email").contact_id == contact
    world.upsert(email="jane@example.com", custom_data={"shop": "hers"})
    squatter.identify(email="jane@example.com", shop=SHOP, shop_hash=world.sign(SHOP))
    assert world.custom_data(contact) == {"shop": "hers"}


@pytest.mark.rule("V6")
@pytest.mark.parametrize("sent", ["", "0" * 64, ["x"], 1])
def test_wrong_attribute_hash_is_a_wrong_proof(world: World, sent: object) -> None:
    with pytest.raises(ProofRejected):
        world.visitor().identify(email="a@example.com", shop=SHOP, shop_hash=sent)
    assert world.contacts() == ()
    with pytest.raises(ProofRejected):
        world.visitor().identify(email="a@example.com", shop_hash=world.sign(SHOP))
    with pytest.raises(ProofRejected):
        world.visitor().identify(email="a@example.com", shop="another", shop_hash=world.sign(SHOP))


@pytest.mark.rule("V6", "V1")
def test_published_shop_vector_verifies(world: World) -> None:
    from hullo.model.user_hash import user_hash

    assert user_hash("3f9c" * 16, SHOP) == "cfed6ef6de2aa87f94d16dbefcbd69bbca437709c9ecb5c658255803160ce81c"


@pytest.mark.rule("V3")
def test_app_counts_the_proofs_of_its_calls(world: World, site: Site) -> None:
    world.set_app(verification="report")
    for _ in range(3):
        world.visitor().identify(token=site.token())
    world.visitor().identify(external_id="jane")
    world.visitor().identify(external_id="jane", user_hash="wrong")
    world.set_app(verification="required")
    with pytest.raises(ProofRequired):
        world.visitor().identify(external_id="jane")
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", user_hash="wrong")
    world.set_app(verification="off")
    world.visitor().identify(external_id="jane", user_hash="wrong")
    world.hullo.close()
    counts = world.hullo.call_counts(world.app.app_key)
    assert (counts.signed, counts.unsigned, counts.wrong, counts.signed_percent) == (3, 2, 2, 42.8)
    world.clock.now += 7 * DAY
    assert world.hullo.call_counts(world.app.app_key).total == 0


@pytest.mark.rule("V3", "W9")
def test_counting_adds_no_write_to_the_call(world: World, site: Site) -> None:
    browser = world.visitor()
    token = site.token()
    browser.identify(token=token)
    browser.identify(token=token)
    assert browser.wrote.is_empty


@pytest.mark.rule("V4")
def test_token_records_use_of_its_key(world: World, site: Site) -> None:
    world.clock.now += MINUTE
    world.visitor().identify(token=site.token())
    app = world.hullo.store.find_app(world.app.app_key)
    assert app is not None
    assert app.identity_keys[0].last_used_at is not None
