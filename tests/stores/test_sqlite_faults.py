"""What the Peewee store says when SQLite fails, and what it leaves behind."""

import resource
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from hullo.errors import StoreUnavailable
from hullo.model.change_set import ChangeSet, Erasure, insertion, replacement
from hullo.store.protocol import APPLIED, StoreConflict
from hullo.testing.builders import (
    APP,
    LATER,
    WORKSPACE,
    a_contact,
    a_message,
    a_session,
    a_stored_response,
    an_app,
)
from hullo_stores.peewee.engines.sqlite import SqliteEngine, open_sqlite
from hullo_stores.peewee.engines.sqlite_connections import SqliteConnection
from hullo_stores.peewee.faults import translate_sqlite_error
from hullo_stores.peewee.store import PeeweeStore
from sqlite_file import schema_of, write_lock


def test_missing_folder_is_reported(tmp_path: Path):
    with pytest.raises(StoreUnavailable, match=r"the folder .*nowhere does not exist"):
        open_sqlite(f"sqlite:///{tmp_path}/nowhere/hullo.db").open()


def test_non_database_file_is_reported(path: Path):
    path.write_bytes(b"not a database, whatever its name" * 100)
    with pytest.raises(StoreUnavailable, match="is not an SQLite database"):
        open_sqlite(f"sqlite:///{path}").open()


def test_folder_instead_of_file_is_reported(path: Path):
    path.mkdir()
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_sqlite(f"sqlite:///{path}").open()


def test_damaged_file_is_reported(store: PeeweeStore, path: Path):
    store.apply([ChangeSet(contacts=(insertion(a_contact(external_id="ann")),))])
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(StoreUnavailable, match="is damaged"):
        _read_something(store)


def _read_something(store: PeeweeStore):
    store.open()
    store.list_apps()
    store.find_contact(WORKSPACE, "con_1")


def test_locked_file_is_unavailable_and_unchanged(store: PeeweeStore, path: Path):
    change_set = ChangeSet(sessions=(insertion(a_session()),))
    with write_lock(path):
        with pytest.raises(StoreUnavailable, match="locked by another process"):
            store.apply([change_set, change_set])
        assert store.find_session(a_session().digest) is None  # readers do not wait for the writer
    assert store.apply([change_set]) == (APPLIED,)


def test_new_file_that_stays_locked_is_unavailable(engine: SqliteEngine, path: Path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable, match="locked by another process"):
            PeeweeStore(engine).open()


def test_processes_making_one_file_wait_in_turn(path: Path, monkeypatch: pytest.MonkeyPatch):
    """SQLite answers "locked" at once, whatever the timeout, about once in a thousand such starts."""
    rows, refusals = SqliteConnection.rows, iter([_busy(path), _busy(path)])

    def locked_twice(self: SqliteConnection, text: str, values: Sequence[object] = ()):
        error = next(refusals, None) if "journal_mode" in text else None
        if error is not None:
            raise translate_sqlite_error(error, str(path)) from error
        return rows(self, text, values)

    monkeypatch.setattr(SqliteConnection, "rows", locked_twice)
    monkeypatch.setattr("hullo_stores.peewee.engines.sqlite.WAL_RETRY_DELAY", 0)
    store = open_sqlite(f"sqlite:///{path}")
    store.open()
    store.close()
    assert next(refusals, None) is None


