"""Restoring SQLite from a backup: what is put back, and what is refused."""

from __future__ import annotations

import random
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from hullo.errors import Conflicting, StoreUnavailable
from hullo.model.change_set import ChangeSet, insertion
from hullo.store.maintenance import no_progress
from hullo.testing.builders import WORKSPACE, a_contact
from hullo_stores.peewee.engines.sqlite import open_sqlite
from hullo_stores.peewee.maintenance import sqlite_backup, sqlite_file
from hullo_stores.peewee.schema import KNOWN_MIGRATIONS, UNFINISHED_COPY
from hullo_stores.peewee.store import PeeweeStore
from peopled import fill
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


@pytest.fixture
def backup(store: PeeweeStore, file: Path) -> Path:
    store.backup(file, no_progress)
    return file


def test_restore_returns_the_old_content(store: PeeweeStore, path: Path, backup: Path):
    before = rows_of(path)
    store.open()
    store.apply([ChangeSet(contacts=(insertion(a_contact("con_new", email="new@mail.example")),))])
    store.close()
    store.restore(backup, no_progress)
    assert rows_of(path) == before
    assert files_in(path.parent) == ["backups", path.name]
    store.open()
    assert store.find_contact(WORKSPACE, "con_new") is None
    store.close()


def test_restore_creates_a_missing_database(path: Path, backup: Path):
    path.unlink()
    store = open_sqlite(f"sqlite:///{path}")
    assert not store.has_rows()
    store.restore(backup, no_progress)
    assert rows_of(path) == rows_of(backup)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_database_of_other_page_size_is_replaced(path: Path, backup: Path):
    for name, size in (("small", 1024), ("large", 16384)):
        other = path.with_name(f"{name}.db")
        with closing(sqlite3.connect(backup)) as source:
            source.execute(f"PRAGMA page_size = {size}")
            source.execute("VACUUM")
            source.execute(f"VACUUM INTO '{other}'")
        filled(path.with_name(f"target-{name}.db"), 3).restore(other, no_progress)
        assert rows_of(path.with_name(f"target-{name}.db")) == rows_of(backup)


def test_restore_leaves_no_old_content_in_journal(path: Path, backup: Path):
    filled(path.with_name("full.db"), 300).restore(backup, no_progress)
    assert files_in(path.parent) == ["backups", "full.db", path.name]


@pytest.mark.parametrize("way", ["nothing", "tables without rows", "a row", "no database"])
def test_rows_to_be_replaced_are_detected(tmp_path: Path, way: str):
    path = tmp_path / "target.db"
    match way:
        case "nothing":
            path.touch()
        case "no database":
            path.write_text("a note " * 1000)
        case _:
            store = open_sqlite(f"sqlite:///{path}")
            store.open()
            if way == "a row":
                fill(store, 0)
            store.close()
    assert open_sqlite(f"sqlite:///{path}").has_rows() is (way in ("a row", "no database"))


def test_older_backup_is_accepted(store: PeeweeStore, path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite_file, "KNOWN_MIGRATIONS", {*KNOWN_MIGRATIONS, "9998_next"})
    filled(path.with_name("target.db"), 1).restore(backup, no_progress)
    assert rows_of(path.with_name("target.db")) == rows_of(backup)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("INSERT INTO hullo_migration (name, applied) VALUES ('9999_later', 0)", "newer hullo: it has 9999_later"),
        (f"INSERT INTO hullo_migration (name, applied) VALUES ('{UNFINISHED_COPY}x', 0)", "an unfinished copy"),
        ("DROP TABLE hullo_migration", "no database of hullo's"),
        ("DELETE FROM hullo_migration", "no database of hullo's"),
    ],
)
def test_invalid_backup_is_refused_before_any_change(
    store: PeeweeStore, path: Path, backup: Path, statement: str, sentence: str
):
    with closing(sqlite3.connect(backup)) as other, other:
        other.execute(statement)
    before = path.read_bytes()
    with pytest.raises(Conflicting, match=sentence):
        store.restore(backup, no_progress)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("CREATE TRIGGER evil AFTER INSERT ON session BEGIN UPDATE session SET standing = 9; END", "the trigger evil"),
        ("CREATE VIEW loot AS SELECT * FROM contact", "the view loot"),
        ("CREATE TABLE loot (what TEXT)", "the table loot"),
        ("CREATE VIRTUAL TABLE loot USING fts5 (what)", "the table loot"),
        ("DROP TABLE hullo_migration; CREATE VIEW hullo_migration AS SELECT 'x' AS name", "the view hullo_migration"),
        (
            "DROP TRIGGER contact_fts_added; CREATE TRIGGER contact_fts_added AFTER INSERT ON contact_search "
            "BEGIN DELETE FROM audit; END",
            "the trigger contact_fts_added",
        ),
    ],
)
def test_foreign_code_is_refused_before_any_change(
    store: PeeweeStore, path: Path, backup: Path, statement: str, named: str
):
    with closing(sqlite3.connect(backup)) as other:
        other.executescript(statement)
    before = path.read_bytes()
    with pytest.raises(Conflicting, match=f"{named}.* did not make"):
        store.restore(backup, no_progress)
    assert path.read_bytes() == before


def test_randomly_damaged_backup_is_reported_in_words(store: PeeweeStore, path: Path, backup: Path):
    whole, chosen = backup.read_bytes(), random.Random(7)
    for _ in range(40):
        damaged = bytearray(whole)
        # The schema is in the first page: that is where names are read.
        for place in (*chosen.sample(range(100, 4096), 8), *chosen.sample(range(len(whole)), 8)):
            damaged[place] = chosen.randrange(256)
        backup.write_bytes(damaged)
        with suppress(StoreUnavailable, Conflicting):
            store.restore(backup, no_progress)


