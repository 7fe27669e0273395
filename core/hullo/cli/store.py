"""`hullo store copy`: moves a whole database to another engine."""

from __future__ import annotations

import click

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.progress import show_progress
from hullo.cli.screen import command_text, table
from hullo.hooks.entry_points import open_store
from hullo.store.copying import copy_store
from hullo.store.maintenance import SupportsCopy
from hullo.store.urls import mask_secrets


@click.group("store")
@common_options
def store_group() -> None:
    """Move a whole database to another engine."""


@store_group.command()
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@common_options
@pass_options
def copy(options: CommonOptions, source: str, target: str) -> None:
    """Copy all rows from SOURCE to TARGET, two database URLs of any engines.

    Stop the servers first. TARGET must be empty; the command creates it if it does not exist. The copy is of one moment
    of SOURCE. At the end, the command reads both databases again and compares them. It ends with status 1 if SOURCE was
    written to meanwhile. Repeat an interrupted command to continue it. No server opens TARGET before the copy is
    complete.
    """
    old, new = _portable(source), _portable(target)
    # Two URLs may lead to one database; `copy_store` finds the rest by its mark.
    if old.location == new.location:
        raise click.UsageError("SOURCE and TARGET are the same database")
    with show_progress() as progress:
        tables = copy_store(old, new, progress)
    rows = sum(copied.rows for copied in tables)
    document = {
        # Results end up in logs and tickets, so URLs are shown without passwords (P4).
        "source": mask_secrets(source),
        "target": mask_secrets(target),
        "rows": rows,
        "tables": [{"name": copied.name, "rows": copied.rows, "digest": copied.digest} for copied in tables],
    }
    text = table(("TABLE", "ROWS", "SHA-256"), [(copied.name, f"{copied.rows:,}", copied.digest) for copied in tables])
    start = command_text(f"hullo serve --db {mask_secrets(target)}")
    options.print_result(
        document, f"{text}\n\nCopied and compared {rows:,} rows: both databases are the same. Next:  {start}"
    )


def _portable(url: str) -> SupportsCopy:
    store = open_store(url)
    if not isinstance(store, SupportsCopy):
        raise click.UsageError(f"{mask_secrets(url)} cannot be copied: its store keeps no rows that last")
    return store
