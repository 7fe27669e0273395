"""Bodies that pages send. Those that servers alone send are in `server_bodies`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, Self

import msgspec

from hullo.api.openapi.claims import claim_properties
from hullo.api.openapi.notation import FLAG, TEXT, Schema, fields, or_null, ref, text, with_description
from hullo.api.person_body import decode_person
from hullo.api.request_body import RequestBody, checked, flag, invalid_field, lenient, lines
from hullo.asgi.json import encode
from hullo.asgi.scope import SESSION_PREFIX
from hullo.model.claim import CONTROL_CHARACTERS, ENVELOPE_FIELDS, Claim
from hullo.model.limits import Limits
from hullo.rules.origins import normalise_origin

CLIENT_ID_MAX_LENGTH: Final = 128
NOBODY: Final = "nobody"

INVALID_TOKEN: Final = SESSION_PREFIX
"""Stands for a session token that is no text: it is no session's."""

_decoder = msgspec.json.Decoder()


def _read_app_key(value: object) -> str | None:
    # Empty and not None: a wrong key must be refused, and not give way to the app of the session.
    return value if value is None or isinstance(value, str) else ""


def _read_session_token(value: object) -> str | None:
    # Empty text counts as absent; a token that is no text is an invalid one.
    return (value or None) if value is None or isinstance(value, str) else INVALID_TOKEN


def _read_consent(value: object) -> bool:
    # `is True`: 1 or "yes" is no consent.
    return value is True


_ENVELOPE_READERS: Final[Mapping[str, Callable[[object], object]]] = {
    "app_key": _read_app_key,
    "session_token": _read_session_token,
    "consent": _read_consent,
}


def _is_origin(value: object) -> bool:
    return isinstance(value, str) and normalise_origin(value) is not None


class SenderBody(RequestBody, secrets=("session_token",)):
    """Who sends a body, where a beacon cannot set headers."""

    app_key: Annotated[
        str | None,
        lenient(
            with_description(ref("AppId"), "Which app calls, where neither `X-Hullo-App` nor a session says so."),
            _read_app_key,
        ),
    ] = None
    session_token: Annotated[
        str | None,
        lenient(
            with_description(ref("SessionToken"), "For beacons, which can send no `Authorization`."),
            _read_session_token,
        ),
    ] = None


class Envelope(SenderBody):
    """Who sends a body that may begin a session."""

    consent: Annotated[
        bool,
        lenient(
            {
                "type": "boolean",
                "default": False,
                "description": "The visitor agrees to be remembered: in an app that asks for it no session begins "
                "without.",
            },
            _read_consent,
        ),
    ] = False

    @classmethod
    def of(cls, body: Mapping[str, object]) -> Envelope:
        """Read the envelope of a decoded body that holds more."""
        sent: dict[str, Any] = {}
        # What is absent has its default: most bodies hold the app key alone.
        for name, read in _ENVELOPE_READERS.items():
            if name in body:
                sent[name] = read(body[name])
        return Envelope(**sent)


class JoinBody(Envelope):
    """A join or a reset."""

    after: Annotated[
        str | None,
        lenient(
            with_description(TEXT, "The last message that the page has. It is for sockets, and changes nothing here."),
            str,
        ),
    ] = None


class ConsentBody(SenderBody, kw_only=True):
    """What the visitor has answered."""

    granted: Annotated[bool, flag("Whether the visitor agrees to be remembered.")]


class IdentityTokenBody(SenderBody):
    """A token is asked for: for the app with the key `audience`, or the one that lists the origin `to`; never both.
    None of them: the visitor's own app."""

    audience: Annotated[
        str | None,
        checked(
            with_description(ref("AppId"), "The app to go to; null: the visitor's own."),
            lambda value: isinstance(value, str),
            "must be the app key of the site that the token is for",
            # An empty audience counts as absent.
            lambda value: value or None,
        ),
    ] = None
    to: Annotated[
        str | None,
        checked(
            # No path, query or user: these are no part of an origin (RFC 6454).
            {
                "type": "string",
                "pattern": "^https?://[^/?#@]+$",
                "description": "Instead of `audience`: the origin to go to. It is for the app that lists it.",
            },
            _is_origin,
            "must be an origin, such as https://help.example.com",
            normalise_origin,
        ),
    ] = None

    @classmethod
    def parse(cls, raw: bytes, limits: Limits) -> Self:
        """Decode a body. Raises what `RequestBody.parse` does, and `Invalid` for two places."""
        body = super().parse(raw, limits)
        if body.audience is not None and body.to is not None:
            raise invalid_field("to", "says which app the token is for, and so does audience; send one of them")
        return body


