"""Public keys of sites: accepted formats, and the stored form (V5)."""

from __future__ import annotations

import base64
import binascii
import importlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from hullo.errors import Invalid, SettingsError
from hullo.model.strict_json import parse_object
from hullo.value import Value

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

EDDSA: Final = "EdDSA"
ES256: Final = "ES256"
RS256: Final = "RS256"

PUBLIC_KEY_ALGORITHMS: Final = (EDDSA, ES256, RS256)
"""Algorithms of public keys; each key has one."""

# RFC 7518 §3.3 wants 2048 bits at least.
RSA_BITS: Final = range(2048, 8193)
"""Shorter keys can be broken, longer ones make every verification slow."""
MAX_KID_LENGTH: Final = 255
MAX_TEXT_LENGTH: Final = 64 * 1024

SUPPORTED_KEYS: Final = "hullo takes Ed25519, P-256, and RSA of 2048 bits or more"
_NO_KEY: Final = "that is no public key; send it as PEM ('-----BEGIN PUBLIC KEY-----') or as a JWK"
_PRIVATE: Final = (
    "that is the private half: never hand it to anyone, and make a new pair if it has left your server; send the "
    "public one, as 'openssl pkey -in FILE -pubout' shows it"
)
_SYMMETRIC: Final = "that is a secret and no public key; 'hullo identity-key add' makes secrets itself"
_CERTIFICATE: Final = (
    "that is a certificate, and hullo looks at none; send the key in it, as 'openssl x509 -in FILE -noout -pubkey' "
    "shows it"
)
_PSS: Final = "that key is for RSASSA-PSS alone, and hullo takes RSA with RS256; make one with 'openssl genrsa 2048'"

_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----")
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")
# id-RSASSA-PSS, 1.2.840.113549.1.1.10 (RFC 4055), as DER: its owner limits the key to another scheme than RS256.
_PSS_OID: Final = bytes.fromhex("06092a864886f70d01010a")
# RFC 7518 §6: all members of a JWK that belong to the private half.
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
# One algorithm a key: the token never chooses how a key is used (RFC 8725 §3.1).
_ALGORITHM_OF: Final = {("OKP", "Ed25519"): EDDSA, ("EC", "P-256"): ES256, ("RSA", None): RS256}
_PUBLIC_MEMBERS: Final[tuple[str, ...]] = ("kty", "crv", "x", "y", "n", "e")
_MEMBERS: Final = {"OKP": ("x",), "EC": ("x", "y"), "RSA": ("n", "e")}


class PublicKey(Value):
    """Key that verifies tokens of one algorithm, and signs nothing."""

    algorithm: str
    """`EdDSA`, `ES256` or `RS256`."""
    kid: str | None
    """The owner's name for the key, which tokens may carry."""
    jwk: str
    """JWK (RFC 7517) as JSON: equal keys have equal texts but for their `kid`."""

    @classmethod
    def from_jwk(cls, jwk: str) -> PublicKey:
        """Load a stored key from `IdentityKey.public_key`. Needs no cryptography."""
        fields: dict[str, Any] = json.loads(jwk)
        return cls(algorithm=fields["alg"], kid=fields.get("kid"), jwk=jwk)

    @property
    def material(self) -> Mapping[str, str]:
        """Return the key without its name, for comparison."""
        fields: dict[str, str] = json.loads(self.jwk)
        return {name: value for name, value in fields.items() if name != "kid"}


def read_public_key(text: str) -> PublicKey:
    """Read a key from PEM (RFC 7468), a JWK, or a JWK Set with one key.

    Raises `Invalid` for other text, with a message that quotes nothing of it, and `SettingsError` without
    `cryptography`.
    """
    _require_cryptography()
    # Before the regular expressions: they need not run over megabytes.
    if len(text) > MAX_TEXT_LENGTH:
        raise Invalid(f"{_NO_KEY}; this is longer than any")
    # Asked first and in any text: this mistake needs its own warning, even beside a public key.
    if "PRIVATE KEY-----" in text:
        raise Invalid(_PRIVATE)
    if text.lstrip().startswith("{"):
        fields = _only_key(_object(text))
        return _to_public_key(_load_jwk(fields), _kid(fields.get("kid")))
    if "-----BEGIN" in text:
        return _to_public_key(_load_pem(text), None)
    if text.lstrip().startswith(("ssh-", "ecdsa-")):
        raise Invalid(f"{_NO_KEY}; this is one in the format of SSH")
    raise Invalid(_NO_KEY)


def _load_pem(text: str) -> PublicKeyTypes:
    labels = re.findall("-----BEGIN ([^-]*)-----", text)
    if any("CERTIFICATE" in label for label in labels):
        raise Invalid(_CERTIFICATE)
    blocks = list(_PEM.finditer(text))
    # Labels and blocks are counted apart: a broken second block has a label and no end.
    if len(labels) != 1 or len(blocks) != 1 or blocks[0][1] not in {"PUBLIC KEY", "RSA PUBLIC KEY"}:
        raise Invalid(f"{_NO_KEY}; there are {len(labels)} blocks in it" if len(labels) > 1 else _NO_KEY)
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        # The OID stands at the start of a SubjectPublicKeyInfo (RFC 5280); later bytes are the key itself.
        if _PSS_OID in base64.b64decode(blocks[0][2])[:64]:
            raise Invalid(_PSS)
        return load_pem_public_key(blocks[0][0].encode())
    except (ValueError, UnsupportedAlgorithm, binascii.Error):
        # `from None`: the cause may quote the text, which may be a private key.
        raise Invalid(f"{_NO_KEY}; this PEM cannot be read, or is a kind of key of its own: {SUPPORTED_KEYS}") from None


