"""The event `identity.rejected`: somebody's proofs are refused, because of a mistake or an attack (E)."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Final

from hullo.plugin import App, Event, EventBuilder, Host, HulloError, ProofRejected, hookimpl
from hullo_plugins.observe.gathering import BufferedCounter

RejectionKey = tuple[str, str, str | None]
"""The workspace, the app, and the mistake where that is known."""

INTERVAL: Final = 10.0
"""Seconds."""


class Rejections:
    """Tells at most one event of each app and mistake every `seconds`, with how many calls it was: who floods with
    wrong proofs floods neither the database nor whoever listens.

    The event is nobody's: whom a wrong proof names is not who sent it. Kept in memory until it is told, and lost when
    the process is killed before.
    """

    name: ClassVar = "rejections"
    waits: ClassVar = False

    def __init__(self, seconds: float = INTERVAL) -> None:
        self._hullo: Host | None = None
        self._counter: BufferedCounter[RejectionKey] = BufferedCounter(seconds, self._write_events)

    @hookimpl
    def startup(self, hullo: Host) -> None:
        self._hullo = hullo

    @hookimpl
    def shutdown(self) -> None:
        self._counter.close()
        self._hullo = None

    @hookimpl
    def identify_refused(self, error: HulloError, app: App | None) -> None:
        if self._hullo is not None and app is not None and isinstance(error, ProofRejected):
            self._counter.increment((app.workspace_id, app.id, error.mistake))

    def _write_events(self, rejected: Counter[RejectionKey]) -> None:
        hullo = self._hullo
        if hullo is None:
            return
        moment = hullo.new_context()
        events: tuple[Event, ...] = ()
        for (workspace_id, app_id, mistake), calls in rejected.items():
            teller = EventBuilder(moment, workspace_id, app_id=app_id, preceding=events)
            teller.add("identity.rejected", data={"mistake": mistake, "calls": calls})
            events = teller.events
        hullo.commit_events(events)
