"""`hullo store`: a database as a whole."""

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
    """A database as a whole: move it to another engine."""


@store_group.command()
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@common_options
@pass_options
def copy(options: CommonOptions, source: str, target: str) -> None:
    """Copy every row of SOURCE to TARGET, both URLs of databases, on whatever engines.

    Stop the servers first. TARGET is made, or is there and empty. Afterwards both are read again and compared.
    An interrupted copy goes on where it was when the command is repeated, and no server opens TARGET before its end.
    """
    old, new = _portable(source), _portable(target)
    if old.location == new.location:
        raise click.UsageError("SOURCE and TARGET are the same database")
    with show_progress() as progress:
        tables = copy_store(old, new, progress)
    rows = sum(each.rows for each in tables)
    document = {
        "source": mask_secrets(source),
        "target": mask_secrets(target),
        "rows": rows,
        "tables": [{"name": each.name, "rows": each.rows, "digest": each.digest} for each in tables],
    }
    told = table(("TABLE", "ROWS", "SHA-256"), [(each.name, f"{each.rows:,}", each.digest) for each in tables])
    start = command_text(f"hullo serve --db {mask_secrets(target)}")
    options.print_result(
        document, f"{told}\n\nCopied and compared: {rows:,} rows, the same on both sides. Next:  {start}"
    )


def _portable(url: str) -> SupportsCopy:
    store = open_store(url)
    if not isinstance(store, SupportsCopy):
        raise click.UsageError(f"{mask_secrets(url)} cannot be copied: its store keeps no rows that last")
    return store
