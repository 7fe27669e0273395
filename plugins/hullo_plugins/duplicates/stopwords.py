"""List words that identify no person, and email domains that many people share."""

from __future__ import annotations

from typing import Final

_ROLES: Final = """
    abuse accounting accounts admin administrator billing booking bookings bookkeeping careers contact customercare
    customerservice donotreply enquiries feedback finance hallo hello help helpdesk hostmaster hr info information
    inquiries invoice invoices it jobs kontakt legal mail marketing media news newsletter noreply office order orders
    payments postmaster press privacy purchasing reception root sales security service services shop staff support team
    tech webmaster
"""
ROLE_NAMES: Final = frozenset(_ROLES.split())
"""Names of roles that several people write as, and that are no person's name."""

_LEGAL_FORMS: Final = """
    ab ag aps as bv co company corp corporation gmbh inc incorporated kg kk limited llc llp ltd nv oy plc pty sa sarl
    sas se spa srl ug
"""
LEGAL_FORMS: Final = frozenset(_LEGAL_FORMS.split())
"""Legal forms at the end of a company name, which some spellings leave out."""

_PROVIDERS: Final = """
    126.com 163.com aol.com comcast.net email.com fastmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de
    gmx.net hey.com hotmail.co.uk hotmail.com hotmail.fr icloud.com laposte.net libero.it live.com mail.com mail.ru
    msn.com naver.com orange.fr outlook.com proton.me qq.com rediffmail.com t-online.de verizon.net wanadoo.fr web.de
    yahoo.co.uk yahoo.com yahoo.fr yandex.com yandex.ru ymail.com zoho.com
"""
MAIL_PROVIDERS: Final = frozenset(_PROVIDERS.split())
"""Domains whose users have nothing else in common. A domain one edit away from one of these is a typo: `gmial.com`."""

DOMAIN_ALIASES: Final = {
    "googlemail.com": "gmail.com",
    "mac.com": "icloud.com",
    "me.com": "icloud.com",
    "pm.me": "proton.me",
    "protonmail.com": "proton.me",
}
"""Maps a domain to another domain with the same mailboxes."""