@pytest.mark.parametrize("word", [b"CREATE", b"CREATX"], ids=["a name", "the message of an error"])
def test_bytes_that_are_no_text_mean_damage(store: PeeweeStore, backup: Path, word: bytes):
    whole = backup.read_bytes()
    assert b"hullo_migration" in whole
    backup.write_bytes(
        whole.replace(b"hullo_migration", b"hullo_migr\xfftion").replace(b"CREATE TABLE", word + b" TABLE")
    )
    with pytest.raises(StoreUnavailable, match="is damaged"):
        store.restore(backup, no_progress)


def test_damaged_backup_is_refused_before_any_change(path: Path, file: Path):
    store = filled(path, 200)
    store.backup(file, no_progress)
    whole, before = file.read_bytes(), path.read_bytes()
    half = len(whole) // 2
    for damaged in (whole[:half], whole[:half] + b"\xff" * 8192 + whole[half + 8192 :], b"a note" * 1000):
        file.write_bytes(damaged)
        with pytest.raises(StoreUnavailable, match=r"monday.* is (damaged|not an SQLite database)"):
            store.restore(file, no_progress)
        assert path.read_bytes() == before


def test_missing_file_is_reported(store: PeeweeStore, file: Path):
    with pytest.raises(StoreUnavailable, match="there is no file"):
        store.restore(file, no_progress)


def test_missing_folder_is_reported(tmp_path: Path, backup: Path):
    with pytest.raises(StoreUnavailable, match=r"the folder .*nowhere does not exist"):
        open_sqlite(f"sqlite:///{tmp_path}/nowhere/hullo.db").restore(backup, no_progress)


def test_database_itself_is_refused_as_backup(store: PeeweeStore, path: Path):
    with pytest.raises(Conflicting, match="is the database itself"):
        store.restore(path, no_progress)


def test_foreign_database_is_not_replaced(tmp_path: Path, backup: Path):
    theirs = tmp_path / "theirs.db"
    with closing(sqlite3.connect(theirs)) as other, other:
        other.execute("CREATE TABLE invoices (number INTEGER)")
    with pytest.raises(Conflicting, match="is not hullo's database"):
        open_sqlite(f"sqlite:///{theirs}").restore(backup, no_progress)
    assert list(rows_of(theirs)) == ["invoices"]


def test_unreadable_database_must_be_moved_away(store: PeeweeStore, path: Path, backup: Path):
    path.write_bytes(b"\x00\xff" * 4096)
    with pytest.raises(StoreUnavailable, match=r"cannot be read as a database; move it away"):
        store.restore(backup, no_progress)
    assert path.read_bytes() == b"\x00\xff" * 4096


def test_damaged_database_is_replaced(path: Path, file: Path):
    store = filled(path, 200)
    store.backup(file, no_progress)
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] + b"\xff" * 8192 + whole[half + 8192 :])
    assert store.has_rows()
    store.restore(file, no_progress)
    assert rows_of(path) == rows_of(file)


def test_stopped_restore_keeps_the_old_content(
    store: PeeweeStore, path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite_backup, "PAGES_PER_STEP", 16)
    store.open()
    fill_more = ChangeSet(contacts=(insertion(a_contact("con_new", email="new@mail.example")),))
    store.apply([fill_more])
    store.close()
    before = rows_of(path)

    def stop(doing: str, done: int, total: int) -> None:
        if doing == "restoring" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.restore(backup, stop)
    assert rows_of(path) == before
    assert files_in(path.parent) == ["backups", path.name]


OPEN = "from hullo import Hullo; import sys; h = Hullo(sys.argv[1]).open(); "
WAYS = {
    "one that has just opened it": OPEN,
    "one that has read": OPEN + "h.store.list_apps(); ",
    "one that has written": OPEN + "h.create_app('Shop'); ",
    "one that is reading": "import sqlite3, sys; c = sqlite3.connect(sys.argv[1][10:]); c.execute('BEGIN'); "
    "c.execute('SELECT * FROM app').fetchone(); ",
}


class TestOthersWhoHaveItOpen:
    @pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
    def test_open_database_is_not_replaced(self, store: PeeweeStore, path: Path, file: Path, way: str):
        store.backup(file, no_progress)
        script = way + "print('there', flush=True); sys.stdin.read()"
        other = subprocess.Popen(
            [sys.executable, "-c", script, f"sqlite:///{path}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with other:
            assert other.stdout is not None
            other.stdout.readline()
            before = rows_of(path)
            with pytest.raises(StoreUnavailable, match=r"another process has .* open; stop every server"):
                store.restore(file, no_progress)
            assert rows_of(path) == before
            other.kill()
        store.restore(file, no_progress)
        assert rows_of(path) == rows_of(file)

    def test_connection_during_restore_is_refused(self, store: PeeweeStore, path: Path, file: Path):
        store.backup(file, no_progress)
        refused: list[str] = []

        def come(doing: str, done: int, total: int) -> None:
            if doing == "restoring" and not refused:
                with closing(sqlite3.connect(path, timeout=0)) as other, pytest.raises(sqlite3.OperationalError) as why:
                    other.execute("SELECT * FROM app")
                refused.append(str(why.value))

        store.restore(file, come)
        assert refused == ["database is locked"]
