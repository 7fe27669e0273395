"""The match key of an email address, and whether a text looks like one (M2, W11).

By hand, since no kept library folds case and accepts `.test`: email-validator keeps the local part's case and
refuses reserved domains, which people use all day in development.
"""

from __future__ import annotations

import re
import unicodedata

import idna

_LOOKS_LIKE = re.compile(r"[^@\s]+@[^@\s]+")
_LOCAL_PART_LONGEST = 64
"""RFC 5321, section 4.5.3.1.1."""


def is_plausible_email(text: str) -> bool:
    """Something, one `@`, a domain. `user@localhost` and `.test` are fine."""
    if not _LOOKS_LIKE.fullmatch(text):
        return False
    local, _, domain = text.partition("@")
    labels = domain.rstrip(".").split(".")
    return len(local) <= _LOCAL_PART_LONGEST and all(0 < len(label) <= 63 for label in labels)


def email_key(text: str) -> str:
    """Trimmed, NFC, case-folded, the domain in its IDNA form: two spellings of one mailbox give one key.

    Dots and `+tags` in the local part are kept: they differ for most of the world's mail servers.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).partition("@")
    # Case-folding may undo the composition ("ǰ"), and a key must not depend on how often it was made.
    local = unicodedata.normalize("NFC", local.casefold())
    return f"{local}{at}{_idna(domain.rstrip('.'))}"


def _idna(domain: str) -> str:
    """Never case-folded: that would make `straße.de` and `strasse.de` one, and they have different owners."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        # Not a registrable name; still a stable key, and equal to itself is all that matching needs.
        return unicodedata.normalize("NFC", domain.lower())
