"""Unverified claim about a person, cleaned and validated (W6, W8, W10, W11, M5)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import field
from msgspec.structs import replace

from hullo.errors import Rejection
from hullo.model.email import clean_email, is_plausible_email
from hullo.model.fact import Scalar
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier, identifier_fault
from hullo.model.limits import Limits
from hullo.value import Value

PROFILE_FIELDS: Final = ("name", "phone", "company", "avatar_url")
# Kept apart from the profile: evidence is verified and dropped, never stored as sent or logged (P4).
EVIDENCE_FIELDS: Final = ("user_hash", "email_hash", "token", "identity_token")
_MAY_BE_BLANK: Final = ("user_hash", "email_hash", "token")
SOURCE: Final = "source"
PAGE: Final = "page"
PROMPT: Final = "prompt"
ENVELOPE_FIELDS: Final = frozenset({"app_key", "session_token", "strict", "consent", SOURCE})
"""Fields of the request that claim nothing about a person."""

CUSTOM_DATA: Final = "custom_data"
OVERSIZED: Final = object()
"""Stands in a decoded body for custom data that made the body too large."""
# No spaces or quotes: keys appear in field names, in settings and in pages.
CUSTOM_KEY: Final = re.compile(r"[A-Za-z0-9_.-]+")
UNSAFE_KEYS: Final = frozenset({"__proto__", "constructor", "prototype"})
"""Valid letters, but they overwrite prototypes in any page that copies keys into a JavaScript object."""

MAX_REJECTIONS: Final = 50
"""Faults listed per body: enough to mend it, too few to make a large answer from a small body."""

CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
CONTROL_EXCEPT_NEWLINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Databases keep integers in 64 bits; Python and JSON would take any.
_INT64_LIMIT: Final = 2**63


class Claim(
    Value,
    secrets=(
        "user_hash",
        "email_hash",
        "token",
        "identity_token",
        "attribute_hashes",
    ),
):
    """One identify call, decoded. `Claim.from_body` makes one from a body; None or absent means that a field was not
    sent.

    `profile` and `custom_data` hold only the fields that were sent, so that others stay as they are (W1); None in them
    clears the field (W5).
    """

    external_id: str | None = None
    email: str | None = None
    email_as_sent: str | None = None
    """With its white space: a site's server signs this text (V1)."""
    profile: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    custom_data: Mapping[str, Scalar | None] = field(default_factory=dict[str, Scalar | None])
    user_hash: str | None = None
    """None when not sent, or sent empty (V2); empty when sent and not text, which equals no hash."""
    email_hash: str | None = None
    """Hash over the email as sent, beside an external id or alone (V6), under the same convention."""
    token: str | None = None
    """JWT, under the same convention."""
    identity_token: str | None = None
    """Token from another site's page, or from a site's server, in the page's address (T), under the same convention."""
    attribute_hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    """By the names of attributes, whose values are custom data (V6), under the same convention."""
    is_confirmed: bool = False
    """True where the visitor has pressed the button of the confirmation page (T6). No body can say so."""
    strict: bool = False
    is_prompted: bool = False
    """True where the visitor typed it into the widget's own prompt (C8); a page or a server said it otherwise."""
    rejected: tuple[Rejection, ...] = ()

    @classmethod
    def from_body(cls, body: Mapping[str, object], limits: Limits | None = None) -> Claim:
        """Make a claim from a decoded identify body. Invalid fields are left out and listed in `rejected` (W8)."""
        reader = _ClaimParser(body, limits or Limits())
        return reader.parse()

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the built-in identifiers that were sent, the most reliable first. Plugins add others."""
        # The order is the order of matching: M1 before M2.
        given: list[Identifier] = []
        if self.external_id is not None:
            given.append(Identifier(EXTERNAL_ID, self.external_id))
        if self.email is not None:
            given.append(Identifier(EMAIL, self.email))
        return tuple(given)

    @property
    def evidence_fields(self) -> frozenset[str]:
        """Return the fields that were sent as proof, right or wrong."""
        sent = {
            "user_hash": self.user_hash,
            "email_hash": self.email_hash,
            "token": self.token,
            "identity_token": self.identity_token,
        }
        hashes = map(attribute_hash_field, self.attribute_hashes)
        return frozenset((*[name for name in EVIDENCE_FIELDS if sent[name] is not None], *hashes))

    @property
    def identifier_kinds(self) -> frozenset[str]:
        """Return the kinds of the built-in identifiers that were sent."""
        return frozenset(identifier.kind for identifier in self.identifiers)

    def overridden_by(self, signed: Claim) -> Claim:
        """Merge signed fields over this claim: where both have a field, the signed one wins (V5)."""
        # A fault of a field that the signed claim replaces is no fault of the merged claim.
        replaced = {*signed.identifier_kinds, *signed.profile, *(f"{CUSTOM_DATA}.{key}" for key in signed.custom_data)}
        return replace(
            self,
            external_id=signed.external_id if signed.external_id is not None else self.external_id,
            email=signed.email if signed.email is not None else self.email,
            # Email and sent text change together, or a hash would be verified against another address.
            email_as_sent=signed.email_as_sent if signed.email is not None else self.email_as_sent,
            profile={**self.profile, **signed.profile},
            custom_data={**self.custom_data, **signed.custom_data},
            rejected=(*(fault for fault in self.rejected if fault.field not in replaced), *signed.rejected),
        )


class _ClaimParser:
    """Reads one body field by field and collects its faults."""

    def __init__(self, body: Mapping[str, object], limits: Limits) -> None:
        self._body = body
        self._limits = limits
        self._rejected: list[Rejection] = []
        self._email: str | None = None

    def parse(self) -> Claim:
        external_id = self._identity(EXTERNAL_ID, self._limits.external_id_length)
        email_as_sent = self._identity(EMAIL, self._limits.email_length)
        profile = self._profile()
        custom_data = self._custom_data()
        # After the block: an attribute that may be signed wins over a custom key of the same name (V6).
        custom_data.update(self._attributes())
        hashes = {
            name: sent
            for name in self._limits.signed_attributes
            if (sent := self._evidence(attribute_hash_field(name))) is not None
        }
        strict, is_prompted = self._flag("strict"), self._is_prompted()
        self._reject_unknown_fields()
        return Claim(
            external_id=external_id,
            email=self._email,
            email_as_sent=email_as_sent,
            profile=profile,
            custom_data=custom_data,
            user_hash=self._evidence("user_hash"),
            email_hash=self._evidence("email_hash"),
            token=self._evidence("token"),
            identity_token=self._evidence("identity_token"),
            attribute_hashes=hashes,
            strict=strict,
            is_prompted=is_prompted,
            rejected=tuple(self._rejected),
        )

    def _reject(self, name: str, reason: str) -> None:
        # One line says that there are more; after that faults are dropped.
        if len(self._rejected) == MAX_REJECTIONS:
            self._rejected.append(Rejection(field="…", reason="and more"))
        if len(self._rejected) > MAX_REJECTIONS:
            return
        # Field names of the caller go into answers and traces: no control characters there.
        name = "".join(letter if letter.isprintable() else "?" for letter in name)
        self._rejected.append(Rejection(field=name, reason=reason))

    def _identity(self, name: str, longest: int) -> str | None:
        sent = self._body.get(name)
        value = sent if isinstance(sent, str) else _digits_as_text(sent)
        if value is None:
            return None
        if not isinstance(value, str):
            self._reject(name, "must be text")
            return None
        # W11: only an email is trimmed. An external id is compared exactly (M1).
        text = clean_email(value) if name == EMAIL else value
        fault = self._text_fault(text, longest)
        # M5: pages send "undefined" for every visitor who is not logged in, and all of them would share a contact.
        if fault is None:
            fault = identifier_fault(name, text, self._limits.non_identities)
        if fault is None and name == EMAIL and not is_plausible_email(text):
            fault = "not an email address"
        if fault is not None:
            self._reject(name, fault)
            return None
        if name == EMAIL:
            self._email = text
        return value

    def _profile(self) -> dict[str, str | None]:
        longest = {
            "name": self._limits.name_length,
            "phone": self._limits.phone_length,
            "company": self._limits.company_length,
            "avatar_url": self._limits.url_length,
        }
        profile: dict[str, str | None] = {}
        for name in PROFILE_FIELDS:
            if name not in self._body:  # W1: an absent field stays as it is; null clears it (W5)
                continue
            value = self._body[name]
            if name == "phone":
                value = _digits_as_text(value)
            if value is None:
                profile[name] = None
            elif not isinstance(value, str):
                self._reject(name, "must be text")
            elif fault := self._profile_fault(name, value.strip(), longest[name]):
                self._reject(name, fault)
            else:
                profile[name] = value.strip()
        return profile

    def _profile_fault(self, name: str, text: str, longest: int) -> str | None:
        # W5: only null clears, as an empty text is more often a bug of the page.
        if not text:
            return "is empty; send null to clear it"
        if fault := self._text_fault(text, longest):
            return fault
        # W11: text with digits is kept even where it is no possible number.
        if name == "phone" and not any(character.isdigit() for character in text):
            return "not a phone number"
        # Agents' pages show the picture: `javascript:` and `data:` addresses must not get there.
        if name == "avatar_url" and not _is_web_url(text):
            return "not an http or https address"
        return None

    def _custom_data(self) -> dict[str, Scalar | None]:
        block = self._body.get(CUSTOM_DATA)
        if block is None:
            return {}
        if block is OVERSIZED:
            self._reject(CUSTOM_DATA, f"is too large: a body has {self._limits.body_bytes} bytes at most")
            return {}
        if not isinstance(block, Mapping):
            self._reject(CUSTOM_DATA, "must be an object")
            return {}
        entries: Mapping[object, object] = block  # pyright: ignore[reportUnknownVariableType]
        # W10: the whole block is refused, as no choice among its keys would be right.
        if len(entries) > self._limits.custom_keys_per_call:
            self._reject(CUSTOM_DATA, f"more than {self._limits.custom_keys_per_call} keys in one call")
            return {}
        custom_data: dict[str, Scalar | None] = {}
        for key, value in entries.items():
            # JSON keys are text; Python callers may pass any.
            name = key if isinstance(key, str) else repr(key)
            fault = self._custom_key_fault(name)
            if fault is None and not isinstance(value, (str, int, float, bool, type(None))):
                fault = "must be text, a number, true, false or null"
            elif fault is None:
                fault = self._custom_value_fault(value)
            if fault is not None:
                # Cut for the answer only: a long key must not come back in full.
                self._reject(f"{CUSTOM_DATA}.{name[: self._limits.custom_key_length]}", fault)
            elif isinstance(value, (str, int, float, bool, type(None))):
                custom_data[name] = value
        return custom_data

    def _custom_key_fault(self, key: str) -> str | None:
        if len(key) > self._limits.custom_key_length:
            return f"the key is longer than {self._limits.custom_key_length} characters"
        if not CUSTOM_KEY.fullmatch(key):
            return "a key is made of letters A to Z, digits, and _ . -"
        if key in UNSAFE_KEYS:
            return "this key is reserved"
        return None

    def _custom_value_fault(self, value: object) -> str | None:
        if isinstance(value, str):
            if len(value) > self._limits.custom_value_length:
                return f"longer than {self._limits.custom_value_length} characters"
            # Notes and addresses have several lines, so newlines and tabs are fine here. PostgreSQL takes no NUL.
            if CONTROL_EXCEPT_NEWLINES.search(value):
                return "has control characters"
            # Most values are ASCII and need no encoding to know that they are valid.
            return None if value.isascii() else _encoding_fault(value)
        # JSON has no NaN, so an answer could not hold it.
        if isinstance(value, float) and not math.isfinite(value):
            return "must be a finite number"
        if isinstance(value, int) and not -_INT64_LIMIT <= value < _INT64_LIMIT:
            return "the number does not fit in 64 bits; send it as text"
        return None

    def _text_fault(self, text: str, longest: int) -> str | None:
        if len(text) > longest:
            return f"longer than {longest} characters"
        if CONTROL_CHARACTERS.search(text):
            return "has control characters"
        return None if text.isascii() else _encoding_fault(text)

    def _attributes(self) -> dict[str, str | None]:
        """Read the attributes that may be signed (V6). Signed or not, they are custom data."""
        attributes: dict[str, str | None] = {}
        for name in self._limits.signed_attributes:
            if name not in self._body:
                continue
            value = self._body[name]
            if value is None:
                attributes[name] = None
            elif not isinstance(value, str):
                self._reject(name, "must be text")
            # Only judged without white space: the site signed the text as sent (V6).
            elif not value.strip():
                self._reject(name, "is empty; send null to clear it")
            elif fault := self._text_fault(value, self._limits.custom_value_length):
                self._reject(name, fault)
            else:
                attributes[name] = value
        return attributes

    def _evidence(self, name: str) -> str | None:
        value = self._body.get(name)
        # V2: a page that shows no user has an empty hash, which is no wrong one.
        if value is None or (value == "" and name in _MAY_BE_BLANK):
            return None
        # Evidence that is no text must not pass as "no evidence": the empty text fails verification.
        if not isinstance(value, str):
            return ""
        return value if value.isascii() or _encoding_fault(value) is None else ""

    def _is_prompted(self) -> bool:
        source = self._body.get(SOURCE)
        if source not in (None, PAGE, PROMPT):  # no set: a page may send what has no hash
            self._reject(SOURCE, f"must be {PAGE} or {PROMPT}")
        return source == PROMPT

    def _flag(self, name: str) -> bool:
        value = self._body.get(name)
        # No truth of other types: `"false"` would turn `strict` on.
        if value is None or isinstance(value, bool):
            return bool(value)
        self._reject(name, "must be true or false")
        return False

    def _reject_unknown_fields(self) -> None:
        attributes = self._limits.signed_attributes
        for name in self._body:
            # Reported, not ignored: a typing error such as `custom_datas` would lose data without a sign.
            if name not in KNOWN_FIELDS and name.removesuffix("_hash") not in attributes:
                self._reject(str(name)[: self._limits.custom_key_length], "unknown field")


def attribute_hash_field(attribute: str) -> str:
    """Return the name of the field that holds an attribute's hash (V6)."""
    return f"{attribute}_hash"


KNOWN_FIELDS: Final = ENVELOPE_FIELDS.union(PROFILE_FIELDS, EVIDENCE_FIELDS, {EXTERNAL_ID, EMAIL, CUSTOM_DATA})


def _digits_as_text(value: object) -> object:
    """Turn a whole number into its digits: pages send ids and phones as numbers, and their servers sign the digits."""
    # `bool` is a subclass of `int`, and `True` must not become an id "True".
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _encoding_fault(text: str) -> str | None:
    """Find a lone surrogate, half of an emoji that was cut in two."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return None


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", text)
    # `urlsplit` raises for brackets that hold no IPv6 address.
    except ValueError:
        return False
