"""Phone numbers: E.164 where that is possible, as sent where not (W11)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")


def normalise_phone(text: str, region: str | None) -> str:
    """The number in E.164, or `text` unchanged when it is no possible number.

    `region` is the app's two-letter country, used for numbers written without `+`; None accepts only those with.
    Needs the `phone` extra (phonenumberslite); without it every number is kept as sent.
    """
    return _e164_of(text, region) or text


def has_e164_format(text: str) -> bool:
    """Whether it has the form. Not every number that has it is possible: see `is_e164`, which takes its time."""
    return _E164.fullmatch(text) is not None


def is_e164(text: str) -> bool:
    """Whether it is a possible number in E.164, and so none that was kept as sent, which is never matched on (W11).

    Without the extra nobody knows what is possible, and the form has to do.
    """
    return has_e164_format(text) and (_phonenumbers() is None or _e164_of(text, None) == text)


def _e164_of(text: str, region: str | None) -> str | None:
    phonenumbers = _phonenumbers()
    if phonenumbers is None:
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    # A number that is possible only inside one town is no number to the rest of the world.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@cache
def _phonenumbers() -> Any | None:
    try:
        import phonenumbers
    except ImportError:
        return None
    return phonenumbers
