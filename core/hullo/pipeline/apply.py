"""Apply: the one change set that an identify writes, all of it or none."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from hullo.model.change_set import Change, ChangeSet, HopGroupRevocation, KeyUse, SpentToken, insertion, replacement
from hullo.model.contact import Contact
from hullo.model.decision import Decision
from hullo.model.instant import HOUR
from hullo.model.outcome import Outcome
from hullo.model.visitor import TOUCH_INTERVAL, Session
from hullo.pipeline.match import TransferredIdentity
from hullo.pipeline.tell import IdentifyResult, decision_records, events_of, outcome_of, trace_of
from hullo.pipeline.verify import VerifiedClaim
from hullo.rules import session_lifecycle
from hullo.rules.identifiers import without_identifiers


def decision_of(result: IdentifyResult) -> Decision[Outcome]:
    """Put what was decided into a change set, an answer, and reasons that are built on demand."""
    changes = _changes(result)
    # P2: cut at the end, so that no part above can write about an erased person.
    if result.is_suppressed:
        changes = _without_contact(changes)
    changed = bool(changes.contacts or changes.sessions or changes.conversations or changes.conflicts)
    return Decision(
        result=outcome_of(result, changed=changed),
        # A call that changes nothing writes nothing, and costs reads only (W9).
        change_set=changes if changed or changes.spent else ChangeSet(),
        build_trace=partial(trace_of, result),
    )


def _changes(result: IdentifyResult) -> ChangeSet:
    verified, update = result.match.verified, result.session_update
    contacts, sessions = _contact_changes(result), _session_changes(result)
    spent = _spent_tokens(result)
    # W9: a change set without changes must not carry events, decisions or key uses either.
    if not (contacts or sessions or result.links.changes or result.conflicts or spent):
        return ChangeSet()
    noteworthy = result.is_noteworthy
    # What was refused is remembered when there is something to write anyway, not each time it is said again (W9).
    remembered = noteworthy or bool(result.writes.kept or verified.rejected)
    return ChangeSet(
        contacts=contacts,
        visitors=update.new_visitors if update else (),
        sessions=sessions,
        hop_group_revocations=_hop_group_revocations(result),
        conversations=result.links.changes,
        conflicts=tuple(insertion(conflict) for conflict in result.conflicts),
        decisions=tuple(decision_records(result)) if remembered else (),
        merges=tuple(merge.merge_change for merge in result.merges),
        audit_entries=result.audit_entries,
        absorptions=tuple(merge.absorption for merge in result.merges),
        spent=spent,
        key_uses=_key_uses(verified),
        events=events_of(result) if noteworthy else (),
    )


def _without_contact(changes: ChangeSet) -> ChangeSet:
    """Keep the session, spent tokens and key uses: nothing about an erased person is written without proof (P2)."""
    return ChangeSet(
        visitors=changes.visitors,
        sessions=changes.sessions,
        hop_group_revocations=changes.hop_group_revocations,
        spent=changes.spent,
        key_uses=changes.key_uses,
    )


def _contact_changes(result: IdentifyResult) -> tuple[Change[Contact], ...]:
    stored, now = result.match.contact, result.context.now
    # Displaced identifiers first, so that they are free when the contact takes them.
    changes: list[Change[Contact]] = []
    for displaced in result.match.displaced:
        changes.append(replacement(displaced.owner, without_identifiers(displaced.owner, displaced.identifiers, now)))
    for merge in result.merges:
        # Emptied before the survivor is written: the store has one owner for each identifier.
        changes.append(merge.absorbed_change)
    if stored is None:
        # A new contact may have absorbed another before it is written, and is written once.
        changes.append(insertion(replace(result.writes.contact, version=0)))
    # A merge alone changes the survivor too: it takes what the absorbed contact had (G1).
    # So does a first proof of what the site only recorded, though no value changes.
    elif result.writes.contact is not result.contact or result.merges:
        changes.append(replacement(stored, result.writes.contact))
    elif now - stored.last_seen_at >= TOUCH_INTERVAL:
        # Not at every page view: `last_seen_at` alone is not worth a write each time.
        changes.append(replacement(stored, replace(stored, last_seen_at=now)))
    return tuple(changes)


def _session_changes(result: IdentifyResult) -> tuple[Change[Session], ...]:
    update, previous = result.session_update, result.match.session
    changes = update.session_changes if update else ()
    transferred = result.match.transferred_identity
    if transferred is not None:
        changes = (*changes, *_source_session_changes(transferred, result))
    # C5: the old session ends in the transaction that starts the new one, so no moment has both.
    if result.switched and previous is not None:
        return (session_lifecycle.revoke(previous, result.match.verified.context.now), *changes)
    return changes


def _source_session_changes(transferred: TransferredIdentity, result: IdentifyResult) -> tuple[Change[Session], ...]:
    """Write the session that the identity came from, with the group that it shares from now on (S5).

    A reset of it meanwhile is a conflict then, the call is decided again, and nothing arrives (T1, S2).
    """
    update = result.session_update
    if update is not None and transferred.session.digest == update.session.digest:
        return ()
    # Never back: the process that saw the source session last may have a faster clock.
    seen = max(transferred.session.seen_at, result.match.verified.context.now)
    group = transferred.hop_group or transferred.session.hop_group
    return (replacement(transferred.session, replace(transferred.session, seen_at=seen, hop_group=group)),)


def _hop_group_revocations(result: IdentifyResult) -> tuple[HopGroupRevocation, ...]:
    """End what is connected with the session that a switch of user ends (S5)."""
    previous, update = result.match.session, result.session_update
    if not result.switched or previous is None or update is None:
        return ()
    now = result.match.verified.context.now
    return session_lifecycle.revoke_hop_group(previous, now, except_group=update.session.hop_group)


def _spent_tokens(result: IdentifyResult) -> tuple[SpentToken, ...]:
    verified = result.match.verified
    # Some tokens are only looked up here, and not used up.
    tokens = [token for token in verified.single_use_tokens if token.consumes]
    if not tokens:
        return ()
    # Race: two calls may choose the same use. The store takes one, and the other is decided again and takes the next.
    uses = [(token, token.next_digest(result.spent_before)) for token in tokens]
    # Kept an hour longer than the tokens are good for: the clocks of other processes may be behind.
    return tuple(
        SpentToken(digest=digest, at=verified.context.now, expires_at=token.expires_at + HOUR)
        for token, digest in uses
        if digest is not None
    )


def _key_uses(verified: VerifiedClaim) -> tuple[KeyUse, ...]:
    # Once an hour, and never for its own sake: every signer of an app shares this one row.
    app, now = verified.app, verified.context.now
    if app is None:
        return ()
    last_used = {key.id: key.last_used_at for key in app.identity_keys}
    return tuple(
        KeyUse(app_id=app.id, key_id=proof.key_id, at=now)
        for proof in verified.proofs
        # A proof without a key of the app's (an API key) has no row to update.
        if proof.key_id is not None and now - (last_used.get(proof.key_id) or 0) >= HOUR
    )
