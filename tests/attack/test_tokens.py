"""Tokens that nobody who may sign has signed, and right ones used as they must not be (V5)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attack.jose import (
    HS256,
    PrivateKey,
    b64,
    hop_secret,
    hs256,
    in_order,
    pem,
    signed_by,
    signing_input,
)
from attack.serving import Headers, Target, at_once, seen
from attack.site import V1, Site, Victim
from hullo.model.public_key import read_public_key

DAY = 24 * 3600

RSA: PrivateKey = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC: PrivateKey = ec.generate_private_key(ec.SECP256R1())
ED: PrivateKey = ed25519.Ed25519PrivateKey.generate()
STRANGERS = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}

Forge = Callable[[Site, str], object]
"""A token that says it is from this site and about the person with this external id, and is not good."""


def register(site: Site, key: PrivateKey) -> str:
    """The id of a public key of the site's, which may have it already."""
    app = site.target.hullo.store.find_app(site.app_key)
    assert app is not None
    public = read_public_key(pem(key)).jwk
    known = next((each.id for each in app.identity_keys if each.public_key == public), None)
    return known or site.target.hullo.register.add_public_key(site.app_key, pem(key)).id


def retire_secrets(site: Site) -> None:
    """Leaves nothing but public keys."""
    site.target.hullo.register.retire_identity_key(site.app_key, site.made.identity_key_id)


def headed(header: Mapping[str, Any] | bytes) -> Forge:
    """Signed with the site's own secret, beneath this header."""

    def forge(site: Site, person: str) -> str:
        said = header if isinstance(header, bytes) else {**HS256, **header}
        return hs256(site.secret, in_order(site.app_key, sub=person), said)

    return forge


def saying(**claims: object) -> Forge:
    """Signed with the site's own secret, with these claims instead of what they should be; None leaves one out."""

    def forge(site: Site, person: str) -> str:
        payload = {**in_order(site.app_key, sub=person), **claims}
        return hs256(site.secret, {name: value for name, value in payload.items() if value is not None})

    return forge


def timed(**seconds: int) -> Forge:
    """Signed with the site's own secret, with these times, in seconds from now."""

    def forge(site: Site, person: str) -> str:
        payload: dict[str, Any] = in_order(site.app_key, sub=person)
        return hs256(site.secret, {**payload, **{name: payload["iat"] + each for name, each in seconds.items()}})

    return forge


def raw_payload(text: str) -> Forge:
    """Signed with the site's own secret, over a payload that need not be JSON; `AUD` and `SUB` are filled in."""

    def forge(site: Site, person: str) -> str:
        payload = in_order(site.app_key)
        filled = text.replace("AUD", site.app_key).replace("SUB", person).replace("EXP", str(payload["exp"]))
        return hs256(site.secret, filled.encode("latin-1"))

    return forge


def respelt(spell: Callable[[str], object]) -> Forge:
    """A good token, written in another way."""
    return lambda site, person: spell(hs256(site.secret, in_order(site.app_key, sub=person)))


def confused(material: Callable[[], bytes | str], key: PrivateKey, *, with_kid: bool = False) -> Forge:
    """HS256 with what everybody may know of a public key as the secret."""

    def forge(site: Site, person: str) -> str:
        kid = register(site, key)
        header = {**HS256, "kid": kid} if with_kid else HS256
        return hs256(material(), in_order(site.app_key, sub=person), header)

    return forge


def strange(algorithm: str, **header: object) -> Forge:
    """Signed by a key that is nobody's, which the header itself brings along."""
    key = STRANGERS[algorithm]

    def forge(site: Site, person: str) -> str:
        register(site, {"RS256": RSA, "ES256": EC, "EdDSA": ED}[algorithm])
        return signed_by(key, in_order(site.app_key, sub=person), {"alg": algorithm, **header})

    return forge


def null_signature(key: PrivateKey, algorithm: str, signature: bytes) -> Forge:
    def forge(site: Site, person: str) -> str:
        register(site, key)
        return f"{signing_input({'alg': algorithm}, in_order(site.app_key, sub=person))}.{b64(signature)}"

    return forge


