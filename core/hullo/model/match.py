"""Answers of matchers, and the candidates they choose from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hullo.model.contact import Contact
from hullo.model.identifier import Identifier
from hullo.value import Value

MATCHED_BY_SESSION = "session"
"""`matched_by` of a call without an identifier: it is about the contact of its session (M6)."""
CREATED = "created"
"""`matched_by` when no contact matched and one was created (M3)."""


class Match(Value, kw_only=False):
    """Answer of a matcher: the contact of the claim. `by` appears as `matched_by` and in the trace."""

    contact: Contact
    by: str


class Candidates:
    """Contacts found by the identifiers of a claim. Iteration gives each contact once, in the order of identifiers."""

    __slots__ = ("_found",)

    def __init__(self, identifiers: Iterable[Identifier], found: Mapping[Identifier, Contact]) -> None:
        # In the order of the claim's identifiers, the most reliable first: plugins that iterate rely on it.
        self._found = {identifier: found[identifier] for identifier in identifiers if identifier in found}

    def by(self, kind: str) -> Contact | None:
        """Return the contact found by the identifier of that kind; None when none was found or sent."""
        for identifier, contact in self._found.items():
            if identifier.kind == kind:
                return contact
        return None

    def __iter__(self) -> Iterator[Contact]:
        # By id: two identifiers may have found the same contact.
        return iter({contact.id: contact for contact in self._found.values()}.values())
