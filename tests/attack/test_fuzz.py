"""Any bytes as a body, and any text as a token: read in one way, or refused in one way."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from attack.decoding import (
    APP_KEY,
    SECRET,
    a_hop_payload,
    a_payload,
    an_app,
    check_body,
    check_claim,
    check_token,
    read,
    read_hop,
    signed,
    signed_hop,
)
from attack.jose import HS256, PrivateKey, hs256, pem, signed_by
from hullo.api.bodies import IdentifyBody
from hullo.model.app import App
from hullo.model.claim import KNOWN_FIELDS, PROFILE_FIELDS, Claim
from hullo.model.limits import Limits
from hullo.model.public_key import read_public_key

often = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
fields = st.sampled_from(sorted(KNOWN_FIELDS)) | st.sampled_from(["shop", "shop_hash"]) | st.text()
bodies = st.dictionaries(fields, values | st.text(max_size=300), max_size=6)
letters = st.sampled_from('{}[]":,. \t\n\\u0123456789abcdefNaInfity-+eE/truefalsnx') | st.characters()
texts = st.text(letters, max_size=400)


@often
@given(st.binary(max_size=2000))
@example(b"")
@example(b"\xff")
@example(b'{"a": 1e400}')
@example(b'{"external_id": ' + b"9" * 5000 + b"}")
@example(b'{"email": "a@' + b"\xcc\x80" * 60 + b'"}')
@example(b"[" * 2000)
@example(b'{"a":' * 2000)
def test_any_bytes_are_body_or_refused(raw: bytes) -> None:
    check_body(raw)


@often
@given(texts)
def test_near_json_text_is_body_or_refused(text: str) -> None:
    for raw in (text, "{" + text + "}", '{"email": ' + text + "}", '{"custom_data": {' + text + "}}"):
        check_body(raw.encode("utf-8", "surrogatepass"))


@often
@given(bodies, st.booleans(), st.sampled_from([None, 1]))
@example({"email": "a@\u0340\u0340.\u3002"}, True, None)
@example({"email": "ß@xn--a.xn--\ud800"}, True, None)
@example({"avatar_url": "http://[::1"}, False, None)
@example({"phone": "+" + "1" * 31}, False, None)
@example({"custom_data": {"": {}, "\ud800": 1, "__proto__": 1}}, False, None)
def test_any_object_is_read_as_sent(body: Any, ascii_only: bool, indent: int | None) -> None:
    raw = json.dumps(body, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    check_body(raw)
    check_claim(Claim.from_body(body))  # a Python caller may say what no JSON can


@often
@given(
    st.dictionaries(
        st.sampled_from(["external_id", "email", *PROFILE_FIELDS, "token"]), st.text(min_size=1), min_size=1
    )
)
def test_fields_are_accepted_as_sent_or_named(body: dict[str, str]) -> None:
    try:
        raw = json.dumps(body).encode()
        claim = IdentifyBody.parse(raw, Limits()).claim
    except Exception:
        check_body(raw)
        return
    rejected = {each.field for each in claim.rejected}
    for field, text in body.items():
        if field == "token":
            assert claim.token == text
            continue
        kept = claim.profile.get(field) if field in PROFILE_FIELDS else getattr(claim, field)
        assert (kept is None) == (field in rejected)
        assert kept is None or kept == (text if field == "external_id" else text.strip())


@cache
def keys() -> dict[str, PrivateKey]:
    return {
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }


@cache
def app() -> App:
    return an_app(*(read_public_key(pem(key)).jwk for key in keys().values()))


@cache
def good(algorithm: str) -> str:
    """A token of the app's that is good."""
    payload = a_payload(sub="user_123", email="jane@example.com", jti="one")
    return hs256(SECRET, payload) if algorithm == "HS256" else signed_by(keys()[algorithm], payload)


@often
@given(
    st.text()
    | texts
    | st.from_regex(r"[A-Za-z0-9_\-.=]{0,60}\.[A-Za-z0-9_\-]{0,60}\.[A-Za-z0-9_\-]{0,60}", fullmatch=True)
)
@example("." * 9000)
@example("..")
@example("a.a.a")
@example("\ud800.\ud800.\ud800")
def test_any_text_is_refused_as_token(text: str) -> None:
    check_token(text, app())
    assert read(text, app()) is None
    assert read_hop(text, app()) is None


