"""Whom a command is about: contacts and merges of any workspace, by their ids, and what people are asked first."""

from __future__ import annotations

import sys

import click

from hullo.errors import Invalid, NotFound
from hullo.hooks.host import Host
from hullo.model.app import AppId, Workspace
from hullo.model.contact import Contact, ContactId
from hullo.model.merge import Merge, MergeId
from hullo.store.reading import current_contact


def get_contact(hullo: Host, contact_id: ContactId) -> Contact:
    """Of whatever workspace; whoever absorbed the one with this id, if somebody did (G3). Raises `NotFound`."""
    for workspace in hullo.store.list_workspaces():
        try:
            return current_contact(hullo.store, workspace.id, contact_id)
        except NotFound:
            continue
    raise NotFound(f"no workspace has a contact with this id: {contact_id}")


def get_merge(hullo: Host, merge_id: MergeId) -> Merge:
    """Of whatever workspace. Raises `NotFound`."""
    found = (hullo.store.find_merge(workspace.id, merge_id) for workspace in hullo.store.list_workspaces())
    merge = next((each for each in found if each is not None), None)
    if merge is None:
        raise NotFound(f"no workspace has a merge with this id: {merge_id}")
    return merge


def app_names(hullo: Host) -> dict[AppId, str]:
    """Of every app, by their ids."""
    return {app.id: app.name for app in hullo.store.list_apps()}


def display_name(contact: Contact) -> str:
    """What people know them by."""
    name = contact.profile.get("name")
    return str(name.value) if name is not None else contact.email or contact.external_id or contact.id


def confirm(question: str, yes: bool) -> None:
    """Goes on if that is meant. Raises `click.UsageError` where nobody is there to be asked, and `click.Abort`."""
    if yes:
        return
    if not _is_interactive():
        raise click.UsageError("nobody can be asked here; say --yes if it is meant")
    click.confirm(question, abort=True, err=True)


def _is_interactive() -> bool:
    return sys.stdin.isatty()


def get_workspace(hullo: Host, name_or_id: str | None) -> Workspace:
    """By its name or id; None: the only one there is. Raises `NotFound`, and `Invalid` where it is unclear."""
    workspaces = hullo.store.list_workspaces()
    if name_or_id is None and len(workspaces) != 1:
        raise Invalid("say which workspace" if workspaces else "there is no workspace yet: create an app first")
    meant = next((each for each in workspaces if name_or_id in {None, each.id, each.name}), None)
    if meant is None:
        raise NotFound(f"no workspace is called {name_or_id!r}")
    return meant
