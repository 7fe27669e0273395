"""Events that a site reports about a person, such as an order or a page view. They go into the timeline only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, cast

import msgspec
from msgspec import field

from hullo.errors import Invalid, Rejection
from hullo.model.change_set import ChangeSet
from hullo.model.claim import CONTROL_CHARACTERS
from hullo.model.contact import ContactId
from hullo.model.decision import Decision
from hullo.model.instant import HOUR, Instant, parse_rfc3339
from hullo.model.limits import Limits
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.timeline import ContactEvent
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value

MAX_CLOCK_SKEW: Final = HOUR
"""How far in the future an event may be: the site's clock may be ahead."""

_INT64_LIMIT: Final = 2**63

_encode = msgspec.json.Encoder().encode


class EventReport(Value):
    """Reported event. `occurred_at` None: now."""

    name: str
    occurred_at: Instant | None = None
    properties: Mapping[str, object] = field(default_factory=dict[str, object])

    @classmethod
    def from_body(cls, body: Mapping[str, object], limits: Limits, now: Instant) -> EventReport:
        """Parse a decoded body. Raises `Invalid` with all faults."""
        # All three are judged before any error: one answer names every fault.
        name, occurred_at, properties = (body.get(field) for field in ("name", "occurred_at", "properties"))
        faults = {
            "name": _name_fault(name, limits.event_name_length),
            "occurred_at": _time_fault(occurred_at, now),
            "properties": _properties_fault(properties, limits),
        }
        rejected = [Rejection(field=field, reason=reason) for field, reason in faults.items() if reason is not None]
        if rejected:
            raise Invalid(Invalid.invalid_fields_detail, rejected)
        return cls(
            name=cast("str", name).strip(),
            occurred_at=parse_rfc3339(cast("str", occurred_at)) if occurred_at is not None else None,
            properties=cast("Mapping[str, object] | None", properties) or {},
        )


class AddContactEvent(Value):
    """Addition of one event to a contact's timeline. A repeat adds it again."""

    contact_id: ContactId
    workspace_id: str
    app_id: str | None
    writer: str
    report: EventReport
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[ContactEvent]:  # noqa: ARG002 - needs no app
        """Build the query. The caller has checked the API key."""
        query = SnapshotQuery(workspace_id=self.workspace_id, app_id=None, contacts=(self.contact_id,))
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[ContactEvent]:
        """Add the event. Raises `NotFound` and `Conflicting` as `require_not_merged` does."""
        # A contact that was absorbed since is refused: a repeat finds the survivor (G3).
        contact = require_not_merged(snapshot, self.contact_id)
        at = self.report.occurred_at if self.report.occurred_at is not None else self.context.now
        event = ContactEvent(
            # The id has the time of the event: timelines are read in the order of ids.
            id=RequestContext(now=at, seed=self.context.seed).new_id("evt"),
            workspace_id=self.workspace_id,
            contact_id=contact.id,
            app_id=self.app_id,
            name=self.report.name,
            occurred_at=at,
            by=self.writer,
            properties=self.report.properties,
        )
        # The contact itself is not written: reported events must not conflict with each other.
        return Decision(result=event, change_set=ChangeSet(contact_events=(event,)))


def _name_fault(name: object, max_length: int) -> str | None:
    if not isinstance(name, str):
        return "must be text"
    if not 0 < len(name.strip()) <= max_length:
        return f"must be 1 to {max_length} characters"
    return "has control characters" if CONTROL_CHARACTERS.search(name) else None


def _time_fault(text: object, now: Instant) -> str | None:
    if text is None:
        return None
    try:
        at = parse_rfc3339(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is None:
        return "must be a time as in RFC 3339, such as 2026-11-22T14:03:00Z"
    # Ids hold the time as a number of microseconds, which has no room for a sign.
    if at < 0:
        return "is before 1970"
    return "is more than an hour in the future" if at > now + MAX_CLOCK_SKEW else None


def _properties_fault(properties: object, limits: Limits) -> str | None:
    if properties is None:
        return None
    if not isinstance(properties, dict):
        return "must be an object"
    # Before the encoder: it would write NaN as null, and follow any nesting.
    if fault := _value_fault(cast("object", properties), limits.event_properties_depth):
        return fault
    # Measured as stored: spaces of the request do not count.
    if len(_encode(properties)) > limits.event_properties_bytes:
        return f"over {limits.event_properties_bytes} bytes"
    return None


def _value_fault(value: object, depth: int) -> str | None:
    """Find a fault in a JSON value. `depth` is how many levels of nesting are left."""
    if isinstance(value, dict | list):
        # A limit of depth bounds the recursion of this function too.
        if depth == 0:
            return "is nested too deeply"
        parts = cast("dict[str, object]", value).values() if isinstance(value, dict) else cast("list[object]", value)
        return next((fault for part in parts if (fault := _value_fault(part, depth - 1))), None)
    if isinstance(value, float) and not math.isfinite(value):
        return "must hold finite numbers"
    if isinstance(value, int) and not -_INT64_LIMIT <= value < _INT64_LIMIT:
        return "holds a number that does not fit in 64 bits; send it as text"
    return None
