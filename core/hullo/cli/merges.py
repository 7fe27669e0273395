"""`hullo contacts merge` and `erase`, and `hullo merges undo`: what is asked first, and then done."""

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
from hullo.operations.contacts.undo_merge import UndoMerge, UndoMergeResult
from hullo.operations.privacy.erase import EraseContact, ErasureMode

_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would become of it, and do nothing.")


@click.command("merge")
@click.argument("survivor_id", metavar="A")
@click.argument("absorbed_id", metavar="B")
@_DRY_RUN
@_YES
@common_options
@pass_options
def merge_command(options: CommonOptions, survivor_id: str, absorbed_id: str, dry_run: bool, yes: bool) -> None:
    """Make two contacts one: B becomes part of A, and B's id answers with A from then on.

    Of two values the better proven one is shown, else A's. `hullo merges undo` takes it back, however late.
    """
    with options.open_hullo() as hullo:
        survivor, absorbed = (get_contact(hullo, each) for each in (survivor_id, absorbed_id))
        if survivor.workspace_id != absorbed.workspace_id:
            raise Invalid("these two are of different workspaces, and stay apart (G4)")
        moment, moves = hullo.new_context(), hullo.store.count_related(absorbed.workspace_id, absorbed.id)
        absorb = MergeContacts(
            survivor_id=survivor.id,
            absorbed_id=absorbed.id,
            workspace_id=survivor.workspace_id,
            writer=hullo.operator,
            context=moment,
            request_id=moment.new_id("req"),
            related_counts=moves,
            confirmed=True,  # somebody looks at the preview, or has said that nobody need
        )
        done: MergeResult = hullo.executor.dry_run(absorb).result
        if not dry_run:
            if not yes:
                click.echo(_preview(done, absorbed, moves), err=True)
            confirm(f"Merge {display_name(absorbed)} into {display_name(survivor)}?", yes)
            done = hullo.executor.run(absorb).result
    undo = f"To undo it:  {command_text(f'hullo merges undo {done.merge.id}')}"
    after = "Nothing was done." if dry_run else f"Done: {absorbed.id} is part of {survivor.id} now. {undo}"
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
    help="What becomes of what was said.",
)
@_YES
@common_options
@pass_options
def erase_command(options: CommonOptions, contact_id: str, conversations: ErasureMode, yes: bool) -> None:
    """Erase a contact and everything that is held about the person, for good."""
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
            "There is no way back.",
            yes,
        )
        erased = hullo.executor.run(erase).result
    options.print_result({"id": erased, "erased": True}, f"{erased} is erased.")


@click.group("merges")
@common_options
def merges_group() -> None:
    """Contacts that became one."""


@merges_group.command()
@click.argument("merge_id")
@_DRY_RUN
@common_options
@pass_options
def undo(options: CommonOptions, merge_id: str, dry_run: bool) -> None:
    """Make two contacts of one again, however late.

    Everybody has what they had. What was changed since stays as it is, and is told.
    """
    with options.open_hullo() as hullo:
        moment = hullo.new_context()
        work = UndoMerge(
            merge=get_merge(hullo, merge_id), writer=hullo.operator, context=moment, request_id=moment.new_id("req")
        )
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
    rows = [(each.field, each.kept, each.lost) for each in absorbed.clashes]
    clashes = f"\n\n{table(('FIELD', 'SHOWN', 'NOT SHOWN'), rows)}" if rows else ""
    return f"{title(display_name(absorbed.survivor))}\n{about}{clashes}"


def _unmerge_text(unmerged: UndoMergeResult, dry_run: bool) -> str:
    about = field_lines([("stays", unmerged.survivor.id), ("is back", unmerged.restored.id)])
    rows = [(each.field, each.reason) for each in unmerged.changed_since]
    changed = f"\n\n{table(('FIELD', 'NOT AS IT WAS, SINCE'), rows)}" if rows else ""
    after = "Nothing was done." if dry_run else "Done: they are two again."
    heading = title(f"{display_name(unmerged.survivor)} and {display_name(unmerged.restored)}")
    return f"{heading}\n{about}{changed}\n\n{after}"
