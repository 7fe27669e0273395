"""How a call came to a contact, and how good a way that is: where proofs and claims lead apart (rules C, V2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hullo.model.contact import Contact
from hullo.model.identifier import EXTERNAL_ID, Identifier
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.pipeline.verified_claim import VerifiedClaim
from hullo.rules.identifiers import identifier_facts
from hullo.value import Value


class MatchEvidence(Value, kw_only=False):
    """How the call came to this contact, and how good a way that is."""

    verified_claim: VerifiedClaim
    session: Session | None
    contact: Contact
    owners: Mapping[Identifier, Contact]

    def conflicting_external_id(self) -> Identifier | None:
        """An external id that nobody has, and that this contact is not to be given (C3, C4).

        Where the matcher stands after the external id's, that means that it is somebody else; where it stands before,
        it has the first word (M4), and the external id is not written.
        """
        external_id = next((each for each in self.verified_claim.identifiers if each.kind == EXTERNAL_ID), None)
        if external_id is None or external_id in self.owners:
            return None
        if self._has_other_proof() and not any(
            self._is_confirmed_by_proof(each) for each in self._matching_identifiers()
        ):
            return external_id  # C3: a mere claim does not give a proven person an external id
        stored = identifier_facts(self.contact, EXTERNAL_ID)
        displaces = external_id in self.verified_claim.proven_identifiers and all(
            fact.standing < Standing.PROVEN for fact in stored
        )
        return external_id if stored and not displaces else None

    def contradicted_by_proof(self, lookup_only: Collection[Identifier] = ()) -> bool:
        """Only claims lead here, while the caller proves something that says otherwise.

        That is an identifier that is proven of somebody else, or, where this contact is a proven person, any that is
        not theirs: whoever has a proof of their own need not be whom they merely claim to be (V2). What a server has
        `only_found` somebody by leads here as long as nothing is proven of somebody else.
        """
        if any(
            each in self.verified_claim.proven_identifiers and each not in lookup_only
            for each in self._matching_identifiers()
        ):
            return False
        somebody_proven = not lookup_only and self._has_other_proof()
        return any(
            somebody_proven or self._is_proven_for(self.owners.get(each), each)
            for each in self.verified_claim.proven_identifiers
        )

    @staticmethod
    def _is_proven_for(owner: Contact | None, identifier: Identifier) -> bool:
        fact = owner.identifier_fact(identifier) if owner is not None else None
        return fact is not None and fact.standing is Standing.PROVEN

    def displaceable_identifiers(self) -> tuple[Identifier, ...]:
        """What the caller proves and the contact has on a mere claim, while it is proven by something else.

        The mirror of C3: whoever proved this contact never proved the identifier, and whoever proves the identifier
        now need not be them. Were it a match, writing somebody's email to one's own contact would be enough to
        have their next, proven call land there. Identifiers that the call only claims say nothing about it.
        """
        mine = [each for each in self._matching_identifiers() if each in self.verified_claim.proven_identifiers]
        if any(self._is_stored_proven(each) for each in mine) or not self._has_other_proof():
            return ()
        return tuple(mine)

    def is_proven(self) -> bool:
        """Whether the contact was reached through a proven identifier, or is about to own one that is proven now."""
        if self._has_proven_session():
            return True
        by = self._matching_identifiers()
        if any(self._is_confirmed_by_proof(each) for each in by):
            return True
        # Nobody proved this contact otherwise, and the caller proves what it has, or what it will have from now on.
        taking = [each for each in self.verified_claim.proven_identifiers if each in by or each not in self.owners]
        return bool(taking) and not self._has_other_proof()

    def proves_same_person(self, other: Contact) -> bool:
        """Whether this very call proves who both are, so that what is stored of either contradicts nothing (C6).

        An identifier that `other` has on a mere claim, while something else of it is proven, says nothing about who it
        is: see `squatted`. Two with external ids of their own are two (C2), and a proof that leads to a third leaves
        doubts about everybody.
        """
        if EXTERNAL_ID in self.contact.identifiers and EXTERNAL_ID in other.identifiers:
            return False
        here = any(each in self.verified_claim.proven_identifiers for each in self._matching_identifiers())
        theirs = MatchEvidence(self.verified_claim, None, other, self.owners)
        there = any(each in self.verified_claim.proven_identifiers for each in theirs._matching_identifiers())
        third = any(
            self.owners.get(each, other) not in (self.contact, other) for each in self.verified_claim.proven_identifiers
        )
        return here and there and not third and not theirs.displaceable_identifiers()

    def _matching_identifiers(self) -> list[Identifier]:
        return [each for each in self.verified_claim.identifiers if self.owners.get(each) is self.contact]

    def _is_stored_proven(self, identifier: Identifier) -> bool:
        return self._is_proven_for(self.contact, identifier)

    def _is_confirmed_by_proof(self, identifier: Identifier) -> bool:
        return identifier in self.verified_claim.proven_identifiers and self._is_stored_proven(identifier)

    def _has_proven_session(self) -> bool:
        return self.session is not None and self.session.is_proven and self.session.contact_id == self.contact.id

    def _has_other_proof(self) -> bool:
        """Whether the contact has a proven identifier that this call does not prove."""
        if self._has_proven_session():
            return False
        here = [(each.kind, self.contact.identifier_fact(each)) for each in self.verified_claim.proven_identifiers]
        return any(
            fact.standing is Standing.PROVEN and (kind, fact) not in here
            for kind, fact in self.contact.all_identifiers()
        )
