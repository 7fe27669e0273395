"""The event `identity.rejected`: somebody's proofs are refused, because of a mistake or an attack (E)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar, Final

from hullo.errors import HulloError, ProofRejected
from hullo.hooks.specs import hookimpl
from hullo.model.app import App
from hullo.model.change_set import ChangeSet
from hullo.model.event import Event
from hullo.pipeline.telling import Teller
from hullo_plugins.observe.gathering import Gathering

if TYPE_CHECKING:
    from hullo.app import Hullo

Rejected = tuple[str, str, str | None]
"""The workspace, the app, and the mistake where that is known."""

TELL_EVERY: Final = 10.0
"""Seconds."""


class Rejections:
    """Tells at most one event of each app and mistake every `seconds`, with how many calls it was: who floods with
    wrong proofs floods neither the database nor whoever listens.

    The event is nobody's: whom a wrong proof names is not who sent it. Kept in memory until it is told, and lost when
    the process is killed before.
    """

    name: ClassVar = "rejections"
    waits: ClassVar = False

    def __init__(self, seconds: float = TELL_EVERY) -> None:
        self._hullo: Hullo | None = None
        self._gathering: Gathering[Rejected] = Gathering(seconds, self._tell)

    @hookimpl
    def startup(self, hullo: Hullo) -> None:
        self._hullo = hullo

    @hookimpl
    def shutdown(self) -> None:
        self._gathering.end()
        self._hullo = None

    @hookimpl
    def identify_refused(self, error: HulloError, app: App | None) -> None:
        if self._hullo is not None and app is not None and isinstance(error, ProofRejected):
            self._gathering.count((app.workspace_id, app.id, error.mistake))

    def _tell(self, rejected: Counter[Rejected]) -> None:
        hullo = self._hullo
        if hullo is None:
            return
        moment = hullo.moment()
        events: tuple[Event, ...] = ()
        for (workspace_id, app_id, mistake), calls in rejected.items():
            teller = Teller(moment, workspace_id, app_id=app_id, beside=events)
            teller.tell("identity.rejected", data={"mistake": mistake, "calls": calls})
            events = teller.events
        hullo.store.apply([ChangeSet(events=events)])
        hullo.courier.nudge()
