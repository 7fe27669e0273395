"""What a crash leaves of a backup or a restore."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hullo.store.maintenance import no_progress
from hullo_stores.peewee.maintenance import sqlite_file
from hullo_stores.peewee.store import PeeweeStore
from sqlite_file import rows_of
from stores.backups import files_in, filled

MEBIBYTE = 1024 * 1024


@pytest.fixture
def store(path: Path) -> PeeweeStore:
    return filled(path, 8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """In a folder of its own, where nothing else is."""
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "of monday?.db"


KILLED = """
import os, signal, sys
from pathlib import Path
from hullo_stores.peewee.maintenance import sqlite_backup, sqlite_file
from hullo_stores.peewee.engines.sqlite import open_sqlite
sqlite_backup.PAGES_PER_STEP = 32
url, what, file, at = sys.argv[1:]
def tell(doing, done, total):
    if f"{doing} {100 * done // total}" >= at and doing == at.split()[0]:
        os.kill(os.getpid(), signal.SIGKILL)
getattr(open_sqlite(url), what)(Path(file), tell)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(path: Path, what: str, file: Path, at: str) -> None:
    """A process that is killed while it does something with the database: at a percentage, or just before it ends."""
    command = [sys.executable, "-c", KILLED, f"sqlite:///{path}", what, str(file), at]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == -9, result.stderr


@pytest.mark.slow
class TestAKill:
    @pytest.fixture
    def large(self, tmp_path: Path) -> Callable[[str, int, bytes], PeeweeStore]:
        """Larger than SQLite's cache, so that pages are written before the end."""
        return lambda name, people, letter: filled(tmp_path / f"{name}.db", people, answer=letter * 6 * MEBIBYTE)

    @pytest.mark.parametrize("at", ["checking 00", "restoring 00", "restoring 20", "restoring 60", "restoring 95"])
    def test_kill_during_restore_loses_nothing(
        self, tmp_path: Path, file: Path, large: Callable[[str, int, bytes], PeeweeStore], at: str
    ):
        large("other", 3, b"n").backup(file, no_progress)
        store = large("hullo", 8, b"o")
        path = tmp_path / "hullo.db"
        before, bytes_before = rows_of(path), path.read_bytes()
        killed(path, "restore", file, at)
        if at == "restoring 95":  # else this would prove nothing
            assert path.read_bytes() != bytes_before
            assert path.with_name("hullo.db-journal").stat().st_size > MEBIBYTE
        store.open()  # as the server does that is started next
        store.check()
        store.close()
        assert rows_of(path) == before
        store.restore(file, no_progress)
        assert rows_of(path) == rows_of(file)

    def test_kill_after_restore_leaves_new_content(
        self, tmp_path: Path, file: Path, large: Callable[[str, int, bytes], PeeweeStore]
    ):
        large("other", 3, b"n").backup(file, no_progress)
        store = large("hullo", 8, b"o")
        killed(tmp_path / "hullo.db", "restore", file, "never")
        store.open()
        store.check()
        store.close()
        assert rows_of(tmp_path / "hullo.db") == rows_of(file)

    @pytest.mark.parametrize("at", ["copying 00", "copying 50", "checking 00"])
    def test_kill_during_backup_leaves_no_named_file(
        self, tmp_path: Path, file: Path, large: Callable[[str, int, bytes], PeeweeStore], at: str
    ):
        store = large("hullo", 3, b"o")
        before = rows_of(tmp_path / "hullo.db")
        killed(tmp_path / "hullo.db", "backup", file, at)
        assert not file.exists()
        [rest] = {Path(name).name.removesuffix("-journal") for name in files_in(file.parent)}
        assert rest.endswith(".unfinished")
        assert stat.S_IMODE((file.parent / rest).stat().st_mode) == 0o600
        store.backup(file, no_progress)
        assert rows_of(file) == before

    def test_next_backup_removes_what_killed_one_left(
        self, tmp_path: Path, file: Path, large: Callable[[str, int, bytes], PeeweeStore]
    ):
        store = large("hullo", 3, b"o")
        killed(tmp_path / "hullo.db", "backup", file, "copying 50")
        left = list(file.parent.iterdir())
        kept = file.with_name("notes.unfinished")
        kept.touch()
        for path in (*left, kept):
            os.utime(path, (0, 0))
        living = file.with_name(f"other.db.{'0' * 8}.unfinished")
        with living.open("wb") as written:
            os.utime(living, (0, 0))
            assert sqlite_file.lock_whole(written)
            store.backup(file, no_progress)
        assert files_in(file.parent) == sorted([file.name, kept.name, living.name])
