"""`hullo contacts merge` and `erase`, and `hullo merges undo`: what is asked first, and then done."""

from __future__ import annotations

import click

from hullo.asgi.history_shapes import absorbed_shape, unmerged_shape
from hullo.cli.options import Given, common, pass_given
from hullo.cli.people import ask, called, found_contact, found_merge
from hullo.cli.screen import command, record, table, title
from hullo.errors import Invalid
from hullo.model.contact import Contact
from hullo.model.merge import Extent
from hullo.pipeline.merging.absorb import Absorb, Absorbed
from hullo.pipeline.merging.undo import UndoMerge, Unmerged
from hullo.pipeline.privacy.erasing import Erase, Fate

_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would become of it, and do nothing.")


@click.command("merge")
@click.argument("survivor_id", metavar="A")
@click.argument("absorbed_id", metavar="B")
@_DRY_RUN
@_YES
@common
@pass_given
def merge_command(given: Given, survivor_id: str, absorbed_id: str, dry_run: bool, yes: bool) -> None:
    """Make two contacts one: B becomes part of A, and B's id answers with A from then on.

    Of two values the better proven one is shown, else A's. `hullo merges undo` takes it back, however late.
    """
    with given.open() as hullo:
        survivor, absorbed = (found_contact(hullo, each) for each in (survivor_id, absorbed_id))
        if survivor.workspace_id != absorbed.workspace_id:
            raise Invalid("these two are of different workspaces, and stay apart (G4)")
        moment, moves = hullo.moment(), hullo.store.extent_of(absorbed.workspace_id, absorbed.id)
        absorb = Absorb(
            survivor_id=survivor.id,
            absorbed_id=absorbed.id,
            workspace_id=survivor.workspace_id,
            writer=hullo.operator,
            moment=moment,
            request_id=moment.new_id("req"),
            extent=moves,
            confirmed=True,  # somebody looks at the preview, or has said that nobody need
        )
        done: Absorbed = hullo.pipeline.consider(absorb).answer
        if not dry_run:
            if not yes:
                click.echo(_preview(done, absorbed, moves), err=True)
            ask(f"Merge {called(absorbed)} into {called(survivor)}?", yes)
            done = hullo.pipeline.run(absorb).answer
    undo = f"To undo it:  {command(f'hullo merges undo {done.merge.id}')}"
    after = "Nothing was done." if dry_run else f"Done: {absorbed.id} is part of {survivor.id} now. {undo}"
    given.show(absorbed_shape(done, moves, dry_run=dry_run), f"{_preview(done, absorbed, moves)}\n\n{after}")


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
@common
@pass_given
def erase_command(given: Given, contact_id: str, conversations: Fate, yes: bool) -> None:
    """Erase a contact and everything that is held about the person, for good."""
    with given.open() as hullo:
        contact = found_contact(hullo, contact_id)
        erase = Erase.found(
            hullo.store,
            contact.workspace_id,
            contact.id,
            conversations=conversations,
            by=hullo.operator,
            moment=hullo.moment(),
        )
        fate = "erasing" if conversations == "erase" else "anonymising"
        ask(f"Erase {called(contact)}, {fate} {erase.extent.conversations} conversations? There is no way back.", yes)
        erased = hullo.pipeline.run(erase).answer
    given.show({"id": erased, "erased": True}, f"{erased} is erased.")


@click.group("merges")
@common
def merges_group() -> None:
    """Contacts that became one."""


@merges_group.command()
@click.argument("merge_id")
@_DRY_RUN
@common
@pass_given
def undo(given: Given, merge_id: str, dry_run: bool) -> None:
    """Make two contacts of one again, however late.

    Everybody has what they had. What was changed since stays as it is, and is told.
    """
    with given.open() as hullo:
        moment = hullo.moment()
        work = UndoMerge(
            merge=found_merge(hullo, merge_id), writer=hullo.operator, moment=moment, request_id=moment.new_id("req")
        )
        decision = hullo.pipeline.consider(work) if dry_run else hullo.pipeline.run(work)
    unmerged: Unmerged = decision.answer
    given.show(unmerged_shape(unmerged, dry_run=dry_run), _apart(unmerged, dry_run))


def _preview(absorbed: Absorbed, other: Contact, moves: Extent) -> str:
    about = record(
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
    return f"{title(called(absorbed.survivor))}\n{about}{clashes}"


def _apart(unmerged: Unmerged, dry_run: bool) -> str:
    about = record([("stays", unmerged.survivor.id), ("is back", unmerged.restored.id)])
    rows = [(each.field, each.reason) for each in unmerged.changed_since]
    changed = f"\n\n{table(('FIELD', 'NOT AS IT WAS, SINCE'), rows)}" if rows else ""
    after = "Nothing was done." if dry_run else "Done: they are two again."
    return f"{title(f'{called(unmerged.survivor)} and {called(unmerged.restored)}')}\n{about}{changed}\n\n{after}"
