"""Backups of SQLite: what they hold, and what they leave alone."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from hullo.errors import Conflicting, StoreUnavailable
from hullo.model.change_set import ChangeSet, insertion
from hullo.store.maintenance import SupportsCopy, SupportsMaintenance, no_progress
from hullo.store.protocol import APPLIED
from hullo.testing.builders import WORKSPACE, a_contact
from hullo_stores.peewee.engines.sqlite import open_sqlite
from hullo_stores.peewee.maintenance import sqlite_backup
from hullo_stores.peewee.store import PeeweeStore
from sqlite_file import rows_of
from stores.backups import files_in, filled


@pytest.fixture
def store(path: Path) -> PeeweeStore:
    return filled(path, 8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """In a folder of its own, where nothing else is."""
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "of monday?.db"


def test_sqlite_store_offers_copy_backup_and_diagnosis(store: PeeweeStore):
    assert isinstance(store, SupportsCopy)
    assert isinstance(store, SupportsMaintenance)


def test_backup_is_one_private_complete_file(store: PeeweeStore, path: Path, file: Path):
    store.backup(file, no_progress)
    assert rows_of(file) == rows_of(path)
    assert files_in(file.parent) == [file.name]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_backup_is_readable_without_write_access(store: PeeweeStore, path: Path, file: Path):
    """Its header says that no log stands beside it."""
    store.backup(file, no_progress)
    assert path.read_bytes()[18:20] == b"\x02\x02"
    assert file.read_bytes()[18:20] == b"\x01\x01"


def test_backup_is_one_moment_despite_writes(
    store: PeeweeStore, path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite_backup, "PAGES_PER_STEP", 4)
    before = rows_of(path)
    server = open_sqlite(f"sqlite:///{path}")
    server.open()
    steps: list[int] = []

    def write(doing: str, done: int, total: int) -> None:
        if doing == "copying":
            steps.append(done)
            someone = a_contact(f"con_new{len(steps)}", external_id=f"new {len(steps)}", name="x" * 9000)
            assert set(server.apply([ChangeSet(contacts=(insertion(someone),))])) == {APPLIED}

    store.backup(file, write)
    assert rows_of(file) == before
    assert len(steps) > 5
    assert steps == sorted(steps)  # it never began anew
    assert server.find_contact(WORKSPACE, f"con_new{len(steps)}") is not None
    server.close()


def test_existing_file_is_replaced_only_on_request(store: PeeweeStore, path: Path, file: Path):
    file.write_text("precious")
    with pytest.raises(Conflicting, match=r"already; choose another name, or replace it with --force"):
        store.backup(file, no_progress)
    assert file.read_text() == "precious"
    store.backup(file, no_progress, replace=True)
    assert rows_of(file) == rows_of(path)


def test_file_that_appears_meanwhile_is_not_replaced(store: PeeweeStore, file: Path):
    with pytest.raises(Conflicting, match="by now"):
        store.backup(file, lambda *_: None if file.exists() else file.write_text("precious") and None)
    assert file.read_text() == "precious"
    assert files_in(file.parent) == [file.name]


def test_backup_works_without_hard_links(store: PeeweeStore, path: Path, file: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    store.backup(file, no_progress)
    assert rows_of(file) == rows_of(path)
    with pytest.raises(Conflicting, match="by now"):
        store.backup(file.with_name("2"), lambda *_: file.with_name("2").touch())


def test_impossible_backup_name_is_reported(store: PeeweeStore, file: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StoreUnavailable, match=r"cannot be named .*monday.*: Input/output error"):
        store.backup(file, no_progress, replace=True)
    assert files_in(file.parent) == []


def test_stopped_backup_leaves_no_file(store: PeeweeStore, file: Path):
    def stop(doing: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.backup(file, stop)
    assert files_in(file.parent) == []


def test_database_itself_is_refused_as_backup_target(store: PeeweeStore, path: Path):
    with pytest.raises(Conflicting, match="is the database itself"):
        store.backup(path, no_progress, replace=True)


def test_missing_folder_is_reported(store: PeeweeStore, file: Path):
    with pytest.raises(StoreUnavailable, match=r"no file can be made in .*nowhere: No such file"):
        store.backup(file.parent / "nowhere" / "x", no_progress)


def test_folder_is_not_replaced(store: PeeweeStore, file: Path):
    with pytest.raises(Conflicting, match="there is a"):
        store.backup(file.parent, no_progress, replace=True)


def test_missing_database_is_not_created(path: Path, file: Path):
    with pytest.raises(StoreUnavailable, match="there is no database"):
        open_sqlite(f"sqlite:///{path}").backup(file, no_progress)
    assert not path.exists()


def test_foreign_database_is_refused(path: Path, file: Path):
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE contact (theirs TEXT)")
    with pytest.raises(Conflicting, match="no database of hullo's"):
        open_sqlite(f"sqlite:///{path}").backup(file, no_progress)
    assert files_in(file.parent) == []


def test_backup_of_damaged_database_is_not_kept(path: Path, file: Path):
    store = filled(path, 200)
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] + b"\xff" * 8192 + whole[half + 8192 :])
    with pytest.raises(StoreUnavailable, match=rf"{path.name} is damaged"):
        store.backup(file, no_progress)
    assert files_in(file.parent) == []


def test_backup_does_not_upgrade_the_schema(store: PeeweeStore, path: Path, file: Path):
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DELETE FROM hullo_migration WHERE name > '0001_first'")
    store.backup(file, no_progress)
    assert [name for _, name, _ in rows_of(file)["hullo_migration"]] == ["0001_first"]
