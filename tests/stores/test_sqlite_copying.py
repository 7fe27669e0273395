"""Copying from SQLite and to SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hullo.errors import StoreUnavailable
from hullo.store.copying import copy_store
from hullo_stores.peewee.engines.sqlite import open_sqlite
from hullo_stores.peewee.maintenance.copying import PeeweeSource
from hullo_stores.peewee.schema import UNFINISHED_COPY, unfinished_copy
from hullo_stores.peewee.store import PeeweeStore
from peopled import fill
from sqlite_file import traced
from stores.portable import PortableContract


class TestSqlite(PortableContract):
    trigger = ("CREATE TRIGGER evil AFTER INSERT ON session BEGIN DELETE FROM audit; END",)

    def make_store(self, folder: Path, name: str) -> PeeweeStore:
        return open_sqlite(f"sqlite:///{folder}/{name}.db")

    def test_table_keys_are_the_primary_keys(self, source: PeeweeStore, tmp_path: Path):
        with source.as_source() as old, closing(sqlite3.connect(tmp_path / "source.db")) as other:
            for table in old.tables():
                columns = other.execute(f"PRAGMA table_info({table.name})").fetchall()
                assert table.columns == tuple(name for _, name, *_ in columns)
                key = sorted((place, name) for _, name, *_, place in columns if place)
                assert table.key == tuple(name for _, name in key)

    def test_every_page_is_found_by_key(self, source: PeeweeStore, tmp_path: Path):
        asked: list[str] = []
        with source.as_source() as old:
            assert isinstance(old, PeeweeSource)
            with traced(old._engine, asked.append):
                for table in old.tables():
                    old.rows(table, old.rows(table, None, 1)[0][: len(table.key)], 5)
        with closing(sqlite3.connect(tmp_path / "source.db")) as other:
            pages = [text for text in asked if " WHERE " in text and text.startswith("SELECT")]
            assert len(pages) == len(old.tables())
            for text in pages:
                plan = " ".join(step for *_, step in other.execute(f"EXPLAIN QUERY PLAN {text}"))
                assert plan.startswith("SEARCH"), text
                assert "TEMP B-TREE" not in plan, text


def test_missing_source_is_not_created(tmp_path: Path):
    source, target = (open_sqlite(f"sqlite:///{tmp_path}/{name}.db") for name in ("source", "target"))
    with pytest.raises(StoreUnavailable, match=r"there is no database .*source.db"):
        copy_store(source, target)
    assert not list(tmp_path.iterdir())


def test_outdated_source_is_left_unchanged(tmp_path: Path):
    source = open_sqlite(f"sqlite:///{tmp_path}/source.db")
    source.open()
    source.close()
    with closing(sqlite3.connect(tmp_path / "source.db")) as other, other:
        other.execute("DELETE FROM hullo_migration")
    with pytest.raises(StoreUnavailable, match="run 'hullo migrate'"):
        copy_store(source, open_sqlite(f"sqlite:///{tmp_path}/target.db"))
    with closing(sqlite3.connect(tmp_path / "source.db")) as other:
        assert other.execute("SELECT * FROM hullo_migration").fetchall() == []


def test_unfinished_copy_of_another_version_is_refused(tmp_path: Path):
    source, target = (open_sqlite(f"sqlite:///{tmp_path}/{name}.db") for name in ("source", "target"))
    source.open()
    fill(source, 1)
    source.close()
    target.open()
    target.close()
    with closing(sqlite3.connect(tmp_path / "target.db")) as other, other:
        other.execute("DELETE FROM hullo_migration WHERE name > '0001_first'")
        other.execute(f"INSERT INTO hullo_migration (name, applied) VALUES ('{UNFINISHED_COPY}abc', '2040-01-01')")
    with pytest.raises(StoreUnavailable, match="another version of hullo"):
        copy_store(source, target)


def test_links_lead_to_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "hullo.db").touch()
    (tmp_path / "link.db").symlink_to("hullo.db")
    monkeypatch.chdir(tmp_path)
    places = {
        open_sqlite(url).location
        for url in (
            "sqlite:///hullo.db",
            "sqlite:///./hullo.db?synchronous=normal",
            "sqlite:///link.db",
            f"sqlite:///{tmp_path}/hullo.db",
        )
    }
    assert len(places) == 1


def test_history_names_its_unfinished_copy():
    assert unfinished_copy(["0001_first"]) is None
    assert unfinished_copy(["0001_first", "unfinished copy of 0123abcd"]) == "0123abcd"
