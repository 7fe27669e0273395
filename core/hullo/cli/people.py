"""Find the contact, merge or workspace that a command names, and ask the operator for confirmation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import click

from hullo.api.contact_search import ContactSearch
from hullo.errors import Invalid, NotFound
from hullo.hooks.host import Host
from hullo.model.app import AppId, Workspace
from hullo.model.contact import Contact, ContactId
from hullo.model.email import is_plausible_email
from hullo.model.merge import Merge, MergeId
from hullo.store.protocol import PageRequest
from hullo.store.reading import current_contact

SEVERAL_WORKSPACES: Final = "there are several workspaces; name one with --workspace"
NO_WORKSPACE: Final = "there is no workspace yet; create an app first: hullo app create NAME"


def get_contact(hullo: Host, contact_id: ContactId) -> Contact:
    """Return the contact with this id from any workspace, or the contact that absorbed it (G3). Raises `NotFound`."""
    # Contacts are found inside a workspace only, and an operator has just the id.
    for workspace in hullo.store.list_workspaces():
        try:
            return current_contact(hullo.store, workspace.id, contact_id)
        except NotFound:
            continue
    raise NotFound(f"no workspace has a contact with this id: {contact_id}")


def find_people(hullo: Host, text: str) -> list[Contact]:
    """Find the contacts that a person means by an id, an email, an external id or a phone, in every workspace.

    The first of these kinds that finds a contact counts: a phone may look like an external id.
    """
    try:
        return [get_contact(hullo, text)]
    except NotFound:
        pass  # no id, then: people have emails and numbers at hand
    searches: list[Callable[[str], ContactSearch]] = []
    if is_plausible_email(text):
        searches.append(lambda home: ContactSearch(workspace_id=home, email=text))
    searches.append(lambda home: ContactSearch(workspace_id=home, external_id=text))
    if any(character.isdigit() for character in text):
        searches.append(lambda home: ContactSearch(workspace_id=home, phone=text))
    for search_in in searches:
        found = [
            contact
            for workspace in hullo.store.list_workspaces()
            for contact in search_in(workspace.id).find(PageRequest(limit=200), hullo.store).items
        ]
        # The others are not asked: an email that is found is no one's external id.
        if found:
            return found
    return []


def get_person(hullo: Host, text: str) -> Contact:
    """Return the one contact that a person means, as `find_people` does. Raises `NotFound`, and `Invalid` for
    several."""
    found = find_people(hullo, text)
    if not found:
        raise NotFound(f"no contact has this id, email, external id or phone: {text}")
    # No guess: the command may erase or block.
    if len(found) > 1:
        ids = ", ".join(contact.id for contact in found[:5])
        raise Invalid(f"{len(found)} contacts have it; name one by its id: {ids}")
    return found[0]


def get_merge(hullo: Host, merge_id: MergeId) -> Merge:
    """Return the merge with this id from any workspace. Raises `NotFound`."""
    found = (hullo.store.find_merge(workspace.id, merge_id) for workspace in hullo.store.list_workspaces())
    merge = next((merge for merge in found if merge is not None), None)
    if merge is None:
        raise NotFound(f"no workspace has a merge with this id: {merge_id}")
    return merge


def app_names(hullo: Host) -> dict[AppId, str]:
    """Map the id of each app to its name."""
    return {app.id: app.name for app in hullo.store.list_apps()}


def display_name(contact: Contact) -> str:
    """Return the contact's name, or the next best: the email, the external id, the id."""
    name = contact.profile.get("name")
    return str(name.value) if name is not None else contact.email or contact.external_id or contact.id


def confirm(question: str, yes: bool) -> None:
    """Ask a question, unless `yes`. Raises `click.Abort` for a no, and `click.UsageError` without a terminal."""
    if yes:
        return
    # Refused instead of assumed: a script must say `--yes` for what cannot be undone.
    if not _is_interactive():
        raise click.UsageError("this is no terminal, so hullo cannot ask for confirmation; use --yes to confirm")
    # On standard error, so that a redirected result holds no question.
    click.confirm(question, abort=True, err=True)


def _is_interactive() -> bool:
    return sys.stdin.isatty()


def get_workspace(hullo: Host, name_or_id: str | None) -> Workspace:
    """Return the workspace with this name or id; None: the only one. Raises `NotFound`, and `Invalid` if unclear."""
    workspaces = hullo.store.list_workspaces()
    # No guess: a command on the wrong workspace would show or erase other people's data.
    if name_or_id is None and len(workspaces) != 1:
        raise Invalid(SEVERAL_WORKSPACES if workspaces else NO_WORKSPACE)
    found = next((workspace for workspace in workspaces if name_or_id in {None, workspace.id, workspace.name}), None)
    if found is None:
        raise NotFound(f"no workspace has the name or id {name_or_id!r}")
    return found
