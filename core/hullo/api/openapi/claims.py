"""Schemas of what a `Claim` is made of, within the limits of the settings."""

from __future__ import annotations

from typing import Any, Final

from hullo.api.openapi.notation import FLAG, Schema, or_null, ref, text, with_description
from hullo.model.claim import CUSTOM_KEY, PAGE, PROMPT, SOURCE, UNSAFE_KEYS, attribute_hash_field
from hullo.model.identifier import EMAIL, EXTERNAL_ID
from hullo.model.limits import Limits

STRICT: Final = {
    **with_description(FLAG, "With it a single wrong field refuses the call, and nothing is written."),
    "default": False,
}
SOURCE_FIELD: Final[Schema] = {
    "enum": [PAGE, PROMPT],
    "default": PAGE,
    "description": "`prompt`: the visitor typed it into the widget. When the same visitor logs in later, visitor, "
    "session and conversations go on as the user's (C8).",
}
# In lower case alone (V1).
_HEX: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def claim_properties(limits: Limits) -> dict[str, Schema]:
    """Describe the fields of an identify call, but for its envelope."""
    return {
        **person_fields(limits),
        "custom_data": ref("CustomData"),
        **_evidence(limits),
        "strict": STRICT,
        SOURCE: SOURCE_FIELD,
    }


def person_fields(limits: Limits) -> dict[str, Schema]:
    """Describe what is said of a person, but for custom data."""
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
    """Describe what shows that the site's server says so, and attributes that may have a hash of their own."""
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
        "email_hash": with_description(
            _HEX, "HMAC-SHA256 of `email` as sent. Beside a `user_hash` over the id it proves the email too."
        ),
        "token": text(limits.token_bytes, "A signed token (JWT) about the person, instead of `user_hash`."),
        "identity_token": text(
            limits.token_bytes, "From the address that brought the visitor here. It stands alone: it says who it is."
        ),
        **signed,
    }


def custom_data_schema(limits: Limits) -> Schema:
    """Describe custom data, which several bodies hold."""
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
