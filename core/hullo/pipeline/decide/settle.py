"""Settle: joins on a claim that a call confirms or undoes before it is decided, and what a server writes about an email
that a visitor only gave (J)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum

from hullo.model.app import EmailMatch
from hullo.model.contact import Contact
from hullo.model.decision import Decision
from hullo.model.fact import KEY_WRITER_PREFIX
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.merge import Merge
from hullo.model.operation import NeedsFullContacts
from hullo.model.outcome import Outcome
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.pipeline.verify import VerifiedClaim
from hullo.rules import session_lifecycle
from hullo.rules.merging.joins import joins_of
from hullo.rules.merging.plan import MAX_UNCONFIRMED_CONTACTS
from hullo.rules.merging.settled_joins import SettledJoins, require_loaded
from hullo.value import Value

Decide = Callable[[VerifiedClaim, Snapshot], Decision[Outcome]]


class Verdict(Enum):
    """What a call says about an identifier that a contact has on a claim only."""

    CONFIRMED = "it is the contact's"
    UNDONE = "it is another's"
    RECORD = "it is the record's, which a server writes about"


class ClaimedIdentifier(Value):
    """An identifier that this call proves, and that `holder` has on a claim only."""

    identifier: Identifier
    holder: Contact
    merge: Merge | None
    """The join by which the holder has it. None where its own visitor gave it."""
    verdict: Verdict


def find_claimed(verified: VerifiedClaim, snapshot: Snapshot) -> ClaimedIdentifier | None:
    """Find an identifier about which the call says something, before it is decided; None for nearly all calls.

    Raises `NeedsFullContacts` where the joins in question are not loaded.
    """
    # On the way of every signed call: a proof of what is stored as proven ends each turn here.
    claimed: list[tuple[Identifier, Contact]] = []
    believed: Iterable[Identifier] = verified.proven_identifiers
    if verified.trusted_email is not None:
        believed = (*believed, verified.trusted_email)
    for name in believed:
        contact_id = snapshot.contact_ids.get(verified.digests[name])
        if contact_id is None:
            continue
        holder = snapshot.contacts[contact_id]
        fact = holder.identifiers.get(name.kind)
        if fact is None or fact.value != name.value or fact.standing is not Standing.PROVEN:
            claimed.append((name, holder))
    if not claimed:
        return None
    _require_merges(claimed, snapshot)
    return next(_judge(claimed, verified, snapshot), None)


def settle_joins(verified: VerifiedClaim, snapshot: Snapshot) -> tuple[SettledJoins, ClaimedIdentifier | None]:
    """Confirm and undo every join that the call proves or refutes. The second is what a server writes about, if it is
    a record that is shown in a contact on a claim."""
    settled = SettledJoins(
        snapshot=snapshot, context=verified.context, by=_prover(verified), request_id=verified.request_id
    )
    # Each turn ends one join or makes it an ordinary merge, so this ends.
    while (found := find_claimed(verified, settled.snapshot)) is not None:
        if found.verdict is Verdict.RECORD or found.merge is None:
            return settled, found
        require_loaded(found.merge, settled.snapshot)
        end = settled.confirmed if found.verdict is Verdict.CONFIRMED else settled.undone
        settled = end(found.holder, found.merge)
    return settled, None


def _require_merges(claimed: list[tuple[Identifier, Contact]], snapshot: Snapshot) -> None:
    """Raise `NeedsFullContacts` where a join may be in question and merges are not loaded."""
    facts = [(holder, holder.identifier_fact(name)) for name, holder in claimed]
    joins = {fact.joined_by: holder.id for holder, fact in facts if fact is not None and fact.joined_by is not None}
    if not snapshot.merges.keys() >= joins.keys() or (joins and snapshot.audit_head is None):
        raise NeedsFullContacts(merges=joins, merged_into=dict.fromkeys(joins.values()))


def _judge(
    claimed: list[tuple[Identifier, Contact]], verified: VerifiedClaim, snapshot: Snapshot
) -> Iterator[ClaimedIdentifier]:
    for name, holder in claimed:
        fact = holder.identifier_fact(name)
        if fact is None or fact.standing is Standing.PROVEN:
            continue
        # One that has ended, or was confirmed, leaves an ordinary claim behind.
        merge = snapshot.merges.get(fact.joined_by) if fact.joined_by is not None else None
        if merge is not None and (not merge.is_active or merge.joined_by is None):
            merge = None
        verdict = _verdict(name, holder, merge, verified, snapshot)
        if verdict is not None:
            yield ClaimedIdentifier(identifier=name, holder=holder, merge=merge, verdict=verdict)


def _verdict(
    name: Identifier, holder: Contact, merge: Merge | None, verified: VerifiedClaim, snapshot: Snapshot
) -> Verdict | None:
    """Judge one identifier; None: the ordinary rules decide about it."""
    if merge is not None and _proves(holder, verified, snapshot):
        return Verdict.CONFIRMED
    if verified.server_writer is None:
        # The site's word for an email of another contact is no proof: that contact's visitor may have proven it.
        return Verdict.UNDONE if merge is not None and name != verified.trusted_email else None
    # A server that names an external id says whose the email is; one that names the email alone only finds by it.
    if any(other.kind == EXTERNAL_ID for other in verified.identifiers):
        return Verdict.UNDONE if merge is not None else None
    owners = {snapshot.contact_ids.get(digest, holder.id) for digest in verified.digests.values()}
    if owners != {holder.id}:
        # The call is about another contact too, which the record may belong to.
        return Verdict.UNDONE if merge is not None else None
    return Verdict.RECORD if merge is not None or _may_join(name, holder, verified) else None


def _proves(holder: Contact, verified: VerifiedClaim, snapshot: Snapshot) -> bool:
    """Return whether the call proves the contact by another identifier, or its session does."""
    for name in verified.proven_identifiers:
        fact = holder.identifier_fact(name)
        if fact is not None and fact.standing is Standing.PROVEN:
            return True
    if verified.app is None or verified.server_writer is not None:
        return False
    session = session_lifecycle.validate_session(
        snapshot, verified.session_digest, verified.app.id, verified.context.now
    )
    return session is not None and session.is_proven and session.contact_id == holder.id


def _may_join(name: Identifier, holder: Contact, verified: VerifiedClaim) -> bool:
    """Return whether a new record of this email is joined to the contact whose visitor gave it.

    Not where nothing else proves the contact: then the email is recorded there. Not a second record, and no more than
    any merge without an agent takes.
    """
    beside_proof = holder.standing is Standing.PROVEN and not any(
        fact is not None and fact.standing is Standing.PROVEN
        for fact in map(holder.identifier_fact, verified.identifiers)
    )
    allowed = verified.app is None or verified.app.email_match is not EmailMatch.PROVEN
    bounded = not joins_of(holder) and holder.absorbed + 2 <= MAX_UNCONFIRMED_CONTACTS
    return name.kind == EMAIL and beside_proof and allowed and bounded


def _prover(verified: VerifiedClaim) -> str:
    """Return the writer of what this call settles."""
    if verified.server_writer is not None:
        return verified.server_writer
    key_ids = (proof.key_id for proof in verified.proofs if proof.key_id is not None)
    key_id = next(key_ids, None)
    return f"{KEY_WRITER_PREFIX}{key_id}" if key_id is not None else "proof"
