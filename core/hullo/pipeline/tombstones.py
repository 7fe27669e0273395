"""Somebody was erased, and an old tab goes on saying who they were (P2).

Without proof nobody is made anew of it: the call is decided as for any stranger, told to the caller like that, and
nothing of it is kept but the session (H2).
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from hullo.model.change_set import ChangeSet
from hullo.model.decision import Decision
from hullo.model.decision_record import Step, Trace
from hullo.model.identifier import Identifier
from hullo.model.outcome import Outcome
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.pipeline.match import MatchResult
from hullo.pipeline.verified_claim import VerifiedClaim

MATCHED_BY_ERASED: Final = "erased"
"""What such a call was `matched_by`."""


def is_recreation(verified_claim: VerifiedClaim, match_result: MatchResult, snapshot: Snapshot) -> bool:
    """Whether whoever would be created was erased before."""
    if match_result.transferred_identity is not None:
        return match_result.contact is None
    return match_result.contact is None and any(
        verified_claim.tombstone_digests[each] in snapshot.tombstones for each in match_result.writable_identifiers
    )


def erased_identifiers(
    verified_claim: VerifiedClaim, match_result: MatchResult, snapshot: Snapshot
) -> tuple[Identifier, ...]:
    """What the contact would take of somebody who was erased, and does not without proof."""
    if not snapshot.tombstones:
        return ()
    return tuple(
        each
        for each in match_result.writable_identifiers
        if verified_claim.tombstone_digests[each] in snapshot.tombstones
        and verified_claim.digests[each] not in snapshot.contact_ids
    )


def claims_only_erased(session: Session) -> bool:
    """Whether all that is known of the visitor is that it has claimed to be somebody who was erased."""
    return session.is_identified and session.contact_id is None


def redact_erased(decision: Decision[Outcome]) -> Decision[Outcome]:
    """What is left of a decision about a stranger who was erased: the answer, and the session."""
    changes = decision.change_set
    answer = replace(
        decision.result,
        contact_id=None,
        matched_by=MATCHED_BY_ERASED,
        standing=Standing.CLAIMED,
        identified=False,
        changed=bool(changes.sessions),
        written=(),
        kept=(),
        conflicts=(),
    )
    return Decision(
        result=answer,
        change_set=ChangeSet(
            visitors=changes.visitors, sessions=changes.sessions, spent=changes.spent, key_uses=changes.key_uses
        ),
        build_trace=lambda: _redact_trace(decision.trace),
    )


def recreated_step() -> Step:
    """What is said of a proof that overrules an erasure."""
    return _erasure_step("somebody of this name was erased; the proof allows to make them anew (P2)")


def _redact_trace(trace: Trace) -> Trace:
    silence = _erasure_step("somebody of this name was erased, and there is no proof: nothing is kept of the call (P2)")
    rejected = tuple(each for each in trace.fields if each.verdict == "rejected")
    return Trace(steps=(*trace.steps, silence), fields=rejected)


def _erasure_step(answer: str) -> Step:
    return Step(stage="match", plugin="pipeline", answer=answer)
