"""Mistakes before they are told: by their names alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hullo.model.app import App
from hullo.model.mistake import Mistake


@dataclass(frozen=True, slots=True)
class Slip:
    """One mistake, in whichever field. `about` fills in its sentence."""

    code: str
    about: str = ""


KEY_SENT: Final = Slip("key_sent")
NOT_TEXT: Final = Slip("not_text")
RETIRED_KEY: Final = Slip("retired_key")
STRAY_CHARACTERS: Final = Slip("stray_characters")
UPPER_CASE: Final = Slip("upper_case")


def told(slips: Iterable[Slip], words: Mapping[str, str], app: App, *, field: str, signed: str = "") -> list[Mistake]:
    """Each slip once, in the words for its code. `signed` is what `field` is over."""
    return [
        Mistake(
            field=field,
            code=slip.code,
            says=words[slip.code].format(field=field, signed=signed, app=app.app_key, about=slip.about),
        )
        for slip in dict.fromkeys(slips)
    ]
