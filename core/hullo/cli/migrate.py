"""`hullo migrate`: the database's schema."""

from __future__ import annotations

from contextlib import closing

import click

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.store.maintenance import SupportsMaintenance
from hullo.store.urls import mask_secrets


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only show the SQL that would run.")
@common_options
@pass_options
def migrate_command(options: CommonOptions, dry_run: bool) -> None:
    """Bring the database up to date, making its tables first where there are none. Harmless to repeat."""
    if dry_run:
        _show_pending(options)
        return
    # The store alone: its schema is brought up to date also where no master key opens what is in it.
    with closing(options.closed_store()) as store:
        store.open()
        store.check()
    options.print_result({"current": True}, "The database is up to date.")


def _show_pending(options: CommonOptions) -> None:
    store = options.closed_store()
    if not isinstance(store, SupportsMaintenance):
        url = mask_secrets(options.settings().store)
        raise click.UsageError(f"{url} has no schema that could be shown; leave out --dry-run")
    pending = store.pending_sql()
    shown = "".join(f"{each};\n" for each in pending).rstrip() or "-- Nothing to do: the database is up to date."
    options.print_result({"current": not pending, "pending": list(pending)}, shown)