claims = st.sampled_from(
    ["aud", "exp", "iat", "nbf", "sub", "jti", "email", "name", "phone", "custom_data", "ses", "std"]
)
payloads = st.dictionaries(claims, values | st.integers(1_789_990_000, 1_790_100_000) | st.just(APP_KEY) | st.floats())
headers = st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "crit", "cty", "zip", "b64", "enc", "jwk", "jku", "x5c"]) | st.text(), values
)


@often
@given(payloads, headers)
@example({"exp": 1e300}, {})
@example({"aud": [APP_KEY, []]}, {"kid": []})
@example({"jti": "\ud800"}, {"alg": []})
def test_any_signed_payload_is_read_or_refused(payload: Any, header: Any) -> None:
    for said in (payload, a_payload(**{name: value for name, value in payload.items() if name not in {"exp", "aud"}})):
        raw = json.dumps(said).encode()
        check_token(signed(json.dumps(HS256).encode(), raw), app())
        check_token(signed(json.dumps({**HS256, **header}).encode(), raw), app())


@often
@given(st.binary(max_size=300) | texts.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_signed_bytes_are_read_or_refused(raw: bytes) -> None:
    check_token(signed(json.dumps(HS256).encode(), raw), app())
    check_token(signed(raw, json.dumps(a_payload(sub="x")).encode()), app())


@pytest.mark.rule("T1")
@often
@given(payloads)
@example({})
@example({"ses": [], "std": "x", "jti": None})
def test_any_signed_hop_is_read_or_refused(payload: Any) -> None:
    for said in (
        payload,
        {**a_hop_payload(), **payload},
        a_payload(**{k: v for k, v in payload.items() if k in {"ses", "std"}}),
    ):
        read_hop(signed_hop(json.dumps(said).encode()), app())


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

changes = st.tuples(
    st.sampled_from(["replace", "insert", "delete", "swap"]),
    st.integers(0, 10_000),
    st.sampled_from(LETTERS + ".=+/ \n") | st.characters(),
)


def altered(text: str, change: tuple[str, int, str]) -> str:
    how, place, letter = change
    place %= len(text)
    if how == "replace":
        return text[:place] + letter + text[place + 1 :]
    if how == "insert":
        return text[:place] + letter + text[place:]
    if how == "delete":
        return text[:place] + text[place + 1 :]
    return text[:place] + text[place + 1 : place + 2] + text[place : place + 1] + text[place + 2 :]


@pytest.mark.rule("V5")
@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
def test_altered_token_is_refused_or_equal(algorithm: str) -> None:
    text = good(algorithm)
    untouched = read(text, app())
    assert untouched is not None

    @often
    @given(changes)
    def check(change: tuple[str, int, str]) -> None:
        token = read(altered(text, change), app())
        assert token is None or (token.payload, token.digest) == (untouched.payload, untouched.digest)

    check()


@pytest.mark.rule("T1")
@often
@given(changes)
def test_altered_hop_token_is_refused_or_equal(change: tuple[str, int, str]) -> None:
    text = signed_hop(json.dumps(a_hop_payload()).encode())
    untouched = read_hop(text, app())
    assert untouched is not None
    assert read_hop(altered(text, change), app()) in (None, untouched)


@pytest.mark.rule("V5")
def test_altered_signature_letter_fails_except_unused_bits() -> None:
    """Each of them, and not only those that chance picks."""
    text = good("HS256")
    whole = read(text, app())
    assert whole is not None
    for place in range(text.rindex(".") + 1, len(text)):
        others = LETTERS.replace(text[place], "")
        taken = [read(text[:place] + letter + text[place + 1 :], app()) for letter in others]
        accepted = [token for token in taken if token is not None]
        # 43 letters hold 258 bits, and a signature has 256: the last two may be read or refused.
        assert len(accepted) <= (3 if place == len(text) - 1 else 0)
        assert all(token.payload == whole.payload for token in accepted)
