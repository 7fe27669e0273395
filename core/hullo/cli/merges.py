"""`hullo contacts merge` and `erase`, and `hullo merges undo`. The first two ask before they write."""

from __future__ import annotations

import click

from hullo.api.history_schemas import MergedResponse, UnmergedResponse
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.people import confirm, display_name, get_contact, get_merge
from hullo.cli.screen import command_text, field_lines, table, title
from hullo.errors import Invalid
from hullo.model.contact import Contact
from hullo.model.merge import RelatedCounts
from hullo.operations.contacts.merge import MergeContacts, MergeResult
from hullo.operations.contacts.undo_merge import UndoMerge, UndoMergeResult, decisions_since
from hullo.operations.privacy.erase import EraseContact, ErasureMode

DRY_RUN_DONE = "Nothing was written: this was a dry run."

_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Print the result, and write nothing.")


@click.command("merge")
@click.argument("survivor_id", metavar="A")
@click.argument("absorbed_id", metavar="B")
@_DRY_RUN
@_YES
@common_options
@pass_options
def merge_command(options: CommonOptions, survivor_id: str, absorbed_id: str, dry_run: bool, yes: bool) -> None:
    """Merge two contacts: B becomes part of A. From then on, the id of B leads to A.

    Where both have a value, the one with the higher standing counts, else the one of A. `hullo merges undo` undoes a
    merge at any later time.
    """
    with options.open_hullo() as hullo:
        survivor, absorbed = (get_contact(hullo, contact_id) for contact_id in (survivor_id, absorbed_id))
        # G4. Refused before the preview, as ids of two workspaces are both found here.
        if survivor.workspace_id != absorbed.workspace_id:
            raise Invalid(
                "these contacts are in different workspaces; hullo merges contacts of one workspace only (G4)"
            )
        moment, moves = hullo.new_context(), hullo.store.count_related(absorbed.workspace_id, absorbed.id)
        absorb = MergeContacts(
            survivor_id=survivor.id,
            absorbed_id=absorbed.id,
            workspace_id=survivor.workspace_id,
            writer=hullo.operator,
            context=moment,
            request_id=moment.new_id("req"),
            related_counts=moves,
            confirmed=True,  # The operator reads the preview before the question, or has skipped it with --yes.
        )
        # The same operation as the merge itself, so the preview cannot differ from what it would do.
        done: MergeResult = hullo.executor.dry_run(absorb).result
        if not dry_run:
            # On standard error: standard output holds the result alone, for `--json`.
            if not yes:
                click.echo(_preview(done, absorbed, moves), err=True)
            confirm(f"Merge {display_name(absorbed)} into {display_name(survivor)}?", yes)
            # Decided again on a fresh snapshot: the contacts may have changed while the operator read.
            done = hullo.executor.run(absorb).result
    undo = f"To undo it:  {command_text(f'hullo merges undo {done.merge.id}')}"
    after = DRY_RUN_DONE if dry_run else f"Merged: {absorbed.id} is now part of {survivor.id}. {undo}"
    options.print_result(
        MergedResponse.of(done, moves, dry_run=dry_run), f"{_preview(done, absorbed, moves)}\n\n{after}"
    )


@click.command("erase")
@click.argument("contact_id", metavar="ID")
@click.option(
    "--conversations",
    type=click.Choice(["erase", "anonymise"]),
    default="erase",
    show_default=True,
    help="Whether to erase the conversations or to anonymise them.",
)
@_YES
@common_options
@pass_options
def erase_command(options: CommonOptions, contact_id: str, conversations: ErasureMode, yes: bool) -> None:
    """Erase a contact and all data about the person. This cannot be undone."""
    with options.open_hullo() as hullo:
        contact = get_contact(hullo, contact_id)
        erase = EraseContact.for_contact(
            hullo.store,
            contact.workspace_id,
            contact.id,
            conversations=conversations,
            by=hullo.operator,
            context=hullo.new_context(),
        )
        fate = "erasing" if conversations == "erase" else "anonymising"
        confirm(
            f"Erase {display_name(contact)}, {fate} {erase.related_counts.conversations} conversations? "
            "This cannot be undone.",
            yes,
        )
        erased = hullo.executor.run(erase).result
    # The id and not the name: the answer may end up in a log, where an erasure does not reach (P2, P4).
    options.print_result({"id": erased, "erased": True}, f"Erased {erased}.")


@click.group("merges")
@common_options
def merges_group() -> None:
    """Undo merges of contacts."""


@merges_group.command()
@click.argument("merge_id")
@_DRY_RUN
@common_options
@pass_options
def undo(options: CommonOptions, merge_id: str, dry_run: bool) -> None:
    """Undo a merge, at any later time: one contact becomes two again.

    Both contacts get their values back. Values that changed after the merge stay, and the command lists them.
    """
    with options.open_hullo() as hullo:
        moment = hullo.new_context()
        merge = get_merge(hullo, merge_id)
        work = UndoMerge(
            merge=merge,
            writer=hullo.operator,
            context=moment,
            request_id=moment.new_id("req"),
            decisions=decisions_since(hullo.store, merge),
        )
        # No question is asked here: an undo loses nothing, and can be followed by another merge.
        decision = hullo.executor.dry_run(work) if dry_run else hullo.executor.run(work)
    unmerged: UndoMergeResult = decision.result
    options.print_result(UnmergedResponse.of(unmerged, dry_run=dry_run), _unmerge_text(unmerged, dry_run))


def _preview(absorbed: MergeResult, other: Contact, moves: RelatedCounts) -> str:
    about = field_lines(
        [
            ("stays", absorbed.merge.survivor_id),
            ("becomes part of it", other.id),
            ("people", moves.people),
            ("conversations", moves.conversations),
            ("sessions", moves.sessions),
            ("events", moves.events),
            ("notes", moves.notes),
        ]
    )
    rows = [(clash.field, clash.kept, clash.lost) for clash in absorbed.clashes]
    clashes = f"\n\n{table(('FIELD', 'KEPT', 'HIDDEN'), rows)}" if rows else ""
    return f"{title(display_name(absorbed.survivor))}\n{about}{clashes}"


def _unmerge_text(unmerged: UndoMergeResult, dry_run: bool) -> str:
    about = field_lines([("stays", unmerged.survivor.id), ("is restored", unmerged.restored.id)])
    rows = [(change.field, change.reason) for change in unmerged.changed_since]
    changed = f"\n\n{table(('FIELD', 'STAYS CHANGED, BECAUSE'), rows)}" if rows else ""
    after = DRY_RUN_DONE if dry_run else "Undone: they are two contacts again."
    heading = title(f"{display_name(unmerged.survivor)} and {display_name(unmerged.restored)}")
    return f"{heading}\n{about}{changed}\n\n{after}"