def unsigned(algorithm: object, signature: str = "") -> Forge:
    return lambda site, person: (
        f"{signing_input({'alg': algorithm, 'typ': 'JWT'}, in_order(site.app_key, sub=person))}.{signature}"
    )


def with_kid_of(find: Callable[[Site], tuple[str, str]]) -> Forge:
    """`find` gives the kid and the secret to sign with."""

    def forge(site: Site, person: str) -> str:
        kid, secret = find(site)
        return hs256(secret, in_order(site.app_key, sub=person), {**HS256, "kid": kid})

    return forge


def _other_apps_key(site: Site) -> tuple[str, str]:
    other = site.beside()
    return other.made.identity_key_id, other.secret


def _retired_key(site: Site) -> tuple[str, str]:
    old = site.target.hullo.register.add_identity_key(site.app_key)
    site.target.hullo.register.retire_identity_key(site.app_key, old.id)
    return old.id, old.secret


def _public_keys_id(site: Site) -> tuple[str, str]:
    return register(site, RSA), site.secret


def _hop_token(site: Site, person: str) -> str:
    return site.victim(external_id=person, email=None).browser.hop()


def _with_the_hops_secret(site: Site, person: str) -> str:
    return hs256(hop_secret(site.secret), in_order(site.app_key, sub=person))


def _nested(site: Site, person: str) -> str:
    inner = hs256(site.secret, in_order(site.app_key, sub=person))
    return hs256(site.secret, inner.encode(), {**HS256, "cty": "JWT"})


def _nested_without_saying_so(site: Site, person: str) -> str:
    return hs256(site.secret, hs256(site.secret, in_order(site.app_key, sub=person)).encode())


def _too_long(site: Site, person: str) -> str:
    return hs256(site.secret, in_order(site.app_key, sub=person, name="x" * 6_200))


def _jwk(key: PrivateKey) -> dict[str, Any]:
    return dict(json.loads(read_public_key(pem(key)).jwk))


