"""Who is it? Matching (rules M) and two identifiers that point at different people (rules C)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from hullo.errors import PluginError
from hullo.hooks.relay import Relay
from hullo.model.contact import Contact
from hullo.model.decision_record import Step
from hullo.model.identifier import EXTERNAL_ID, Identifier, IdentifierDigest
from hullo.model.match import CREATED, Candidates
from hullo.model.visitor import Session
from hullo.pipeline.call import Call
from hullo.pipeline.merging.joining import PEOPLE_UNASKED
from hullo.pipeline.reached import Reached
from hullo.store.protocol import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """An identifier of the call that belongs to somebody else, and so is not written (C1 to C4)."""

    identifier: Identifier
    other: Contact
    rule: str

    @property
    def field(self) -> str:
        """The identifier's kind."""
        return self.identifier.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Displaced:
    """Somebody who held identifiers on a mere claim, and loses them to a proof (C4)."""

    contact: Contact
    identifiers: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Somebody whom the contact is to absorb, as a plugin has it."""

    other: Contact
    plugin: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """An identity that came from another site, with the session that it was made in (T1)."""

    session: Session
    proven: bool
    """Whether it arrives proven: that much was said of it, and still is so."""

    @property
    def proved(self) -> tuple[IdentifierDigest, ...]:
        """What is proven of the contact in the session that goes on."""
        return self.session.proved if self.proven else ()


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
    unconfirmed: tuple[Identifier, ...] = ()
    """What a server only used to find somebody who has it on a claim, or said beside that: it is a claim."""
    collisions: tuple[Collision, ...] = ()
    displaced: tuple[Displaced, ...] = ()
    merges: tuple[Planned, ...] = ()
    carried: Carried | None = None
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
        reached = Reached(call, session, contact, found)
        squatted = reached.squatted()
        if call.server is not None:
            # A server that names an email says whom it means (M2), and not that the mailbox is theirs. Where nothing
            # else leads to them, what it says beside it is no better: it would prove the rest when it is said again.
            found_only = any(each.kind != EXTERNAL_ID for each in squatted)
            unconfirmed = tuple(each for each in call.named if each.kind != EXTERNAL_ID) if found_only else ()
            squatted = tuple(each for each in squatted if each.kind == EXTERNAL_ID)
        else:
            unconfirmed = ()
        if squatted:
            displaced.append(Displaced(contact=contact, identifiers=squatted))
            found = {each: owner for each, owner in found.items() if each not in squatted}
            steps.append(_step(f"not them: {contact.id} had it on a claim, the caller has proof (C4)"))
        elif reached.outranked(unconfirmed):
            steps.append(
                _step(f"not them: only claims lead to {contact.id}, and the caller proves something else (V2)")
            )
        elif not (contradicted := reached.contradicted()) or hooks.precedes(plugin, call.named[contradicted]):
            merges = tuple(_planned_merges(reached, hooks)) if contradicted is None else ()
            theirs = (contact, *(each.other for each in merges))
            return Resolution(
                contact=contact,
                matched_by=match.by,
                own=tuple(each for each in call.named if found.get(each, contact) in theirs and each != contradicted),
                proven=reached.proven(),
                withheld=(contradicted.kind,) if contradicted else (),
                unconfirmed=unconfirmed,
                collisions=(*_collisions(call, found, theirs), *_lost(displaced)),
                displaced=tuple(displaced),
                merges=merges,
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
        collisions=(*_collisions(call, found, ()), *_lost(displaced)),
        displaced=tuple(displaced),
        steps=(*steps, _step("somebody new")),
    )


def _step(answer: str) -> Step:
    return Step(stage="match", plugin="pipeline", answer=answer)


def _lost(displaced: Iterable[Displaced]) -> Iterator[Collision]:
    for each in displaced:
        for identifier in each.identifiers:
            yield Collision(identifier=identifier, other=each.contact, rule="C4")


def _found(call: Call, snapshot: Snapshot) -> dict[Identifier, Contact]:
    found: dict[Identifier, Contact] = {}
    for identifier, digest in call.digests.items():
        contact_id = snapshot.found.get(digest)
        if contact_id is not None:
            found[identifier] = snapshot.contacts[contact_id]
    return found


def _planned_merges(reached: Reached, hooks: Relay) -> Iterator[Planned]:
    """Whom the contact absorbs: others whom the call names too, where a plugin says so and it is beyond doubt (C1)."""
    call, survivor = reached.call, reached.contact
    people = survivor.absorbed + 1
    others = {other.id: other for other in reached.found.values() if other is not survivor}
    for other in others.values():
        answer = hooks.plan_merge(call.claim, call.proofs, survivor, other)
        people += other.absorbed + 1
        if answer is None or people > PEOPLE_UNASKED or not reached.joins(other):
            continue
        plugin, plan = answer
        yield Planned(other=other, plugin=plugin, rule=plan.rule)


def _collisions(call: Call, found: Mapping[Identifier, Contact], theirs: Collection[Contact]) -> tuple[Collision, ...]:
    """`theirs`: whom the call is about, and who becomes part of them; empty for somebody new."""
    collisions: list[Collision] = []
    for identifier in call.named:
        other = found.get(identifier)
        if other is None or any(other is each for each in theirs):
            continue
        rules = ("C1", "C2") if theirs else ("C3", "C4")
        rule = rules[EXTERNAL_ID in other.identifiers]
        collisions.append(Collision(identifier=identifier, other=other, rule=rule))
    return tuple(collisions)
