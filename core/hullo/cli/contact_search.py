"""`hullo contacts list` and `find`: people by what is known of them."""

from __future__ import annotations

from collections.abc import Sequence

import click

from hullo.api.contact_schemas import ContactResponse
from hullo.api.contact_search import ContactSearch
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.people import find_people, get_workspace
from hullo.cli.screen import command_text, format_time, table
from hullo.errors import NotFound
from hullo.model.contact import Contact
from hullo.store.protocol import PageRequest

WORKSPACE = click.option("--workspace", metavar="NAME|ID", help="The workspace.  [default: the only one]")
LIMIT = click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="The highest number.")
CURSOR = click.option("--cursor", metavar="CURSOR", help="Go on where an earlier list ended.")


@click.command("list")
@click.option("--query", metavar="TEXT", help="Found anywhere in identifiers and profile, whatever the case.")
@click.option("--tag", metavar="TAG", help="Only contacts with this tag.")
@WORKSPACE
@LIMIT
@CURSOR
@common_options
@pass_options
def list_command(
    options: CommonOptions, query: str | None, tag: str | None, workspace: str | None, limit: int, cursor: str | None
) -> None:
    """List contacts, the newest first."""
    with options.open_hullo() as hullo:
        # One reading: a shell gives the text as it was typed, and no form has turned spaces into plus signs.
        readings = (query,) if query else ()
        search = ContactSearch(workspace_id=get_workspace(hullo, workspace).id, readings=readings, tag=tag)
        page = search.find(PageRequest(limit=limit, cursor=cursor), hullo.store)
    options.print_result(
        {"items": [ContactResponse.of(contact) for contact in page.items], "next": page.next},
        f"{_table(page.items)}{more_text(page.next)}" if page.items else "No contact matches.",
    )


@click.command("find")
@click.argument("person", metavar="EMAIL|EXTERNAL_ID|PHONE")
@common_options
@pass_options
def find_command(options: CommonOptions, person: str) -> None:
    """Find contacts by an email, an external id or a phone. Ends with status 1 if no contact has it."""
    with options.open_hullo() as hullo:
        found = find_people(hullo, person)
    # An error and no empty list: a script that looks for one person must notice.
    if not found:
        raise NotFound(f"no contact has this email, external id or phone: {person}")
    options.print_result({"items": [ContactResponse.of(contact) for contact in found]}, _table(found))


def more_text(cursor: str | None) -> str:
    """Return what follows a list that goes on; empty for the last page."""
    return (
        "" if cursor is None else f"\n\nThere are more. To go on, repeat it with  {command_text(f'--cursor {cursor}')}"
    )


def _table(contacts: Sequence[Contact]) -> str:
    return table(
        ("CONTACT", "NAME", "EMAIL", "EXTERNAL ID", "STANDING", "LAST SEEN"),
        [
            (
                contact.id,
                fact.value if (fact := contact.profile.get("name")) is not None else None,
                contact.email,
                contact.external_id,
                f"{contact.standing.label}, blocked" if contact.blocks else contact.standing.label,
                format_time(contact.last_seen_at),
            )
            for contact in contacts
        ],
    )
