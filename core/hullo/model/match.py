"""Which contact a claim is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hullo.model.contact import Contact
from hullo.model.identifier import Identifier
from hullo.value import Value

CREATED = "created"
"""`matched_by` when nobody matched and a contact was made (M3)."""


class Match(Value, kw_only=False):
    """A matcher's answer: this is the person. `by` is told as `matched_by` and in the trace."""

    contact: Contact
    by: str


class Candidates:
    """What the named identifiers found. Iterating gives each found contact once, in the order of naming."""

    __slots__ = ("_found",)

    def __init__(self, identifiers: Iterable[Identifier], found: Mapping[Identifier, Contact]) -> None:
        self._found = {identifier: found[identifier] for identifier in identifiers if identifier in found}

    def by(self, kind: str) -> Contact | None:
        """The contact that the named identifier of that kind found; None when it found nobody or none was named."""
        return next((contact for identifier, contact in self._found.items() if identifier.kind == kind), None)

    def __iter__(self) -> Iterator[Contact]:
        return iter({contact.id: contact for contact in self._found.values()}.values())
