"""Searches by the index of each engine: the contract has too few contacts to need one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from behind import once_asked
from databases import Databases, Engine
from hullo.errors import StoreUnavailable
from hullo.store.protocol import ContactFilter, PageRequest, Store
from hullo.testing.builders import WORKSPACE
from hullo.testing.store.case import must_apply, new_contacts
from hullo.testing.store.erasing import erasure
from hullo.testing.store.searching import PEOPLE, SearchTests
from hullo_stores.peewee.engines import sqlite_searching
from hullo_stores.peewee.search import filling, finding
from hullo_stores.peewee.search.finding import ContactFinder
from hullo_stores.peewee.search.index import Fts5Index, TrigramIndex
from hullo_stores.peewee.search.limits import SEARCH_CONNECTIONS
from hullo_stores.peewee.search.upkeep import UNFINISHED_SEARCH
from hullo_stores.peewee.store import PeeweeStore
from sqlite_file import write_lock
from stores.wired import engine_of, peewee_store

INDEXES = {"sqlite": Fts5Index, "postgresql": TrigramIndex}


class ByIndex(SearchTests):
    engine: Engine

    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
        """Makes two contacts too many to compare, and five too many to sort."""
        monkeypatch.setattr(finding, "WALKED", 2)
        monkeypatch.setattr(finding, "SORTED", 5)

    @pytest.fixture
    def tmp_path(self, tmp_path: Path, databases: Databases) -> Path:
        (tmp_path / "url").write_text(databases.empty(self.engine, tmp_path))
        return tmp_path

    def make_store(self, folder: Path) -> Store:
        return peewee_store((folder / "url").read_text())


class TestByFts5(ByIndex):
    engine = "sqlite"

    def make_store(self, folder: Path) -> Store:
        return super().make_store(folder)


class TestByTrigramIndex(ByIndex):
    engine = "postgresql"

    def make_store(self, folder: Path) -> Store:
        return super().make_store(folder)


class TestByTrigramRows(ByIndex):
    engine = "mysql"

    def make_store(self, folder: Path) -> Store:
        return super().make_store(folder)


class TestByTrigramRowsOnSqlite(ByIndex):
    """An SQLite that was built without the full-text index."""

    engine = "sqlite"

    @pytest.fixture(autouse=True)
    def without_index(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Fts5Index, "prepare", lambda self, database: False)

    def make_store(self, folder: Path) -> Store:
        return super().make_store(folder)


KEBAP = ContactFilter(workspace_id=WORKSPACE, query="kebap")
ENDLESS: dict[Engine, str] = {
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
    "mysql": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT SLEEP(1) FROM n) SELECT COUNT(*) FROM n",
}


@pytest.fixture(params=ENDLESS)
def engine(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.param
    return engine


@pytest.fixture
def url(engine: Engine, databases: Databases, tmp_path: Path) -> str:
    return databases.empty(engine, tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[PeeweeStore]:
    store = peewee_store(url if url.startswith("sqlite") else f"{url}?pool=1")
    store.open()
    yield store
    store.close()


def test_searches_leave_connections_to_other_calls(store: PeeweeStore, monkeypatch: pytest.MonkeyPatch):
    """With one connection for all the rest, which is the fewest there can be."""
    monkeypatch.setattr(sqlite_searching, "SEARCH_PATIENCE_SECONDS", 0.01)
    engine = engine_of(store)
    if (pool := getattr(engine, "_search_database", None)) is not None:
        monkeypatch.setattr(pool, "_wait_timeout", 0.01)
    ready, done = threading.Barrier(SEARCH_CONNECTIONS + 1), threading.Event()

    def search() -> None:
        with engine.search_transaction() as connection:
            connection.rows("SELECT 1")
            ready.wait()
            done.wait()

    with ThreadPoolExecutor(SEARCH_CONNECTIONS) as searchers:
        searching = [searchers.submit(search) for _ in range(SEARCH_CONNECTIONS)]
        ready.wait()
        try:
            must_apply(store, new_contacts(PEOPLE[0]))
            assert store.find_contact(WORKSPACE, PEOPLE[0].id) == PEOPLE[0]
            with pytest.raises(StoreUnavailable, match="too many searches are under way; try again in a moment"):
                store.list_contacts(KEBAP, PageRequest())
        finally:
            done.set()
        for one in searching:
            one.result()
    assert store.list_contacts(KEBAP, PageRequest()).items == (PEOPLE[0],)


def test_endless_search_is_given_up(store: PeeweeStore, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    must_apply(store, new_contacts(PEOPLE[0]))
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_searching, "SEARCH_SECONDS", 0.05)
        patched.setattr(ContactFinder, "find", lambda self, connection, *_: connection.rows(ENDLESS[engine]))
        with pytest.raises(StoreUnavailable, match="given up; search for a longer word, or for more words"):
            store.list_contacts(KEBAP, PageRequest())
    assert store.list_contacts(KEBAP, PageRequest()).items == (PEOPLE[0],)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_search_waits_for_no_writer(store: PeeweeStore, url: str):
    must_apply(store, new_contacts(PEOPLE[0]))
    with write_lock(Path(url.removeprefix("sqlite:///"))):
        found = store.list_contacts(KEBAP, PageRequest())
    assert found.items == (PEOPLE[0],)


@pytest.mark.rule("P2")
def test_erasure_leaves_no_text_and_no_trigram(store: PeeweeStore, url: str):
    must_apply(store, new_contacts(*PEOPLE), erasure(PEOPLE[0]))
    assert (PEOPLE[0].id,) not in once_asked(url, "SELECT contact_id FROM contact_search")
    assert (PEOPLE[0].id,) not in once_asked(url, "SELECT contact_id FROM contact_gram")


def test_index_is_filled_where_it_is_lacking(store: PeeweeStore, url: str, monkeypatch: pytest.MonkeyPatch):
    """In batches: a process that is killed after one of them is followed by another that goes on."""
    monkeypatch.setattr(filling, "BATCH_SIZE", 2)
    must_apply(store, new_contacts(*PEOPLE, replace(PEOPLE[0], id="con_other", workspace_id="ws_2")))
    store.close()
    for text in (
        "DELETE FROM contact_search",
        "DELETE FROM contact_gram",
        f"INSERT INTO hullo_migration (name, applied) VALUES ('{UNFINISHED_SEARCH}', CURRENT_TIMESTAMP)",
    ):
        once_asked(url, text)
    assert ["cannot be searched yet" in (found.advice or "") for found in store.diagnose()].count(True) == 1
    told: list[tuple[int, int]] = []

    def killed(label: str, done: int, total: int) -> None:
        told.append((done, total))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.migrate(killed)
    assert told == [(0, 8), (2, 8), (4, 8)]
    assert once_asked(url, "SELECT COUNT(*) FROM contact_search") == [(4,)]
    store.migrate(lambda label, done, total: told.append((done, total)))
    # No batch is of two workspaces.
    assert told[3:] == [(4, 8), (6, 8), (7, 8), (8, 8), (1, 1)]
    store.open()
    found = store.list_contacts(ContactFilter(workspace_id=WORKSPACE, query="müller"), PageRequest())
    assert [contact.id for contact in found.items] == ["con_03", "con_02"]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
def test_better_index_is_made_once_available(store: PeeweeStore, url: str, engine: Engine):
    """And trigrams are rows again where it is gone."""
    index = INDEXES[engine]
    must_apply(store, new_contacts(*PEOPLE))
    gone = {
        "sqlite": [f"DROP TRIGGER contact_fts_{name}" for name in ("added", "removed", "replaced")]
        + ["DROP TABLE contact_fts"],
        "postgresql": ["DROP INDEX contact_search_trigrams"],
    }
    for text in gone[engine]:
        once_asked(url, text)
    store.close()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(index, "prepare", lambda self, database: False)
        patched.setattr(index, "is_available", lambda self, connection: False)
        store.open()
        assert once_asked(url, "SELECT COUNT(*) FROM contact_gram") != [(0,)]
        assert store.list_contacts(KEBAP, PageRequest()).items == (PEOPLE[0],)
        store.close()
        (finding,) = (found for found in store.diagnose() if found.name == "search")
        assert (finding.value, finding.advice) == ("a table of trigrams", index.advice)
    store.open()
    assert once_asked(url, "SELECT COUNT(*) FROM contact_gram") == [(0,)]
    assert store.list_contacts(KEBAP, PageRequest()).items == (PEOPLE[0],)
    store.close()
    (finding,) = (found for found in store.diagnose() if found.name == "search")
    assert (finding.value, finding.advice) == (index.name, None)
