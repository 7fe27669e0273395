"""`hullo migrate`: the schema of the database."""

from __future__ import annotations

from contextlib import closing

import click

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.store.maintenance import SupportsMaintenance
from hullo.store.urls import mask_secrets


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Print the SQL, and run nothing.")
@common_options
@pass_options
def migrate_command(options: CommonOptions, dry_run: bool) -> None:
    """Create the database or bring its schema up to date. Safe to repeat."""
    if dry_run:
        _show_pending(options)
        return
    # The store alone, without `Hullo.open`: that needs the master key, and the schema does not.
    with closing(options.closed_store()) as store:
        store.open()
        # Opening may find nothing to do; the check makes sure that the schema is this version's.
        store.check()
    options.print_result({"current": True}, "The database is up to date.")


def _show_pending(options: CommonOptions) -> None:
    store = options.closed_store()
    if not isinstance(store, SupportsMaintenance):
        url = mask_secrets(options.settings().store)
        raise click.UsageError(f"the store of {url} cannot print its SQL; leave out --dry-run")
    pending = store.pending_sql()
    shown = (
        # Complete statements: an operator pipes them into the database's own client.
        "".join(f"{statement};\n" for statement in pending).rstrip() or "-- Nothing to do: the database is up to date."
    )
    options.print_result({"current": not pending, "pending": list(pending)}, shown)
