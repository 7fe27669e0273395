"""The timeline of a contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import field

from hullo.model.contact import ContactId
from hullo.model.event import FieldChange
from hullo.model.instant import Instant
from hullo.value import Value

CONTACT_EVENT: Final = "contact.event"
"""Name of reported events in a timeline: the site's own name for them is in `data`."""


class ContactEvent(Value):
    """Event that a site reports about a person: an order, a page view.

    Ids sort by `occurred_at`, which may lie in the past.
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
    """One entry of a timeline: an `Event`, or a `ContactEvent` with its name and properties in `data`."""

    id: str
    workspace_id: str
    contact_id: ContactId
    """Contact at the time of the event: a survivor's timeline includes those of the contacts it absorbed."""
    app_id: str | None
    at: Instant
    name: str
    by: str | None
    data: Mapping[str, object]
    changes: tuple[FieldChange, ...] = ()
