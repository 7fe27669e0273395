"""Mistakes before they are told: by their names alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from hullo.plugin import App, Mistake, Value


class SigningMistake(Value, kw_only=False):
    """One mistake, in whichever field. `about` fills in its sentence."""

    code: str
    detail: str = ""


KEY_SENT: Final = SigningMistake("key_sent")
NOT_TEXT: Final = SigningMistake("not_text")
RETIRED_KEY: Final = SigningMistake("retired_key")
STRAY_CHARACTERS: Final = SigningMistake("stray_characters")
UPPER_CASE: Final = SigningMistake("upper_case")


def describe_mistakes(
    mistakes: Iterable[SigningMistake], sentences: Mapping[str, str], app: App, *, field: str, signed: str = ""
) -> list[Mistake]:
    """Each slip once, in the words for its code. `signed` is what `field` is over."""
    return [
        Mistake(
            field=field,
            code=slip.code,
            says=sentences[slip.code].format(field=field, signed=signed, app=app.app_key, about=slip.detail),
        )
        for slip in dict.fromkeys(mistakes)
    ]
