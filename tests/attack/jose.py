"""Tokens written by hand, right and wrong, as no library would write them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

HS256: Mapping[str, Any] = {"alg": "HS256", "typ": "JWT"}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def written(value: object) -> bytes:
    """JSON; bytes are taken for JSON already, whatever is wrong with it."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def signing_input(header: object, payload: object) -> str:
    return f"{b64(written(header))}.{b64(written(payload))}"


def hs256(secret: str | bytes, payload: object, header: object = HS256, *, digest: str = "sha256") -> str:
    """Signed, whatever the header says that it is signed with."""
    said = signing_input(header, payload)
    key = secret.encode() if isinstance(secret, str) else secret
    return f"{said}.{b64(hmac.digest(key, said.encode(), digest))}"


def signed_by(key: PrivateKey, payload: object, header: Mapping[str, Any] | None = None) -> str:
    """Signed with the algorithm that fits the key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        said = signing_input(header or {"alg": "EdDSA"}, payload)
        signature = key.sign(said.encode())
    elif isinstance(key, rsa.RSAPrivateKey):
        said = signing_input(header or {"alg": "RS256"}, payload)
        signature = key.sign(said.encode(), PKCS1v15(), SHA256())
    else:
        said = signing_input(header or {"alg": "ES256"}, payload)
        r, s = decode_dss_signature(key.sign(said.encode(), ec.ECDSA(SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return f"{said}.{b64(signature)}"


def pem(key: PrivateKey) -> str:
    """Of the public half."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def in_order(audience: str, **claims: object) -> dict[str, object]:
    """The payload of a token that is good from now on, for five minutes."""
    now = int(time.time())
    return {"aud": audience, "iat": now, "exp": now + 300, **claims}


def hop_secret(identity_key: str) -> str:
    """What hop tokens are signed with, as `hullo_plugins.token.hop` derives it."""
    return hashlib.blake2b(identity_key.encode(), person=b"hullo-hop-token", digest_size=32).hexdigest()