def _object(text: str) -> dict[str, Any]:
    try:
        # `surrogatepass`: lone surrogates become a fault of the parser and no `UnicodeEncodeError` here.
        return parse_object(text.encode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise Invalid(f"{_NO_KEY}; a JWK {error}") from None


def _only_key(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the one key of a JWK Set; a single JWK as it is."""
    if "keys" not in fields:
        return fields
    try:
        keys = msgspec.convert(fields["keys"], list[dict[str, Any]])
    except msgspec.ValidationError:
        raise Invalid(f"{_NO_KEY}; the keys of a JWK Set are a list of JWKs") from None
    # Every key, not only a single one: the warning matters more than the count.
    if any(_PRIVATE_MEMBERS & key.keys() for key in keys):
        raise Invalid(_PRIVATE)
    # A guess could register a key that was meant for encryption.
    if len(keys) != 1:
        raise Invalid(f"that JWK Set holds {len(keys)} keys; send the one that is meant")
    return keys[0]


def _load_jwk(fields: Mapping[str, Any]) -> PublicKeyTypes:
    kind, curve = fields.get("kty"), fields.get("crv")
    # RFC 7518 §6.4: a secret here would be stored unsealed, as public keys are.
    if kind == "oct" or "k" in fields:
        raise Invalid(_SYMMETRIC)
    if _PRIVATE_MEMBERS & fields.keys():
        raise Invalid(_PRIVATE)
    # No lookup with `(kind, curve)`: JSON values may be lists, which cannot be hashed.
    algorithm = next((name for known, name in _ALGORITHM_OF.items() if known == (kind, curve)), None)
    if algorithm is None:
        raise Invalid(f"a JWK of that kty and crv is none that tokens are signed with here: {SUPPORTED_KEYS}")
    _require_signing_use(fields, algorithm)
    members = {name: fields.get(name) for name in _MEMBERS[str(kind)]}
    # Checked here: base64 decoders skip characters outside of the alphabet and say nothing.
    for name, value in members.items():
        if not isinstance(value, str) or _BASE64URL.fullmatch(value) is None:
            raise Invalid(f"the JWK's {name} is missing, or is not base64url without padding")
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
    from jwt.exceptions import InvalidKeyError

    # Only public members are passed on, so a private one cannot be stored by accident.
    jwk = {"kty": kind, "crv": curve, **members}
    try:
        if algorithm == EDDSA:
            return cast("PublicKeyTypes", OKPAlgorithm.from_jwk(jwk))
        if algorithm == ES256:
            return cast("PublicKeyTypes", ECAlgorithm.from_jwk(jwk))
        return cast("PublicKeyTypes", RSAAlgorithm.from_jwk(jwk))
    except (InvalidKeyError, ValueError):
        raise Invalid(f"the numbers in that JWK are no {algorithm} key") from None


def _require_signing_use(fields: Mapping[str, Any], algorithm: str) -> None:
    # RFC 7517 §4.2: an encryption key must not verify signatures.
    if fields.get("use", "sig") != "sig":
        raise Invalid("that JWK is not for signatures: its use is another")
    operations = fields.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise Invalid("that JWK is not for verifying signatures: its key_ops are others")
    if fields.get("alg", algorithm) != algorithm:
        raise Invalid(f"that JWK is meant for another alg, and hullo uses such keys with {algorithm} alone")


def _kid(kid: object) -> str | None:
    # A `kid` is shown in lists, so it has no control characters.
    if kid is None or (isinstance(kid, str) and 0 < len(kid) <= MAX_KID_LENGTH and kid.isprintable()):
        return kid
    raise Invalid(f"a kid is 1 to {MAX_KID_LENGTH} printable characters")


def _to_public_key(key: PublicKeyTypes, kid: str | None) -> PublicKey:
    """Convert a loaded key to its stored form. Raises `Invalid` for a kind that is not supported."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

    if isinstance(key, Ed25519PublicKey):
        algorithm, written = EDDSA, OKPAlgorithm.to_jwk(key, as_dict=True)
    elif isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        algorithm, written = ES256, ECAlgorithm.to_jwk(key, as_dict=True)
    elif isinstance(key, RSAPublicKey):
        if key.key_size not in RSA_BITS:
            raise Invalid(
                f"an RSA key has {RSA_BITS[0]} to {RSA_BITS[-1]} bits, and that one has {key.key_size}; an Ed25519 key "
                "is shorter and stronger"
            )
        algorithm, written = RS256, RSAAlgorithm.to_jwk(key, as_dict=True)
    else:
        raise Invalid(f"that is a public key, but of a kind that is not used here: {SUPPORTED_KEYS}")
    # Members by name: PyJWT adds `key_ops`, which would make equal keys differ.
    fields: dict[str, str] = {name: written[name] for name in _PUBLIC_MEMBERS if name in written}
    fields["alg"] = algorithm
    if kid is not None:
        fields["kid"] = kid
    # Sorted and without spaces: duplicates are found by comparing texts.
    return PublicKey(algorithm=algorithm, kid=kid, jwk=json.dumps(fields, sort_keys=True, separators=(",", ":")))


def _require_cryptography() -> None:
    try:
        # Asked when a key is registered: the operator sees the message, not a visitor at the first token.
        importlib.import_module("cryptography")
    except ImportError as error:
        raise SettingsError("public keys need one more package: pip install 'hullo[crypto]'") from error
