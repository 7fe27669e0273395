"""Settings of an app as text: parsing, and display."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from hullo.errors import Invalid
from hullo.model.app import App, EmailMatch, VerificationMode
from hullo.model.claim import CUSTOM_KEY
from hullo.model.identifier import EMAIL, EXTERNAL_ID
from hullo.model.retention import Retention
from hullo.rules.origins import parse_origin_pattern

AppEdit = Callable[[App], App]

NONE: Final = "none"
REQUIRED: Final = "required"
ON: Final = "on"
OFF: Final = "off"
MAX_PROTECTED_KEYS: Final = 100
MAX_DAYS: Final = 36_500
"""A hundred years; "none" keeps records for ever."""


def parse_edit(settings: Mapping[str, str]) -> AppEdit:
    """Build the function that sets these fields of an app. Raises `Invalid` for another field or a wrong value."""
    # All texts are parsed first: one wrong field must not leave half of an edit applied.
    fields: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    for name, text in settings.items():
        if name in _FIELD_PARSERS:
            field, read = _FIELD_PARSERS[name]
            fields[field] = read(text)
        elif name in _RETENTION_FIELDS:
            kept[_RETENTION_FIELDS[name]] = _parse_days(name, text)
        else:
            # Listed in the error: a typing error in a terminal is the usual cause.
            raise Invalid(f"an app has no field {name!r}; there are {', '.join((*_FIELD_PARSERS, *_RETENTION_FIELDS))}")
    # A function, not an app: after a conflict it is applied again to the app as it is then.
    return lambda app: replace(app, **fields, retention=replace(app.retention, **kept))


def privacy_settings(app: App) -> dict[str, object]:
    """Return the consent and retention settings (P3), under the names that set them."""
    return {"consent": consent_label(app), **retention_days(app.retention)}


def consent_label(app: App) -> str:
    """Return `required` or `none`."""
    return REQUIRED if app.consent_required else NONE


def linked_logout_label(app: App) -> str:
    """Return `on` or `off` (S5)."""
    return ON if app.linked_logout else OFF


def retention_days(retention: Retention) -> dict[str, int | None]:
    """Return the days under the names that set them; None is for ever."""
    return {name: getattr(retention, field) for name, field in _RETENTION_FIELDS.items()}


def parse_app_name(text: str) -> str:
    """Validate and trim a name. Raises `Invalid`."""
    name = text.strip()
    # Controls (Cc) and lone surrogates (Cs). Joiners (Cf) are allowed: some scripts and emoji need them.
    if not 0 < len(name) <= 255 or any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name):
        raise Invalid("a name is 1 to 255 characters in one line")
    return name


def parse_origins(texts: Iterable[str]) -> tuple[str, ...]:
    """Parse origin patterns, without duplicates. Raises `Invalid`."""
    origins: list[str] = []
    for text in texts:
        # People copy origins from the address bar, with its slash; browsers send none.
        origin = parse_origin_pattern(text.rstrip("/"))
        if origin is None:
            raise Invalid(
                f"{text!r} is no origin; write it as a browser does, such as https://shop.example.com, or "
                "https://*.example.com for all its sub-domains; of an app's web view such as capacitor://localhost"
            )
        origins.append(origin)
    # A tuple in the order given, as `after == app` decides whether to write.
    return tuple(dict.fromkeys(origins))


def parse_verification_mode(text: str) -> VerificationMode:
    """Parse a verification mode. Raises `Invalid`."""
    try:
        return VerificationMode(text)
    except ValueError:
        raise Invalid(f"verification is one of {', '.join(VerificationMode)}, not {text!r}") from None


def parse_email_match(text: str) -> EmailMatch:
    """Parse how far the email beside a signed id counts. Raises `Invalid`."""
    try:
        return EmailMatch(text)
    except ValueError:
        raise Invalid(f"email_match is one of {', '.join(EmailMatch)}, not {text!r}") from None


def _parse_protected_keys(text: str) -> tuple[str, ...]:
    """Parse patterns of custom keys and profile fields, sorted and without duplicates. Raises `Invalid`."""
    patterns = {part.strip() for part in text.split(",") if part.strip()}
    if patterns == {NONE}:
        return ()
    if len(patterns) > MAX_PROTECTED_KEYS:
        raise Invalid(f"protected_keys lists at most {MAX_PROTECTED_KEYS} keys; protect a group as billing.*")
    for pattern in sorted(patterns):
        if pattern in {EXTERNAL_ID, EMAIL}:
            raise Invalid(f"{pattern} is an identifier: a proof protects it, and verification=required demands one")
        # Without its star, `*` alone is empty: it protects every key.
        if not CUSTOM_KEY.fullmatch(pattern.removesuffix("*") or "every"):
            raise Invalid(f"{pattern!r} is no key; write plan, or billing.* for every key that begins with billing.")
    return tuple(sorted(patterns))


def parse_region(text: str | None) -> str | None:
    """Parse a country code to upper case; None for an empty text. Raises `Invalid`."""
    if not text:
        return None
    # The form only (ISO 3166-1): the list of countries belongs to the phone library, which is optional.
    if len(text) != 2 or not text.isascii() or not text.isalpha():
        raise Invalid(f"a region is a two-letter country code such as DE, not {text!r}")
    return text.upper()


def _parse_origin_list(text: str) -> tuple[str, ...]:
    return parse_origins(part.strip() for part in text.split(",") if part.strip())


def _parse_consent(text: str) -> bool:
    # No guess at "yes" or "true": a misread consent setting would store data without consent.
    if text not in {REQUIRED, NONE}:
        raise Invalid(f"consent is {REQUIRED} or {NONE}, not {text!r}")
    return text == REQUIRED


def _parse_linked_logout(text: str) -> bool:
    if text not in {ON, OFF}:
        raise Invalid(f"linked_logout is {ON} or {OFF}, not {text!r}")
    return text == ON


def _parse_days(name: str, text: str) -> int | None:
    if text == NONE:
        return None
    # `isdigit` is true for digits of other scripts, so ASCII is asked too; the length keeps `int` cheap.
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_DAYS):
        raise Invalid(f"{name} is a number of days from 1 to {MAX_DAYS}, or {NONE}, not {text!r}")
    return int(text)


# The public names are stable texts of the command line; fields of `App` may be renamed.
_FIELD_PARSERS: Final[Mapping[str, tuple[str, Callable[[str], object]]]] = {
    "name": ("name", parse_app_name),
    "origins": ("origins", _parse_origin_list),
    "verification": ("verification", parse_verification_mode),
    "region": ("region", parse_region),
    "email_match": ("email_match", parse_email_match),
    "protected_keys": ("protected_keys", _parse_protected_keys),
    "consent": ("consent_required", _parse_consent),
    "linked_logout": ("linked_logout", _parse_linked_logout),
}
_RETENTION_FIELDS: Final[Mapping[str, str]] = {
    "keep_anonymous_days": "anonymous_days",
    "keep_conversation_days": "conversation_days",
    "keep_decision_days": "decision_days",
    "keep_timeline_days": "timeline_days",
    "keep_contact_days": "contact_days",
}