def _der(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


FORGED: dict[str, Forge] = {
    # Nobody signed
    **{f"alg {alg!r}": unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "", "null", "none ", None)},
    **{f"alg {alg!r}, signed with dots": unsigned(alg, "AAAA") for alg in ("none", "NoNe", "", None)},
    "alg none, signed with the secret": headed({"alg": "none"}),
    "no signature": respelt(lambda token: token.rpartition(".")[0] + "."),
    "no third part": respelt(lambda token: token.rpartition(".")[0]),
    "half a signature": respelt(lambda token: token[:-20]),
    "a longer signature": respelt(lambda token: token + "AAAA"),
    "another payload": respelt(lambda token: ".".join([token.split(".")[0], b64(b"{}"), token.split(".")[2]])),
    # Another algorithm than the key's
    **{f"alg {alg!r}": headed({"alg": alg}) for alg in ("hs256", "HS256 ", "HS384", "HS512", "RS256", "dir", "A256KW")},
    **{
        f"alg {alg!r}": headed({"alg": alg})
        for alg in (["HS256"], {"HS256": 1}, [], {}, [[]], 256, True, 1.5, ["none", "HS256"])
    },
    "no alg": headed(b'{"typ": "JWT"}'),
    "HS512 for real": lambda site, person: hs256(
        site.secret, in_order(site.app_key, sub=person), {"alg": "HS512"}, digest="sha512"
    ),
    "the public key's PEM as the secret": confused(lambda: pem(RSA), RSA),
    "the public key's PEM as the secret, by its kid": confused(lambda: pem(RSA), RSA, with_kid=True),
    "the public key's PEM without its last line end": confused(lambda: pem(RSA).rstrip(), RSA),
    "the public key's DER as the secret": confused(lambda: _der(RSA), RSA),
    "the public key's JWK as the secret": confused(lambda: json.dumps(_jwk(ED), sort_keys=True), ED, with_kid=True),
    "the JWK as it is stored": confused(lambda: json.dumps(_jwk(EC), sort_keys=True, separators=(",", ":")), EC),
    "Ed25519's 32 bytes as the secret": confused(
        lambda: ED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), ED, with_kid=True
    ),
    "an empty secret": lambda site, person: hs256(b"", in_order(site.app_key, sub=person)),
    # Keys that a header brings along
    "jwk": strange("RS256", jwk=_jwk(STRANGERS["RS256"])),
    "jwk of Ed25519": strange("EdDSA", jwk=_jwk(STRANGERS["EdDSA"])),
    "jku": strange("ES256", jku="https://evil.test/jwks.json", kid="evil"),
    "x5u": strange("RS256", x5u="https://evil.test/cert.pem"),
    "x5c": strange("RS256", x5c=[base64.b64encode(_der(STRANGERS["RS256"])).decode()]),
    "a symmetric jwk": headed({"jwk": {"kty": "oct", "k": b64(b"evil")}, "kid": "evil"}),
    "a stranger's key": strange("EdDSA"),
    # Signatures that broken verifiers take
    "zeros as an ECDSA signature": null_signature(EC, "ES256", bytes(64)),
    "zeros as an Ed25519 signature": null_signature(ED, "EdDSA", bytes(64)),
    "the neutral point as an Ed25519 signature": null_signature(ED, "EdDSA", b"\x01" + bytes(63)),
    "zeros as an RSA signature": null_signature(RSA, "RS256", bytes(256)),
    "one as an RSA signature": null_signature(RSA, "RS256", bytes(255) + b"\x01"),
    # Times
    "expired": timed(iat=-600, exp=-300),
    "expired long ago": timed(iat=-600, exp=-(2**30)),
    "not valid yet": timed(nbf=120),
    "issued in the future": timed(iat=3600, exp=7200),
    "issued far in the future": timed(iat=10 * DAY, exp=10 * DAY + 60),
    "good for two days": timed(exp=2 * DAY),
    "good for two days, without iat": lambda site, person: saying(
        iat=None, exp=int(str(in_order("")["exp"])) + 2 * DAY
    )(site, person),
    "good for ever": saying(exp=10**11),
    "in milliseconds": timed(exp=10**12),
    "without exp": saying(exp=None),
    **{
        f"exp {exp!r}": saying(exp=exp)
        for exp in ("2999-01-01", "9999999999", True, [9999999999], {}, -1, 0, 10**30, 2**63, 2**64, 1e300, -1e300)
    },
    **{
        f"exp {exp}": raw_payload(f'{{"aud": "AUD", "sub": "SUB", "exp": {exp}}}')
        for exp in ("NaN", "Infinity", "1e999", "null")
    },
    **{f"{name} {value!r}": saying(**{name: value}) for name in ("iat", "nbf") for value in ("0", [], True, 1e300)},
    # Audiences
    "without aud": saying(aud=None),
    "another aud": saying(aud="app_01m80a3k0gk2v0z3c5p7dq9xyw"),
    "another app's aud": lambda site, person: saying(aud=site.beside().app_key)(site, person),
    "a list of others as aud": saying(aud=["app_1", "app_2"]),
    "an empty list as aud": saying(aud=[]),
    "a list in a list as aud": lambda site, person: saying(aud=[[site.app_key]])(site, person),
    "an object as aud": lambda site, person: saying(aud={site.app_key: True})(site, person),
    "aud in upper case": lambda site, person: saying(aud=site.app_key.upper())(site, person),
    "aud with a space": lambda site, person: saying(aud=site.app_key + " ")(site, person),
    "aud as a part": lambda site, person: saying(aud=f"x{site.app_key}x")(site, person),
    # Keys by name
    **{
        f"kid {kid!r}": headed({"kid": kid})
        for kid in (
            *("../../etc/passwd", "/dev/null", "' OR '1'='1", "x' UNION SELECT 'secret' -- ", "", "*", "%", "\x00"),
            *([], {}, [[]], ["a"], 1, True, "x" * 5000),
        )
    },
    "another app's key, by its kid": with_kid_of(_other_apps_key),
    "a retired key, by its kid": with_kid_of(_retired_key),
    "the secret, by a public key's kid": with_kid_of(_public_keys_id),
    "another app's key": lambda site, person: hs256(site.beside().secret, in_order(site.app_key, sub=person)),
    "another workspace's key": lambda site, person: hs256(site.elsewhere().secret, in_order(site.app_key, sub=person)),
    "the app key": lambda site, person: hs256(site.app_key, in_order(site.app_key, sub=person)),
    "the API key": lambda site, person: hs256(site.api_key, in_order(site.app_key, sub=person)),
    # Headers that change what the token means
    "crit": headed({"crit": ["exp"], "exp": 1}),
    "an empty crit": headed({"crit": []}),
    "b64": headed({"b64": False, "crit": ["b64"]}),
    "b64 without crit": headed({"b64": False}),
    "zip": headed({"zip": "DEF"}),
    "cty": headed({"cty": "JWT"}),
    "enc": headed({"enc": "A256GCM"}),
    **{f"typ {typ!r}": headed({"typ": typ}) for typ in ("hullo-hop", "at+jwt", "JWS", "", ["JWT"], {}, 1)},
    # What two readers might read in two ways
    "a header key twice": headed(b'{"alg": "none", "alg": "HS256"}'),
    "a payload key twice": raw_payload('{"aud": "AUD", "exp": EXP, "sub": "me", "sub": "SUB"}'),
    "a payload key twice, escaped": raw_payload('{"aud": "AUD", "exp": EXP, "sub": "me", "s\\u0075b": "SUB"}'),
    "a nested key twice": raw_payload('{"aud": "AUD", "exp": EXP, "sub": "SUB", "custom_data": {"a": 1, "a": 2}}'),
    "bytes that are no UTF-8": raw_payload('{"aud": "AUD", "exp": EXP, "sub": "SUB", "name": "\xff\xfe"}'),
    "a lone surrogate": raw_payload('{"aud": "AUD", "exp": EXP, "sub": "SUB", "name": "\\ud800"}'),
    "NUL": raw_payload('{"aud": "AUD", "exp": EXP, "sub": "SUB", "name": "\\u0000"}'),
    "a byte order mark": raw_payload('\xef\xbb\xbf{"aud": "AUD", "exp": EXP, "sub": "SUB"}'),
    "something behind the payload": raw_payload('{"aud": "AUD", "exp": EXP, "sub": "SUB"} {"sub": "me"}'),
    "a list as the payload": raw_payload('[{"aud": "AUD", "exp": EXP, "sub": "SUB"}]'),
    "text as the payload": raw_payload('"SUB"'),
    "nothing as the payload": raw_payload(""),
    "nesting without end": raw_payload(
        '{"aud": "AUD", "exp": EXP, "sub": "SUB", "name": ' + "[" * 2000 + "]" * 2000 + "}"
    ),
    "a list as the header": headed(b'[{"alg": "HS256"}]'),
    "no JSON as the header": headed(b"HS256"),
    "padding": respelt(lambda token: token + "="),
    "the other base64 alphabet": respelt(lambda token: token.replace("-", "+").replace("_", "/") + "/"),
    "a space behind": respelt(lambda token: token + " "),
    "a line end behind": respelt(lambda token: token + "\n"),
    "a line end inside": respelt(lambda token: token.replace(".", ".\n", 1)),
    "Bearer before": respelt(lambda token: "Bearer " + token),
    "letters of another script": respelt(lambda token: token.replace("e", "е")),
    "a fourth part": respelt(lambda token: token + ".AAAA"),
    "five parts": respelt(lambda token: token + ".AAAA.AAAA"),
    "JSON serialisation": respelt(
        lambda token: json.dumps(dict(zip(("protected", "payload", "signature"), token.split("."), strict=True)))
    ),
    "in a list": respelt(lambda token: [token]),
    "in an object": respelt(lambda token: {"token": token}),
    "a number": lambda *_: 7,
    "true": lambda *_: True,
    "dots": lambda *_: "." * 8000,
    "very many dots": lambda *_: "." * 30_000,
    "a parts of one letter": lambda *_: "a.a.a",
    # What is a token, and none of these
    "a token in a token": _nested,
    "a token in a token that does not say so": _nested_without_saying_so,
    "an encrypted token": lambda *_: f"{b64(b'{}')}.AAAA.AAAA.AAAA.AAAA",
    "more than 8 KiB": _too_long,
    "a hop token": _hop_token,
    "the hop's secret": _with_the_hops_secret,
    "the hop's secret and type": lambda site, person: hs256(
        hop_secret(site.secret), in_order(site.app_key, sub=person), {**HS256, "typ": "hullo-hop"}
    ),
    # One time only
    **{f"jti {jti!r}": saying(jti=jti) for jti in ("", [], {}, 1, True, "x" * 256)},
}


