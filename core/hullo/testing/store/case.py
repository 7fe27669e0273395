"""What the claims share: a fresh store, and short ways to read and write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import pytest

from hullo.model.change_set import Change, ChangeSet, insertion
from hullo.model.contact import Contact
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.visitor import Session
from hullo.store.protocol import APPLIED, Applied, Store, StoreConflict
from hullo.testing.builders import APP, WORKSPACE

Capability = Literal["durable", "shared_between_processes", "locking", "concurrent_reads"]
Claim = TypeVar("Claim", bound=Callable[..., Any])

REQUIRED_CAPABILITIES: Final = "hullo_needs"


def requires(*capabilities: Capability) -> Callable[[Claim], Claim]:
    """A claim that only stores with these capabilities make: to the others it is not put, rather than skipped."""

    def mark(claim: Claim) -> Claim:
        setattr(claim, REQUIRED_CAPABILITIES, capabilities)
        return claim

    return mark


class StoreCase:
    """Makes the store under test."""

    durable: bool = False
    """Whether what was applied is there for another store that is opened on the same folder later."""
    shared_between_processes: bool = False
    """Whether several processes may have it open at once."""
    locking: bool = False
    """Whether it keeps `SupportsLocking` too."""
    concurrent_reads: bool = False
    """Whether it keeps `SupportsConcurrentReads` too."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "make_store" not in vars(cls):
            return  # claims, and not yet a store that they are put to
        for name in dir(cls):
            needed: tuple[Capability, ...] = getattr(getattr(cls, name), REQUIRED_CAPABILITIES, ())
            # Removed and not skipped: a report full of skips would hide one that matters.
            if not all(getattr(cls, capability) for capability in needed):
                setattr(cls, name, None)

    def make_store(self, folder: Path) -> Store:
        """A store that is not open yet, which keeps what it keeps in `folder`."""
        raise NotImplementedError("say how your store is made")

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """An open, empty store."""
        store = self.make_store(tmp_path)
        store.open()
        yield store
        store.close()


def apply_one(store: Store, changes: ChangeSet) -> Applied | StoreConflict:
    """Applies a group of one."""
    (result,) = store.apply([changes])
    return result


def must_apply(store: Store, *groups: ChangeSet) -> None:
    """Applies each change set by itself; nothing may be in its way."""
    for changes in groups:
        assert apply_one(store, changes) == APPLIED


def new_contacts(*contacts: Contact) -> ChangeSet:
    """A change set that creates them."""
    return ChangeSet(contacts=tuple(insertion(contact) for contact in contacts))


def contact_change(change: Change[Contact]) -> ChangeSet:
    """A change set with one changed contact."""
    return ChangeSet(contacts=(change,))


def session_change(change: Change[Session]) -> ChangeSet:
    """A change set with one changed session."""
    return ChangeSet(sessions=(change,))


def load_one(
    store: Store,
    *,
    session: Session | None = None,
    contacts: tuple[Contact, ...] = (),
    identified_by: tuple[Contact, ...] = (),
    app_id: str | None = APP,
    include_orphans: bool = False,
    include_own: bool = False,
) -> Snapshot:
    """One snapshot: of a session, of contacts by their id, and of contacts by their identifiers."""
    query = SnapshotQuery(
        workspace_id=WORKSPACE,
        app_id=app_id,
        session=None if session is None else session.digest,
        identifiers=tuple(digest for contact in identified_by for digest in contact.identifier_digests()),
        contacts=tuple(contact.id for contact in contacts),
        include_orphans=include_orphans,
        include_own=include_own,
    )
    (snapshot,) = store.load([query])
    return snapshot


def is_conflict(result: Applied | StoreConflict) -> bool:
    """Whether nothing was written."""
    return isinstance(result, StoreConflict)
