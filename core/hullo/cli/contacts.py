"""`hullo contacts`: who people are, as far as hullo knows."""

from __future__ import annotations

from collections.abc import Mapping

import click

from hullo.app import Hullo
from hullo.asgi.shapes import contact_shape
from hullo.cli.options import Given, common, pass_given
from hullo.cli.screen import record, table, title, when
from hullo.errors import NotFound
from hullo.model.contact import Contact
from hullo.model.fact import Fact


@click.group("contacts")
@common
def contacts_group() -> None:
    """People, as far as they are known."""


@contacts_group.command()
@click.argument("contact_id", metavar="ID")
@common
@pass_given
def show(given: Given, contact_id: str) -> None:
    """Show a contact of any workspace: each value with its standing, its time and its writer."""
    with given.open() as hullo:
        contact = _found(hullo, contact_id)
        apps = {each.id: each.name for each in hullo.store.list_apps()}
    given.show(contact_shape(contact, provenance=True), _text(contact, apps))


def _found(hullo: Hullo, contact_id: str) -> Contact:
    for workspace in hullo.store.list_workspaces():
        contact = hullo.store.find_contact(workspace.id, contact_id)
        if contact is not None:
            return contact
    raise NotFound("no workspace has a contact with this id")


def _text(contact: Contact, apps: Mapping[str, str]) -> str:
    name = contact.profile.get("name")
    about = record(
        [
            ("id", contact.id),
            ("workspace", contact.workspace_id),
            ("standing", contact.standing.word),
            ("made", f"{when(contact.created_at)} by {contact.created_by}"),
            ("changed", when(contact.updated_at)),
            ("last seen", when(contact.last_seen_at)),
        ]
    )
    parts = [
        f"{title(str(name.value) if name is not None else contact.id)}\n{about}",
        _facts("FIELD", {**contact.identifiers, **contact.profile}),
    ]
    filled = {app_id: block for app_id, block in contact.custom_data.items() if block}
    for app_id, block in filled.items():
        where = title(f"Custom data of {apps.get(app_id, app_id)} ({app_id})")
        parts.append(f"{where}\n{_facts('KEY', block)}")
    return "\n\n".join(parts)


def _facts(head: str, facts: Mapping[str, Fact]) -> str:
    return table(
        (head, "VALUE", "STANDING", "WRITTEN", "BY"),
        [(field, fact.value, fact.standing.word, when(fact.at), fact.by) for field, fact in facts.items()],
    )