@pytest.fixture(scope="module")
def refusal(serving: Target) -> object:
    """What everybody is told whose proof is wrong, whatever is wrong with it (V7)."""
    return seen(Site(serving).browser().identify(external_id="somebody", user_hash="0" * 64))


@pytest.mark.rule("V3", "V5", "V7")
@pytest.mark.parametrize("forge", FORGED.values(), ids=(name.encode("unicode_escape").decode()[:60] for name in FORGED))
def test_forged_token_proves_writes_and_reveals_nothing(bystander: Victim, refusal: object, forge: Forge) -> None:
    site = bystander.site
    person = site.target.name("victim")
    token = forge(site, person)
    ways: list[dict[str, object]] = [
        {"token": token},
        {"token": token, "external_id": person},
        {"identity_token": token},
    ]
    if forge is _hop_token:
        ways.pop()  # which is what it is for
    answers = [site.browser().identify(**said, name="Mallory") for said in ways]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(401, "proof_rejected")}
    assert [seen(answer) for answer in answers] == [refusal] * len(answers)
    assert [each["name"] for each in site.has(external_id=person)] == ["Victoria Victim"] * (forge is _hop_token)


@pytest.mark.rule("V2", "V3", "V7")
def test_empty_token_is_absent_and_proves_nothing(site: Site, victim: Victim, refusal: object) -> None:
    """An empty hop token is refused, as nothing else than a hop sends one."""
    before, named = victim.data(), {"external_id": victim.external_id, "name": "Mallory"}
    assert site.browser().identify(token="", name="Mallory").json()["code"] == "no_identifier"
    answer = site.browser().identify(token="", **named).json()
    assert (answer["standing"], "contact_id" in answer) == ("claimed", False)
    for said in ({"name": "Mallory"}, named):
        assert seen(site.browser().identify(identity_token="", **said)) == refusal
    site.set(verification="required")
    assert site.browser().identify(token="", **named).json()["code"] == "proof_required"
    assert victim.data() == before


