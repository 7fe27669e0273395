"""Phone numbers: E.164 where that is possible, as sent where not (W11)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

# ITU-T E.164: at most 15 digits with the country code, which never begins with 0.
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")


def normalise_phone(text: str, region: str | None) -> str:
    """Convert a number to E.164; return `text` unchanged when it is no possible number.

    `region` is the app's two-letter country, used for numbers written without `+`; None accepts only those with. Needs
    the `phone` extra (phonenumberslite); without it every number is stored as sent.
    """
    # W11: a number that cannot be normalised is kept for people to read, and never matched on.
    return _e164_of(text, region) or text


def has_e164_format(text: str) -> bool:
    """Check the form only. A number of this form may be impossible: see `is_e164`, which is slower."""
    return _E164.fullmatch(text) is not None


def is_e164(text: str) -> bool:
    """Check for a possible number in E.164. Others were stored as sent, and are never matched on (W11).

    Without the extra only the form is checked.
    """
    # The form first: it rules out most texts without the slow parser.
    return has_e164_format(text) and (_phonenumbers() is None or _e164_of(text, None) == text)


def _e164_of(text: str, region: str | None) -> str | None:
    phonenumbers = _phonenumbers()
    if phonenumbers is None:
        return None
    try:
        # Region None makes numbers without `+` an error: a guessed country would find another person.
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    # IS_POSSIBLE_LOCAL_ONLY is refused: such a number identifies a person in one town only.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


# Cached: a failed import is searched for on disk each time.
@cache
def _phonenumbers() -> Any | None:
    try:
        import phonenumbers
    except ImportError:
        return None
    return phonenumbers
