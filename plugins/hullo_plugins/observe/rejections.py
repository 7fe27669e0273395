"""The event `identity.rejected`: proofs were refused, because of a mistake or an attack (E)."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Final

from hullo.plugin import App, Event, EventBuilder, Host, HulloError, ProofRejected, hookimpl
from hullo_plugins.observe.buffered_counter import BufferedCounter

RejectionKey = tuple[str, str, str | None]
"""The ids of workspace and app, and the code of the mistake; None: unknown."""

INTERVAL: Final = 10.0
"""Seconds between two events."""


class Rejections(BufferedCounter[RejectionKey]):
    """Commit at most one event for each app and mistake every `seconds`, with the number of refused calls.

    So a flood of wrong proofs floods neither the database nor the receivers of events. The event names no contact: the
    person that a wrong proof names is not the one who sent it.
    """

    name: ClassVar = "rejections"

    def __init__(self, seconds: float = INTERVAL) -> None:
        super().__init__(seconds)

    @hookimpl
    def identify_refused(self, error: HulloError, app: App | None) -> None:
        """Count a refused proof."""
        if self._host is not None and app is not None and isinstance(error, ProofRejected):
            self._increment((app.workspace_id, app.id, error.mistake))

    def _write(self, host: Host, counts: Counter[RejectionKey]) -> None:
        context = host.new_context()
        events: tuple[Event, ...] = ()
        for (workspace_id, app_id, mistake), calls in counts.items():
            builder = EventBuilder(context, workspace_id, app_id=app_id, preceding=events)
            builder.add("identity.rejected", data={"mistake": mistake, "calls": calls})
            events = builder.events
        host.commit_events(events)
