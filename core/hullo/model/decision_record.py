"""Why something was decided as it was: the trace, and the form in which it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hullo.model.contact import ContactId
from hullo.model.instant import Instant

Verdict = Literal["written", "unchanged", "kept", "rejected"]
"""`written`; `unchanged`: it was so already; `kept`: a policy refused the write, what was stored stays;
`rejected`: a fault of the request itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One plugin's answer at one stage, in words without personal values."""

    stage: str
    plugin: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldVerdict:
    """What became of one field, and why. `field` is a profile field, an identifier's kind or `custom_data.<key>`."""

    field: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The explanation of one decision, in the order in which it was taken."""

    steps: tuple[Step, ...] = ()
    fields: tuple[FieldVerdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
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
