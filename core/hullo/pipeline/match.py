"""Match: the person that a claim is about (rules M), and identifiers that point at different people (rules C)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from hullo.errors import NoIdentifier, PluginError, ProofRejected
from hullo.hooks.manager import PluginManager
from hullo.model.app import VerificationMode
from hullo.model.contact import Contact
from hullo.model.decision_record import Step
from hullo.model.identifier import EXTERNAL_ID, Identifier, IdentifierDigest
from hullo.model.match import CREATED, MATCHED_BY_SESSION, Candidates
from hullo.model.operation import NeedsFullContacts
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.model.token_claims import TokenClaims
from hullo.model.visitor import Session
from hullo.pipeline.verify import VerifiedClaim, proof_required_error
from hullo.rules import session_lifecycle
from hullo.rules.identifiers import identifier_facts
from hullo.rules.merging.plan import MAX_UNCONFIRMED_CONTACTS
from hullo.value import Value


class Collision(Value):
    """An identifier of the call that belongs to another contact, and so is not written (C1 to C4)."""

    identifier: Identifier
    owner: Contact
    rule: str

    @property
    def field(self) -> str:
        """Return the identifier's kind."""
        return self.identifier.kind


class DisplacedIdentifiers(Value):
    """Identifiers that `owner` had on a mere claim, and loses to a proof (C4)."""

    owner: Contact
    identifiers: tuple[Identifier, ...]


class PlannedMerge(Value):
    """A contact that the matched one is to absorb, as a plugin or the rules of joins decided."""

    absorbed: Contact
    plugin: str
    rule: str
    joined_by: IdentifierDigest | None = None
    """See `Merge.joined_by`."""


class TransferredIdentity(Value):
    """An identity that came from another site, with the session that it was made in (T1)."""

    session: Session
    is_proven: bool
    """True where the token states proven, and its session still is."""
    hop_group: str | None = None
    """Group that both sessions belong to from now on (S5). None where they end apart."""

    @property
    def proven_identifiers(self) -> tuple[IdentifierDigest, ...]:
        """Return the identifiers that are proven in the session that goes on."""
        return self.session.proven_identifiers if self.is_proven else ()


class MatchResult(Value):
    """The contact that a claim is about; `contact` None: a new one."""

    verified: VerifiedClaim
    session: Session | None
    """The caller's, where it showed a valid one."""
    contact: Contact | None
    matched_by: str
    writable_identifiers: tuple[Identifier, ...]
    """The identifiers of the call that may be written to the contact."""
    is_proven: bool
    """True where the contact was reached through a proven identifier."""
    withheld_kinds: tuple[str, ...] = ()
    """Kinds that no other contact has, and that this one is not given."""
    collisions: tuple[Collision, ...] = ()
    displaced: tuple[DisplacedIdentifiers, ...] = ()
    planned_merges: tuple[PlannedMerge, ...] = ()
    transferred_identity: TransferredIdentity | None = None
    steps: tuple[Step, ...] = ()

    def is_recreation(self, snapshot: Snapshot) -> bool:
        """Return whether the contact that would be created was erased before (P2)."""
        # A call that finds a stored contact creates none, even where it has other, unknown identifiers.
        if self.contact is not None:
            return False
        # A hop and a call about its session's contact create none either: that person is gone (T1, M6).
        return not self.verified.identifiers or any(self._tombstoned(snapshot))

    def erased_identifiers(self, snapshot: Snapshot) -> tuple[Identifier, ...]:
        """Return the identifiers of erased people, which the contact does not take without proof (P2)."""
        # Nearly always: erased people are few, and the hot path skips the rest.
        if not snapshot.tombstones:
            return ()
        digests = self.verified.digests
        return tuple(name for name in self._tombstoned(snapshot) if digests[name] not in snapshot.contact_ids)

    def _tombstoned(self, snapshot: Snapshot) -> Iterator[Identifier]:
        digests = self.verified.tombstone_digests
        return (name for name in self.writable_identifiers if digests[name] in snapshot.tombstones)


