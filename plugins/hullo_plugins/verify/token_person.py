"""Reads the person out of a signed token's payload, in the form of an identify body (V5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hullo.plugin import CUSTOM_DATA, EMAIL, EXTERNAL_ID, PROFILE_FIELDS

SUBJECT: Final = "sub"
_FIELDS: Final = (EMAIL, *PROFILE_FIELDS, CUSTOM_DATA)


def identify_body(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the payload that are about the person, and none of the others."""
    said = {name: payload[name] for name in _FIELDS if name in payload}
    return {EXTERNAL_ID: payload[SUBJECT], **said} if SUBJECT in payload else said
