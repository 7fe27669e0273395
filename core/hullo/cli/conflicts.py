"""`hullo conflicts list` and `resolve`: pairs of contacts that one call named, and their resolution (C7, C9)."""

from __future__ import annotations

from itertools import islice

import click

from hullo.api.contact_schemas import ConflictResponse
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.people import confirm, get_workspace
from hullo.cli.screen import format_time, table
from hullo.engine.conflict_resolution import BulkResolution, ResolveAll
from hullo.model.conflict import CONFLICT_RULES
from hullo.store.protocol import ConflictFilter
from hullo.store.reading import iter_pages

_RULE = click.option("--rule", type=click.Choice(CONFLICT_RULES), help="Only the conflicts of this rule.")
_WORKSPACE = click.option("--workspace", metavar="NAME|ID", help="The workspace.  [default: the only one]")


@click.group("conflicts")
@common_options
def conflicts_group() -> None:
    """List conflicts between contacts, and resolve them."""


@conflicts_group.command("list")
@_RULE
@_WORKSPACE
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="The highest number.")
@common_options
@pass_options
def list_(options: CommonOptions, rule: str | None, workspace: str | None, limit: int) -> None:
    """List the open conflicts, the newest first."""
    with options.read_hullo() as hullo:
        criteria = ConflictFilter(workspace_id=get_workspace(hullo, workspace).id)
        conflicts = iter_pages(lambda page: hullo.store.list_conflicts(criteria, page))
        found = list(islice((conflict for conflict in conflicts if rule in {None, conflict.rule}), limit))
    rows = [
        (known.id, known.rule, known.field, known.contact_id, known.other_id, format_time(known.created_at))
        for known in found
    ]
    text = table(("CONFLICT", "RULE", "FIELD", "CONTACT", "OTHER", "CREATED"), rows) if rows else "No open conflicts."
    options.print_result({"items": ConflictResponse.of_each(found)}, text)


@conflicts_group.command()
@_RULE
@_WORKSPACE
@click.option("--merge", "action", flag_value="merge", help="Merge each pair: the two are one person.")
@click.option("--keep", "action", flag_value="keep", help="Keep each pair apart: the two are two people.")
@click.option("--dry-run", is_flag=True, help="Count the conflicts, and write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
@pass_options
def resolve(
    options: CommonOptions,
    rule: str | None,
    workspace: str | None,
    action: BulkResolution | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Resolve all open conflicts, or those of one rule, by --merge or --keep.

    A merge that would join very many contacts stays open: resolve it by itself. `hullo merges undo` undoes a merge.
    """
    if action is None:
        raise click.UsageError("say --merge or --keep")
    with options.open_hullo() as hullo:
        work = ResolveAll(
            workspace_id=get_workspace(hullo, workspace).id, action=action, writer=hullo.operator, rule=rule
        )
        resolved = work.run(hullo.executor, hullo.new_context, dry_run=True)
        if not dry_run and resolved:
            confirm(f"{action.capitalize()} {resolved} pairs of contacts?", yes)
            resolved = work.run(hullo.executor, hullo.new_context)
    after = f"Would resolve {resolved} conflicts." if dry_run else f"Resolved {resolved} conflicts."
    options.print_result({"resolved": resolved, "dry_run": dry_run}, after)
