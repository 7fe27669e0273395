"""Filters of the list of contacts."""

from __future__ import annotations

from functools import partial
from typing import Final

from hullo.api.openapi.notation import TEXT, one_of
from hullo.api.parameters import QueryParameter, query
from hullo.model.contact import Contact
from hullo.model.email import is_plausible_email
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.phone import normalise_phone
from hullo.model.standing import Standing
from hullo.rules.phones import PHONE, all_phones
from hullo.store.protocol import ContactFilter, Page, PageRequest, Store
from hullo.store.reading import page_matching
from hullo.value import Value

MAX_READ: Final = 2000
"""Contacts that one call reads at most, where the store cannot search for a filter. The page is shorter then."""


def _readings(text: str) -> tuple[str, ...]:
    # Forms write a space as `+`. A plus is tried first: it is in emails and phones.
    return (text, text.replace("+", " ")) if "+" in text else (text,)


def _email(text: str) -> str:
    # An address that cannot exist finds nothing, and a caller would read that as "not a customer".
    if not is_plausible_email(text.strip()):
        raise ValueError("is not an email address")
    return text.strip()


def _phone(text: str) -> str:
    if not any(character.isdigit() for character in text):
        raise ValueError("is not a phone number")
    return text


def _standing(text: str) -> Standing:
    try:
        return _STANDINGS[text]
    except KeyError:
        raise ValueError(f"must be one of {', '.join(_STANDINGS)}") from None


_STANDINGS: Final = {standing.label: standing for standing in Standing}

QUERY: Final[QueryParameter[tuple[str, ...]]] = QueryParameter(
    name="query",
    schema=TEXT,
    description="All its words are in identifiers, profile and tags, whatever case and accents: anywhere, or "
    "at the beginning of a word if they have one or two characters. Phones are found however they are written, domains "
    "in either form. A `+` is a plus; where nothing is found with it, it is a space.",
    parse=_readings,
    default=(),
    keeps_plus=True,
)
BY_EXTERNAL_ID: Final = query(EXTERNAL_ID, TEXT, "Exactly.")
BY_EMAIL: Final[QueryParameter[str | None]] = QueryParameter(
    name=EMAIL,
    schema=TEXT,
    description="In any spelling of the same address. A `+` is a plus.",
    parse=_email,
    default=None,
    keeps_plus=True,
)
BY_PHONE: Final[QueryParameter[str | None]] = QueryParameter(
    name=PHONE,
    schema={"type": "string", "pattern": "[0-9]"},
    description="Any of the contact's phones, however it is written; without `+` in the regions of the apps.",
    parse=_phone,
    default=None,
    keeps_plus=True,
)
BY_TAG: Final = query("tag", TEXT, "Exactly.")
BY_STANDING: Final[QueryParameter[Standing | None]] = QueryParameter(
    name="standing",
    schema=one_of(_STANDINGS),
    description="The best that is known of who it is.",
    parse=_standing,
    default=None,
)


class ContactSearch(Value):
    """What the contacts of a list must have. None means any."""

    workspace_id: str
    readings: tuple[str, ...] = ()
    """The text to search for, in each way that it may be meant."""
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    tag: str | None = None
    standing: Standing | None = None

    @property
    def has_text(self) -> bool:
        """Return whether the store searches for text. A phone is searched for, and compared then."""
        return bool(self.readings) or self.phone is not None

    def find(self, page: PageRequest, store: Store) -> Page[Contact]:
        """Return a page of the contacts that match."""
        # Asked anew for every page: which reading is meant depends on what is stored, and on nothing else.
        for reading in self.readings[:-1]:
            if self._page(reading, PageRequest(limit=1), store).items:
                return self._page(reading, page, store)
        return self._page(self.readings[-1] if self.readings else None, page, store)

    def _page(self, text: str | None, page: PageRequest, store: Store) -> Page[Contact]:
        wanted = [
            Identifier(kind, value)
            for kind, value in ((EXTERNAL_ID, self.external_id), (EMAIL, self.email))
            if value is not None
        ]
        phones = self._phones(store)
        if text is None and len(phones) == 1:
            # The store finds text and not phones: it leaves few contacts to compare.
            text = next(iter(phones))
        criteria = ContactFilter(
            workspace_id=self.workspace_id,
            query=text,
            # The store searches for one identifier; the other is compared below.
            identifier=wanted[0].digest(self.workspace_id) if wanted else None,
            tag=self.tag,
        )
        find = partial(store.list_contacts, criteria)
        # The usual list: the store does all of it.
        if len(wanted) < 2 and not phones and self.standing is None:
            return find(page)

        def matches(contact: Contact) -> bool:
            return (
                all(map(contact.has_identifier, wanted))
                and (not phones or any(fact.value in phones for fact in all_phones(contact)))
                and self.standing in {None, contact.standing}
            )

        return page_matching(find, page, matches, MAX_READ)

    def _phones(self, store: Store) -> set[str]:
        """Return the phone in the form in which contacts may have it, in the regions of all apps."""
        if self.phone is None:
            return set()
        # A number without a country may be of any app: a call by API key names none.
        regions = {app.region for app in store.list_apps() if app.workspace_id == self.workspace_id}
        return {normalise_phone(self.phone, region) for region in regions or {None}}
