"""`hullo migrate`: the database's schema."""

from __future__ import annotations

from contextlib import closing

import click

from hullo.cli.options import Given, common, pass_given
from hullo.store.upkeep import Migrates
from hullo.store.urls import without_password


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only show the SQL that would run.")
@common
@pass_given
def migrate_command(given: Given, dry_run: bool) -> None:
    """Bring the database up to date, making its tables first where there are none. Harmless to repeat."""
    if dry_run:
        _show_pending(given)
        return
    # The store alone: its schema is brought up to date also where no master key opens what is in it.
    with closing(given.closed_store()) as store:
        store.open()
        store.check()
    given.show({"current": True}, "The database is up to date.")


def _show_pending(given: Given) -> None:
    store = given.closed_store()
    if not isinstance(store, Migrates):
        url = without_password(given.settings().store)
        raise click.UsageError(f"{url} has no schema that could be shown; leave out --dry-run")
    pending = store.pending_sql()
    shown = "".join(f"{each};\n" for each in pending).rstrip() or "-- Nothing to do: the database is up to date."
    given.show({"current": not pending, "pending": list(pending)}, shown)
