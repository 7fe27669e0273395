"""`hullo backup` and `hullo restore`: the database in a file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.progress import show_progress
from hullo.store.maintenance import SupportsMaintenance
from hullo.store.urls import mask_secrets

MEBIBYTE = 1024 * 1024


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@common_options
@pass_options
def backup_command(options: CommonOptions, file: Path, force: bool) -> None:
    """Write the database, as it is at one moment, to FILE; servers may go on working.

    For SQLite. FILE is checked before it gets its name, and is for its owner alone: it holds keys and people.
    """
    with show_progress() as progress:
        _store(options).backup(file, progress, replace=force)
    size = file.stat().st_size
    text = (
        f"Backed up to {file}, {size / MEBIBYTE:,.1f} MiB. Keep it as you keep the database: it holds keys and people."
    )
    options.print_result({"file": str(file), "bytes": size}, text)


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace what the database holds without asking.")
@common_options
@pass_options
def restore_command(options: CommonOptions, file: Path, yes: bool) -> None:
    """Put FILE, which `hullo backup` wrote, in place of all that the database holds.

    For SQLite. Stop the servers first. Interrupted at any moment it leaves the old content or the new, never a mix.
    """
    store = _store(options)
    url = mask_secrets(options.settings().store)
    if not yes and store.has_rows():
        if not sys.stdin.isatty():
            raise click.UsageError(f"{url} is not empty; say --yes to replace all that it holds")
        click.confirm(f"Replace all that {url} holds with {file}?", abort=True, err=True)
    with show_progress() as progress:
        store.restore(file, progress)
    options.print_result(
        {"file": str(file), "restored": True}, f"{url} holds what {file} holds. Servers may start again."
    )


def _store(options: CommonOptions) -> SupportsMaintenance:
    store = options.closed_store()
    if not isinstance(store, SupportsMaintenance):
        url = mask_secrets(options.settings().store)
        raise click.UsageError(f"{url} has no backups: its store offers none")
    return store
