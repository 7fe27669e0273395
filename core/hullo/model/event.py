"""What happened, for whoever listens."""

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
    "message.created",
    "identity.conflict",
    "identity.rejected",
    "visitor.reset",
]

EVENT_NAMES: Final[tuple[EventName, ...]] = get_args(EventName)

NON_TIMELINE_EVENTS: Final[frozenset[str]] = frozenset({"message.created", "contact.erased", "identity.rejected"})
"""Events that are told and not kept in a contact's timeline: its conversations are there, a person who was erased has
none, and a proof that was refused is nobody's."""


class FieldChange(Value):
    """One value before and after; None is blank. `field` is called as in a `FieldVerdict`."""

    field: str
    before: Scalar | None
    after: Scalar | None


class Event(Value):
    """One fact of the list in `E`. `data` holds ids and field names, never a personal value (P4).

    Ids are in the order in which things happened: of one contact always, of different ones by the clock.
    """

    id: str
    name: EventName
    at: Instant
    workspace_id: str
    app_id: str | None = None
    contact_id: ContactId | None = None
    data: Mapping[str, object] = field(default_factory=dict[str, object])
    by: str | None = None
    """The writer, as in `Fact.by`. None where nobody in particular did it."""
    changes: tuple[FieldChange, ...] = ()
    """The values, for the contact's timeline alone: observers and webhooks are not told of them, and an event that
    comes from the outbox has none."""

    @property
    def is_in_timeline(self) -> bool:
        """Whether the contact's timeline shows it."""
        return self.contact_id is not None and self.name not in NON_TIMELINE_EVENTS
