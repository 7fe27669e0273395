"""Bodies as they travel: decoded as they come, encoded as they go. What servers alone send is in `server_bodies`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from hullo.api.person_body import decode_person
from hullo.asgi.json import decode_object, encode
from hullo.asgi.scope import SESSION_PREFIX
from hullo.errors import Invalid, Rejection
from hullo.model.claim import CONTROL_CHARACTERS, CONTROL_EXCEPT_NEWLINES, Claim
from hullo.model.limits import Limits
from hullo.rules.origins import normalise_origin
from hullo.value import Value

CLIENT_ID_MAX_LENGTH: Final = 128
ID_MAX_LENGTH: Final = 64

INVALID_TOKEN: Final = SESSION_PREFIX
"""Stands for a session token that is no text: it is no session's."""

_decoder = msgspec.json.Decoder()


class Envelope(Value, secrets=("session_token",)):
    """Who sends a body, where a beacon cannot set headers."""

    app_key: str | None = None
    session_token: str | None = None
    consent: bool = False
    """Whether the page says that the visitor agrees to be remembered."""


class IdentifyBody(Value):
    """An identify call."""

    envelope: Envelope
    claim: Claim


class CheckBody(Value):
    """An identify call that is to be explained (V8). `page` is the address of the page that would send it, if any."""

    envelope: Envelope
    claim: Claim
    page: str | None


class IdentityTokenBody(Value):
    """A token is asked for. `audience` is the key of the app that it is to be good in, or `to` an origin that the app
    lists; never both. None of them: the visitor's own app."""

    envelope: Envelope
    audience: str | None
    to: str | None


class MessageBody(Value):
    """Something that is said."""

    envelope: Envelope
    text: str
    client_id: str | None


def parse_join_body(raw: bytes) -> Envelope:
    """The body of join and reset. Raises `BadRequest`."""
    return _parse_envelope(decode_object(raw))


def parse_consent_body(raw: bytes) -> tuple[Envelope, bool]:
    """What the visitor has answered. Raises `BadRequest`, and `Invalid` where it is neither yes nor no."""
    body = decode_object(raw)
    granted = body.get("granted")
    if not isinstance(granted, bool):
        raise invalid_field("granted", "must be true or false")
    # The answer is the consent: a field `consent` beside it does not count.
    return replace(_parse_envelope(body), consent=granted), granted


def parse_identify_body(raw: bytes, limits: Limits) -> IdentifyBody:
    """Raises `BadRequest`, and `TooLarge`; what is wrong inside of it the claim itself names."""
    body = decode_person(raw, limits)
    return IdentifyBody(envelope=_parse_envelope(body), claim=Claim.from_body(body, limits))


def parse_check_body(raw: bytes, limits: Limits) -> CheckBody:
    """An identify body, and beside it perhaps `origin`. Raises `BadRequest`, and `Invalid` for one that is no text."""
    body = decode_person(raw, limits)
    # Taken out of the body: in an identify it would be an unknown field.
    page = body.pop("origin", None)
    if not isinstance(page, str | None):
        raise invalid_field("origin", "must be the address of the page that sends this")
    return CheckBody(envelope=_parse_envelope(body), claim=Claim.from_body(body, limits), page=page)


def parse_identity_token_body(raw: bytes) -> IdentityTokenBody:
    """Raises `BadRequest`, and `Invalid` for an audience that is no text, a place that is no origin, or both."""
    body = decode_object(raw)
    audience = body.get("audience")
    if not isinstance(audience, str | None):
        raise invalid_field("audience", "must be the app key of the site that the token is for")
    to = body.get("to")
    if to is not None:
        to = normalise_origin(to) if isinstance(to, str) else None
        if to is None:
            raise invalid_field("to", "must be an origin, such as https://help.example.com")
        if audience:
            raise invalid_field("to", "says which app the token is for, and so does audience; send one of them")
    # An empty audience counts as absent.
    return IdentityTokenBody(envelope=_parse_envelope(body), audience=audience or None, to=to)


def parse_message_body(raw: bytes, limits: Limits) -> MessageBody:
    """Raises `BadRequest`, and `Invalid` for a text or client_id that is none."""
    body = decode_object(raw)
    # All faults are told at once, so that the caller mends them in one go.
    faults: list[Rejection] = []
    text = body.get("text")
    if fault := text_error(text, limits.message_length):
        faults.append(Rejection(field="text", reason=fault))
    client_id = body.get("client_id")
    if client_id is not None and not _is_client_id(client_id):
        reason = f"must be 1 to {CLIENT_ID_MAX_LENGTH} characters in one line"
        faults.append(Rejection(field="client_id", reason=reason))
    if faults:
        raise Invalid(Invalid.invalid_fields_detail, faults)
    return MessageBody(envelope=_parse_envelope(body), text=cast("str", text), client_id=client_id)


def restore_session_token(stored: bytes, token: str | None) -> tuple[bytes, str]:
    """An identify answer that was stored without secrets, as it was first sent, and its request id."""
    first: dict[str, Any] = _decoder.decode(stored)
    if token is None:
        return stored, first["request_id"]
    # In the place that it had, so that the repeat equals the first response byte for byte.
    return encode({"visitor_id": first.pop("visitor_id"), "session_token": token, **first}), first["request_id"]


def _parse_envelope(body: Mapping[str, object]) -> Envelope:
    app_key, token = body.get("app_key"), body.get("session_token")
    return Envelope(
        # Empty and not None: a wrong key must be refused, and not give way to the app of the session.
        app_key=app_key if app_key is None or isinstance(app_key, str) else "",
        # Empty text counts as absent; a token that is no text is an invalid one.
        session_token=(token or None) if token is None or isinstance(token, str) else INVALID_TOKEN,
        # `is True`: 1 or "yes" is no consent.
        consent=body.get("consent") is True,
    )


def text_error(text: object, max_length: int) -> str | None:
    """Find the fault of a text of any number of lines; None where it has none."""
    if not isinstance(text, str):
        return "must be text"
    if not text.strip():
        return "is empty"
    if len(text) > max_length:
        return f"longer than {max_length} characters"
    return "has control characters" if CONTROL_EXCEPT_NEWLINES.search(text) else None


def _is_client_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= CLIENT_ID_MAX_LENGTH and not CONTROL_CHARACTERS.search(value)


def is_plausible_id(text: str) -> bool:
    """Whether it is worth asking a store for the thing with this id."""
    return len(text) <= ID_MAX_LENGTH and text.isascii() and text.replace("_", "").isalnum()


def invalid_field(field: str, reason: str) -> Invalid:
    """The error of a call of which one field alone is wrong."""
    return Invalid(Invalid.invalid_fields_detail, [Rejection(field=field, reason=reason)])
