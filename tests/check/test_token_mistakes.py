"""Tokens that are wrong, each in a way that a site's server may well get it wrong (V5, V8)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from check.site import DAY, MINUTE, Site, jws, mac, part, unpadded
from hullo.model.claim import Claim
from hullo.model.proof import Signature

PLACES = ("token", "identity_token")


def pem(private: Any) -> str:
    encoded: bytes = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return encoded.decode()


@pytest.mark.rule("V8")
@pytest.mark.parametrize("place", PLACES)
def test_right_token_has_no_mistakes(site: Site, place: str) -> None:
    checked = site.check(**{place: site.token(email="jane@example.com", custom_data={"plan": "pro"}, jti="1")})
    assert (checked.mistakes, checked.remarks, checked.is_accepted) == ((), (), True)


KEYS: list[tuple[str, Callable[[Site], str | bytes]]] = [
    ("key_decoded_from_hex", lambda site: bytes.fromhex(site.bare)),
    ("key_decoded_from_base64", lambda site: base64.b64decode(site.bare)),
    ("key_without_prefix", lambda site: site.bare),
    ("key_with_whitespace", lambda site: site.secret + "\n"),
    ("key_empty", lambda site: "undefined"),
    ("key_id_as_key", lambda site: site.app.identity_key_id),
    ("app_key_as_key", lambda site: site.app.app_key),
    ("unrecognised", lambda site: "somebody else's"),
]


@pytest.mark.rule("V8")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("code", "key"), KEYS)
def test_wrong_key_choice_is_recognised(site: Site, code: str, key: Callable[[Site], str | bytes], place: str) -> None:
    checked = site.check(**{place: site.token(key=key(site))})
    assert [(each.field, each.code) for each in checked.mistakes] == [(place, code)]


SAYINGS: list[tuple[list[str], Callable[[int], dict[str, Any]]]] = [
    (["no_exp"], lambda now: {"exp": None}),
    (["no_exp"], lambda now: {"exp": "soon"}),
    (["no_aud"], lambda now: {"aud": None}),
    (["no_exp", "no_aud"], lambda now: {"exp": None, "aud": None}),
    (["expired"], lambda now: {"exp": now - 2 * MINUTE}),
    (["expired"], lambda now: {"exp": now - 2 * DAY, "iat": None}),
    (["expired"], lambda now: {"exp": 300}),
    (["not_yet_valid"], lambda now: {"iat": now + 2 * MINUTE}),
    (["not_yet_valid"], lambda now: {"nbf": now + 2 * MINUTE}),
    (["milliseconds"], lambda now: {"exp": (now + MINUTE) * 1000, "iat": now * 1000}),
    (["milliseconds", "expired"], lambda now: {"exp": (now - DAY) * 1000}),
    (["lives_too_long"], lambda now: {"exp": now + 2 * DAY}),
    (["lives_too_long"], lambda now: {"exp": now + 2 * DAY, "iat": None}),
    (["no_iat"], lambda now: {"iat": "now"}),
    (["no_nbf"], lambda now: {"nbf": True}),
    (["no_jti"], lambda now: {"jti": 7}),
    (["audience"], lambda now: {"aud": "https://shop.example.com"}),
    (["audience"], lambda now: {"aud": ["a", "b"]}),
    (["audience", "expired"], lambda now: {"aud": "ws_1", "exp": now - DAY}),
    (["no_sub", "token_names_nobody"], lambda now: {"sub": None, "external_id": "user_123"}),
    (["no_sub"], lambda now: {"sub": None, "user_id": 7, "email": "jane@example.com"}),
    (["sub_names_nobody", "token_names_nobody"], lambda now: {"sub": "null"}),
    (["sub_names_nobody"], lambda now: {"sub": 0, "email": "jane@example.com"}),
    (["token_names_nobody"], lambda now: {"sub": None, "name": "Jane"}),
    (["field_rejected", "token_names_nobody"], lambda now: {"sub": ["user_123"]}),
    (["field_rejected"], lambda now: {"phone": "none"}),
    (["field_rejected", "field_rejected"], lambda now: {"email": "jane", "custom_data": {"plan": {}}}),
]


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("codes", "payload"), SAYINGS)
def test_wrong_claims_are_recognised(site: Site, codes: list[str], payload: Callable[[int], dict[str, Any]]) -> None:
    assert site.codes(external_id="user_123", token=site.token(**payload(site.seconds))) == codes


@pytest.mark.rule("V8")
def test_clock_skew_is_named(site: Site) -> None:
    def says(**payload: Any) -> str:
        [mistake] = site.check(token=site.token(**payload)).mistakes
        return mistake.says

    assert "iat is 5 minutes in the future" in says(iat=site.seconds + 5 * MINUTE + 1, exp=site.seconds + 6 * MINUTE)
    assert "clock is ahead" in says(iat=site.seconds + 5 * MINUTE + 1, exp=site.seconds + 6 * MINUTE)
    assert "expired 3 minutes ago" in says(exp=site.seconds - 3 * MINUTE)
    assert "clock is behind" in says(exp=site.seconds - 3 * MINUTE)
    assert "expired 61 seconds ago" in says(exp=site.seconds - 61)
    assert "expired 2 hours ago" in says(exp=site.seconds - 121 * MINUTE)
    assert "clock" not in says(exp=site.seconds - 121 * MINUTE)
    assert "span of time" in says(exp=300)


@pytest.mark.rule("V8")
def test_wrong_audience_is_named_where_quotable(site: Site) -> None:
    def says(audience: object) -> str:
        [mistake] = site.check(token=site.token(aud=audience)).mistakes
        assert site.app.app_key in mistake.says
        return mistake.says

    assert "`https://shop.example.com`" in says("https://shop.example.com")
    assert "`ws_1`" in says(["ws_1"])
    assert f"another app, {site.other.app_key}" in says(site.other.app_key)
    for unquotable in (site.secret, site.bare, "a b", "\x1b[2J", 7, ["a", "b"], {"a": 1}):
        assert "for somebody else" in says(unquotable)


@pytest.mark.rule("V8")
def test_signature_and_payload_mistakes_are_both_named(site: Site) -> None:
    token = site.token(key=bytes.fromhex(site.bare), exp=site.seconds - DAY, aud="ws_1", phone="none")
    assert site.codes(token=token) == ["key_decoded_from_hex", "audience", "expired", "field_rejected"]


HEADERS: list[tuple[list[str], dict[str, Any]]] = [
    (["algorithm"], {"alg": "none"}),
    (["algorithm"], {"alg": "HS512"}),
    (["algorithm"], {"alg": "RS256"}),
    (["algorithm"], {"alg": ["HS256"]}),
    (["token_type"], {"typ": "at+jwt"}),
    (["unknown_kid"], {"kid": "main"}),
    (["unknown_kid"], {"kid": ["main"]}),
    (["no_jwt"], {"cty": "JWT"}),
    (["no_jwt"], {"crit": ["b64"]}),
]


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("codes", "header"), HEADERS)
def test_wrong_header_is_recognised(site: Site, codes: list[str], header: dict[str, Any]) -> None:
    assert site.codes(token=site.token(header=header)) == codes


@pytest.mark.rule("V8")
def test_other_token_type_gets_its_own_explanation(site: Site) -> None:
    [mistake] = site.check(identity_token=site.token(header={"typ": "at+jwt"})).mistakes
    assert (mistake.code, mistake.says) == ("token_type", "The token's typ is not JWT.")


@pytest.mark.rule("V8")
def test_unsigned_token_is_recognised(site: Site) -> None:
    unsigned = f"{part({'alg': 'none'})}.{part({'sub': 'user_123'})}."
    [mistake] = site.check(token=unsigned).mistakes
    assert mistake.code == "algorithm"
    assert "nobody signed it" in mistake.says


@pytest.mark.rule("V4", "V8")
def test_retired_or_misnamed_key_is_recognised(site: Site) -> None:
    old = site.app.identity_key_id
    new = site.hullo.register.add_identity_key(site.app.app_key)
    assert site.codes(token=site.token(header={"kid": new.id})) == ["kid_of_another_key"]
    site.hullo.register.retire_identity_key(site.app.app_key, old)
    assert site.codes(token=site.token()) == ["retired_key"]
    assert site.codes(token=site.token(header={"kid": old})) == ["retired_key"]
    assert site.codes(token=site.token(key=bytes.fromhex(site.bare))) == ["retired_key", "key_decoded_from_hex"]


FORMS: list[tuple[str, Callable[[Site], Any]]] = [
    ("not_text", lambda site: {"token": "…"}),
    ("key_sent", lambda site: site.secret),
    ("hash_as_token", lambda site: site.sign("user_123")),
    ("token_too_long", lambda site: site.token(more="x" * 8192)),
    ("stray_characters", lambda site: f"Bearer {site.token()}"),
    ("stray_characters", lambda site: f'"{site.token()}"'),
    ("stray_characters", lambda site: site.token() + "\n"),
    ("no_jwt", lambda site: "eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA"),
    ("no_jwt", lambda site: ".".join(f"{each}==" for each in site.token().split("."))),
    ("no_jwt", lambda site: "user_123"),
    ("no_jwt", lambda site: f"{part({'alg': 'HS256'})}.{unpadded(site.token().encode())}.AAAA"),
    ("signature_in_hex", lambda site: in_hex(site)),
]


def in_hex(site: Site) -> str:
    signed = site.token().rpartition(".")[0]
    return f"{signed}.{mac(site.secret, signed).hex()}"


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("code", "sent"), FORMS)
def test_other_value_sent_as_token_is_recognised(site: Site, code: str, sent: Callable[[Site], Any]) -> None:
    assert site.codes(token=sent(site)) == [code]


@pytest.mark.rule("V8")
def test_encrypted_padded_and_nested_tokens_are_distinguished(site: Site) -> None:
    says = [site.check(token=sent(site)).mistakes[0].says for code, sent in FORMS if code == "no_jwt"]
    for told, word in zip(says, ("encrypted", "without `=`", "three parts", "inside of a token"), strict=True):
        assert word in told


# Key pairs


@pytest.mark.rule("V5", "V8")
def test_private_key_of_another_pair_is_recognised(site: Site) -> None:
    registered, other = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    key = site.hullo.register.add_public_key(site.app.app_key, pem(registered))
    payload = {"sub": "user_123", "aud": site.app.app_key, "exp": site.seconds + MINUTE}
    assert site.codes(token=jwt.encode(payload, registered, "EdDSA")) == []
    assert site.codes(token=jwt.encode(payload, other, "EdDSA")) == ["other_key_pair"]
    site.hullo.register.retire_identity_key(site.app.app_key, key.id)
    assert site.codes(token=jwt.encode(payload, registered, "EdDSA")) == ["retired_key"]


@pytest.mark.rule("V5", "V8")
def test_public_key_used_as_secret_is_recognised(site: Site) -> None:
    public = pem(rsa.generate_private_key(65537, 2048))
    site.hullo.register.add_public_key(site.app.app_key, public)
    assert site.codes(token=site.token(key=public)) == ["public_key_as_key"]
    assert site.codes(token=site.token(key=public.strip())) == ["public_key_as_key"]
    assert site.codes(external_id="user_123", user_hash=mac(public, "user_123").hex()) == ["public_key_as_key"]


@pytest.mark.rule("V5", "V8")
def test_openssl_der_signature_is_recognised(site: Site) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    site.hullo.register.add_public_key(site.app.app_key, pem(private))
    payload = {"sub": "user_123", "aud": site.app.app_key, "exp": site.seconds + MINUTE}
    signed = f"{part({'alg': 'ES256'})}.{part(payload)}"
    in_der = private.sign(signed.encode(), ec.ECDSA(SHA256()))
    assert site.codes(token=f"{signed}.{unpadded(in_der)}") == ["signature_in_der"]
    assert site.codes(token=jwt.encode(payload, private, "ES256")) == []


@pytest.mark.rule("V5", "V8")
def test_app_without_key_for_algorithm_is_explained(site: Site) -> None:
    [mistake] = site.check(token=site.token(header={"alg": "ES256"})).mistakes
    assert "--public-key FILE" in mistake.says
    app = site.hullo.executor.apps.reload(site.app.app_key)
    keyless = replace(app, identity_keys=())
    [mistake] = site.hullo.hooks.explain_proof(Claim(token=site.token()), keyless, site.clock())
    assert mistake.code == "algorithm"
    assert "public keys alone" in mistake.says


# Other apps


@pytest.mark.rule("V8")
def test_sibling_app_key_is_recognised(site: Site) -> None:
    key, app = site.other.identity_key, site.other.app_key
    assert site.codes(token=site.token(key=key)) == ["other_apps_key"]
    assert site.codes(identity_token=site.token(key=key)) == ["other_apps_key"]
    assert site.codes(token=site.token(key=key, exp=site.seconds - DAY)) == ["other_apps_key", "expired"]
    minted = site.hullo.mint_token(app, external_id="user_123")
    assert site.codes(token=minted) == ["other_apps_key", "unknown_kid", "audience"]


@pytest.mark.rule("T1", "V8")
def test_hop_token_for_another_app_is_recognised(site: Site) -> None:
    browser = site.visitor()
    browser.identify(external_id="user_123", signed="external_id")
    assert site.codes(identity_token=site.hop(browser, site.other)) == ["other_apps_key"]
    assert site.codes(identity_token=site.hop(browser)) == []


# Once


@pytest.mark.rule("V5", "V8")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("mode", ["optional", "report"])
def test_check_spends_no_token_but_recognises_spent(site: Site, place: str, mode: str) -> None:
    site.set_app(verification=mode)
    body = {"external_id": "user_123", place: site.token(jti="once")}
    assert site.check(**body).is_accepted
    assert site.check(**body).is_accepted
    site.visitor().identify(**body)
    checked = site.check(**body)
    assert [(each.field, each.code) for each in checked.mistakes] == [(place, "used_before")]
    assert (checked.is_accepted, checked.error is None) == (False, mode == "report")


@pytest.mark.rule("V8")
def test_conflicting_evidence_is_explained(site: Site) -> None:
    browser = site.visitor()
    browser.identify(external_id="user_123", signed="external_id")
    [mistake] = site.check(
        external_id="user_123", user_hash=site.sign("user_123"), identity_token=site.hop(browser)
    ).mistakes
    assert mistake.field == "identity_token"
    assert "stands alone" in mistake.says


VALUES = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, -1, 1.5, 300, 1_790_000_000, 1_790_000_000_000, 1_790_000_000_000_000, 10**300, 1e300])
    | st.sampled_from(["", "JWT", "HS256", "none", "null", "user_123", "app_1"])
    | st.sampled_from([[], ["a"], {}, {"a": 1}, [[]]])
)
NAMES = st.sampled_from(["exp", "aud", "iat", "nbf", "jti", "sub", "email", "custom_data", "name"])


@pytest.mark.rule("V8")
@example({"sub": None}, {"kid": None})
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, VALUES), st.dictionaries(st.sampled_from(["alg", "kid", "typ", "cty"]), VALUES))
def test_mistakes_appear_exactly_for_refused_tokens(
    site: Site, payload: dict[str, Any], header: dict[str, Any]
) -> None:
    now = site.seconds
    right = {"sub": "user_123", "aud": site.app.app_key, "exp": now + MINUTE}
    token = jws({"alg": "HS256", **header}, {**right, **payload}, site.secret)
    checked = site.check(external_id="user_123", token=token)
    warnings = {"no_sub", "sub_names_nobody", "token_names_nobody", "field_rejected"}
    wrong = [mistake.code for mistake in checked.mistakes if mistake.code not in warnings]
    assert (checked.signature is Signature.WRONG) == bool(wrong)
    assert "unrecognised" not in wrong


@pytest.mark.rule("V8")
def test_unhashable_header_values_are_handled(site: Site) -> None:
    for header in ({"alg": {}}, {"kid": {}}, {"typ": {}}):
        token = f"{part({'alg': 'HS256', **header})}.{part({})}.AAAA"
        assert json.dumps(site.document(token=token))
