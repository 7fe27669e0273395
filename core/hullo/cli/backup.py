"""`hullo backup` and `hullo restore`: a copy of the database in a file."""

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
    """Write a copy of the database to FILE. Servers may keep running.

    For SQLite. The copy holds the database at one moment. hullo checks it before it gets its name. Only its owner
    may read it, because it holds keys and personal data.
    """
    with show_progress() as progress:
        _store(options).backup(file, progress, replace=force)
    # After the backup: the file has its name only once it is complete and verified.
    size = file.stat().st_size
    text = (
        f"Backed up to {file}, {size / MEBIBYTE:,.1f} MiB. "
        "Protect it as you protect the database: it holds keys and personal data."
    )
    options.print_result({"file": str(file), "bytes": size}, text)


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace the database without asking.")
@common_options
@pass_options
def restore_command(options: CommonOptions, file: Path, yes: bool) -> None:
    """Replace the database with a backup FILE.

    For SQLite, with a file that `hullo backup` wrote. Stop the servers first. If the command is interrupted, the
    database holds the old content or the new, never a mix.
    """
    store = _store(options)
    url = mask_secrets(options.settings().store)
    # An empty database loses nothing, so a first restore asks no question.
    if not yes and store.has_rows():
        # Without a terminal the question would wait for ever, or read an answer from a pipe.
        if not sys.stdin.isatty():
            raise click.UsageError(f"{url} is not empty; use --yes to replace its content")
        click.confirm(f"Replace the whole content of {url} with {file}?", abort=True, err=True)
    with show_progress() as progress:
        store.restore(file, progress)
    options.print_result(
        {"file": str(file), "restored": True},
        f"{url} now holds the content of {file}. You can start the servers again.",
    )


def _store(options: CommonOptions) -> SupportsMaintenance:
    store = options.closed_store()
    if not isinstance(store, SupportsMaintenance):
        url = mask_secrets(options.settings().store)
        raise click.UsageError(f"the store of {url} has no backups; use the backup tool of its database")
    return store
