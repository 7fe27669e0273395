"""`hullo retention`: what is too old is removed (P3)."""

from __future__ import annotations

import click
from msgspec.structs import asdict

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.progress import show_progress
from hullo.cli.screen import table
from hullo.operations.admin.audit_log import COMMAND_LINE
from hullo.operations.privacy.retention import AppRetentionResult, RetentionRun, run_retention


@click.group("retention")
@common_options
def retention_group() -> None:
    """What is too old: see how much there is, and remove it."""


@retention_group.command()
@click.option("--dry-run", is_flag=True, help="Remove nothing, only say how much there is.")
@common_options
@pass_options
def run(options: CommonOptions, dry_run: bool) -> None:
    """Remove what every app keeps no longer. Servers do it by themselves, once a day.

    Safe to repeat, to stop, and to run beside servers. `hullo app set KEY keep_conversation_days=365` says for how
    long what is kept.
    """
    with options.open_hullo() as hullo, show_progress() as progress:
        done = run_retention(hullo.store, hullo.clock, COMMAND_LINE, dry_run=dry_run, progress=progress)
    document = {
        "dry_run": dry_run,
        "apps": [{"app_id": each.app.id, **asdict(each.removed)} for each in done.apps],
        "total": done.total_removed.total,
        "deliveries": done.deliveries,
    }
    options.print_result(document, _text(done, dry_run))


def _text(done: RetentionRun, dry_run: bool) -> str:
    told = table(
        ("APP", "SESSIONS", "VISITORS", "CONVERSATIONS", "MESSAGES", "DECISIONS", "TIMELINE"),
        [_row(each) for each in done.apps],
    )
    if dry_run:
        return f"{told}\n\nNothing was removed: this was a dry run. {done.total_removed.total:,} records are too old."
    log = f", and {done.deliveries:,} deliveries to webhooks" if done.deliveries else ""
    return f"{told}\n\nRemoved {done.total_removed.total:,} records{log}."


def _row(retained: AppRetentionResult) -> tuple[object, ...]:
    swept = retained.removed
    counts = (swept.sessions, swept.visitors, swept.conversations, swept.messages, swept.decisions, swept.timeline)
    return (retained.app.name, *(f"{count:,}" for count in counts))
