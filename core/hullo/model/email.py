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
_KELVIN_SIGN: Final = "\u212a"


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
    """Normalize an address to its match key: trimmed, without invisible characters, NFC, the local part in lower case,
    the domain in IDNA form (M2).

    Dots and `+tags` in the local part stay: most mail servers treat them as different mailboxes.
    """
    # Every identify comes by here, and nearly every address is ASCII.
    if text.isascii():
        local, at, domain = text.strip().partition("@")
        return f"{local}{at}{domain.rstrip('.')}".lower()
    local, at, domain = clean_email(text).partition("@")
    return f"{_local_key(local)}{at}{_idna(domain.rstrip('.'))}"


def clean_email(text: str) -> str:
    """Remove outer white space and invisible characters: a copied address that has some is the same address (M2)."""
    if text.isascii():
        return text.strip()
    local, at, domain = text.partition("@")
    # IDNA knows the two joiners: in some scripts they distinguish domains, which may have different owners.
    kept = "".join(char for char in domain if char in _JOINERS or not is_invisible(char))
    return f"{drop_invisible(local)}{at}{kept}".strip()


def _local_key(local: str) -> str:
    if local.isascii():
        return local.lower()
    lowered = "".join(map(_lower, _compose(local)))
    # Lower case may compose where upper case does not ("J̌" and "ǰ"), and the key of a key is the same key.
    return _compose(lowered)


def _compose(text: str) -> str:
    """Normalize to NFC, save for the KELVIN SIGN, which NFC would make a K: another letter, and another mailbox."""
    return _KELVIN_SIGN.join(unicodedata.normalize("NFC", part) for part in text.split(_KELVIN_SIGN))


def _lower(char: str) -> str:
    """Lower one letter to one letter: no case folding, which makes `ß` to `ss`. Never to ASCII: `İ` is no `i`."""
    lowered = char.lower()
    # Letter by letter, `str.lower` knows no word: Σ is always σ, and ς at an end stays what it is.
    return lowered if len(lowered) == 1 and (char.isascii() or not lowered.isascii()) else char


def _idna(domain: str) -> str:
    """Encode a domain without case-folding, which would make `straße.de` and `strasse.de` one: they have different
    owners."""
    # The common case, and IDNA would refuse an underscore or `--`, which real domains have.
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        visible = drop_invisible(domain)
        # A joiner that IDNA refuses distinguishes nothing: the domain is the one without it.
        # Else it is not a registrable name. Matching only needs a stable key.
        return _idna(visible) if visible != domain else unicodedata.normalize("NFC", domain.lower())
