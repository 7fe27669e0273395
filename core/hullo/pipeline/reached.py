"""How a call came to a contact, and how good a way that is: where proofs and claims lead apart (rules C, V2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hullo.model.contact import Contact
from hullo.model.identifier import EXTERNAL_ID, Identifier
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.pipeline.call import Call
from hullo.pipeline.naming import names_of


@dataclass(frozen=True, slots=True)
class Reached:
    """How the call came to this contact, and how good a way that is."""

    call: Call
    session: Session | None
    contact: Contact
    found: Mapping[Identifier, Contact]

    def contradicted(self) -> Identifier | None:
        """An external id that nobody has, and that this contact is not to be given (C3, C4).

        Where the matcher stands after the external id's, that means that it is somebody else; where it stands before,
        it has the first word (M4), and the external id is not written.
        """
        external_id = next((each for each in self.call.named if each.kind == EXTERNAL_ID), None)
        if external_id is None or external_id in self.found:
            return None
        if self._proven_otherwise() and not any(self._proves(each) for each in self._by()):
            return external_id  # C3: a mere claim does not give a proven person an external id
        stored = names_of(self.contact, EXTERNAL_ID)
        displaces = external_id in self.call.vouched and all(fact.standing < Standing.PROVEN for fact in stored)
        return external_id if stored and not displaces else None

    def outranked(self, only_found: Collection[Identifier] = ()) -> bool:
        """Only claims lead here, while the caller proves something that says otherwise.

        That is an identifier that is proven of somebody else, or, where this contact is a proven person, any that is
        not theirs: whoever has a proof of their own need not be whom they merely claim to be (V2). What a server has
        `only_found` somebody by leads here as long as nothing is proven of somebody else.
        """
        if any(each in self.call.vouched and each not in only_found for each in self._by()):
            return False
        somebody_proven = not only_found and self._proven_otherwise()
        return any(somebody_proven or self._proven_of(self.found.get(each), each) for each in self.call.vouched)

    @staticmethod
    def _proven_of(owner: Contact | None, identifier: Identifier) -> bool:
        fact = owner.fact_of(identifier) if owner is not None else None
        return fact is not None and fact.standing is Standing.PROVEN

    def squatted(self) -> tuple[Identifier, ...]:
        """What the caller proves and the contact has on a mere claim, while it is proven by something else.

        The mirror of C3: whoever proved this contact never proved the identifier, and whoever proves the identifier
        now need not be them. Were it a match, writing somebody's email to one's own contact would be enough to
        have their next, proven call land there. Identifiers that the call only claims say nothing about it.
        """
        mine = [each for each in self._by() if each in self.call.vouched]
        if any(self._stored_proven(each) for each in mine) or not self._proven_otherwise():
            return ()
        return tuple(mine)

    def proven(self) -> bool:
        """Whether the contact was reached through a proven identifier, or is about to own one that is proven now."""
        if self._session_proven():
            return True
        by = self._by()
        if any(self._proves(each) for each in by):
            return True
        # Nobody proved this contact otherwise, and the caller proves what it has, or what it will have from now on.
        taking = [each for each in self.call.vouched if each in by or each not in self.found]
        return bool(taking) and not self._proven_otherwise()

    def joins(self, other: Contact) -> bool:
        """Whether this very call proves who both are, so that what is stored of either contradicts nothing (C6).

        An identifier that `other` has on a mere claim, while something else of it is proven, says nothing about who it
        is: see `squatted`. Two with external ids of their own are two (C2), and a proof that leads to a third leaves
        doubts about everybody.
        """
        if EXTERNAL_ID in self.contact.identifiers and EXTERNAL_ID in other.identifiers:
            return False
        here = any(each in self.call.vouched for each in self._by())
        theirs = Reached(self.call, None, other, self.found)
        there = any(each in self.call.vouched for each in theirs._by())
        third = any(self.found.get(each, other) not in (self.contact, other) for each in self.call.vouched)
        return here and there and not third and not theirs.squatted()

    def _by(self) -> list[Identifier]:
        return [each for each in self.call.named if self.found.get(each) is self.contact]

    def _stored_proven(self, identifier: Identifier) -> bool:
        return self._proven_of(self.contact, identifier)

    def _proves(self, identifier: Identifier) -> bool:
        return identifier in self.call.vouched and self._stored_proven(identifier)

    def _session_proven(self) -> bool:
        return self.session is not None and self.session.proven and self.session.contact_id == self.contact.id

    def _proven_otherwise(self) -> bool:
        """Whether the contact has a proven identifier that this call does not prove."""
        if self._session_proven():
            return False
        here = [(each.kind, self.contact.fact_of(each)) for each in self.call.vouched]
        return any(fact.standing is Standing.PROVEN and (kind, fact) not in here for kind, fact in self.contact.names())
