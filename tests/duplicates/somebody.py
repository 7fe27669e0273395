"""People who may be there twice, for tests."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from hullo.hooks.entry_points import open_store
from hullo.model.change_set import ChangeSet, insertion
from hullo.model.contact import Contact
from hullo.model.identifier import EMAIL
from hullo.store.protocol import APPLIED, Store
from hullo.testing.builders import a_contact, a_fact, a_workspace

HOME = a_workspace()


def somebody(
    id: str = "con_1",
    *,
    external_id: str | None = None,
    emails: Sequence[str] = (),
    phones: Sequence[str] = (),
    **profile: str,
) -> Contact:
    """A contact that a server wrote. The first email and the first phone are the primary ones."""
    known = {field: a_fact(value) for field, value in [*profile.items(), *(("phone", each) for each in phones[:1])]}
    return replace(
        a_contact(id, external_id=external_id, email=emails[0] if emails else None),
        also={EMAIL: tuple(map(a_fact, emails[1:]))} if emails[1:] else {},
        profile=known,
        phones=tuple(map(a_fact, phones[1:])),
    )


def a_store_of(people: Sequence[Contact], url: str = "memory:") -> Store:
    """An open one, in which there is nobody else."""
    store = open_store(url)
    store.open()
    changes = [ChangeSet(workspaces=(insertion(HOME),)), *(ChangeSet(contacts=(insertion(each),)) for each in people)]
    assert set(store.apply(changes)) == {APPLIED}
    return store
