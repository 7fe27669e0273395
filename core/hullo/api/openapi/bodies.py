"""What pages send, field by field, within the limits of the settings: `wire.py` and `claim.py` as a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hullo.api.bodies import CLIENT_ID_MAX_LENGTH
from hullo.api.openapi.notation import FLAG, TEXT, Schema, fields, or_null, ref, text, with_description
from hullo.model.claim import CUSTOM_KEY, UNSAFE_KEYS, attribute_hash_field
from hullo.model.identifier import EMAIL, EXTERNAL_ID
from hullo.model.limits import Limits

_ENVELOPE: Final[Mapping[str, Schema]] = {
    "app_key": with_description(ref("AppId"), "Which app calls, where neither `X-Hullo-App` nor a session says so."),
    "session_token": with_description(ref("SessionToken"), "For beacons, which can send no `Authorization`."),
}
_CONSENT: Final = {
    **with_description(
        FLAG, "The visitor agrees to be remembered: in an app that asks for it no session begins without."
    ),
    "default": False,
}
STRICT: Final = {
    **with_description(FLAG, "With it a single wrong field refuses the call, and nothing is written."),
    "default": False,
}
# No path, query or user: these are no part of an origin (RFC 6454).
_ORIGIN: Final[Schema] = {"type": "string", "pattern": "^https?://[^/?#@]+$"}
# In lower case alone (V1).
_HEX: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def body_schemas(limits: Limits) -> dict[str, Schema]:
    """By their names in the document."""
    person = person_fields(limits)
    identify = {
        **_ENVELOPE,
        "consent": _CONSENT,
        **person,
        "custom_data": ref("CustomData"),
        **_evidence(limits),
        "strict": STRICT,
    }
    return {
        "JoinBody": fields({**_ENVELOPE, "consent": _CONSENT}),
        "SenderBody": fields(_ENVELOPE),
        "ConsentBody": fields(
            {**_ENVELOPE, "granted": with_description(FLAG, "Whether the visitor agrees to be remembered.")},
            required=("granted",),
        ),
        "IdentifyBody": with_description(
            fields(identify),
            "What is not sent stays as it is. A field that is wrong is left out, and named in `rejected`.",
        ),
        "CheckBody": fields(
            {**identify, "origin": or_null(with_description(TEXT, "The address of the page that is to send this."))}
        ),
        "IdentityTokenBody": fields(
            {
                **_ENVELOPE,
                "audience": or_null(with_description(ref("AppId"), "The app to go to; null: the visitor's own.")),
                "to": or_null(
                    with_description(
                        _ORIGIN, "Instead of `audience`: the origin to go to. It is for the app that lists it."
                    )
                ),
            }
        ),
        "MessageBody": fields(
            {
                **_ENVELOPE,
                "text": text(limits.message_length, pattern=r"\S"),
                "client_id": or_null(text(CLIENT_ID_MAX_LENGTH, "The sender's own id: a repeat of it writes nothing.")),
            },
            required=("text",),
        ),
        "CustomData": _custom_data(limits),
    }


def person_fields(limits: Limits) -> dict[str, Schema]:
    """What is said of a person, but for custom data."""
    # Many sites have numbers as ids: the claim takes a whole number as its text.
    named = {"type": ["string", "integer", "null"]}
    return {
        EXTERNAL_ID: {**text(limits.external_id_length, "The site's own id of the person, exactly."), **named},
        EMAIL: or_null(text(limits.email_length, format="email")),
        "name": or_null(text(limits.name_length, "null clears it, as in the fields below.")),
        # The one demand on a phone: text without a digit is refused (W11).
        "phone": or_null(text(limits.phone_length, "Kept as E.164 where it can be.", pattern="[0-9]")),
        "company": or_null(text(limits.company_length)),
        "avatar_url": or_null(text(limits.url_length, format="uri", pattern="^https?://")),
    }


def _evidence(limits: Limits) -> dict[str, Any]:
    """What shows that the site's server says so, and the attributes that may come with a hash of their own."""
    signed: dict[str, Schema] = {}
    for name in limits.signed_attributes:
        signed[name] = or_null(text(limits.custom_value_length, "A custom value that may be signed."))
        signed[attribute_hash_field(name)] = with_description(
            _HEX, f"HMAC-SHA256 of `{name}` with an identity key of the app."
        )
    return {
        "user_hash": with_description(
            _HEX, "HMAC-SHA256, with an identity key of the app, of `external_id` if that is sent, else of `email`."
        ),
        "token": text(limits.token_bytes, "A signed token (JWT) about the person, instead of `user_hash`."),
        "identity_token": text(
            limits.token_bytes, "From the address that brought the visitor here. It stands alone: it says who it is."
        ),
        **signed,
    }


def _custom_data(limits: Limits) -> Schema:
    return {
        "type": "object",
        "maxProperties": limits.custom_keys_per_call,
        "propertyNames": {
            "maxLength": limits.custom_key_length,
            "pattern": f"^{CUSTOM_KEY.pattern}$",
            # Pages that copy these keys into an object would overwrite its prototype.
            "not": {"enum": sorted(UNSAFE_KEYS)},
        },
        # No object and no list: custom values are scalars (W6).
        "additionalProperties": {
            "type": ["string", "number", "boolean", "null"],
            "maxLength": limits.custom_value_length,
        },
        "description": "Written key by key; null clears one. "
        f"An app keeps up to {limits.custom_keys} of a person. Whole numbers fit in 64 bits.",
    }
