"""Somebody was erased, and an old tab goes on saying who they were (P2).

Without proof nobody is made anew of it: the call is decided as for any stranger, told to the caller like that, and
nothing of it is kept but the session (H2).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hullo.model.change_set import ChangeSet
from hullo.model.decision import Decision
from hullo.model.decision_record import Step, Trace
from hullo.model.identifier import Identifier
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.pipeline.call import Call
from hullo.pipeline.resolve import Resolution
from hullo.store.protocol import Snapshot

ERASED: Final = "erased"
"""What such a call was `matched_by`."""


def names_erased(call: Call, resolution: Resolution, snapshot: Snapshot) -> bool:
    """Whether whoever would be created was erased before."""
    if resolution.carried is not None:
        return resolution.contact is None
    return resolution.contact is None and any(call.tombstones[each] in snapshot.tombstones for each in resolution.own)


def erased_names(call: Call, resolution: Resolution, snapshot: Snapshot) -> tuple[Identifier, ...]:
    """What the contact would take of somebody who was erased, and does not without proof."""
    if not snapshot.tombstones:
        return ()
    return tuple(
        each
        for each in resolution.own
        if call.tombstones[each] in snapshot.tombstones and call.digests[each] not in snapshot.found
    )


def speaks_as_nobody(session: Session) -> bool:
    """Whether all that is known of the visitor is that it has claimed to be somebody who was erased."""
    return session.identified and session.contact_id is None


def untold(decision: Decision[Outcome]) -> Decision[Outcome]:
    """What is left of a decision about a stranger who was erased: the answer, and the session."""
    changes = decision.change_set
    answer = replace(
        decision.answer,
        contact_id=None,
        matched_by=ERASED,
        standing=Standing.CLAIMED,
        identified=False,
        changed=bool(changes.sessions),
        written=(),
        kept=(),
        conflicts=(),
    )
    return Decision(
        answer=answer,
        change_set=ChangeSet(
            visitors=changes.visitors, sessions=changes.sessions, spent=changes.spent, key_uses=changes.key_uses
        ),
        explain=lambda: _explained(decision.trace),
    )


def made_anew() -> Step:
    """What is said of a proof that overrules an erasure."""
    return _step("somebody of this name was erased; the proof allows to make them anew (P2)")


def _explained(trace: Trace) -> Trace:
    silence = _step("somebody of this name was erased, and there is no proof: nothing is kept of the call (P2)")
    rejected = tuple(each for each in trace.fields if each.verdict == "rejected")
    return Trace(steps=(*trace.steps, silence), fields=rejected)


def _step(answer: str) -> Step:
    return Step(stage="match", plugin="pipeline", answer=answer)
