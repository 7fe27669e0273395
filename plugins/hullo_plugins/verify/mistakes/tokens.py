"""A token that is wrong: which mistakes were made? Its form and its signature; what it says is read in `payloads`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hullo.plugin import (
    ACCEPTED_ALGORITHMS,
    HS256,
    PUBLIC_KEY_ALGORITHMS,
    UNRECOGNISED,
    App,
    IdentityKey,
    Instant,
    Limits,
    Mistake,
    ParsedToken,
    ProofRejected,
    candidate_keys,
    is_signed_by,
    key_algorithm,
    parse_token,
)
from hullo_plugins.verify.mistakes.diagnosis_search import Variant, find_mistakes
from hullo_plugins.verify.mistakes.encodings import HASH_LENGTH, decode_base64, decode_hex, strip_wrapping
from hullo_plugins.verify.mistakes.hashes import HMAC_SHA256
from hullo_plugins.verify.mistakes.keys import is_secret, key_variants
from hullo_plugins.verify.mistakes.mistakes import (
    KEY_SENT,
    NOT_TEXT,
    RETIRED_KEY,
    STRAY_CHARACTERS,
    SigningMistake,
    describe_mistakes,
)
from hullo_plugins.verify.mistakes.payloads import payload_mistakes
from hullo_plugins.verify.mistakes.words import TOKEN_SENTENCES

_ACCEPTED_ALGORITHMS: Final = f"{HS256} with an identity key, or {', '.join(PUBLIC_KEY_ALGORITHMS)} with a key pair"
_UNSIGNED: Final = f"none: nobody signed it. Use {_ACCEPTED_ALGORITHMS}."
_ENCRYPTED: Final = "The token has five parts, as an encrypted one has. Sign it, and leave it readable."
_PADDED: Final = "The token's parts are in base64, and JWTs take base64url without `=`. Let a JWT library make it."

_DER: Final = re.compile(rb"\x30[\x40-\x48]\x02.*", re.DOTALL)


def explain_token(field: str, text: str, app: App, now: Instant, limits: Limits) -> list[Mistake]:
    """The mistakes; none where it is right. `unrecognised` is a signature that is wrong for no known reason."""
    return describe_mistakes(_diagnose(field, text, app, now, limits), TOKEN_SENTENCES, app, field=field)


def _diagnose(field: str, text: str, app: App, now: Instant, limits: Limits) -> list[SigningMistake]:
    try:
        parsed = parse_token(text, limits.token_bytes)
    except ProofRejected as refused:
        return [_format_mistake(text, refused, limits)]
    if str(parsed.header.get("typ", "JWT")).upper() != "JWT":
        # An identity token may be of many kinds: another kind is for another plugin to read.
        return [] if field == "identity_token" else [SigningMistake("token_type")]
    return [*_signature_mistakes(parsed, app, now), *payload_mistakes(parsed.payload, app, now, limits)]


def _format_mistake(text: str, refused: ProofRejected, limits: Limits) -> SigningMistake:
    bare = strip_wrapping(text)
    if not bare:
        return NOT_TEXT
    if is_secret(bare):
        return KEY_SENT
    if len(bare) == HASH_LENGTH and decode_hex(bare) is not None:
        return SigningMistake("hash_as_token")
    if refused.mistake == "token_too_long":
        return SigningMistake("token_too_long", str(limits.token_bytes))
    if bare != text and _is_parsable(bare, limits):
        return STRAY_CHARACTERS
    parts = bare.split(".")
    if len(parts) == 5:
        return SigningMistake("no_jwt", _ENCRYPTED)
    if len(parts) == 3 and not parts[2]:
        return SigningMistake("algorithm", _UNSIGNED)
    if len(parts) == 3 and set(bare) & set("+/="):
        return SigningMistake("no_jwt", _PADDED)
    return SigningMistake("no_jwt", f"{refused.detail[0].upper()}{refused.detail[1:]}.")


def _is_parsable(text: str, limits: Limits) -> bool:
    try:
        parse_token(text, limits.token_bytes)
    except ProofRejected:
        return False
    return True


def _signature_mistakes(parsed: ParsedToken, app: App, now: Instant) -> Iterator[SigningMistake]:
    algorithm = parsed.header.get("alg")
    if algorithm not in ACCEPTED_ALGORITHMS:
        yield SigningMistake(
            "algorithm", _UNSIGNED if algorithm == "none" else f"one that is not taken. Use {_ACCEPTED_ALGORITHMS}."
        )
        return
    keys = [key for key in app.identity_keys if key_algorithm(key) == algorithm]
    if not keys:
        yield SigningMistake("algorithm", _no_key_detail(algorithm, app))
        return
    signer = next((key for key in keys if _is_signed_by(key, parsed)), None)
    if not _kid_matches(keys, parsed, now):
        yield SigningMistake("unknown_kid")
    elif signer is not None and not _kid_matches([signer], parsed, now):
        yield SigningMistake("kid_of_another_key")
    if signer is None:
        yield from _wrong_signature_mistakes(parsed, algorithm, app, now)
    elif not signer.is_active(now):
        yield RETIRED_KEY


def _no_key_detail(algorithm: str, app: App) -> str:
    add = f"hullo identity-key add {app.app_key}"
    if algorithm == HS256:
        return f"{HS256}, and the app has public keys alone. Sign with your private key, or make a secret: `{add}`."
    return f"{algorithm}, and the app has no public key for that. Give it yours: `{add} --public-key FILE`."


def _is_signed_by(key: IdentityKey, parsed: ParsedToken) -> bool:
    try:
        return is_signed_by(key, parsed)
    except ProofRejected:
        return True  # what it lacks is said in the payload, and that is looked at once the signature is right


def _kid_matches(keys: list[IdentityKey], parsed: ParsedToken, now: Instant) -> bool:
    """Whether the token's kid, if it has one, is that of any of the keys, which are all of its algorithm."""
    if "kid" in parsed.header and not isinstance(parsed.header["kid"], str):
        return False  # such a token is refused unread, though its signature may be right (RFC 7515, section 4.1.4)
    try:
        candidate_keys(keys, key_algorithm(keys[0]), parsed.header.get("kid"), now)
    except ProofRejected as refused:
        return refused.mistake != "unknown_kid"
    return True


def _wrong_signature_mistakes(parsed: ParsedToken, algorithm: str, app: App, now: Instant) -> Iterator[SigningMistake]:
    signed, _, written = parsed.text.rpartition(".")
    signature = decode_base64(written) or b""
    if algorithm != HS256:
        yield SigningMistake("signature_in_der" if _DER.fullmatch(signature) else "other_key_pair")
        return
    sent = [Variant(signature)]
    if in_hex := decode_hex(written):
        sent.append(Variant(in_hex, (SigningMistake("signature_in_hex"),)))
    found = find_mistakes(sent, key_variants(app, now), [Variant(signed.encode())], [HMAC_SHA256])
    yield from (SigningMistake(UNRECOGNISED),) if found is None else found
