"""Copying from every engine to every engine, while a second connection writes to the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count

import pytest

from databases import ENGINES, Engine
from hullo.errors import Conflicting, StoreUnavailable
from hullo.hooks.entry_points import open_store
from hullo.model.change_set import ChangeSet, insertion
from hullo.store.copying import copy_store
from hullo.store.maintenance import PortableRow
from hullo.store.protocol import APPLIED
from hullo.testing.builders import LATER, NOW, a_contact, a_session, a_visitor
from hullo_stores.peewee.store import PeeweeStore
from servers.fixtures import require
from stores.portable import fill_every_table

NewDatabase = Callable[[Engine], str]
NUMBERS = count(1)


@pytest.fixture(scope="module")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewDatabase]:
    """The URL of a new database."""
    with_drop: list[tuple[Callable[[str], None], str]] = []

    def make(engine: Engine) -> str:
        if engine == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('copying')}/hullo.db"
        server = require(engine)
        with_drop.append((server.drop, server.new_database()))
        return with_drop[-1][1]

    yield make
    for drop, url in with_drop:
        drop(url)


@pytest.fixture(scope="module", params=ENGINES)
def source(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[Source]:
    with closing(Source(new_database(request.param))) as source:
        yield source


class Source:
    """A full database, which another connection than the copy's may write to."""

    def __init__(self, url: str) -> None:
        self.store = store_at(url)
        self._writer = store_at(url)
        self._writer.open()
        fill_every_table(self._writer)

    def close(self) -> None:
        self._writer.close()

    def add_contact(self) -> None:
        """Write rows that reference each other, of tables that are copied first and last."""
        number = next(NUMBERS)
        contact = a_contact(f"con_new{number}", external_id=f"new {number}", email=f"new{number}@mail.example")
        visitor = a_visitor(f"vis_new{number}")
        session = a_session(f"hvs_new{number}", visitor_id=visitor.id, contact_id=contact.id)
        added = ChangeSet(contacts=(insertion(contact),), visitors=(visitor,), sessions=(insertion(session),))
        assert self._writer.apply([added]) == (APPLIED,)

    def renew_lease(self) -> None:
        """Change a row, and the number of none."""
        assert self._writer.acquire_lease("tell", "somebody", NOW, LATER + next(NUMBERS))


def store_at(url: str) -> PeeweeStore:
    store = open_store(url)
    assert isinstance(store, PeeweeStore)
    return store


def rows_of(store: PeeweeStore) -> dict[str, list[PortableRow]]:
    with store.as_target() as held:  # no source: those refuse what is unfinished
        return {table.name: list(held.rows(table, None, 1000)) for table in held.tables()}


@pytest.mark.parametrize("engine", ENGINES)
def test_copy_of_written_source_is_refused(source: Source, engine: Engine, new_database: NewDatabase):
    target = store_at(new_database(engine))
    before = rows_of(source.store)
    added: list[bool] = []

    def write(doing: str, done: int, total: int) -> None:
        # Contacts are copied by then, and the sessions that reference them are not.
        if doing == "copying" and done > 40 and not added:
            added.append(True)
            source.add_contact()
        elif doing == "verifying" and done == total:
            source.renew_lease()

    found = (
        r"written to while it was copied "
        r"\(1 row of contact, 2 rows of identifier, 1 row of visitor, 1 row of session, 1 row of lease differ\); stop"
    )
    with pytest.raises(Conflicting, match=found):
        copy_store(source.store, target, write, chunk=10)
    with pytest.raises(StoreUnavailable, match="unfinished copy"):
        target.open()
    assert rows_of(target) == before


def test_change_mark_follows_commits_only(source: Source):
    with source.store.as_source() as old:
        quiet = old.change_mark()
        old.advance()
        assert old.change_mark() == quiet
        for write in (source.add_contact, source.renew_lease):
            before = old.change_mark()
            write()
            assert old.change_mark() == before
            old.advance()
            assert old.change_mark() != before
