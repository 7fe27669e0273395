"""Removal of old records (P3): by each app's settings, and of the webhook log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from hullo.model.app import App
from hullo.model.instant import DAY, Instant
from hullo.model.request_context import Clock
from hullo.model.retention import Sweep, SweepResult
from hullo.operations.admin.audit_log import AuditLog
from hullo.store.maintenance import Progress, no_progress
from hullo.store.protocol import Store
from hullo.value import Value

# Bodies of deliveries hold ids only; a month is enough to replay them after an outage.
DELIVERY_RETENTION_DAYS: Final = 30
# Small transactions, so that other writes do not wait long.
BATCH_SIZE: Final = 500


class AppRetentionResult(Value):
    """Records of one app that a run removed; in a dry run, that it would remove."""

    app: App
    removed: SweepResult


class RetentionRun(Value):
    """Result of one run. A dry run does not count deliveries."""

    apps: tuple[AppRetentionResult, ...]
    deliveries: int
    contacts: int = 0
    """Contacts that were never proven, of all workspaces."""

    @property
    def total_removed(self) -> SweepResult:
        """Count the removed records of all apps, and of their workspaces."""
        return sum((result.removed for result in self.apps), SweepResult(contacts=self.contacts))


def run_retention(
    store: Store, clock: Clock, by: str, *, dry_run: bool = False, progress: Progress = no_progress
) -> RetentionRun:
    """Remove old records of every app. Concurrent runs are safe: each record is removed and counted by one of them.

    Each workspace's audit log gets an entry by `by`, unless nothing was removed. An interrupted run leaves old records,
    and writes no entry for the workspace it was working on.
    """
    # Read once: every app is cut at the same time, however long the run takes.
    now = clock()
    # By workspace, so that each audit log gets one entry for the run.
    apps = sorted(store.list_apps(), key=lambda app: app.workspace_id)
    audit_log = AuditLog(store, clock, by)
    results: list[AppRetentionResult] = []
    contacts = 0
    for number, app in enumerate(apps):
        progress("removing what is too old", number, len(apps))
        results.append(AppRetentionResult(app=app, removed=_sweep_app(store, app, now, dry_run=dry_run)))
        # After the last app of a workspace, not at the end: an interrupted run has told what it finished.
        last = number + 1 == len(apps) or apps[number + 1].workspace_id != app.workspace_id
        if last:
            gone = _sweep_contacts(store, app.workspace_id, apps, now, dry_run=dry_run)
            contacts += gone
            if not dry_run:
                _record_removal(audit_log, app.workspace_id, results, gone)
    progress("removing what is too old", len(apps), len(apps))
    deliveries = 0 if dry_run else _delete_deliveries(store, now)
    return RetentionRun(apps=tuple(results), deliveries=deliveries, contacts=contacts)


def build_sweep(app: App, now: Instant) -> Sweep:
    """Build the sweep from an app's retention settings."""
    retention = app.retention
    return Sweep(
        app_id=app.id,
        now=now,
        anonymous_before=_cutoff(now, retention.anonymous_days),
        conversations_before=_cutoff(now, retention.conversation_days),
        decisions_before=_cutoff(now, retention.decision_days),
        timeline_before=_cutoff(now, retention.timeline_days),
        limit=BATCH_SIZE,
    )


def _cutoff(now: Instant, days: int | None) -> Instant | None:
    return None if days is None else now - days * DAY


def _sweep_app(store: Store, app: App, now: Instant, *, dry_run: bool) -> SweepResult:
    return _repeat_sweep(store, build_sweep(app, now), dry_run=dry_run)


def _sweep_contacts(store: Store, workspace_id: str, apps: Sequence[App], now: Instant, *, dry_run: bool) -> int:
    """Remove the workspace's contacts that were never proven; return how many."""
    days = [app.retention.contact_days for app in apps if app.workspace_id == workspace_id]
    # The longest: an app whose visitors come once in two years must not lose them to the settings of another.
    longest = None if None in days else max(day for day in days if day is not None)
    before = _cutoff(now, longest)
    if before is None:
        return 0
    sweep = Sweep(app_id="", now=now, workspace_id=workspace_id, contacts_before=before, limit=BATCH_SIZE)
    return _repeat_sweep(store, sweep, dry_run=dry_run).contacts


def _repeat_sweep(store: Store, sweep: Sweep, *, dry_run: bool) -> SweepResult:
    total = SweepResult()
    while (removed := store.sweep(sweep, dry_run=dry_run)).total:
        total += removed
        if dry_run:  # nothing was removed, so the next batch would be the same
            break
        sweep = replace(sweep, contacts_after=total.last_contact)
    return total


def _delete_deliveries(store: Store, now: Instant) -> int:
    deleted = 0
    # Until a batch is empty: a full batch does not tell whether there is more.
    while removed := store.delete_deliveries(now - DELIVERY_RETENTION_DAYS * DAY, BATCH_SIZE):
        deleted += removed
    return deleted


def _record_removal(
    audit_log: AuditLog, workspace_id: str, results: Sequence[AppRetentionResult], contacts: int
) -> None:
    removed = {
        result.app.id: _nonzero_counts(result.removed)
        for result in results
        if result.app.workspace_id == workspace_id and result.removed.total
    }
    # W9: a nightly run without effect must not fill the audit log.
    if removed or contacts:
        counted = {"contacts": contacts} if contacts else {}
        audit_log.record(workspace_id, "retention.run", workspace_id, {"removed": removed, **counted})


def _nonzero_counts(total: SweepResult) -> dict[str, int]:
    # Zeros say nothing, and would hide the counts that matter.
    return {kind: count for kind, count in total.counts.items() if count}