@pytest.mark.rule("V5")
def test_public_key_app_takes_no_secret(site: Site) -> None:
    register(site, RSA)
    retire_secrets(site)
    for secret in (site.secret, pem(RSA), ""):
        token = hs256(secret, in_order(site.app_key, sub=site.target.name("person")))
        assert site.browser().identify(token=token).json()["code"] == "proof_rejected"


@pytest.mark.rule("V5")
def test_oversized_token_is_refused_unparsed(site: Site) -> None:
    answer = site.browser().identify(token="." * 3_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.rule("V5")
@pytest.mark.parametrize("key", [RSA, EC, ED], ids=["RS256", "ES256", "EdDSA"])
def test_public_key_verifies_until_it_is_retired(site: Site, key: PrivateKey) -> None:
    """Without it, none of the forgeries above would say anything."""
    key_id = register(site, key)
    retire_secrets(site)
    person = site.target.name("person")
    token = signed_by(key, in_order(site.app_key, sub=person))
    assert site.browser().identify(token=token).json()["standing"] == "proven"
    site.target.hullo.register.retire_identity_key(site.app_key, key_id)
    assert site.browser().identify(token=token).json()["code"] == "proof_rejected"


@pytest.mark.rule("V5", "V2")
@pytest.mark.parametrize("subject", [["SUB"], {"sub": "SUB"}, True, False, 1.5, [], "", " ", "null", "x" * 256, "a\nb"])
def test_token_with_invalid_subject_proves_nothing(bystander: Victim, subject: object) -> None:
    victim, site = bystander, bystander.site
    before = victim.data()
    filled = json.loads(json.dumps(subject).replace("SUB", victim.external_id))
    token = hs256(site.secret, in_order(site.app_key, sub=filled))
    attacker = site.browser()
    assert attacker.identify(token=token).json()["code"] == "no_identifier"
    beside = attacker.identify(token=token, external_id=victim.external_id, email=victim.email, name="Mallory")
    assert beside.json().get("standing") != "proven"
    assert victim.conversation not in attacker.conversations()
    assert victim.data() == before


@pytest.mark.rule("V5", "W2", "W4", "W7", "H3")
def test_fields_beside_a_token_are_claims(site: Site, victim: Victim) -> None:
    """No claim replaces a proven value. A new email becomes the primary one, and stays a claim (W7)."""
    before, messages = victim.data()
    said, given = f"{site.target.name('mallory')}@evil.test", {"name": "Mallory", "custom_data": {"plan": "free"}}
    token = hs256(site.secret, in_order(site.app_key, sub=victim.external_id))
    assert site.browser().identify(token=token, **given).json()["written"] == []
    assert victim.data() == (before, messages)
    answer = site.browser().identify(token=token, email=said, **given).json()
    assert (answer["written"], answer["noted"]) == ([], ["email"])
    after, _ = victim.data()
    wrote, had = after.pop("provenance"), before.pop("provenance")
    assert (wrote.pop("email")["standing"], wrote.pop("emails.1")) == ("claimed", had.pop("email"))
    assert wrote == had
    times = {name: after[name] for name in ("updated_at", "last_seen_at")}
    assert after == {**before, **times, "email": said, "emails": [said, victim.email]}


@pytest.mark.rule("V5")
def test_token_with_jti_is_accepted_only_once(site: Site) -> None:
    person, jti = site.target.name("person"), site.target.name("jti")
    payload = in_order(site.app_key, sub=person, jti=jti)
    token = hs256(site.secret, payload)
    key = site.target.hullo.register.add_identity_key(site.app_key)
    again = [
        {"token": token},
        {"identity_token": token},
        {"token": hs256(site.secret, {**payload, "name": "Mallory"})},
        {"token": hs256(key.secret, payload, {**HS256, "kid": key.id})},
        {"token": token, "external_id": person, "user_hash": site.hash(person)},
    ]
    assert site.browser().identify(token=token).json()["standing"] == "proven"
    assert [site.browser().identify(**said).json()["code"] for said in again] == ["proof_rejected"] * len(again)


@pytest.mark.rule("V5", "R1")
@pytest.mark.parametrize("field", ["token", "identity_token"])
def test_concurrent_use_of_a_token_succeeds_once(site: Site, field: str) -> None:
    jti = {"jti": site.target.name("jti")} if field == "token" else {}
    token = hs256(site.secret, in_order(site.app_key, sub=site.target.name("person"), **jti))
    statuses = at_once(lambda: site.browser().identify(**{field: token}).status_code)
    assert sorted(statuses) == [200] + [401] * (len(statuses) - 1)


@pytest.mark.rule("V5")
def test_jti_is_spent_per_app(site: Site) -> None:
    """Otherwise one site could lock another's people out."""
    other, jti = site.beside(), site.target.name("jti")
    for each in (site, other):
        token = hs256(each.secret, in_order(each.app_key, sub=each.target.name("person"), jti=jti))
        assert each.browser().identify(token=token).status_code == 200


@pytest.mark.rule("V5")
def test_refused_token_is_not_spent(site: Site) -> None:
    """Whoever sees one on its way cannot spoil it by showing it with something wrong."""
    token = hs256(site.secret, in_order(site.app_key, sub=site.target.name("person"), jti=site.target.name("jti")))
    assert site.browser().identify(token=token, user_hash="0").status_code == 401
    assert site.browser().identify(token=token, strict=True, phone="none").status_code == 422
    assert site.browser().identify(token=token).status_code == 200


@pytest.mark.rule("V5", "V3")
def test_token_is_read_only_from_the_body(site: Site) -> None:
    """An address or a header with a token is no proof."""
    person = site.target.name("person")
    token = hs256(site.secret, in_order(site.app_key, sub=person))
    user_hash = site.hash(person)

    def call(query: str = "", headers: Headers = ()) -> Any:
        body = {"app_key": site.app_key, "external_id": person}
        return site.target.call("POST", f"{V1}/identify{query}", json=body, headers=headers)

    for query in (f"?token={token}", f"?user_hash={user_hash}", f"?identity_token={token}"):
        answer = call(query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    answer = call(headers=[("authorization", f"Bearer {token}")])
    assert answer.json()["code"] == "session_revoked"
    answer = call(headers=[("x-hullo-token", token), ("x-hullo-user-hash", user_hash)])
    assert answer.json()["standing"] == "claimed"
