"""`hullo contacts export`: everybody of a workspace, as JSON Lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import click

from hullo.api.contact_schemas import ContactResponse
from hullo.application import Hullo
from hullo.asgi.json import encode
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.people import get_workspace
from hullo.cli.progress import show_progress
from hullo.model.app import Workspace
from hullo.operations.admin.audit_log import AuditLog
from hullo.store.maintenance import Progress
from hullo.store.reading import iter_contacts

STANDARD_OUTPUT: Final = "-"


@click.command("export")
@click.argument("file", metavar="[FILE]", default=STANDARD_OUTPUT, type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--workspace", metavar="NAME|ID", help="Whose contacts.  [default: the only one there is]")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@common_options
@pass_options
def export_command(options: CommonOptions, file: str, workspace: str | None, force: bool) -> None:
    """Write every contact of a workspace to FILE, one JSON object a line: all values, each with where it comes from.

    Without FILE, or to -, on standard output. Those who come meanwhile are left out. The audit log is told.
    """
    if file == STANDARD_OUTPUT and options.as_json:
        raise click.UsageError("standard output cannot hold the contacts and the answer of --json: name a FILE")
    with options.open_hullo() as hullo:
        home = get_workspace(hullo, workspace)
        AuditLog(hullo.store, hullo.clock, hullo.operator).record(home.id, "contacts.exported", home.id, {})
        with _open_output(file, force) as lines, show_progress() as progress:
            count = _write(hullo, home, lines, progress)
    if file != STANDARD_OUTPUT:
        text = f"Exported {count:,} contacts to {file}. Keep it as you keep the database: it holds people."
        options.print_result({"file": file, "contacts": count, "workspace_id": home.id}, text)


def _write(hullo: Hullo, home: Workspace, lines: BinaryIO, progress: Progress) -> int:
    count = 0
    for contact in iter_contacts(hullo.store, home, "exporting", progress):
        lines.write(encode(ContactResponse.of(contact, provenance=True)) + b"\n")
        count += 1
    return count


@contextmanager
def _open_output(file: str, force: bool) -> Generator[BinaryIO]:
    """For its owner alone, and under its name once it is whole."""
    if file == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    if path.exists() and not force:
        raise click.UsageError(f"{file} is there already; --force replaces it")
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as lines:
            yield lines
        unfinished.replace(path)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