# Outside of the class, where a field hides the function `text`.
ClientId = Annotated[
    str,
    checked(
        text(CLIENT_ID_MAX_LENGTH, "The sender's own id: a repeat of it writes nothing."),
        lambda value: (
            isinstance(value, str) and 0 < len(value) <= CLIENT_ID_MAX_LENGTH and not CONTROL_CHARACTERS.search(value)
        ),
        f"must be 1 to {CLIENT_ID_MAX_LENGTH} characters in one line",
    ),
]


class MessageBody(SenderBody, kw_only=True):
    """Something that is said."""

    text: Annotated[str, lines("message_length")]
    client_id: ClientId | None = None


class IdentifyBody(RequestBody):
    """An identify call."""

    summary: ClassVar[str] = (
        "What is not sent stays as it is. A field that is wrong is left out, and named in `rejected`."
    )
    envelope: Envelope
    claim: Claim
    nobody: bool = False
    """True where no user is logged in on the page (S6). The claim names no person then."""

    @classmethod
    def parse(cls, raw: bytes, limits: Limits) -> Self:
        """Decode a body. Raises `BadRequest`, `TooLarge`, and `Invalid` for a `nobody` that does not stand alone; what
        else is wrong inside of it the claim itself names."""
        body = decode_person(raw, limits)
        # Taken out of the body: a claim about a person knows no such field.
        nobody = NOBODY in body and _read_nobody(body.pop(NOBODY), body)
        return cls(envelope=Envelope.of(body), claim=Claim.from_body(body, limits), nobody=nobody)

    @classmethod
    def described(cls, limits: Limits) -> Schema:
        """Describe the body in the OpenAPI document."""
        about = "No user is logged in on this page: an identified session ends, as by a reset. It stands alone."
        nobody = {NOBODY: or_null({**with_description(FLAG, about), "default": False})}
        described = fields({**Envelope.field_schemas(limits), **claim_properties(limits), **nobody})
        return with_description(described, cls.summary)


def _read_nobody(value: object, rest: Mapping[str, object]) -> bool:
    if value is not None and not isinstance(value, bool):
        raise invalid_field(NOBODY, "must be true or false")
    # Two answers to who the visitor is: neither can be trusted over the other.
    beside = [name for name in rest if name not in ENVELOPE_FIELDS]
    if value and beside:
        raise invalid_field(NOBODY, "stands alone: a page on which no user is logged in says nothing of a person")
    return bool(value)


class CheckBody(RequestBody):
    """An identify call that is to be explained (V8). `page` is the address of the page that would send it, if any."""

    envelope: Envelope
    claim: Claim
    page: str | None

    @classmethod
    def parse(cls, raw: bytes, limits: Limits) -> Self:
        """Decode an identify body, and beside it perhaps `origin`. Raises `BadRequest`, and `Invalid` for one that is
        no text."""
        body = decode_person(raw, limits)
        # Taken out of the body: in an identify it would be an unknown field.
        page = body.pop("origin", None)
        if not isinstance(page, str | None):
            raise invalid_field("origin", "must be the address of the page that sends this")
        return cls(envelope=Envelope.of(body), claim=Claim.from_body(body, limits), page=page)

    @classmethod
    def described(cls, limits: Limits) -> Schema:
        """Describe the body in the OpenAPI document."""
        origin = or_null(with_description(TEXT, "The address of the page that is to send this."))
        return fields({**Envelope.field_schemas(limits), **claim_properties(limits), "origin": origin})


def restore_session_token(stored: bytes, token: str | None) -> tuple[bytes, str]:
    """Return an identify answer that was stored without secrets, as it was first sent, and its request id."""
    first: dict[str, Any] = _decoder.decode(stored)
    if token is None:
        return stored, first["request_id"]
    # In the place that it had, so that the repeat equals the first response byte for byte.
    return encode({"visitor_id": first.pop("visitor_id"), "session_token": token, **first}), first["request_id"]