def match(verified: VerifiedClaim, snapshot: Snapshot, hooks: PluginManager) -> MatchResult:
    """Find the contact that the claim is about. Pure; may run again on a fresh snapshot.

    Raises `NoIdentifier` for a call that names no person in an anonymous session, `SessionRevoked` for a session that
    is no longer good, `ProofRejected` for a token that was used before or whose session has ended, `ProofRequired`
    where an identity token, or the session of a call that names no person, carries less than the app demands, and
    `NeedsFullContacts` where contacts are to be merged and not all is loaded that this takes.
    """
    session = None
    if verified.app is not None:
        session = session_lifecycle.validate_session(
            snapshot, verified.session_digest, verified.app.id, verified.context.now
        )
    # Race: two calls may redeem one token. Both may find it unspent; the store commits one, and the other is decided
    # again and ends here (T1, V5).
    if snapshot.spent and any(token.next_digest(snapshot.spent) is None for token in verified.single_use_tokens):
        raise ProofRejected("this token was used as often as it may be", mistake="used_before")
    if verified.hop is not None:
        return _match_hop(verified.hop, verified, session, snapshot)
    if not verified.identifiers:
        return _match_session(verified, session, snapshot)
    result = _match_claim(verified, session, snapshot, hooks)
    # The first load is small: one app's custom data and no audit head. A merge needs the rest, and merges are rare.
    if result.planned_merges and snapshot.audit_head is None:
        raise NeedsFullContacts
    return result


def _match_session(verified: VerifiedClaim, session: Session | None, snapshot: Snapshot) -> MatchResult:
    """Match the contact of the session: the call names no person (M6). Raises `NoIdentifier` and `ProofRequired`."""
    if session is None or not session.is_identified:
        raise NoIdentifier(verified.rejected)
    if verified.app is not None and verified.app.verification is VerificationMode.REQUIRED and not session.is_proven:
        raise proof_required_error()
    contact = snapshot.contacts.get(session.contact_id) if session.contact_id is not None else None
    person = contact.id if contact is not None else "somebody who was erased"
    return MatchResult(
        verified=verified,
        session=session,
        contact=contact,
        matched_by=MATCHED_BY_SESSION,
        writable_identifiers=(),
        is_proven=session.is_proven and contact is not None,
        steps=(_match_step(f"it is {person}, whom this session is about (M6)"),),
    )


def _match_claim(
    verified: VerifiedClaim, session: Session | None, snapshot: Snapshot, hooks: PluginManager
) -> MatchResult:
    """Ask the matchers until an answer of theirs stands (M4).

    A contact whose match does not stand is out of the question from then on, so each time there are fewer to ask
    about, and this ends.
    """
    owners = _find_owners(verified, snapshot)
    remaining = dict(owners)
    displaced: list[DisplacedIdentifiers] = []
    steps: list[Step] = []
    while True:
        answer = hooks.match_contact(verified.claim, verified.proofs, Candidates(verified.identifiers, remaining))
        if answer is None:
            break
        plugin, answered = answer
        # The snapshot's own object, since owners are compared by identity below.
        contact = snapshot.contacts.get(answered.contact.id)
        if contact is None:
            # A matcher may only choose: a contact from elsewhere was not loaded, and would escape the conflict check.
            raise PluginError(f"matcher {answered.by!r} answered with a contact that is not among the candidates")
        steps.append(Step(stage="match", plugin=plugin, answer=f"it is {contact.id}"))
        evidence = _Evidence.of(verified, session, contact, owners)
        displaceable = evidence.displaceable()
        if displaceable:
            displaced.append(DisplacedIdentifiers(owner=contact, identifiers=displaceable))
            # Free from now on, so that the contact that is found next, or created, takes them.
            owners = _without_owners(owners, displaced[-1:])
            steps.append(_match_step(f"not them: {contact.id} had it on a claim, the caller has proof (C4)"))
        elif evidence.contradicted_by_proof():
            steps.append(
                _match_step(f"not them: only claims lead to {contact.id}, and the caller proves something else (V2)")
            )
        else:
            lost = _claims_of_others(evidence) if len(owners) > len(evidence.matching) else []
            if lost:
                displaced += lost
                owners = _without_owners(owners, lost)
                evidence = _Evidence.of(verified, session, contact, owners)
            conflicting = evidence.conflicting_external_id()
            # A matcher that stands before the external id's has the first word (M4).
            if conflicting is None or hooks.precedes(plugin, verified.identifiers[conflicting]):
                # Usually one contact owns all of them, and then no plugin is asked about a merge.
                several = len(owners) > len(evidence.matching)
                # A call that contradicts the contact in one identifier is no reason for a merge.
                merges = tuple(_plan_merges(evidence, hooks)) if several and conflicting is None else ()
                matched = (contact, *(plan.absorbed for plan in merges)) if merges else (contact,)
                return MatchResult(
                    verified=verified,
                    session=session,
                    contact=contact,
                    matched_by=answered.by,
                    writable_identifiers=tuple(
                        [
                            name
                            for name in verified.identifiers
                            if owners.get(name, contact) in matched and name != conflicting
                        ]
                    ),
                    is_proven=evidence.is_proven(),
                    withheld_kinds=(conflicting.kind,) if conflicting else (),
                    collisions=_find_collisions(verified, owners, matched, displaced),
                    displaced=tuple(displaced),
                    planned_merges=merges,
                    steps=tuple(steps),
                )
            steps.append(_match_step("not them: the call contradicts what is known of them (C3, C4)"))
        remaining = {name: owner for name, owner in remaining.items() if owner is not contact}
    # M3: no answer stands, so the contact is new. It gets what no other contact has.
    free = tuple(name for name in verified.identifiers if name not in owners)
    return MatchResult(
        verified=verified,
        session=session,
        contact=None,
        matched_by=CREATED,
        writable_identifiers=free,
        is_proven=any(name in verified.proven_identifiers for name in free),
        collisions=_find_collisions(verified, owners, (), displaced),
        displaced=tuple(displaced),
        steps=(*steps, _match_step("somebody new")),
    )


