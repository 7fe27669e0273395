"""What is too old is removed (P3): each app's by its own settings, and the log of webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import asdict

from hullo.model.app import App
from hullo.model.instant import DAY, Instant
from hullo.model.request_context import Clock
from hullo.model.retention import Sweep, SweepResult
from hullo.operations.admin.audit_log import AuditLog
from hullo.store.maintenance import Progress, no_progress
from hullo.store.protocol import Store
from hullo.value import Value

DELIVERY_RETENTION_DAYS: Final = 30
BATCH_SIZE: Final = 500


class AppRetentionResult(Value):
    """What a run removed of one app; in a dry run, what it would."""

    app: App
    removed: SweepResult


class RetentionRun(Value):
    """One run. A dry run leaves deliveries out."""

    apps: tuple[AppRetentionResult, ...]
    deliveries: int

    @property
    def total_removed(self) -> SweepResult:
        """Of all apps."""
        return sum((each.removed for each in self.apps), SweepResult())


def run_retention(
    store: Store, clock: Clock, by: str, *, dry_run: bool = False, progress: Progress = no_progress
) -> RetentionRun:
    """Sweeps every app until nothing is left to remove. By two at once each thing is removed by one of them.

    Each workspace's audit log is told, by `by`, of what went from it; nothing where nothing did. Whoever is stopped in
    the middle has removed less, and what was removed from the workspace under way is not in its log.
    """
    now = clock()
    apps = sorted(store.list_apps(), key=lambda app: app.workspace_id)
    ledger = AuditLog(store, clock, by)
    retained: list[AppRetentionResult] = []
    for number, app in enumerate(apps):
        progress("removing what is too old", number, len(apps))
        retained.append(AppRetentionResult(app=app, removed=_sweep_app(store, app, now, dry_run=dry_run)))
        last = number + 1 == len(apps) or apps[number + 1].workspace_id != app.workspace_id
        if last and not dry_run:
            _record_removal(ledger, app.workspace_id, retained)
    progress("removing what is too old", len(apps), len(apps))
    return RetentionRun(apps=tuple(retained), deliveries=0 if dry_run else _delete_deliveries(store, now))


def build_sweep(app: App, now: Instant) -> Sweep:
    """What of an app is too old."""
    kept = app.retention
    return Sweep(
        app_id=app.id,
        now=now,
        anonymous_before=_cutoff(now, kept.anonymous_days),
        conversations_before=_cutoff(now, kept.conversation_days),
        decisions_before=_cutoff(now, kept.decision_days),
        timeline_before=_cutoff(now, kept.timeline_days),
        limit=BATCH_SIZE,
    )


def _cutoff(now: Instant, days: int | None) -> Instant | None:
    return None if days is None else now - days * DAY


def _sweep_app(store: Store, app: App, now: Instant, *, dry_run: bool) -> SweepResult:
    sweep, swept = build_sweep(app, now), SweepResult()
    while (removed := store.sweep(sweep, dry_run=dry_run)).total:
        swept += removed
        if dry_run:
            break
    return swept


def _delete_deliveries(store: Store, now: Instant) -> int:
    forgotten = 0
    while removed := store.delete_deliveries(now - DELIVERY_RETENTION_DAYS * DAY, BATCH_SIZE):
        forgotten += removed
    return forgotten


def _record_removal(ledger: AuditLog, workspace_id: str, results: Sequence[AppRetentionResult]) -> None:
    removed = {
        each.app.id: _nonzero_counts(each.removed)
        for each in results
        if each.app.workspace_id == workspace_id and each.removed.total
    }
    if removed:
        ledger.record(workspace_id, "retention.run", workspace_id, {"removed": removed})


def _nonzero_counts(swept: SweepResult) -> dict[str, int]:
    return {kind: count for kind, count in asdict(swept).items() if count}
