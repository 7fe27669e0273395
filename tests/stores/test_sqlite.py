"""The Peewee store on SQLite: the contract, and what only SQLite can get wrong."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from hullo.errors import SettingsError, StoreUnavailable
from hullo.model.change_set import ChangeSet, created
from hullo.store.protocol import APPLIED, Store
from hullo.testing import StoreContract
from hullo.testing.builders import (
    a_conflict,
    a_contact,
    a_conversation,
    a_message,
    an_answer,
    an_api_key,
)
from hullo_stores.peewee.engines.sqlite import SqliteEngine, SqliteSettings, open_sqlite
from hullo_stores.peewee.store import PeeweeStore
from hullo_stores.peewee.tables import TABLES
from sqlite_file import schema_of, write_lock


class TestSqlite(StoreContract):
    durable = True
    shared_between_processes = True

    def make_store(self, folder: Path) -> Store:
        return open_sqlite(f"sqlite:///{folder}/hullo.db")


class TestUrl:
    def test_three_slashes_are_a_relative_path_and_four_an_absolute_one(self):
        assert SqliteSettings.of_url("sqlite:///data/hullo.db") == SqliteSettings(path="data/hullo.db")
        assert SqliteSettings.of_url("sqlite:////var/lib/my%20shop.db") == SqliteSettings(path="/var/lib/my shop.db")

    def test_parameters_change_the_settings(self):
        url = "sqlite:///hullo.db?synchronous=normal&busy_timeout_ms=250&mmap_mb=0"
        assert SqliteSettings.of_url(url) == SqliteSettings(
            path="hullo.db", synchronous="normal", busy_timeout_ms=250, mmap_mb=0
        )

    @pytest.mark.parametrize(
        ("url", "sentence"),
        [
            ("sqlite://hullo.db", "three slashes"),
            ("sqlite:///", "three slashes"),
            ("sqlite:///:memory:", "write 'memory:'"),
            (
                "sqlite:///hullo.db?sync=normal",
                "no parameter 'sync', only synchronous, busy_timeout_ms and mmap_mb",
            ),
            ("sqlite:///hullo.db?synchronous=off", "synchronous is 'full' or 'normal', not 'off'"),
            ("sqlite:///hullo.db?busy_timeout_ms=1.5", "busy_timeout_ms is a whole number"),
            ("sqlite:///hullo.db?mmap_mb=-1", "mmap_mb is a whole number"),
        ],
    )
    def test_what_it_does_not_know_is_refused_with_a_sentence(self, url: str, sentence: str):
        with pytest.raises(SettingsError, match=sentence):
            open_sqlite(url)


class TestSettings:
    @pytest.mark.parametrize(
        ("pragma", "value"),
        [
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("busy_timeout", 5000),
            ("foreign_keys", 1),
            ("secure_delete", 1),
            ("mmap_size", 256 * 1024 * 1024),
        ],
    )
    def test_the_safe_settings_are_in_force(self, path: Path, pragma: str, value: object):
        assert self._in_force(f"sqlite:///{path}", pragma) == value

    @pytest.mark.parametrize(("pragma", "value"), [("synchronous", 1), ("busy_timeout", 7), ("mmap_size", 1024 * 1024)])
    def test_so_are_those_of_the_url(self, path: Path, pragma: str, value: object):
        url = f"sqlite:///{path}?synchronous=normal&busy_timeout_ms=7&mmap_mb=1"
        assert self._in_force(url, pragma) == value

    @staticmethod
    def _in_force(url: str, pragma: str) -> object:
        """On a database that is opened again: opening a new one sets some of them on the way."""
        engine = SqliteEngine(SqliteSettings.of_url(url))
        store = PeeweeStore(engine)
        store.open()
        store.close()
        store.open()
        with engine.reading() as connection:
            ((value,),) = connection.rows(f"PRAGMA {pragma}")
        store.close()
        return value


TWINS = {
    "identifier": "INSERT INTO identifier SELECT digest, workspace_id, kind, 'con_2' FROM identifier",
    "repeat key": "INSERT INTO message SELECT 'x', conversation_id, author, text, 0, NULL, repeat_key FROM message",
    "open pair": "INSERT INTO conflict "
    "SELECT 'x', workspace_id, app_id, contact_id, other_id, field, rule, 0, status, open_pair, 0 "
    "FROM conflict",
    "API key": "INSERT INTO api_key SELECT 'x', workspace_id, digest, 0, NULL, scopes, NULL, 0 FROM api_key",
    "answer": "INSERT INTO answer SELECT * FROM answer",
}


class TestSchema:
    def test_what_migrations_make_is_what_tables_say(self, store: PeeweeStore, path: Path, tmp_path: Path):
        declared = SqliteDatabase(str(tmp_path / "declared.db"))
        with declared.bind_ctx(TABLES), declared.connection_context():
            for table in TABLES:
                table.create_table(safe=False)
        assert schema_of(tmp_path / "declared.db") == {
            name: text for name, text in schema_of(path).items() if not name.startswith("hullo_migration")
        }

    def test_a_newer_schema_is_refused(self, store: PeeweeStore, path: Path):
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("INSERT INTO hullo_migration (name, applied) VALUES ('9999_future', '2040-01-01')")
        with pytest.raises(StoreUnavailable, match="newer hullo: it has 9999_future"):
            store.check()
        store.close()
        with pytest.raises(StoreUnavailable, match="newer hullo: it has 9999_future"):
            store.open()

    def test_an_older_schema_is_not_ready(self, store: PeeweeStore, path: Path):
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("DELETE FROM hullo_migration")
        with pytest.raises(StoreUnavailable, match="lacks 0001_first; run 'hullo migrate'"):
            store.check()

    def test_tables_of_somebody_else_are_left_alone(self, path: Path):
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("CREATE TABLE contact (theirs TEXT)")
        with pytest.raises(StoreUnavailable):
            open_sqlite(f"sqlite:///{path}").open()
        assert list(schema_of(path)) == ["contact"]

    def test_an_up_to_date_database_opens_while_another_process_writes(self, engine: SqliteEngine, path: Path):
        PeeweeStore(engine).open()
        engine.close()
        with write_lock(path):
            PeeweeStore(engine).open()
        engine.close()

    @pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
    def test_the_database_itself_refuses_duplicates(self, store: PeeweeStore, path: Path, twin: str):
        people = (a_contact("con_1", external_id="ann"), a_contact("con_2"))
        everything = ChangeSet(
            contacts=tuple(created(each) for each in people),
            conversations=(created(a_conversation()),),
            messages=(a_message(repeat_key="repeat"),),
            conflicts=(created(a_conflict()),),
            api_keys=(created(an_api_key()),),
            answers=(an_answer(),),
        )
        assert store.apply([everything]) == (APPLIED,)
        with closing(sqlite3.connect(path)) as other, pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
            other.execute(twin)


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path):
    path = tmp_path / "hullo.db"
    store = open_sqlite(f"sqlite:///{path}")
    store.open()
    try:
        files = sorted(tmp_path.iterdir())
        assert len(files) == 3
        assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    finally:
        store.close()