def _match_step(answer: str) -> Step:
    return Step(stage="match", plugin="pipeline", answer=answer)


def _find_owners(verified: VerifiedClaim, snapshot: Snapshot) -> dict[Identifier, Contact]:
    owners: dict[Identifier, Contact] = {}
    for identifier, digest in verified.digests.items():
        contact_id = snapshot.contact_ids.get(digest)
        if contact_id is not None:
            owners[identifier] = snapshot.contacts[contact_id]
    return owners


def _plan_merges(evidence: _Evidence, hooks: PluginManager) -> Iterator[PlannedMerge]:
    """Plan to absorb other contacts that the call names, where a plugin says so and it is beyond doubt (C1)."""
    verified, survivor = evidence.verified, evidence.contact
    # Merges without an agent are bounded: a mailbox that many people share must not swallow them one by one.
    people = survivor.absorbed + 1
    others = {other.id: other for other in evidence.owners.values() if other is not survivor}
    for other in others.values():
        answer = hooks.plan_merge(verified.claim, verified.proofs, survivor, other)
        people += other.absorbed + 1
        # The plugin says that they may be merged; that one call proves both is checked here, for every plugin (C6).
        if answer is None or people > MAX_UNCONFIRMED_CONTACTS or not evidence.proves_same_person(other):
            continue
        plugin, plan = answer
        yield PlannedMerge(absorbed=other, plugin=plugin, rule=plan.rule)


def _claims_of_others(evidence: _Evidence) -> list[DisplacedIdentifiers]:
    """Find what the call proves beside a contact that it proves, and another person has on a mere claim (C4, V2)."""
    if not evidence.is_proven():
        return []
    others = {owner.id: owner for owner in evidence.owners.values() if owner is not evidence.contact}
    lost = (
        (owner, _Evidence.of(evidence.verified, None, owner, evidence.owners).displaceable())
        for owner in others.values()
    )
    return [DisplacedIdentifiers(owner=owner, identifiers=names) for owner, names in lost if names]


def _without_owners(
    owners: Mapping[Identifier, Contact], displaced: Iterable[DisplacedIdentifiers]
) -> dict[Identifier, Contact]:
    """Return the owners of what is not displaced."""
    lost = {name for loser in displaced for name in loser.identifiers}
    return {name: owner for name, owner in owners.items() if name not in lost}


def _find_collisions(
    verified: VerifiedClaim,
    owners: Mapping[Identifier, Contact],
    matched: Collection[Contact],
    displaced: Iterable[DisplacedIdentifiers],
) -> tuple[Collision, ...]:
    """Find identifiers that contacts outside `matched` have. `matched` is empty for a new contact."""
    collisions: list[Collision] = []
    for identifier in verified.identifiers:
        owner = owners.get(identifier)
        # What a planned merge absorbs is the same person from now on, so it collides with nothing (C1).
        if owner is None or owner in matched:
            continue
        # The rule names what was found: a matched contact or none, and an owner without external id or with one.
        rules = ("C1", "C2") if matched else ("C3", "C4")
        # False is 0 and True is 1: C2 and C4 are the cases in which the owner has an external id.
        rule = rules[EXTERNAL_ID in owner.identifiers]
        collisions.append(Collision(identifier=identifier, owner=owner, rule=rule))
    # What a proof displaced is a conflict too: an agent should look at both contacts (C4, C7).
    for lost in displaced:
        collisions += (Collision(identifier=name, owner=lost.owner, rule="C4") for name in lost.identifiers)
    return tuple(collisions)


