"""Which public keys are taken, and how they are kept (V5)."""

from __future__ import annotations

import json
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from hullo.errors import Invalid, SettingsError
from hullo.model.public_key import PublicKey, read_public_key

pytestmark = pytest.mark.rule("V5")

PAIRS: Final[dict[str, Callable[[], Any]]] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
}
WRITERS: Final[dict[str, Any]] = {"EdDSA": OKPAlgorithm, "ES256": ECAlgorithm, "RS256": RSAAlgorithm}


@cache
def a_pair(algorithm: str) -> Any:
    """Its private half."""
    return PAIRS[algorithm]()


def pem(public: Any, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    text: bytes = public.public_bytes(Encoding.PEM, form)
    return text.decode()


def jwk(algorithm: str, **more: object) -> dict[str, Any]:
    return {**WRITERS[algorithm].to_jwk(a_pair(algorithm).public_key(), as_dict=True), **more}


def private_jwk(algorithm: str) -> dict[str, Any]:
    fields: dict[str, Any] = WRITERS[algorithm].to_jwk(a_pair(algorithm), as_dict=True)
    return fields


def refusal(text: str) -> str:
    with pytest.raises(Invalid) as refused:
        read_public_key(text)
    return refused.value.detail


@pytest.mark.parametrize("algorithm", PAIRS)
class TestWhatIsTaken:
    def test_pem_and_jwk_are_stored_alike(self, algorithm: str) -> None:
        of_pem = read_public_key(pem(a_pair(algorithm).public_key()))
        of_jwk = read_public_key(json.dumps(jwk(algorithm)))
        assert of_pem == of_jwk
        assert (of_pem.algorithm, of_pem.kid) == (algorithm, None)
        assert (
            set(json.loads(of_pem.jwk))
            == {
                "EdDSA": {"alg", "crv", "kty", "x"},
                "ES256": {"alg", "crv", "kty", "x", "y"},
                "RS256": {"alg", "e", "kty", "n"},
            }[algorithm]
        )

    def test_stored_key_verifies_a_private_key_signature(self, algorithm: str) -> None:
        kept = read_public_key(pem(a_pair(algorithm).public_key()))
        token = jwt.encode({"sub": "jane"}, a_pair(algorithm), algorithm=algorithm)
        assert jwt.decode(token, jwt.PyJWK.from_json(kept.jwk), algorithms=[kept.algorithm]) == {"sub": "jane"}

    def test_stored_key_reads_back_unchanged(self, algorithm: str) -> None:
        kept = read_public_key(json.dumps(jwk(algorithm, kid="2030-01")))
        assert PublicKey.from_jwk(kept.jwk) == kept == read_public_key(kept.jwk)
        assert kept.material == read_public_key(pem(a_pair(algorithm).public_key())).material

    def test_extra_jwk_members_are_dropped(self, algorithm: str) -> None:
        more: dict[str, object] = {"use": "sig", "alg": algorithm, "key_ops": ["verify"], "x5t": "…", "note": [{}]}
        assert read_public_key(json.dumps(jwk(algorithm, **more))) == read_public_key(json.dumps(jwk(algorithm)))

    def test_jwk_set_of_one_equals_its_key(self, algorithm: str) -> None:
        alone = jwk(algorithm, kid="a")
        assert read_public_key(json.dumps({"keys": [alone]})) == read_public_key(json.dumps(alone))

    def test_text_around_a_pem_is_ignored(self, algorithm: str) -> None:
        text = pem(a_pair(algorithm).public_key())
        windows = "Our key:\r\n" + text.replace("\n", "\r\n") + "\r\n"
        assert read_public_key(windows) == read_public_key(text)

    def test_private_key_is_refused_and_not_quoted(self, algorithm: str) -> None:
        private = a_pair(algorithm)
        forms = [PrivateFormat.PKCS8, *([PrivateFormat.TraditionalOpenSSL] if algorithm != "EdDSA" else [])]
        pems = [private.private_bytes(Encoding.PEM, form, NoEncryption()).decode() for form in forms]
        jwks = [json.dumps(private_jwk(algorithm)), json.dumps({"keys": [jwk(algorithm), private_jwk(algorithm)]})]
        wrapped = json.dumps({"type": "service_account", "private_key": pems[0]})
        for text in (*pems, *jwks, wrapped, pem(private.public_key()) + pems[0]):
            detail = refusal(text)
            assert "that is the private half: never hand it to anyone" in detail
            assert private_jwk(algorithm)["d"] not in detail

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            ({"use": "enc"}, "not for signatures"),
            ({"use": None}, "not for signatures"),
            ({"key_ops": ["encrypt"]}, "key_ops are others"),
            ({"key_ops": "verify"}, "key_ops are others"),
            ({"alg": "HS256"}, "another alg"),
            ({"alg": "none"}, "another alg"),
            ({"alg": "PS256"}, "another alg"),
            ({"alg": ["EdDSA"]}, "another alg"),
            ({"k": "c2VjcmV0"}, "a secret and no public key"),
            ({"kty": "oct"}, "a secret and no public key"),
            ({"kty": "AKP"}, "hullo takes Ed25519, P-256, and RSA"),
            ({"kty": ["RSA"]}, "hullo takes Ed25519, P-256, and RSA"),
            ({"kty": None}, "hullo takes Ed25519, P-256, and RSA"),
            ({"crv": "P-384"}, "hullo takes Ed25519, P-256, and RSA"),
            ({"crv": {}}, "hullo takes Ed25519, P-256, and RSA"),
            ({"kid": ""}, "1 to 255 printable"),
            ({"kid": "x" * 256}, "1 to 255 printable"),
            ({"kid": "a\nb"}, "1 to 255 printable"),
            ({"kid": 7}, "1 to 255 printable"),
        ],
    )
    def test_jwk_for_another_use_is_refused(self, algorithm: str, more: dict[str, Any], told: str) -> None:
        assert told in refusal(json.dumps(jwk(algorithm, **more)))

    def test_jwk_with_wrong_numbers_is_refused(self, algorithm: str) -> None:
        whole = jwk(algorithm)
        for name in {"x", "y", "n", "e"} & whole.keys():
            less = {key: value for key, value in whole.items() if key != name}
            assert f"the JWK's {name} is missing" in refusal(json.dumps(less))
            for value in (None, 7, "", "not base64!", whole[name] + "="):
                assert f"the JWK's {name} is missing, or is not base64url" in refusal(
                    json.dumps({**whole, name: value})
                )
            assert f"no {algorithm} key" in refusal(json.dumps({**whole, name: "AA"}))
            assert f"no {algorithm} key" in refusal(json.dumps({**whole, name: "AAAAA"}))


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda: ec.generate_private_key(ec.SECP384R1()), id="P-384"),
            pytest.param(lambda: ec.generate_private_key(ec.SECP521R1()), id="P-521"),
            pytest.param(lambda: ec.generate_private_key(ec.SECP256K1()), id="secp256k1"),
            pytest.param(lambda: ec.generate_private_key(ec.BrainpoolP256R1()), id="brainpool"),
            pytest.param(ed448.Ed448PrivateKey.generate, id="Ed448"),
            pytest.param(x25519.X25519PrivateKey.generate, id="X25519"),
            pytest.param(lambda: dsa.generate_private_key(2048), id="DSA"),
        ],
    )
    def test_unsupported_key_type_names_the_supported_ones(self, make: Callable[[], Any]) -> None:
        assert "hullo takes Ed25519, P-256, and RSA of 2048 bits or more" in refusal(pem(make().public_key()))

    def test_rsa_key_of_wrong_size_is_refused(self) -> None:
        small = rsa.generate_private_key(65537, 1024).public_key()
        assert "has 2048 to 8192 bits, and that one has 1024" in refusal(pem(small))
        assert "that one has 1024" in refusal(json.dumps(RSAAlgorithm.to_jwk(small, as_dict=True)))
        number = urlsafe_b64encode((2**9000 + 1).to_bytes(1126, "big")).rstrip(b"=").decode()
        assert "that one has 9001" in refusal(json.dumps({"kty": "RSA", "n": number, "e": "AQAB"}))

    def test_rsa_key_for_pss_alone_is_refused(self) -> None:
        # As OpenSSL writes it: another algorithm identifier before the same numbers.
        plain = a_pair("RS256").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        other = plain.replace(bytes.fromhex("06092a864886f70d010101"), bytes.fromhex("06092a864886f70d01010a"))
        body = urlsafe_b64encode(other).decode().replace("-", "+").replace("_", "/")
        assert "RSASSA-PSS alone" in refusal(f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")

    def test_rsa_key_in_pkcs1_form_is_accepted(self) -> None:
        public = a_pair("RS256").public_key()
        assert read_public_key(pem(public, PublicFormat.PKCS1)) == read_public_key(pem(public))

    def test_certificate_refusal_explains_extracting_the_key(self) -> None:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(a_pair("ES256").public_key())
            .serial_number(1)
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=1))
            .sign(a_pair("ES256"), SHA256())
        )
        assert "openssl x509" in refusal(made.public_bytes(Encoding.PEM).decode())

    def test_ssh_key_is_refused(self) -> None:
        text: bytes = a_pair("EdDSA").public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        assert "the format of SSH" in refusal(text.decode())

    def test_several_keys_at_once_are_refused(self) -> None:
        texts = [pem(a_pair(algorithm).public_key()) for algorithm in ("EdDSA", "ES256")]
        assert "2 blocks" in refusal("".join(texts))
        assert "holds 2 keys" in refusal(json.dumps({"keys": [jwk("EdDSA"), jwk("ES256")]}))
        assert "holds 0 keys" in refusal(json.dumps({"keys": []}))
        for keys in ("x", [1], None, {"a": 1}):
            assert "a list of JWKs" in refusal(json.dumps({"keys": keys}))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "hello",
            "hik_0123",
            "{",
            "{}",
            "[]",
            '{"kty": "OKP", "kty": "EC"}',
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----",
            "-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----",
            "x" * 70_000,
            "\ud800",
            '{"kty": "\ud800"}',
        ],
    )
    def test_text_without_a_key_is_refused(self, text: str) -> None:
        assert len(refusal(text)) < 300

    @given(st.text() | st.text().map(lambda text: f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----"))
    def test_random_text_is_refused(self, text: str) -> None:
        refusal(text)

    @given(
        st.fixed_dictionaries(
            {"kty": st.sampled_from(["OKP", "EC", "RSA", "oct"])},
            optional={
                name: st.none() | st.text(max_size=50) | st.integers() | st.sampled_from(["Ed25519", "P-256", "AQAB"])
                for name in ("crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops", "d", "k")
            },
        )
    )
    def test_random_jwk_is_accepted_or_refused(self, fields: dict[str, Any]) -> None:
        try:
            kept = read_public_key(json.dumps(fields))
        except Invalid:
            return
        assert PublicKey.from_jwk(kept.jwk) == kept


def test_key_name_may_be_any_printable_text() -> None:
    for kid in ("1", "2030-01", "Schlüssel 1 – für den Laden", "x" * 255):
        kept = read_public_key(json.dumps(jwk("EdDSA", kid=kid)))
        assert (kept.kid, PublicKey.from_jwk(kept.jwk).kid) == (kid, kid)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    text = read_public_key(pem(a_pair("EdDSA").public_key())).jwk
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(SettingsError, match=r"pip install 'hullo\[crypto\]'"):
        read_public_key(text)
    assert PublicKey.from_jwk(text).algorithm == "EdDSA"
