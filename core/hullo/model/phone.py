"""Phone numbers: E.164 where that is possible, as sent where not (W11)."""

from __future__ import annotations

from functools import cache
from typing import Any


def normalise_phone(text: str, region: str | None) -> str:
    """The number in E.164, or `text` unchanged when it is no possible number.

    `region` is the app's two-letter country, used for numbers written without `+`; None accepts only those with.
    Needs the `phone` extra (phonenumberslite); without it every number is kept as sent.
    """
    phonenumbers = _phonenumbers()
    if phonenumbers is None:
        return text
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return text
    # A number that is possible only inside one town is no number to the rest of the world.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return text
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@cache
def _phonenumbers() -> Any | None:
    try:
        import phonenumbers
    except ImportError:
        return None
    return phonenumbers