class _Evidence(Value):
    """How the call leads to one contact, and how good a way that is (C, V2)."""

    verified: VerifiedClaim
    session: Session | None
    contact: Contact
    owners: Mapping[Identifier, Contact]
    matching: tuple[Identifier, ...]
    """The identifiers of the call that the contact has."""
    proven: tuple[Identifier, ...]
    """Those of them that this call proves."""

    @classmethod
    def of(
        cls,
        verified: VerifiedClaim,
        session: Session | None,
        contact: Contact,
        owners: Mapping[Identifier, Contact],
    ) -> _Evidence:
        """Collect the evidence for one contact, once for all the questions below."""
        matching = tuple([name for name in verified.identifiers if owners.get(name) is contact])
        proven = tuple([name for name in matching if name in verified.proven_identifiers])
        return cls(verified=verified, session=session, contact=contact, owners=owners, matching=matching, proven=proven)

    def conflicting_external_id(self) -> Identifier | None:
        """Return an external id that no contact has, and that this one is not given (C3, C4)."""
        external_id = None
        # A loop with `break` instead of `next`: a generator would cost a frame on the hot path.
        for name in self.verified.identifiers:
            if name.kind == EXTERNAL_ID:
                external_id = name
                break
        # One that has an owner fills no blank: it found this contact, or it becomes a collision.
        if external_id is None or external_id in self.owners:
            return None
        if self._has_other_proof() and not self._confirms_stored_proof() and not self._names_open_record():
            return external_id  # C3: a mere claim does not give a proven person an external id
        stored = identifier_facts(self.contact, EXTERNAL_ID)
        # C4: a proven external id takes the place of one that was only claimed.
        displaces = external_id in self.verified.proven_identifiers and all(
            fact.standing < Standing.PROVEN for fact in stored
        )
        return external_id if stored and not displaces else None

    def contradicted_by_proof(self) -> bool:
        """Return whether only claims lead here, while the caller proves something that says otherwise (V2).

        That is an identifier that is proven of another contact, or, where this contact is a proven person, any that is
        not theirs: a caller with a proof of their own need not be the person that they merely claim to be.
        """
        # A proof that leads here outweighs all of it.
        if self.proven or not self.verified.proven_identifiers:
            return False
        return self._has_other_proof() or any(map(self._is_proven_of_owner, self.verified.proven_identifiers))

    def displaceable(self) -> tuple[Identifier, ...]:
        """Return what the caller proves and the contact has on a mere claim, while something else proves it.

        The mirror of C3: the person who proved this contact never proved the identifier, and the caller who proves the
        identifier now need not be that person. Were it a match, writing another person's email to one's own contact
        would be enough to have their next, proven call land there. Identifiers that the call only claims say nothing
        about it.
        """
        # A caller who proves what this contact has proven is this person: then nothing is taken away (C4).
        if not self.proven or self._confirms_stored_proof() or not self._has_other_proof():
            return ()
        return self.proven

    def is_proven(self) -> bool:
        """Return whether the contact was reached through a proven identifier, or is given one that is proven now."""
        if self._has_proven_session() or self._confirms_stored_proof():
            return True
        # No other proof stands against it, and the caller proves what it has, or what it will have from now on.
        taking = any(name in self.matching or name not in self.owners for name in self.verified.proven_identifiers)
        return taking and not self._has_other_proof()

    def proves_same_person(self, other: Contact) -> bool:
        """Return whether this call proves both contacts, so that what is stored of either contradicts nothing (C6).

        An identifier that `other` has on a mere claim, while something else of it is proven, says nothing about who it
        is: see `displaceable`. Two with external ids of their own are two people (C2), and a proof that leads to a
        third contact leaves doubts about all of them.
        """
        # C2: two external ids are two people by the site's own word.
        if EXTERNAL_ID in self.contact.identifiers and EXTERNAL_ID in other.identifiers:
            return False
        other_evidence = _Evidence.of(self.verified, None, other, self.owners)
        third = any(
            self.owners.get(name, other) not in (self.contact, other) for name in self.verified.proven_identifiers
        )
        return bool(self.proven) and bool(other_evidence.proven) and not third and not other_evidence.displaceable()

    def _names_open_record(self) -> bool:
        """Return whether the call names an identifier that the site recorded, and no visitor has proven anything of
        this contact. A visitor who claims to be a customer fills the blanks of the record (C3)."""
        facts = map(self.contact.identifier_fact, self.matching)
        recorded = any(fact is not None and fact.standing is Standing.PROVEN for fact in facts)
        return recorded and not any(fact.is_attested for _, fact in self.contact.all_identifiers())

    def _is_proven_of_owner(self, identifier: Identifier) -> bool:
        owner = self.owners.get(identifier)
        fact = owner.identifier_fact(identifier) if owner is not None else None
        return fact is not None and fact.standing is Standing.PROVEN

    def _confirms_stored_proof(self) -> bool:
        """Return whether the call proves an identifier that is stored as proven."""
        for name in self.proven:
            fact = self.contact.identifier_fact(name)
            if fact is not None and fact.standing is Standing.PROVEN:
                return True
        return False

    def _has_proven_session(self) -> bool:
        session = self.session
        return session is not None and session.is_proven and session.contact_id == self.contact.id

    def _names_other_external_id(self) -> bool:
        stored = EXTERNAL_ID in self.contact.identifiers
        return stored and any(
            name.kind == EXTERNAL_ID and not self.contact.has_identifier(name) for name in self.verified.identifiers
        )

    def _has_other_proof(self) -> bool:
        """Return whether the contact has a proven identifier that this call does not prove."""
        # A proven session is a proof as good as any: it was one when the session got its standing. Not for a call that
        # names another external id: that is another person, who may prove what this contact only claims (C4).
        if self._has_proven_session() and not self._names_other_external_id():
            return False
        # Compared as stored facts: another spelling of an email is the same identifier.
        here = [(name.kind, self.contact.identifier_fact(name)) for name in self.verified.proven_identifiers]
        return any(
            fact.standing is Standing.PROVEN and (kind, fact) not in here
            for kind, fact in self.contact.all_identifiers()
        )


