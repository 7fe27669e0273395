"""Decide: everything about one identify call, as a pure function of the verified claim and one snapshot."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from hullo.hooks.manager import PluginManager
from hullo.model.decision import Decision
from hullo.model.outcome import Outcome
from hullo.model.snapshot import Snapshot
from hullo.pipeline.apply import decision_of
from hullo.pipeline.decide.blocked import may_be_blocked, refuse_blocked
from hullo.pipeline.decide.join import plan_join
from hullo.pipeline.decide.lead import absorb_stub
from hullo.pipeline.decide.record import write_record
from hullo.pipeline.decide.result import link, result_of
from hullo.pipeline.decide.session import continue_session
from hullo.pipeline.decide.settle import find_claimed, settle_joins
from hullo.pipeline.decide.standing import judge_standing
from hullo.pipeline.decide.writes import review_writes
from hullo.pipeline.match import match
from hullo.pipeline.verify import VerifiedClaim

Amend = Callable[[Decision[Outcome], Snapshot], Decision[Outcome]]
"""Adds to a decision on that snapshot, which may show a record apart from the contact that it is joined to (J)."""


def decide(
    verified: VerifiedClaim, hooks: PluginManager, snapshot: Snapshot, amend: Amend | None = None
) -> Decision[Outcome]:
    """Decide what to write, what to answer and why. No I/O, no clock, no randomness; may run more than once.

    Raises what `match` raises, `Blocked`, and `NeedsFullContacts` where the visitor's own conversations may move.
    """
    # J: nearly no call says anything about a join.
    is_about_join = find_claimed(verified, snapshot) is not None
    if not is_about_join and amend is None:
        return _decide_alone(verified, hooks, snapshot)

    def decide_on(verified: VerifiedClaim, snapshot: Snapshot) -> Decision[Outcome]:
        decision = _decide_alone(verified, hooks, snapshot)
        return decision if amend is None else amend(decision, snapshot)

    if not is_about_join:
        return decide_on(verified, snapshot)
    settled, claimed = settle_joins(verified, snapshot)
    verified = replace(verified, context=settled.context)
    decision = None
    if claimed is not None:
        decision = write_record(claimed, verified, settled.snapshot, decide_on)
        if decision is None and claimed.merge is not None:
            settled = settled.undone(claimed.holder, claimed.merge)
            verified = replace(verified, context=settled.context)
    if decision is None:
        decision = decide_on(verified, settled.snapshot)
    # A refused call settles nothing: the join is as it was.
    if decision.refusal is not None:
        return decision
    changes = settled.settle(decision.change_set)
    result = decision.result if not settled.stored else replace(decision.result, changed=True)
    return replace(decision, result=result, change_set=changes)


def _decide_alone(verified: VerifiedClaim, hooks: PluginManager, snapshot: Snapshot) -> Decision[Outcome]:
    # In this order: standing needs the contact, writes need the standing, and links need both.
    matched = match(verified, snapshot, hooks)
    if may_be_blocked(matched, snapshot):
        refused = refuse_blocked(matched, snapshot)
        if refused is not None:
            return refused
    if matched.session is not None and matched.session.is_lead:
        matched = absorb_stub(matched, matched.session, snapshot)
    if matched.collisions:
        matched = plan_join(matched, snapshot)
    session = continue_session(matched)
    standing = judge_standing(session, snapshot)
    writes = review_writes(standing, hooks)
    links = link(standing, snapshot, hooks)
    return decision_of(result_of(standing, writes, links, snapshot))
