"""A token that is wrong: which mistakes were made? Its form and its signature; what it says is read in `payloads`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hullo.errors import ProofRejected
from hullo.model.app import App, IdentityKey
from hullo.model.compact_token import HMAC, ParsedToken, parse_token
from hullo.model.instant import Instant
from hullo.model.limits import Limits
from hullo.model.mistake import UNRECOGNISED, Mistake
from hullo.model.public_key import ALGORITHMS
from hullo.model.signed_token import TAKEN, key_algorithm, signed_with, verifying_keys
from hullo_plugins.verify.mistakes.guesses import Guess, search
from hullo_plugins.verify.mistakes.hashes import HMAC_SHA256
from hullo_plugins.verify.mistakes.keys import is_secret, taken_for_key
from hullo_plugins.verify.mistakes.payloads import payload_slips
from hullo_plugins.verify.mistakes.slips import KEY_SENT, NOT_TEXT, RETIRED_KEY, STRAY_CHARACTERS, Slip, told
from hullo_plugins.verify.mistakes.words import OF_TOKENS
from hullo_plugins.verify.mistakes.writings import HASH_LENGTH, bare_text, of_base64, of_hex

_TAKEN: Final = f"{HMAC} with an identity key, or {', '.join(ALGORITHMS)} with a key pair"
_UNSIGNED: Final = f"none: nobody signed it. Use {_TAKEN}."
_ENCRYPTED: Final = "The token has five parts, as an encrypted one has. Sign it, and leave it readable."
_PADDED: Final = "The token's parts are in base64, and JWTs take base64url without `=`. Let a JWT library make it."

_DER: Final = re.compile(rb"\x30[\x40-\x48]\x02.*", re.DOTALL)


def explain_token(field: str, text: str, app: App, now: Instant, limits: Limits) -> list[Mistake]:
    """The mistakes; none where it is right. `unrecognised` is a signature that is wrong for no known reason."""
    return told(_slips(field, text, app, now, limits), OF_TOKENS, app, field=field)


def _slips(field: str, text: str, app: App, now: Instant, limits: Limits) -> list[Slip]:
    try:
        parsed = parse_token(text, limits.token_bytes)
    except ProofRejected as refused:
        return [_malformed(text, refused, limits)]
    if str(parsed.header.get("typ", "JWT")).upper() != "JWT":
        # An identity token may be of many kinds: another one is somebody else's to read.
        return [] if field == "identity_token" else [Slip("token_type")]
    return [*_signature_slips(parsed, app, now), *payload_slips(parsed.payload, app, now, limits)]


def _malformed(text: str, refused: ProofRejected, limits: Limits) -> Slip:
    bare = bare_text(text)
    if not bare:
        return NOT_TEXT
    if is_secret(bare):
        return KEY_SENT
    if len(bare) == HASH_LENGTH and of_hex(bare) is not None:
        return Slip("hash_as_token")
    if refused.mistake == "token_too_long":
        return Slip("token_too_long", str(limits.token_bytes))
    if bare != text and _parses(bare, limits):
        return STRAY_CHARACTERS
    parts = bare.split(".")
    if len(parts) == 5:
        return Slip("no_jwt", _ENCRYPTED)
    if len(parts) == 3 and not parts[2]:
        return Slip("algorithm", _UNSIGNED)
    if len(parts) == 3 and set(bare) & set("+/="):
        return Slip("no_jwt", _PADDED)
    return Slip("no_jwt", f"{refused.detail[0].upper()}{refused.detail[1:]}.")


def _parses(text: str, limits: Limits) -> bool:
    try:
        parse_token(text, limits.token_bytes)
    except ProofRejected:
        return False
    return True


def _signature_slips(parsed: ParsedToken, app: App, now: Instant) -> Iterator[Slip]:
    algorithm = parsed.header.get("alg")
    if algorithm not in TAKEN:
        yield Slip("algorithm", _UNSIGNED if algorithm == "none" else f"one that is not taken. Use {_TAKEN}.")
        return
    keys = [key for key in app.identity_keys if key_algorithm(key) == algorithm]
    if not keys:
        yield Slip("algorithm", _keyless(algorithm, app))
        return
    signer = next((key for key in keys if _signed(key, parsed)), None)
    if not _named(keys, parsed, now):
        yield Slip("unknown_kid")
    elif signer is not None and not _named([signer], parsed, now):
        yield Slip("kid_of_another_key")
    if signer is None:
        yield from _wrong_signature(parsed, algorithm, app, now)
    elif not signer.active(now):
        yield RETIRED_KEY


def _keyless(algorithm: str, app: App) -> str:
    add = f"hullo identity-key add {app.app_key}"
    if algorithm == HMAC:
        return f"{HMAC}, and the app has public keys alone. Sign with your private key, or make a secret: `{add}`."
    return f"{algorithm}, and the app has no public key for that. Give it yours: `{add} --public-key FILE`."


def _signed(key: IdentityKey, parsed: ParsedToken) -> bool:
    try:
        return signed_with(key, parsed)
    except ProofRejected:
        return True  # what it lacks is said in the payload, and that is looked at once the signature is right


def _named(keys: list[IdentityKey], parsed: ParsedToken, now: Instant) -> bool:
    """Whether the token's kid, if it has one, is that of any of the keys, which are all of its algorithm."""
    try:
        verifying_keys(keys, key_algorithm(keys[0]), parsed.header.get("kid"), now)
    except ProofRejected as refused:
        return refused.mistake != "unknown_kid"
    return True


def _wrong_signature(parsed: ParsedToken, algorithm: str, app: App, now: Instant) -> Iterator[Slip]:
    signed, _, written = parsed.text.rpartition(".")
    signature = of_base64(written) or b""
    if algorithm != HMAC:
        yield Slip("signature_in_der" if _DER.fullmatch(signature) else "other_key_pair")
        return
    sent = [Guess(signature)]
    if in_hex := of_hex(written):
        sent.append(Guess(in_hex, (Slip("signature_in_hex"),)))
    found = search(sent, taken_for_key(app, now), [Guess(signed.encode())], [HMAC_SHA256])
    yield from (Slip(UNRECOGNISED),) if found is None else found
