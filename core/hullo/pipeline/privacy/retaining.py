"""What is too old is removed (P3): each app's by its own settings, and the log of webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from hullo.model.app import App
from hullo.model.instant import DAY, Instant
from hullo.model.moment import Clock
from hullo.model.retention import Sweep, Swept
from hullo.pipeline.audit.ledger import Ledger
from hullo.store.protocol import Store
from hullo.store.upkeep import Progress, say_nothing

DELIVERY_DAYS: Final = 30
AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What a run removed of one app; in a dry run, what it would."""

    app: App
    swept: Swept


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRun:
    """One run. A dry run leaves deliveries out."""

    apps: tuple[Retained, ...]
    deliveries: int

    @property
    def swept(self) -> Swept:
        """Of all apps."""
        return sum((each.swept for each in self.apps), Swept())


def retain(
    store: Store, clock: Clock, by: str, *, dry_run: bool = False, progress: Progress = say_nothing
) -> RetentionRun:
    """Sweeps every app until nothing is left to remove. By two at once each thing is removed by one of them.

    Each workspace's audit log is told, by `by`, of what went from it; nothing where nothing did. Whoever is stopped in
    the middle has removed less, and what was removed from the workspace under way is not in its log.
    """
    now = clock()
    apps = sorted(store.list_apps(), key=lambda app: app.workspace_id)
    ledger = Ledger(store, clock, by)
    retained: list[Retained] = []
    for number, app in enumerate(apps):
        progress("removing what is too old", number, len(apps))
        retained.append(Retained(app=app, swept=_swept(store, app, now, dry_run=dry_run)))
        last = number + 1 == len(apps) or apps[number + 1].workspace_id != app.workspace_id
        if last and not dry_run:
            _note(ledger, app.workspace_id, retained)
    progress("removing what is too old", len(apps), len(apps))
    return RetentionRun(apps=tuple(retained), deliveries=0 if dry_run else _forget_deliveries(store, now))


def sweep_of(app: App, now: Instant) -> Sweep:
    """What of an app is too old."""
    kept = app.retention
    return Sweep(
        app_id=app.id,
        now=now,
        anonymous_before=_before(now, kept.anonymous_days),
        conversations_before=_before(now, kept.conversation_days),
        decisions_before=_before(now, kept.decision_days),
        timeline_before=_before(now, kept.timeline_days),
        most=AT_ONCE,
    )


def _before(now: Instant, days: int | None) -> Instant | None:
    return None if days is None else now - days * DAY


def _swept(store: Store, app: App, now: Instant, *, dry_run: bool) -> Swept:
    sweep, swept = sweep_of(app, now), Swept()
    while (removed := store.sweep(sweep, dry_run=dry_run)).total:
        swept += removed
        if dry_run:
            break
    return swept


def _forget_deliveries(store: Store, now: Instant) -> int:
    forgotten = 0
    while removed := store.forget_deliveries(now - DELIVERY_DAYS * DAY, AT_ONCE):
        forgotten += removed
    return forgotten


def _note(ledger: Ledger, workspace_id: str, retained: Sequence[Retained]) -> None:
    removed = {
        each.app.id: _counted(each.swept)
        for each in retained
        if each.app.workspace_id == workspace_id and each.swept.total
    }
    if removed:
        ledger.note(workspace_id, "retention.run", workspace_id, {"removed": removed})


def _counted(swept: Swept) -> dict[str, int]:
    return {kind: count for kind, count in asdict(swept).items() if count}
