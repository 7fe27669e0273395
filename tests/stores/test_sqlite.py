"""The Peewee store on SQLite: the contract, and what only SQLite can get wrong."""

import stat
from pathlib import Path

import pytest

from hullo.errors import SettingsError
from hullo.store.protocol import Store
from hullo.testing import StoreContract
from hullo_stores.peewee.engines.sqlite import SqliteEngine, SqliteSettings, open_sqlite
from hullo_stores.peewee.store import PeeweeStore
from sqlite_file import write_lock


class TestSqlite(StoreContract):
    durable = True
    shared_between_processes = True
    locking = True
    concurrent_reads = True

    def make_store(self, folder: Path) -> Store:
        return open_sqlite(f"sqlite:///{folder}/hullo.db")


class TestUrl:
    def test_url_slashes_make_relative_or_absolute_path(self):
        assert SqliteSettings.from_url("sqlite:///data/hullo.db") == SqliteSettings(path="data/hullo.db")
        assert SqliteSettings.from_url("sqlite:////var/lib/my%20shop.db") == SqliteSettings(path="/var/lib/my shop.db")

    def test_url_parameters_change_the_settings(self):
        url = "sqlite:///hullo.db?synchronous=normal&busy_timeout_ms=250&mmap_mb=0"
        assert SqliteSettings.from_url(url) == SqliteSettings(
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
    def test_unknown_url_part_is_refused_with_reason(self, url: str, sentence: str):
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
    def test_safe_settings_are_in_force(self, path: Path, pragma: str, value: object):
        assert self._in_force(f"sqlite:///{path}", pragma) == value

    @pytest.mark.parametrize(("pragma", "value"), [("synchronous", 1), ("busy_timeout", 7), ("mmap_size", 1024 * 1024)])
    def test_url_settings_are_in_force(self, path: Path, pragma: str, value: object):
        url = f"sqlite:///{path}?synchronous=normal&busy_timeout_ms=7&mmap_mb=1"
        assert self._in_force(url, pragma) == value

    @staticmethod
    def _in_force(url: str, pragma: str) -> object:
        """On a database that is opened again: opening a new one sets some of them on the way."""
        engine = SqliteEngine(SqliteSettings.from_url(url))
        store = PeeweeStore(engine)
        store.open()
        store.close()
        store.open()
        with engine.write_transaction() as connection:
            ((value,),) = connection.rows(f"PRAGMA {pragma}")
        if pragma not in {"foreign_keys", "secure_delete"}:  # of writers only
            with engine.read_transaction() as reader:
                assert reader.rows(f"PRAGMA {pragma}") == [(value,)]
        store.close()
        return value


def test_current_database_opens_during_other_writes(engine: SqliteEngine, path: Path):
    PeeweeStore(engine).open()
    engine.close()
    with write_lock(path):
        PeeweeStore(engine).open()
    engine.close()


def test_new_file_is_private_to_its_owner(tmp_path: Path):
    path = tmp_path / "hullo.db"
    store = open_sqlite(f"sqlite:///{path}")
    store.open()
    try:
        files = sorted(tmp_path.iterdir())
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        store.close()
