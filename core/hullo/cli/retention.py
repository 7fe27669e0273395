"""`hullo retention`: the deletion of old data (P3)."""

from __future__ import annotations

import click

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.progress import show_progress
from hullo.cli.screen import table
from hullo.operations.admin.audit_log import COMMAND_LINE
from hullo.operations.privacy.retention import AppRetentionResult, RetentionRun, run_retention


@click.group("retention")
@common_options
def retention_group() -> None:
    """Delete data that is older than an app keeps it."""


@retention_group.command()
@click.option("--dry-run", is_flag=True, help="Count the data, and delete nothing.")
@common_options
@pass_options
def run(options: CommonOptions, dry_run: bool) -> None:
    """Delete data older than the retention settings of each app. Servers do the same once a day.

    Safe to repeat, to interrupt, and to run beside servers. To change a setting: `hullo app set KEY
    keep_conversation_days=365`.
    """
    with options.open_hullo() as hullo, show_progress() as progress:
        # The same function as the servers' daily run, which may go on beside it: each deletes what the other left.
        done = run_retention(hullo.store, hullo.clock, COMMAND_LINE, dry_run=dry_run, progress=progress)
    document = {
        "dry_run": dry_run,
        "apps": [{"app_id": result.app.id, **_app_counts(result)} for result in done.apps],
        "contacts": done.contacts,
        "total": done.total_removed.total,
        "deliveries": done.deliveries,
    }
    options.print_result(document, _text(done, dry_run))


def _text(done: RetentionRun, dry_run: bool) -> str:
    counts = table(
        ("APP", "SESSIONS", "VISITORS", "CONVERSATIONS", "MESSAGES", "DECISIONS", "TIMELINE"),
        [_row(result) for result in done.apps],
    )
    contacts = f", among them {done.contacts:,} contacts that were never proven" if done.contacts else ""
    total = f"{done.total_removed.total:,} records"
    if dry_run:
        return f"{counts}\n\nNothing was deleted: this was a dry run. {total} are too old{contacts}."
    log = f" and {done.deliveries:,} webhook deliveries" if done.deliveries else ""
    return f"{counts}\n\nDeleted {total}{log}{contacts}."


def _app_counts(result: AppRetentionResult) -> dict[str, int]:
    # Contacts belong to workspaces, and are counted for all of them together.
    return {kind: count for kind, count in result.removed.counts.items() if kind != "contacts"}


def _row(result: AppRetentionResult) -> tuple[object, ...]:
    return (result.app.name, *(f"{count:,}" for count in _app_counts(result).values()))
