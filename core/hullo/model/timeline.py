"""What happened to one person, by time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import field

from hullo.model.contact import ContactId
from hullo.model.event import FieldChange
from hullo.model.instant import Instant
from hullo.value import Value

CONTACT_EVENT: Final = "contact.event"
"""The name under which a timeline shows what a site reported: its own name for it is in `data`."""


class ContactEvent(Value):
    """Something that a site reports about a person: an order, a page that was seen.

    Its id is in the order of `occurred_at`, which may lie in the past.
    """

    id: str
    workspace_id: str
    contact_id: ContactId
    name: str
    occurred_at: Instant
    by: str
    """The writer, as in `Fact.by`."""
    app_id: str | None = None
    properties: Mapping[str, object] = field(default_factory=dict[str, object])
    """Any JSON."""


class TimelineEntry(Value):
    """One line of a timeline: an `Event`, or a `ContactEvent` with its name and properties in `data`."""

    id: str
    workspace_id: str
    contact_id: ContactId
    """Whose it was when it happened: a survivor's timeline shows those of whom it absorbed."""
    app_id: str | None
    at: Instant
    name: str
    by: str | None
    data: Mapping[str, object]
    changes: tuple[FieldChange, ...] = ()
