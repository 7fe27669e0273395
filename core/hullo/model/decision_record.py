"""Why something was decided as it was: the trace, and the form in which it is kept."""

from __future__ import annotations

from typing import Literal

from hullo.model.contact import ContactId
from hullo.model.instant import Instant
from hullo.value import Value

Verdict = Literal["written", "unchanged", "kept", "rejected"]
"""`written`; `unchanged`: it was so already; `kept`: a policy refused the write, what was stored stays;
`rejected`: a fault of the request itself."""


class Step(Value):
    """One plugin's answer at one stage, in words without personal values."""

    stage: str
    plugin: str
    answer: str


class FieldVerdict(Value):
    """What became of one field, and why. `field` is a profile field, an identifier's kind or `custom_data.<key>`."""

    field: str
    verdict: Verdict
    reason: str


class Trace(Value):
    """The explanation of one decision, in the order in which it was taken."""

    steps: tuple[Step, ...] = ()
    fields: tuple[FieldVerdict, ...] = ()


class DecisionRecord(Value):
    """A trace as it is kept for agents and API keys. A call that wrote nothing leaves none (W9)."""

    id: str
    workspace_id: str
    app_id: str | None
    contact_id: ContactId
    request_id: str
    at: Instant
    by: str
    """The writer, as in `Fact.by`."""
    matched_by: str
    standing: str
    trace: Trace
