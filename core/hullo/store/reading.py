"""Lists that are read to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from hullo.model.app import Workspace
from hullo.model.contact import Contact
from hullo.store.protocol import ContactFilter, ContactReads, Page, PageRequest
from hullo.store.upkeep import Progress

Item = TypeVar("Item")

AT_ONCE: Final = 200
"""How many are asked for at each look."""


def every(listed: Callable[[PageRequest], Page[Item]], at_once: int = AT_ONCE) -> Iterator[Item]:
    """Every item of every page, in the order of the list. What is added in front meanwhile is left out."""
    cursor: str | None = None
    while True:
        page = listed(PageRequest(limit=at_once, cursor=cursor))
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def everybody(
    store: ContactReads, home: Workspace, doing: str, progress: Progress, at_once: int = AT_ONCE
) -> Iterator[Contact]:
    """Every contact of a workspace, the newest first, while `progress` is told how far it has come."""
    newest, wanted = home.created_at, ContactFilter(workspace_id=home.id)
    for number, contact in enumerate(every(lambda page: store.list_contacts(wanted, page), at_once)):
        yield contact
        newest = max(newest, contact.created_at)
        if number % AT_ONCE == 0:
            # Nobody counts them beforehand. Their age says how far it has come.
            progress(doing, newest - contact.created_at, max(newest - home.created_at, 1))
    progress(doing, 1, 1)
