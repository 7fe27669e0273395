"""Who is it? Matching (rules M) and two identifiers that point at different people (rules C)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hullo.errors import PluginError
from hullo.hooks.relay import Relay
from hullo.model.contact import Contact
from hullo.model.decision_record import Step
from hullo.model.identifier import EXTERNAL_ID, Identifier
from hullo.model.match import CREATED, Candidates
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.pipeline.call import Call
from hullo.store.protocol import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """An identifier of the call that belongs to somebody else, and so is not written (C1 to C4)."""

    field: str
    other: Contact
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Displaced:
    """Somebody who held identifiers on a mere claim, and loses them to a proof (C4)."""

    contact: Contact
    identifiers: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The answer. `contact` None: somebody new. `own` are the identifiers that may be written to the contact."""

    contact: Contact | None
    matched_by: str
    own: tuple[Identifier, ...]
    proven: bool
    """Reached through a proven identifier."""
    withheld: tuple[str, ...] = ()
    """Kinds that are nobody else's, and still not for this contact to have."""
    collisions: tuple[Collision, ...] = ()
    displaced: tuple[Displaced, ...] = ()
    steps: tuple[Step, ...] = ()


def resolve(call: Call, session: Session | None, snapshot: Snapshot, hooks: Relay) -> Resolution:
    """Pure. `session` is the caller's, when it has a valid one.

    The matchers are asked until their first answer stands (M4). One that does not stand is out of the question from
    then on, so each time there are fewer to ask about, and this ends.
    """
    found = _found(call, snapshot)
    asked = dict(found)
    displaced: list[Displaced] = []
    steps: list[Step] = []
    while (answer := hooks.match_contact(call.claim, call.proofs, Candidates(call.named, asked))) is not None:
        plugin, match = answer
        contact = snapshot.contacts.get(match.contact.id)
        if contact is None:
            raise PluginError(f"matcher {match.by!r} answered with a contact that is not among the candidates")
        steps.append(Step(stage="match", plugin=plugin, answer=f"it is {contact.id}"))
        reached = _Reached(call, session, contact, found)
        if squatted := reached.squatted():
            displaced.append(Displaced(contact=contact, identifiers=squatted))
            found = {each: owner for each, owner in found.items() if each not in squatted}
            steps.append(_step(f"not them: {contact.id} had it on a claim, the caller has proof (C4)"))
        elif reached.outranked():
            steps.append(
                _step(f"not them: only claims lead to {contact.id}, and the caller proves something else (V2)")
            )
        elif not (contradicted := reached.contradicted()) or hooks.precedes(plugin, call.named[contradicted]):
            return Resolution(
                contact=contact,
                matched_by=match.by,
                own=tuple(each for each in call.named if found.get(each, contact) is contact and each != contradicted),
                proven=reached.proven(),
                withheld=(contradicted.kind,) if contradicted else (),
                collisions=(*_collisions(call, found, contact), *_lost(displaced)),
                displaced=tuple(displaced),
                steps=tuple(steps),
            )
        else:
            steps.append(_step("not them: the call contradicts what is known of them (C3, C4)"))
        asked = {each: owner for each, owner in asked.items() if owner is not contact}
    own = tuple(each for each in call.named if each not in found)
    return Resolution(
        contact=None,
        matched_by=CREATED,
        own=own,
        proven=any(each in call.vouched for each in own),
        collisions=(*_collisions(call, found, None), *_lost(displaced)),
        displaced=tuple(displaced),
        steps=(*steps, _step("somebody new")),
    )


def _step(answer: str) -> Step:
    return Step(stage="match", plugin="pipeline", answer=answer)


def _lost(displaced: Iterable[Displaced]) -> Iterator[Collision]:
    for each in displaced:
        for identifier in each.identifiers:
            yield Collision(field=identifier.kind, other=each.contact, rule="C4")


def _found(call: Call, snapshot: Snapshot) -> dict[Identifier, Contact]:
    found: dict[Identifier, Contact] = {}
    for identifier, digest in call.digests.items():
        contact_id = snapshot.found.get(digest)
        if contact_id is not None:
            found[identifier] = snapshot.contacts[contact_id]
    return found


@dataclass(frozen=True, slots=True)
class _Reached:
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
        stored = self.contact.identifiers.get(EXTERNAL_ID)
        displaces = external_id in self.call.vouched and stored is not None and stored.standing < Standing.PROVEN
        return external_id if stored is not None and not displaces else None

    def outranked(self) -> bool:
        """Only claims lead here, while the caller proves something that says otherwise.

        That is an identifier that is proven of somebody else, or, where this contact is a proven person, any that is
        not theirs: whoever has a proof of their own need not be whom they merely claim to be (V2).
        """
        if any(each in self.call.vouched for each in self._by()):
            return False
        somebody_proven = self._proven_otherwise()
        return any(somebody_proven or self._proven_of(self.found.get(each), each) for each in self.call.vouched)

    @staticmethod
    def _proven_of(owner: Contact | None, identifier: Identifier) -> bool:
        return owner is not None and owner.identifiers[identifier.kind].standing is Standing.PROVEN

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
        if self._session_proven():
            return True
        by = self._by()
        if any(self._proves(each) for each in by):
            return True
        # Nobody proved this contact otherwise, and the caller proves what it has, or what it will have from now on.
        taking = [each for each in self.call.vouched if each in by or each not in self.found]
        return bool(taking) and not self._proven_otherwise()

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
        here = {each.kind for each in self.call.vouched if self.contact.owns(each)}
        return any(
            fact.standing is Standing.PROVEN and kind not in here for kind, fact in self.contact.identifiers.items()
        )


def _collisions(call: Call, found: Mapping[Identifier, Contact], contact: Contact | None) -> tuple[Collision, ...]:
    collisions: list[Collision] = []
    for identifier in call.named:
        other = found.get(identifier)
        if other is None or other is contact:
            continue
        rules = ("C3", "C4") if contact is None else ("C1", "C2")
        rule = rules[EXTERNAL_ID in other.identifiers]
        collisions.append(Collision(field=identifier.kind, other=other, rule=rule))
    return tuple(collisions)
