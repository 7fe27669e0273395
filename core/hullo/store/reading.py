"""Reads lists to their end, and contacts through merges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from hullo.errors import NotFound
from hullo.model.app import Workspace
from hullo.model.contact import Contact, ContactId
from hullo.store.maintenance import Progress
from hullo.store.protocol import ContactFilter, ContactReads, Page, PageRequest

Item = TypeVar("Item")

PAGE_SIZE: Final = 200
"""Items fetched at a time."""


def iter_pages(fetch_page: Callable[[PageRequest], Page[Item]], page_size: int = PAGE_SIZE) -> Iterator[Item]:
    """Yield every item of every page, in the order of the list. Items added in front meanwhile are left out."""
    cursor: str | None = None
    while True:
        page = fetch_page(PageRequest(limit=page_size, cursor=cursor))
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def page_matching(
    fetch_page: Callable[[PageRequest], Page[Item]],
    request: PageRequest,
    matches: Callable[[Item], bool],
    max_read: int | None = None,
) -> Page[Item]:
    """Return a page of the items that match, from a list that holds others too.

    It is full unless the list ends, and has a `next` only where another item matches: it tells neither the number nor
    the ids of the others. With `max_read` it may be shorter, once that many items were read.
    """
    kept: list[Item] = []
    cursor, end, read = request.cursor, None, 0
    # First as many as are wanted: where most items match, these are enough.
    size = request.limit
    while True:
        found = fetch_page(PageRequest(limit=size, cursor=cursor))
        for number, item in enumerate(found.items, 1):
            if not matches(item):
                continue
            if len(kept) == request.limit:
                return Page(items=tuple(kept), next=end)
            kept.append(item)
            if len(kept) == request.limit:
                # A store names positions only at the end of a page, so that page is read once more.
                is_last = number == len(found.items)
                end = found.next if is_last else fetch_page(PageRequest(limit=number, cursor=cursor)).next
        if found.next is None:
            return Page(items=tuple(kept), next=None)
        cursor, read, size = found.next, read + len(found.items), PAGE_SIZE
        if max_read is not None and read >= max_read:
            return Page(items=tuple(kept), next=end or cursor)


def iter_contacts(
    store: ContactReads, workspace: Workspace, label: str, progress: Progress, page_size: int = PAGE_SIZE
) -> Iterator[Contact]:
    """Yield every contact of a workspace, newest first, and report progress."""
    newest, wanted = workspace.created_at, ContactFilter(workspace_id=workspace.id)
    for number, contact in enumerate(iter_pages(lambda page: store.list_contacts(wanted, page), page_size)):
        yield contact
        newest = max(newest, contact.created_at)
        # Once a page: a report for each contact would slow the reading down.
        if number % PAGE_SIZE == 0:
            # A count beforehand would scan the table: the age of the contact stands for progress.
            progress(label, newest - contact.created_at, max(newest - workspace.created_at, 1))
    # The last contact may be younger than the workspace, and the bar would stop before its end.
    progress(label, 1, 1)


def current_contact(store: ContactReads, workspace_id: str, contact_id: ContactId) -> Contact:
    """Return the contact, or the one that absorbed it, through chains of any length. Raises `NotFound`.

    It may be absorbed a moment later: decisions about it are made by `unabsorbed`.
    """
    asked: set[ContactId] = set()
    contact = store.find_contact(workspace_id, contact_id)
    # A chain has no loop (G4); the set keeps a damaged database from looping for ever.
    while contact is not None and contact.merged_into is not None and contact.id not in asked:
        asked.add(contact.id)
        contact = store.find_contact(workspace_id, contact.merged_into)
    # Still merged: the chain ended in a loop, or its last contact was erased.
    if contact is None or contact.merged_into is not None:
        raise NotFound("no such contact")
    return contact
