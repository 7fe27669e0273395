"""Events: facts about contacts and conversations, for observers, webhooks and timelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from msgspec import field

from hullo.model.contact import ContactId
from hullo.model.fact import Scalar
from hullo.model.instant import Instant
from hullo.value import Value

EventName = Literal[
    "contact.created",
    "contact.identified",
    "contact.updated",
    "contact.merged",
    "contact.unmerged",
    "contact.erased",
    "conversation.created",
    "conversation.linked",
    "conversation.updated",
    "message.created",
    "identity.conflict",
    "identity.rejected",
    "visitor.reset",
]

EVENT_NAMES: Final[tuple[EventName, ...]] = get_args(EventName)

NON_TIMELINE_EVENTS: Final[frozenset[str]] = frozenset({"message.created", "contact.erased", "identity.rejected"})
"""Events that are dispatched but stay out of contact timelines: conversations have their own list, an erased contact
has no timeline, and a refused proof belongs to no contact."""


class FieldChange(Value):
    """One value before and after; None is blank. `field` is named as in a `FieldVerdict`."""

    field: str
    before: Scalar | None
    after: Scalar | None


class Event(Value):
    """One fact of the list in `E`. `data` holds ids and field names, never a personal value (P4).

    Ids sort by time: strictly for one contact, by the clocks of the processes across contacts.
    """

    id: str
    name: EventName
    at: Instant
    workspace_id: str
    app_id: str | None = None
    contact_id: ContactId | None = None
    data: Mapping[str, object] = field(default_factory=dict[str, object])
    by: str | None = None
    """The writer, as in `Fact.by`. None without a particular writer."""
    changes: tuple[FieldChange, ...] = ()
    """The values, for the contact's timeline alone: observers and webhooks never get them, and an event from the outbox
    has none."""

    @property
    def is_in_timeline(self) -> bool:
        """Return whether the contact's timeline shows the event."""
        return self.contact_id is not None and self.name not in NON_TIMELINE_EVENTS
