"""`hullo store`: a database as a whole."""

from __future__ import annotations

import click

from hullo.cli.options import Given, common, pass_given
from hullo.cli.progress import shown
from hullo.cli.screen import command, table
from hullo.hooks.discovery import open_store
from hullo.store.copying import copy_store
from hullo.store.upkeep import Portable
from hullo.store.urls import without_password


@click.group("store")
@common
def store_group() -> None:
    """A database as a whole: move it to another engine."""


@store_group.command()
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@common
@pass_given
def copy(given: Given, source: str, target: str) -> None:
    """Copy every row of SOURCE to TARGET, both URLs of databases, on whatever engines.

    Stop the servers first. TARGET is made, or is there and empty. Afterwards both are read again and compared.
    An interrupted copy goes on where it was when the command is repeated, and no server opens TARGET before its end.
    """
    old, new = _portable(source), _portable(target)
    if old.place == new.place:
        raise click.UsageError("SOURCE and TARGET are the same database")
    with shown() as progress:
        tables = copy_store(old, new, progress)
    rows = sum(each.rows for each in tables)
    document = {
        "source": without_password(source),
        "target": without_password(target),
        "rows": rows,
        "tables": [{"name": each.name, "rows": each.rows, "digest": each.digest} for each in tables],
    }
    told = table(("TABLE", "ROWS", "SHA-256"), [(each.name, f"{each.rows:,}", each.digest) for each in tables])
    start = command(f"hullo serve --db {without_password(target)}")
    given.show(document, f"{told}\n\nCopied and compared: {rows:,} rows, the same on both sides. Next:  {start}")


def _portable(url: str) -> Portable:
    store = open_store(url)
    if not isinstance(store, Portable):
        raise click.UsageError(f"{without_password(url)} cannot be copied: its store keeps no rows that last")
    return store
