"""Who is it? Matching (rules M) and two identifiers that point at different people (rules C)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from hullo.errors import PluginError, ProofRejected
from hullo.hooks.manager import PluginManager
from hullo.model.app import VerificationMode
from hullo.model.contact import Contact
from hullo.model.decision_record import Step
from hullo.model.identifier import EXTERNAL_ID, Identifier, IdentifierDigest
from hullo.model.match import CREATED, Candidates
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.model.token_claims import TokenClaims
from hullo.model.visitor import Session
from hullo.pipeline.match_evidence import MatchEvidence
from hullo.pipeline.verified_claim import VerifiedClaim
from hullo.pipeline.verify import proof_required_error
from hullo.rules import session_lifecycle
from hullo.rules.merging.plan import MAX_UNCONFIRMED_CONTACTS
from hullo.value import Value


class Collision(Value):
    """An identifier of the call that belongs to somebody else, and so is not written (C1 to C4)."""

    identifier: Identifier
    owner: Contact
    rule: str

    @property
    def field(self) -> str:
        """The identifier's kind."""
        return self.identifier.kind


class DisplacedIdentifiers(Value):
    """Somebody who held identifiers on a mere claim, and loses them to a proof (C4)."""

    owner: Contact
    identifiers: tuple[Identifier, ...]


class PlannedMerge(Value):
    """Somebody whom the contact is to absorb, as a plugin has it."""

    absorbed: Contact
    plugin: str
    rule: str


class TransferredIdentity(Value):
    """An identity that came from another site, with the session that it was made in (T1)."""

    session: Session
    is_proven: bool
    """Whether it arrives proven: that much was said of it, and still is so."""

    @property
    def proven_identifiers(self) -> tuple[IdentifierDigest, ...]:
        """What is proven of the contact in the session that goes on."""
        return self.session.proven_identifiers if self.is_proven else ()


class MatchResult(Value):
    """The answer. `contact` None: somebody new. `own` are the identifiers that may be written to the contact."""

    contact: Contact | None
    matched_by: str
    writable_identifiers: tuple[Identifier, ...]
    is_proven: bool
    """Reached through a proven identifier."""
    withheld_kinds: tuple[str, ...] = ()
    """Kinds that are nobody else's, and still not for this contact to have."""
    unproven_identifiers: tuple[Identifier, ...] = ()
    """What a server only used to find somebody who has it on a claim, or said beside that: it is a claim."""
    collisions: tuple[Collision, ...] = ()
    displaced: tuple[DisplacedIdentifiers, ...] = ()
    planned_merges: tuple[PlannedMerge, ...] = ()
    transferred_identity: TransferredIdentity | None = None
    steps: tuple[Step, ...] = ()


def match_claim(
    verified_claim: VerifiedClaim, session: Session | None, snapshot: Snapshot, hooks: PluginManager
) -> MatchResult:
    """Pure. `session` is the caller's, when it has a valid one.

    The matchers are asked until their first answer stands (M4). One that does not stand is out of the question from
    then on, so each time there are fewer to ask about, and this ends.
    """
    found = _find_owners(verified_claim, snapshot)
    asked = dict(found)
    displaced: list[DisplacedIdentifiers] = []
    steps: list[Step] = []
    while (
        answer := hooks.match_contact(
            verified_claim.claim, verified_claim.proofs, Candidates(verified_claim.identifiers, asked)
        )
    ) is not None:
        plugin, match = answer
        contact = snapshot.contacts.get(match.contact.id)
        if contact is None:
            raise PluginError(f"matcher {match.by!r} answered with a contact that is not among the candidates")
        steps.append(Step(stage="match", plugin=plugin, answer=f"it is {contact.id}"))
        reached = MatchEvidence(verified_claim, session, contact, found)
        squatted = reached.displaceable_identifiers()
        if verified_claim.server_writer is not None:
            # A server that names an email says whom it means (M2), and not that the mailbox is theirs. Where nothing
            # else leads to them, what it says beside it is no better: it would prove the rest when it is said again.
            found_only = any(each.kind != EXTERNAL_ID for each in squatted)
            unconfirmed = (
                tuple(each for each in verified_claim.identifiers if each.kind != EXTERNAL_ID) if found_only else ()
            )
            squatted = tuple(each for each in squatted if each.kind == EXTERNAL_ID)
        else:
            unconfirmed = ()
        if squatted:
            displaced.append(DisplacedIdentifiers(owner=contact, identifiers=squatted))
            found = {each: owner for each, owner in found.items() if each not in squatted}
            steps.append(_match_step(f"not them: {contact.id} had it on a claim, the caller has proof (C4)"))
        elif reached.contradicted_by_proof(unconfirmed):
            steps.append(
                _match_step(f"not them: only claims lead to {contact.id}, and the caller proves something else (V2)")
            )
        elif not (contradicted := reached.conflicting_external_id()) or hooks.precedes(
            plugin, verified_claim.identifiers[contradicted]
        ):
            merges = tuple(_plan_merges(reached, hooks)) if contradicted is None else ()
            theirs = (contact, *(each.absorbed for each in merges))
            return MatchResult(
                contact=contact,
                matched_by=match.by,
                writable_identifiers=tuple(
                    each
                    for each in verified_claim.identifiers
                    if found.get(each, contact) in theirs and each != contradicted
                ),
                is_proven=reached.is_proven(),
                withheld_kinds=(contradicted.kind,) if contradicted else (),
                unproven_identifiers=unconfirmed,
                collisions=(*_find_collisions(verified_claim, found, theirs), *_displacement_collisions(displaced)),
                displaced=tuple(displaced),
                planned_merges=merges,
                steps=tuple(steps),
            )
        else:
            steps.append(_match_step("not them: the call contradicts what is known of them (C3, C4)"))
        asked = {each: owner for each, owner in asked.items() if owner is not contact}
    own = tuple(each for each in verified_claim.identifiers if each not in found)
    return MatchResult(
        contact=None,
        matched_by=CREATED,
        writable_identifiers=own,
        is_proven=any(each in verified_claim.proven_identifiers for each in own),
        collisions=(*_find_collisions(verified_claim, found, ()), *_displacement_collisions(displaced)),
        displaced=tuple(displaced),
        steps=(*steps, _match_step("somebody new")),
    )


