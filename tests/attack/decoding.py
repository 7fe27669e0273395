"""What must hold of whatever is decoded: for the tests that try it with hypothesis, and the program with atheris."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress

from attack.jose import hop_secret, hs256
from hullo.api.bodies import IdentifyBody
from hullo.asgi.json import decode_object
from hullo.errors import BadRequest, Invalid, NoIdentifier, ProofRejected
from hullo.model.app import App, IdentityKey
from hullo.model.claim import ENVELOPE_FIELDS, Claim
from hullo.model.compact_token import CLOCK_LEEWAY, unverified_payload
from hullo.model.instant import DAY, MINUTE, SECOND
from hullo.model.limits import Limits
from hullo.model.phone import normalise_phone
from hullo.model.signed_token import SignedToken, read_signed_token
from hullo.model.standing import Standing
from hullo.model.strict_json import MAX_DEPTH, is_clean
from hullo.model.token_claims import TokenClaims
from hullo_plugins.token.hop import HopToken
from hullo_plugins.verify.signed_token import SignedTokenProof

NOW = 1_790_000_000 * SECOND
SECRET = "hik_" + "3f9c" * 16
APP_KEY = "app_01m80a3k0gk2v0z3c5p7dq9xyw"
LIMITS = Limits()


def an_app(*public_keys: str) -> App:
    """With one secret, and these public keys as JWKs."""
    secret = IdentityKey(id="ik_secret", app_id=APP_KEY, secret=SECRET, created_at=0)
    public = [
        IdentityKey(id=f"ik_{number}", app_id=APP_KEY, secret="", created_at=0, public_key=each)
        for number, each in enumerate(public_keys)
    ]
    return App(id=APP_KEY, workspace_id="ws_1", name="Shop", created_at=0, identity_keys=(secret, *public))


def check_body(raw: bytes) -> None:
    """A body is refused with `BadRequest`, or read as Python's json reads it, without a key twice.

    One about a person may have faults inside of its fields, which lose only themselves (W8).
    """
    try:
        decoded = decode_object(raw)
    except BadRequest:
        with suppress(BadRequest):
            _check_body_with_faults(raw, IdentifyBody.parse(raw, LIMITS))
        return
    with suppress(RecursionError):  # there is less room on the stack here than there was for whoever accepted it
        assert json.loads(raw.decode(), object_pairs_hook=_once_each, parse_constant=_no_constant) == decoded
    check_claim(IdentifyBody.parse(raw, LIMITS).claim)


def _check_body_with_faults(raw: bytes, body: IdentifyBody) -> None:
    """Only its texts and its depth are at fault, none of them is kept, and each field that had one is named."""
    check_claim(body.claim)
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        return  # what is too deep is not read at all
    fields = json.loads(raw.decode(), object_pairs_hook=_once_each, parse_constant=_no_constant)
    faulty = {name for name, value in fields.items() if not is_clean({name: value})}
    assert faulty, "an identify body is refused elsewhere"
    # Evidence with a fault refuses the call, so `rejected` does not name it.
    if faulty - ENVELOPE_FIELDS - body.claim.evidence_fields:
        assert body.claim.rejected


def check_claim(claim: Claim) -> None:
    """Whatever was accepted can be looked up, sent and stored."""
    for identifier in claim.identifiers:
        assert is_clean(identifier.value)
        assert len(identifier.digest("ws_1")) == 64
        assert 0 < len(identifier.value.strip()) <= LIMITS.external_id_length
    for field, text in claim.profile.items():
        assert text is None or 0 < len(text.encode()) <= 4 * LIMITS.url_length, field
        assert is_clean(text), field
    if claim.profile.get("phone") is not None:
        normalise_phone(str(claim.profile["phone"]), "DE")
    for key, value in claim.custom_data.items():
        assert 0 < len(key) <= LIMITS.custom_key_length
        json.dumps(value, allow_nan=False)
        assert is_clean({key: value})
    for rejection in claim.rejected:
        assert rejection.field.isprintable()
        assert len(rejection.field) < 100
        rejection.field.encode()


def _once_each(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    assert len(fields) == len(pairs), "a key twice was accepted"
    return fields


def _no_constant(name: str) -> object:
    raise AssertionError(f"{name} was accepted")


def read(text: str, app: App) -> SignedToken | None:
    """A token that is good, or None for one that is refused. Raises what nobody should."""
    try:
        token = read_signed_token(text, app, NOW, LIMITS.token_bytes)
    except ProofRejected:
        return None
    audience = token.payload["aud"]
    assert APP_KEY in (audience if isinstance(audience, list) else [audience])
    assert NOW < token.expires_at + CLOCK_LEEWAY <= NOW + DAY + 2 * CLOCK_LEEWAY
    assert token.token_id is None or 0 < len(token.token_id) <= 255
    return token


def read_hop(text: str, app: App) -> TokenClaims | None:
    """A hop token that is good, or None for one that is refused, or somebody else's. Raises what nobody should."""
    try:
        claims = HopToken().read_token(text, app, NOW)
    except ProofRejected:
        return None
    assert claims is None or isinstance(claims, TokenClaims)
    return claims


def check_token(text: str, app: App) -> None:
    """Any text at all, as a token, as an identity token, and as what is read before it is verified."""
    read_hop(text, app)
    # An object for any text: the app that it names and whether it asks for a click are read from it.
    assert isinstance(unverified_payload(text, LIMITS.token_bytes), dict)
    if read(text, app) is None:
        return
    for field in ("token", "identity_token"):
        try:
            proof = SignedTokenProof().verify_claim(Claim.from_body({field: text}), app, NOW)
        except (ProofRejected, NoIdentifier, Invalid):
            continue
        assert proof is not None
        assert proof.signed_claim is not None
        check_claim(proof.signed_claim)


def signed(header: bytes, payload: bytes) -> str:
    """A token of the app's, with whatever is in it."""
    return hs256(SECRET, payload, header)


def signed_hop(payload: bytes) -> str:
    return hs256(hop_secret(SECRET), payload, {"alg": "HS256", "typ": "hullo-hop"})


def a_payload(**claims: object) -> dict[str, object]:
    """Of a token that is good at `NOW`."""
    return {"aud": APP_KEY, "iat": NOW // SECOND, "exp": (NOW + 5 * MINUTE) // SECOND, **claims}


def a_hop_payload() -> dict[str, object]:
    return a_payload(jti="hop_" + "0" * 64, ses="0" * 64, std=Standing.PROVEN.label)
