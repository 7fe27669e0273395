"""`hullo migrate`: the schema of the database."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import click

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.progress import show_progress
from hullo.store.maintenance import EmailCollision, SupportsMaintenance
from hullo.store.urls import mask_secrets


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Print the SQL, and run nothing.")
@common_options
@pass_options
def migrate_command(options: CommonOptions, dry_run: bool) -> None:
    """Create the database or bring it up to date. Safe to repeat: an interrupted migration continues."""
    if dry_run:
        _show_pending(options)
        return
    # Looked for before: opening the store sets these contacts apart, and only its log says so.
    collisions = _pending_collisions(options)
    # The store alone, without `Hullo.open`: that needs the master key, and the schema does not.
    with closing(options.closed_store()) as store:
        if isinstance(store, SupportsMaintenance):
            with show_progress() as progress:
                store.migrate(progress)
        store.open()
        # Opening may find nothing to do; the check makes sure that the schema is this version's.
        store.check()
    shown = "\n".join(["The database is up to date.", *_collision_lines(collisions)])
    options.print_result({"current": True, **_collision_fields(collisions)}, shown)


def _show_pending(options: CommonOptions) -> None:
    store = options.closed_store()
    if not isinstance(store, SupportsMaintenance):
        url = mask_secrets(options.settings().store)
        raise click.UsageError(f"the store of {url} cannot print its SQL; leave out --dry-run")
    pending, collisions = store.pending_sql(), store.pending_collisions()
    shown = (
        # Complete statements: an operator pipes them into the database's own client.
        "".join(f"{statement};\n" for statement in pending).rstrip() or "-- Nothing to do: the database is up to date."
    )
    # Comments of SQL, so that the output may still be piped.
    shown = "\n".join([shown, *(f"-- {line}" for line in _collision_lines(collisions))])
    result = {"current": not pending, "pending": list(pending), **_collision_fields(collisions)}
    options.print_result(result, shown)


def _pending_collisions(options: CommonOptions) -> Sequence[EmailCollision]:
    store = options.closed_store()
    return store.pending_collisions() if isinstance(store, SupportsMaintenance) else ()


def _collision_fields(collisions: Sequence[EmailCollision]) -> dict[str, object]:
    fields = [{"contact_id": collision.contact_id, "other_id": collision.other_id} for collision in collisions]
    return {"email_collisions": fields} if fields else {}


def _collision_lines(collisions: Sequence[EmailCollision]) -> list[str]:
    lines = [f"{collision.contact_id} has the same email as {collision.other_id}." for collision in collisions]
    if lines:
        lines.append(
            "Each first contact keeps its address as unmatched_email and is not found by it. Resolve the open "
            "conflicts: merge the two contacts, or keep both."
        )
    return lines
