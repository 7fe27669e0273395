"""`hullo contacts block` and `unblock`: of a contact, or of a visitor by its id."""

from __future__ import annotations

import click

from hullo.api.contact_schemas import ContactResponse
from hullo.api.conversation_schemas import VisitorResponse
from hullo.application import Hullo
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.people import display_name, get_person
from hullo.errors import NotFound
from hullo.model.contact import Contact
from hullo.model.visitor import Session
from hullo.operations.contacts.block import BlockContact, UnblockContact
from hullo.operations.sessions.block_visitor import BlockVisitor, UnblockVisitor
from hullo.store.protocol import PageRequest

_REASON = click.option("--reason", metavar="TEXT", help="For agents and the audit log: write nothing personal.")
_PERSON = click.argument("person", metavar="ID|EMAIL|EXTERNAL_ID|VISITOR_ID")


@click.command("block")
@_PERSON
@_REASON
@common_options
@pass_options
def block_command(options: CommonOptions, person: str, reason: str | None) -> None:
    """Block a contact, or one browser by its visitor id (vis_…): its messages and identify calls are refused.

    The block of a contact reaches every browser that proves to be the contact. One that only claims to be the contact
    is blocked by its visitor id.
    """
    with options.open_hullo() as hullo:
        # By its form: an external id that begins so is blocked by the contact's id.
        if person.startswith("vis_"):
            _print_visitor(options, _change_visitor(hullo, person, reason, BlockVisitor), "Blocked")
            return
        contact = _change_contact(hullo, person, reason, BlockContact)
        sessions = hullo.store.list_sessions(contact.workspace_id, contact.id, PageRequest(limit=200)).items
    # These go on: what to do about them is easily overlooked.
    claiming = [session for session in sessions if not session.is_proven and session.revoked_at is None]
    rest = "".join(f"\nOnly claims to be the contact, and is not blocked:  {each.visitor_id}" for each in claiming)
    options.print_result(ContactResponse.of(contact), f"Blocked {display_name(contact)} ({contact.id}).{rest}")


@click.command("unblock")
@_PERSON
@_REASON
@common_options
@pass_options
def unblock_command(options: CommonOptions, person: str, reason: str | None) -> None:
    """Unblock a contact, or one browser by its visitor id (vis_…)."""
    with options.open_hullo() as hullo:
        if person.startswith("vis_"):
            _print_visitor(options, _change_visitor(hullo, person, reason, UnblockVisitor), "Unblocked")
            return
        contact = _change_contact(hullo, person, reason, UnblockContact)
    # The visitors that the block had reached are free too, and are no news: the contact's name stands for them.
    options.print_result(ContactResponse.of(contact), f"Unblocked {display_name(contact)} ({contact.id}).")


def _change_contact(
    hullo: Hullo, person: str, reason: str | None, change: type[BlockContact | UnblockContact]
) -> Contact:
    known = get_person(hullo, person)
    changed: Contact = hullo.executor.run(
        change(
            contact_id=known.id,
            workspace_id=known.workspace_id,
            by=hullo.operator,
            reason=reason,
            context=hullo.new_context(),
        )
    ).result
    return changed


def _change_visitor(
    hullo: Hullo, visitor_id: str, reason: str | None, change: type[BlockVisitor | UnblockVisitor]
) -> Session:
    # In every workspace, as an operator has just the id.
    held = (hullo.store.find_visitor_session(home.id, visitor_id) for home in hullo.store.list_workspaces())
    session = next((session for session in held if session is not None), None)
    if session is None:
        raise NotFound(f"no visitor with a session has this id: {visitor_id}")
    changed: Session = hullo.executor.run(
        change(session=session, by=hullo.operator, reason=reason, context=hullo.new_context())
    ).result
    return changed


def _print_visitor(options: CommonOptions, session: Session, done: str) -> None:
    options.print_result(VisitorResponse.of(session.visitor_id, session), f"{done} the visitor {session.visitor_id}.")
