"""Verify, load, decide, apply, tell."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from hullo.bus.protocol import Bus
from hullo.errors import HulloError, TooContended, Unstorable
from hullo.hooks.relay import Relay
from hullo.model.app import App
from hullo.model.decision import Decision
from hullo.model.outcome import Outcome
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.outbox.courier import Courier
from hullo.pipeline.retry import Patience
from hullo.pipeline.secrets.vault import Vault
from hullo.pipeline.word import notices_of
from hullo.pipeline.work import Prepared, Unit, WholeContactsWanted, Work
from hullo.store.protocol import Locking, Snapshot, Store, StoreConflict

T = TypeVar("T")


class Pipeline:
    """Serves units of work, a group at a time: one load and one commit for all of them.

    Synchronous, and safe to call from several threads; what a unit does to its neighbours in a group is to make
    them wait, never to make them fail.
    """

    def __init__(self, hooks: Relay, store: Store, vault: Vault, courier: Courier, bus: Bus) -> None:
        self.hooks = hooks
        self.store = store
        self.vault = vault
        self.courier = courier
        self.bus = bus
        self.apps = AppDirectory(store, vault)

    def run(self, work: Work[Any]) -> Decision[Any]:
        """Serves one piece of work alone, and tells observers. Raises what refused it."""
        unit = Unit(work)
        self.serve([unit])
        if isinstance(unit.result, Exception):
            raise unit.result
        assert unit.result is not None
        self.tell(unit.result)
        return unit.result

    def consider(self, work: Work[Any]) -> Decision[Any]:
        """What would be decided now. Nothing is written and nobody is told. Raises what would refuse it."""
        apps = AppDirectory(self.store, self.vault)  # which remembers nothing, and so nothing outdated
        return self.foresee(work.prepare(apps))

    def foresee(self, prepared: Prepared[T]) -> Decision[T]:
        """The same for work that is prepared already."""
        try:
            return prepared.decide(self.store.load([prepared.query])[0])
        except WholeContactsWanted:
            return self.foresee(prepared.wholly())

    def serve(self, units: Sequence[Unit]) -> None:
        """Gives every unit its result: a decision whose changes are committed, or the error that refused it."""
        waiting, patience = list(units), Patience()
        while waiting:
            ready = [unit for unit in patience.next_round(waiting) if self._verify(unit)]
            if ready:
                self._settle(ready, patience)
            waiting = [unit for unit in waiting if unit.result is None]

    def tell(self, decision: Decision[Any]) -> None:
        """Tells observers of an outcome that is committed, and has the courier tell of the events, if there are any;
        whoever has sockets open hears that there is something to look at."""
        if isinstance(decision.answer, Outcome):
            self.hooks.identified(decision.answer)
        if decision.change_set.events:
            self.courier.nudge()
        notices = notices_of(decision.change_set)
        if notices:
            self.bus.publish(notices)

    def tell_refused(self, error: HulloError, app: App | None, request_id: str) -> None:
        """Tells observers that an identify failed."""
        self.hooks.identify_refused(error, app, request_id)

    def _verify(self, unit: Unit) -> bool:
        if unit.prepared is None:
            try:
                unit.prepared = unit.work.prepare(self.apps)
            except Exception as refused:
                unit.result = refused
        return unit.result is None

    def _settle(self, units: Sequence[Unit], patience: Patience) -> None:
        """Loads, decides and applies. Those that are to look again keep waiting."""
        concerned = units
        try:
            with self._turn(patience):
                snapshots = self.store.load([unit.prepared.query for unit in units if unit.prepared is not None])
                decided = self._decide(units, snapshots, patience)
                concerned = [unit for unit, _ in decided]
                verdicts = self.store.apply([each.change_set for _, each in decided]) if decided else ()
        except Unstorable as unstorable:
            self._find_unstorable(concerned, unstorable, patience)
            return
        except HulloError as unavailable:
            for unit in concerned:
                unit.result = unavailable
            return
        for (unit, decision), verdict in zip(decided, verdicts, strict=True):
            if not isinstance(verdict, StoreConflict):
                unit.result = decision
                for use in decision.change_set.key_uses:
                    self.apps.note_use(use)
            elif not patience.with_another(unit):
                unit.result = TooContended()

    def _find_unstorable(self, units: Sequence[Unit], error: Unstorable, patience: Patience) -> None:
        """Nobody fails for what another wants written: each goes alone."""
        if len(units) == 1:
            units[0].result = error
            return
        for unit in units:
            self._settle([unit], patience)

    def _turn(self, patience: Patience) -> AbstractContextManager[object]:
        """Nothing is locked where nobody has met a conflict, which is cheaper, and nearly always enough."""
        store = self.store
        return store.locking() if patience.tried and isinstance(store, Locking) else nullcontext()

    def _decide(
        self, units: Sequence[Unit], snapshots: Sequence[Snapshot], patience: Patience
    ) -> list[tuple[Unit, Decision[Any]]]:
        decided: list[tuple[Unit, Decision[Any]]] = []
        touched: set[str] = set()
        for unit, snapshot in zip(units, snapshots, strict=True):
            assert unit.prepared is not None
            app = unit.prepared.app
            if app is not None and snapshot.app_version != app.version:
                self.apps.forget(app.id)
                unit.prepared = None
                if not patience.with_another(unit):
                    unit.result = TooContended()
                continue
            keys = {*unit.prepared.names, *snapshot.contacts, *snapshot.conversations}
            if not keys.isdisjoint(touched):
                continue  # somebody in this group changes the same person: look again after them
            try:
                decision = unit.prepared.decide(snapshot)
            except WholeContactsWanted:
                unit.prepared = unit.prepared.wholly()
                continue
            except Exception as refused:
                unit.result = refused
                continue
            if decision.change_set.empty:
                unit.result = decision
            else:
                touched |= keys
                decided.append((unit, decision))
        return decided
