"""`hullo contacts export`: all contacts of a workspace, as JSON Lines."""

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
@click.option("--workspace", metavar="NAME|ID", help="The workspace.  [default: the only one]")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@common_options
@pass_options
def export_command(options: CommonOptions, file: str, workspace: str | None, force: bool) -> None:
    """Write all contacts of a workspace to FILE, one JSON object per line, with the origin of each value.

    Without FILE, or with -, writes to standard output. Leaves out contacts that are created during the export. The
    audit log records the export.
    """
    if file == STANDARD_OUTPUT and options.as_json:
        raise click.UsageError("standard output cannot hold both the contacts and the document of --json; name a FILE")
    with options.read_hullo() as hullo:
        home = get_workspace(hullo, workspace)
        # Before the first line: an export that is interrupted has given away data too.
        AuditLog(hullo.store, hullo.clock, hullo.operator).record(home.id, "contacts.exported", home.id, {})
        with _open_output(file, force) as lines, show_progress() as progress:
            count = _write(hullo, home, lines, progress)
    if file != STANDARD_OUTPUT:
        text = f"Exported {count:,} contacts to {file}. Protect it as you protect the database: it holds personal data."
        options.print_result({"file": file, "contacts": count, "workspace_id": home.id}, text)


def _write(hullo: Hullo, home: Workspace, lines: BinaryIO, progress: Progress) -> int:
    count = 0
    for contact in iter_contacts(hullo.store, home, "exporting", progress):
        # One at a time: a workspace need not fit into memory.
        lines.write(encode(ContactResponse.of(contact, provenance=True)) + b"\n")
        count += 1
    return count


@contextmanager
def _open_output(file: str, force: bool) -> Generator[BinaryIO]:
    """Open the file for its owner alone. It gets its name once it is complete, so that no one reads half an export."""
    if file == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        # Flushed here, so that a closed pipe is an error of this command and not of the interpreter's exit.
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    if path.exists() and not force:
        raise click.UsageError(f"{file} exists; use --force to replace it")
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        # 0o600 from the start: a mode that is set later leaves a moment in which others can open it. O_EXCL follows no
        # link.
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as lines:
            yield lines
        # On one file system, so a reader sees the old file or the whole new one.
        unfinished.replace(path)
    except OSError as error:
        raise click.ClickException(f"cannot write {file}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