def _match_step(answer: str) -> Step:
    return Step(stage="match", plugin="pipeline", answer=answer)


def _displacement_collisions(displaced: Iterable[DisplacedIdentifiers]) -> Iterator[Collision]:
    for each in displaced:
        for identifier in each.identifiers:
            yield Collision(identifier=identifier, owner=each.owner, rule="C4")


def _find_owners(verified_claim: VerifiedClaim, snapshot: Snapshot) -> dict[Identifier, Contact]:
    found: dict[Identifier, Contact] = {}
    for identifier, digest in verified_claim.digests.items():
        contact_id = snapshot.contact_ids.get(digest)
        if contact_id is not None:
            found[identifier] = snapshot.contacts[contact_id]
    return found


def _plan_merges(evidence: MatchEvidence, hooks: PluginManager) -> Iterator[PlannedMerge]:
    """Whom the contact absorbs: others whom the call names too, where a plugin says so and it is beyond doubt (C1)."""
    call, survivor = evidence.verified_claim, evidence.contact
    people = survivor.absorbed + 1
    others = {other.id: other for other in evidence.owners.values() if other is not survivor}
    for other in others.values():
        answer = hooks.plan_merge(call.claim, call.proofs, survivor, other)
        people += other.absorbed + 1
        if answer is None or people > MAX_UNCONFIRMED_CONTACTS or not evidence.proves_same_person(other):
            continue
        plugin, plan = answer
        yield PlannedMerge(absorbed=other, plugin=plugin, rule=plan.rule)


def _find_collisions(
    call: VerifiedClaim, found: Mapping[Identifier, Contact], matched_contacts: Collection[Contact]
) -> tuple[Collision, ...]:
    """`theirs`: whom the call is about, and who becomes part of them; empty for somebody new."""
    collisions: list[Collision] = []
    for identifier in call.identifiers:
        other = found.get(identifier)
        if other is None or any(other is each for each in matched_contacts):
            continue
        rules = ("C1", "C2") if matched_contacts else ("C3", "C4")
        rule = rules[EXTERNAL_ID in other.identifiers]
        collisions.append(Collision(identifier=identifier, owner=other, rule=rule))
    return tuple(collisions)


def match_hop(
    hop: TokenClaims, verified_claim: VerifiedClaim, session: Session | None, snapshot: Snapshot
) -> MatchResult:
    """Who it is that comes with this token: nobody is looked up, and nobody is made.

    What arrives is never more than the token says, nor than its session still has, and somebody who only said who they
    are has only said it here too. A mere claim does not take the place of somebody who has proven who they are: links
    are made by anybody.

    A session that names somebody who was erased carries that: there is no contact then.

    Raises `ProofRejected` for a token whose session has ended since, by a reset, a switch of user, or its age, and
    `ProofRequired` where the app demands more than arrives.
    """
    source = snapshot.source_session
    contact = snapshot.contacts.get(source.contact_id) if source is not None and source.contact_id else None
    if (
        source is None
        or not source.is_identified
        or not source.is_valid(verified_claim.context.now)
        or _is_contact_missing(source, contact)
    ):
        raise ProofRejected("the session that this identity token was made in has ended", mistake="session_ended")
    proven = hop.standing is Standing.PROVEN and session_lifecycle.with_current_standing(source, contact).is_proven
    if not proven and verified_claim.app is not None and verified_claim.app.verification is VerificationMode.REQUIRED:
        raise proof_required_error()
    there_already = session is not None and session.is_proven and session.contact_id == source.contact_id
    if session is not None and session.is_proven and not proven and not there_already:
        raise ProofRejected(
            "an identity that is only claimed does not take the place of one that is proven", mistake="only_claimed"
        )
    who = contact.id if contact is not None else "somebody who was erased"
    return MatchResult(
        contact=contact,
        matched_by=hop.by,
        writable_identifiers=(),
        is_proven=proven or there_already,
        transferred_identity=TransferredIdentity(session=source, is_proven=proven),
        steps=(Step(stage="match", plugin=hop.by, answer=f"it is {who}, who comes from {source.app_id}"),),
    )


def _is_contact_missing(source: Session, contact: Contact | None) -> bool:
    return source.contact_id is not None and contact is None
