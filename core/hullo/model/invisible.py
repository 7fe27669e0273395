"""Invisible format characters (Unicode category Cf): zero-width spaces, soft hyphens, marks of writing direction."""

from __future__ import annotations

import unicodedata


def drop_invisible(text: str) -> str:
    """Remove the invisible characters: editors and chat programs add them to text that is copied (M2, M5)."""
    # ASCII has none, and most texts are ASCII.
    return text if text.isascii() else "".join(char for char in text if not is_invisible(char))


def has_blank_end(text: str) -> bool:
    """Return whether the text begins or ends with white space or an invisible character (M5)."""
    if len(text.strip()) < len(text):
        return True
    return not text.isascii() and (is_invisible(text[0]) or is_invisible(text[-1]))


def is_invisible(char: str) -> bool:
    """Return whether the character is a format character."""
    return unicodedata.category(char) == "Cf"
