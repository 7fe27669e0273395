"""The explanation of a decision: the trace, and the record of it that stores keep."""

from __future__ import annotations

from typing import Final, Literal

from hullo.model.contact import ContactId
from hullo.model.instant import Instant
from hullo.model.tombstone import TombstoneDigest
from hullo.value import Value

Verdict = Literal["written", "unchanged", "kept", "rejected"]
"""`written`; `unchanged`: it had that value; `kept`: a policy refused the write, the stored value stays; `rejected`: a
fault of the request itself."""


VISIT: Final = "visit"
"""The stage of the suggestion that one browser was used by two contacts (C5)."""


# Most steps name no contact, and are stored without the field.
class Step(Value, omit_defaults=True):
    """Answer of one plugin at one stage, without personal values."""

    stage: str
    plugin: str
    answer: str
    contact_id: ContactId | None = None
    """The other contact that a suggestion is about."""


class FieldVerdict(Value):
    """Verdict on one field, and its reason. `field` is a profile field, an identifier's kind or `custom_data.<key>`."""

    field: str
    verdict: Verdict
    reason: str


class Trace(Value):
    """Explanation of one decision, in the order of its steps."""

    steps: tuple[Step, ...] = ()
    fields: tuple[FieldVerdict, ...] = ()
    named: tuple[TombstoneDigest, ...] = ()
    """Identifiers by which the call named a contact that has absorbed others, salted (P2): an undo gives what it wrote
    to the one that it named (G2)."""


class DecisionRecord(Value):
    """Trace as stored for agents and API keys. A call that wrote nothing leaves none (W9)."""

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