def _match_hop(hop: TokenClaims, verified: VerifiedClaim, session: Session | None, snapshot: Snapshot) -> MatchResult:
    """Match the contact that a hop token carries here: nothing is looked up, and no contact is made (T1).

    What arrives is never more than the token states, nor than its session still has: a person who only claimed an
    identity has only claimed it here too. A mere claim does not take the place of a proven person: any visitor can make
    a link. A session that names an erased person carries that: there is no contact then.
    """
    source = snapshot.source_session
    # Race: the visitor may have logged out between making the link and opening it (S2).
    if source is None or not source.is_identified or not source.is_valid(verified.context.now):
        raise _session_ended()
    contact = snapshot.contacts.get(source.contact_id) if source.contact_id is not None else None
    if source.contact_id is not None and contact is None:
        raise _session_ended()
    # Both must hold, the token and its session as it is now: the contact may have lost what was proven meanwhile.
    proven = hop.standing is Standing.PROVEN and session_lifecycle.with_current_standing(source, contact).is_proven
    if not proven and verified.app is not None and verified.app.verification is VerificationMode.REQUIRED:
        raise proof_required_error()
    # A visitor who is proven here already keeps that when their own, weaker link arrives.
    already_proven = session is not None and session.is_proven and session.contact_id == source.contact_id
    if session is not None and session.is_proven and not proven and not already_proven:
        raise ProofRejected(
            "an identity that is only claimed does not take the place of one that is proven", mistake="only_claimed"
        )
    person = contact.id if contact is not None else "somebody who was erased"
    return MatchResult(
        verified=verified,
        session=session,
        contact=contact,
        matched_by=hop.by,
        # T1: a token carries an identity and writes none.
        writable_identifiers=(),
        is_proven=proven or already_proven,
        transferred_identity=TransferredIdentity(
            session=source, is_proven=proven, hop_group=_hop_group(hop, verified, session, source, proven=proven)
        ),
        steps=(Step(stage="match", plugin=hop.by, answer=f"it is {person}, who comes from {source.app_id}"),),
    )


def _hop_group(
    hop: TokenClaims, verified: VerifiedClaim, session: Session | None, source: Session, *, proven: bool
) -> str | None:
    """Choose the group of the two sessions: the source's, else the one that the target has, else a new one (S5)."""
    if not hop.is_linked or verified.app is None or not verified.app.linked_logout:
        return None
    if session is None or session.contact_id != source.contact_id:
        return source.hop_group or verified.context.new_id("hop")
    # A link that any visitor can make must not let its sender end the session of a person who is proven here.
    if session.digest == source.digest or (session.is_proven and not proven):
        return None
    return source.hop_group or session.hop_group or verified.context.new_id("hop")


def _session_ended() -> ProofRejected:
    return ProofRejected("the session that this identity token was made in has ended", mistake="session_ended")