def test_migration_without_lock_is_unavailable(engine: SqliteEngine, path: Path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
    with write_lock(path), pytest.raises(StoreUnavailable, match="locked by another process"):
        PeeweeStore(engine).open()
    assert schema_of(path) == {}
    PeeweeStore(engine).open()
    engine.close()


def test_full_disk_fails_only_the_group(store: PeeweeStore, engine: SqliteEngine):
    small = ChangeSet(sessions=(insertion(a_session()),))
    large = ChangeSet(stored_responses=(a_stored_response(body=b"x" * 10_000_000),))
    with engine.write_transaction() as connection:
        ((pages,),) = connection.rows("PRAGMA page_count")
        connection.execute(f"PRAGMA max_page_count = {pages + 100}")
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        store.apply([small, large])
    assert store.find_session(a_session().digest) is None
    assert store.apply([small]) == (APPLIED,)


@contextmanager
def full_disk() -> Iterator[None]:
    """This process can write to no file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_failed_write_ends_readiness_until_one_succeeds(store: PeeweeStore, path: Path):
    store.check()
    with full_disk():
        store.check()  # nothing failed yet, and the last probe is a moment old
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="the disk"):
                store.apply([ChangeSet(sessions=(insertion(a_session()),))])
            with pytest.raises(StoreUnavailable, match="the disk"):
                store.check()
        with write_lock(path):
            store.check()  # whoever holds the lock may be writing
    store.check()


def test_full_disk_ends_readiness_without_a_write(store: PeeweeStore, monkeypatch: pytest.MonkeyPatch):
    full = SimpleNamespace(free=0)
    monkeypatch.setattr("hullo_stores.peewee.engines.sqlite.disk_usage", lambda folder: full)
    with full_disk(), pytest.raises(StoreUnavailable, match="the disk"):
        store.check()
    store.check()  # a write goes well, however little room the disk reports


def test_read_only_file_is_reported(store: PeeweeStore, engine: SqliteEngine):
    with engine.write_transaction() as connection:
        connection.execute("PRAGMA query_only = 1")  # file permissions do not stop root
    with pytest.raises(StoreUnavailable, match="may not be written to"):
        store.apply([ChangeSet(sessions=(insertion(a_session()),))])


def test_conflict_names_the_table(store: PeeweeStore):
    store.apply([ChangeSet(contacts=(insertion(a_contact("con_1", external_id="ann")),))])
    app = an_app()
    results = store.apply(
        [
            ChangeSet(contacts=(insertion(a_contact("con_2", external_id="ann")),)),
            ChangeSet(sessions=(insertion(a_session(contact_id="con_gone")),)),
            ChangeSet(messages=(a_message(conversation_id="cnv_gone"),)),
            ChangeSet(apps=(replacement(app, app),)),
        ]
    )
    reasons = ("identifier", "contact", "foreign key", "app")
    assert results == tuple(map(StoreConflict, reasons))


def test_fault_shows_no_personal_value(store: PeeweeStore):
    contact = a_contact("con_ann@shop.example", external_id="ann@shop.example")
    store.apply([ChangeSet(contacts=(insertion(contact),))])
    (again,) = store.apply([ChangeSet(contacts=(insertion(contact),))])
    assert "ann" not in str(again)


def test_erased_contact_is_gone_from_the_file(store: PeeweeStore, path: Path):
    contact = a_contact(email="ann@shop.example", name="Ann Unforgettable", custom_data={APP: {"a": "Unforgettable"}})
    store.apply([ChangeSet(contacts=(insertion(contact),))])
    others = tuple(insertion(a_contact(f"con_{n}", email=f"{n}@mail.test")) for n in range(2, 50))
    store.apply([ChangeSet(contacts=others)])
    renamed = replacement(contact, replace(contact, profile={}))
    store.apply([ChangeSet(contacts=(renamed,))])
    assert store.apply(
        [ChangeSet(erasures=(Erasure(contact=renamed.after, conversations="erase", at=LATER, salt="salt"),))]
    ) == (APPLIED,)
    store.close()  # which moves the log into the file
    assert b"2@mail.test" in path.read_bytes()
    assert b"ann@shop.example" not in path.read_bytes()
    assert b"Unforgettable" not in path.read_bytes()


def _busy(path: Path) -> sqlite3.Error:
    """The driver's own error for a locked file."""
    with write_lock(path), closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        with pytest.raises(sqlite3.OperationalError) as caught:
            other.execute("BEGIN IMMEDIATE")
        return caught.value
