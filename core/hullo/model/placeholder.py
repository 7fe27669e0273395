"""Placeholders: texts that broken pages send in the place of an identifier (M5)."""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import Final

from hullo.model.invisible import drop_invisible

NON_IDENTITIES: Final[frozenset[str]] = frozenset(
    {
        *("null", "undefined", "none", "nan", "nil", "(null)", "<nil>", "[object object]", "true", "false", "0", "-1"),
        *("anonymous", "guest", "unknown", "n/a", "empty", "not_authenticated"),
        *("distinct_id", "user_id", "id", "email"),
    }
)
"""Words that identify no person (M5), case-folded. Settings may replace the list; the shapes below stay."""

_NO_MAILBOX: Final = frozenset({"null", "undefined", "not_authenticated", "distinct_id", "user_id"})
"""Of the words, those that are no mailbox and no host of their own. `id@`, `guest@` and `anonymous@` are read by
people, and Nan and Nil are given names."""

# Anywhere in the text: `user-{{ id }}` is the same for every visitor too.
_TEMPLATE: Final = re.compile(r"\{\{.*\}\}|\$\{.*\}|<%.*%>", re.DOTALL)
# Whole: `100%` and the parts of `%C3%A9` are no names of variables.
_RENDERED_WRONG: Final = re.compile(r"%[a-z_][a-z0-9_.]*%|optional\(.*\)|\[object .*\]", re.DOTALL)
_SIGN: Final = re.compile(r"[{<%(\[\"']")
"""Of every shape but repetition."""
# The end first: else a text of quotes alone would be divided in every way before it turns out to have no end.
_IN_BRACKETS: Final = re.compile(r"(?=.*[)>\]}\"']\Z)[(<\[{\"']+(.*?)[)>\]}\"']+", re.DOTALL)
# Possessive, for the same reason: forty dashes and a letter took seconds.
_REPEATED: Final = re.compile(r"(\S+?)(?:[\s_.,:;|/-]+\1)++")

PLAIN: Final = re.compile(
    # More than zeros. And the first character never follows a separator again, so that nothing is repeated.
    r"(?=[0-]*[^0-])([a-z0-9])(?![^@]*[_.:|/-]\1)[a-z0-9_.:|/+-]*+(?:@([a-z0-9])(?!.*[.-]\2)[a-z0-9.-]*+)?"
)
"""Texts in lower case that have no shape of a placeholder and no blank end: only a word of the list may be one, as a
whole or as a part of an email."""


def is_non_identity(text: str, non_identities: Collection[str] = NON_IDENTITIES) -> bool:
    """Match blanks and placeholders: the words, all zeros in any grouping, and the shapes of templates that were not
    rendered (M5)."""
    bare = _bare(text)
    # Zeros by their characters: a list could not hold `0000-0000` and all other zero ids.
    if bare in non_identities or not bare.strip("0-"):
        return True
    # Every shape has a sign in it, and most identifiers have none.
    return not bare.isalnum() and _has_placeholder_shape(bare, non_identities)


def is_placeholder_email(text: str, non_identities: AbstractSet[str] = NON_IDENTITIES) -> bool:
    """Match an email that is a placeholder, in one of its parts or as a whole: `undefined@undefined`,
    `null@example.com`, `{{email}}@example.com` (M5).

    Most words of the list are mailboxes of people, such as `id@example.com`: these count only where both parts are the
    word, as in `guest@guest.com`.
    """
    bare = _bare(text)
    local, _, domain = bare.partition("@")
    # As a whole it may be anything that a page sends in the place of an email, such as `Optional("ann@example.com")`.
    has_sign = _SIGN.search(bare) is not None
    if (has_sign or not domain) and is_non_identity(bare, non_identities):
        return True
    # A word that the site took off its list counts nowhere.
    words = _NO_MAILBOX & non_identities
    if local in words or domain in words or (local in non_identities and domain.partition(".")[0] == local):
        return True
    return (has_sign or not local.isalnum()) and any(_has_placeholder_shape(part, words) for part in (local, domain))


def _bare(text: str) -> str:
    return drop_invisible(text).strip().casefold()


def _has_placeholder_shape(bare: str, words: Collection[str]) -> bool:
    if _TEMPLATE.search(bare) or _RENDERED_WRONG.fullmatch(bare):
        return True
    # `<null>`, `{user_id}`; `undefined undefined` is made of a first and a last name.
    within = _IN_BRACKETS.fullmatch(bare) or _REPEATED.fullmatch(bare)
    return within is not None and (within[1] in words or not within[1].strip("0-"))
