"""Match keys and plausibility of email addresses (M2, W11).

Written by hand: email-validator keeps the case of the local part and refuses reserved domains such as `.test`, which
sites use all day in development.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import idna

from hullo.model.invisible import drop_invisible, is_invisible

_LOOKS_LIKE = re.compile(r"[^@\s]+@[^@\s]+")
_LOCAL_PART_LONGEST = 64
"""RFC 5321, section 4.5.3.1.1."""
_JOINERS: Final = "\u200c\u200d"


def is_plausible_email(text: str) -> bool:
    """Check the form: a local part, one `@`, a domain. `user@localhost` and `.test` are accepted."""
    if not _LOOKS_LIKE.fullmatch(text):
        return False
    local, _, domain = text.partition("@")
    # A trailing dot names the DNS root: `example.com.` is the same domain.
    labels = domain.rstrip(".").split(".")
    # RFC 1035 §2.3.4: a label has 1 to 63 octets.
    return len(local) <= _LOCAL_PART_LONGEST and min(map(len, labels)) > 0 and max(map(len, labels)) <= 63


def email_key(text: str) -> str:
    """Normalize an address to its match key: trimmed, NFC, case-folded, the domain in IDNA form.

    Dots and `+tags` in the local part stay: most mail servers treat them as different mailboxes.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).partition("@")
    # Case-folding may undo the composition ("ǰ"), and a key must not depend on how often it was made.
    local = unicodedata.normalize("NFC", local.casefold())
    return f"{local}{at}{_idna(domain.rstrip('.'))}"


def clean_email(text: str) -> str:
    """Remove outer white space and invisible characters: a copied address that has some is the same address (M2)."""
    # Every identify comes by here, and nearly every address is ASCII.
    if text.isascii():
        return text.strip()
    local, at, domain = text.partition("@")
    # IDNA knows the two joiners: in some scripts they distinguish domains, which may have different owners.
    kept = "".join(char for char in domain if char in _JOINERS or not is_invisible(char))
    return f"{drop_invisible(local)}{at}{kept}".strip()


def _idna(domain: str) -> str:
    """Encode a domain without case-folding, which would make `straße.de` and `strasse.de` one: they have different
    owners."""
    # The common case, and IDNA would refuse an underscore or `--`, which real domains have.
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        # Not a registrable name. Matching only needs a stable key.
        return unicodedata.normalize("NFC", domain.lower())
