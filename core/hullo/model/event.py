"""What happened, for whoever listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hullo.model.instant import Instant

EventName = Literal[
    "contact.created",
    "contact.identified",
    "contact.updated",
    "contact.erased",
    "conversation.created",
    "conversation.linked",
    "message.created",
    "identity.conflict",
    "visitor.reset",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact of the list in `E`. `data` holds ids and field names, never a personal value (P4)."""

    id: str
    name: EventName
    at: Instant
    workspace_id: str
    app_id: str | None = None
    contact_id: str | None = None
    data: Mapping[str, object] = field(default_factory=dict[str, object])
