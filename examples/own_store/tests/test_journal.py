"""The contract, and what only a journal can get wrong."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from errno import EIO
from pathlib import Path

import pytest
from hullo_journal.store import JournalStore, open_journal
from msgspec.structs import replace

from hullo import Hullo
from hullo.errors import SettingsError, StoreUnavailable
from hullo.model.change_set import ChangeSet, Erasure, insertion, replacement
from hullo.model.retention import Sweep, SweepResult
from hullo.model.snapshot import SnapshotQuery
from hullo.store.protocol import APPLIED, PageRequest, Store, StoreConflict
from hullo.testing import StoreContract
from hullo.testing.builders import (
    APP,
    LATER,
    NOW,
    WORKSPACE,
    a_contact,
    a_delivery,
    a_session,
    a_stored_response,
    a_tombstone,
    an_app,
    an_identity_key,
)
from hullo.testing.store.everything import CHANGES, CREATIONS, ONE_OF_EACH

PACKAGE = Path(__file__).parents[1]
"""Where a process that is given a statement finds the package, installed or not."""


class TestContract(StoreContract):
    durable = True

    def make_store(self, folder: Path) -> Store:
        return open_journal(f"journal:///{folder}/hullo.journal")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hullo.journal"


@pytest.fixture
def store(path: Path) -> Iterator[JournalStore]:
    store = JournalStore(path)
    store.open()
    yield store
    store.close()


def person(number: int) -> ChangeSet:
    contact = a_contact(f"con_{number}", external_id=f"user-{number}", name=f"Person {number}")
    return ChangeSet(contacts=(insertion(contact),))


def people(store: Store) -> list[int]:
    """Which of `person` 0 to 9 are there."""
    return [number for number in range(10) if store.find_contact(WORKSPACE, f"con_{number}")]


def told_of(store: Store) -> tuple[object, ...]:
    """What the store says of `EVERYTHING`."""
    query = SnapshotQuery(
        workspace_id=WORKSPACE,
        app_id=APP,
        session=a_session().digest,
        contacts=("con_1", "con_2"),
        conversations=("cnv_1",),
        merges=("mrg_1",),
        conflicts=("cfl_1",),
        tombstones=(a_tombstone().digest,),
        include_audit_head=True,
    )
    page = PageRequest()
    return (
        store.load([query]),
        store.list_timeline(WORKSPACE, "con_1", page),
        store.list_notes(WORKSPACE, "con_1", page),
        store.list_audit(WORKSPACE, page),
        store.list_outbox(10),
        store.list_webhooks(WORKSPACE),
        store.list_deliveries("whk_1", page),
    )


def reopened(path: Path) -> list[int]:
    store = JournalStore(path)
    store.open()
    try:
        return people(store)
    finally:
        store.close()


class TestUrl:
    def test_url_slashes_mark_relative_or_absolute_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        for url in ("journal:///my%20shop.journal", f"journal:///{tmp_path}/other.journal"):
            store = open_journal(url)
            store.open()
            store.close()
        assert {path.name for path in tmp_path.iterdir()} == {"my shop.journal", "other.journal"}

    @pytest.mark.parametrize("url", ["journal:", "journal://hullo.journal", "journal:///", "journal:///a?sync=no"])
    def test_url_without_file_is_refused_in_words(self, url: str):
        with pytest.raises(SettingsError, match="three slashes"):
            open_journal(url)


class TestReplay:
    def test_replay_restores_every_kind_of_value(self, store: JournalStore):
        values = {"text": "é\n\u2028", "whole": -(2**63), "float": 1.0, "flag": True}
        contact = a_contact(external_id="ann", custom_data={"app_1": values})
        answer = a_stored_response(body=bytes(range(256)))
        app = an_app(identity_keys=(an_identity_key(),))
        everything = ChangeSet(contacts=(insertion(contact),), apps=(insertion(app),), stored_responses=(answer,))
        assert store.apply([everything]) == (APPLIED,)
        store.close()
        store.open()
        assert store.find_app(app.id) == app
        found = store.find_contact(WORKSPACE, contact.id)
        assert found == contact
        types = {key: type(fact.value) for key, fact in found.custom_data["app_1"].items()}
        assert types == {"text": str, "whole": int, "float": float, "flag": bool}
        assert store.apply([ChangeSet(stored_responses=(answer,))]) == (StoreConflict("storedresponse"),)

    def test_replay_restores_everything_a_set_holds(self, store: JournalStore):
        """Where the replay had other values, the same line again would be no conflict, or another one."""
        assert store.apply([ONE_OF_EACH]) == (APPLIED,)
        before = told_of(store)
        store.close()
        store.open()
        assert told_of(store) == before
        assert all(isinstance(store.apply([changes])[0], StoreConflict) for changes in CREATIONS.values())
        assert store.apply([*CHANGES.values()]) == (APPLIED,) * len(CHANGES)

    def test_replay_repeats_a_sweep(self, store: JournalStore, path: Path):
        assert store.apply([ONE_OF_EACH]) == (APPLIED,)
        over = replacement(a_delivery(), replace(a_delivery(), state="delivered"))
        assert store.apply([ChangeSet(deliveries=(over,))]) == (APPLIED,)
        sweep = Sweep(app_id=APP, now=NOW, timeline_before=LATER, conversations_before=LATER)
        assert (
            store.sweep(sweep, dry_run=True)
            == store.sweep(sweep)
            == SweepResult(conversations=1, messages=1, timeline=2)
        )
        assert store.delete_deliveries(LATER, 10) == 1
        lines = len(path.read_bytes().splitlines())
        assert (store.sweep(sweep), store.delete_deliveries(LATER, 10)) == (SweepResult(), 0)
        assert len(path.read_bytes().splitlines()) == lines == 5  # and the header among them
        before = told_of(store)
        store.close()
        store.open()
        assert told_of(store) == before
        assert (store.find_delivery("dlv_1"), store.find_conversation(WORKSPACE, "cnv_1")) == (None, None)

    def test_refused_changes_are_not_in_the_journal(self, store: JournalStore, path: Path):
        assert store.apply([person(1), person(1), person(2)]) == (APPLIED, StoreConflict("contact"), APPLIED)
        assert len(path.read_bytes().splitlines()) == 3  # and the header among them
        store.close()
        assert reopened(path) == [1, 2]

    def test_replay_repeats_an_erasure(self, store: JournalStore, path: Path):
        store.apply([person(1), person(2)])
        contact = store.find_contact(WORKSPACE, "con_1")
        assert contact is not None
        store.apply([ChangeSet(erasures=(Erasure(contact=contact, conversations="erase", at=LATER, salt="salt"),))])
        store.close()
        assert reopened(path) == [2]


class TestCrash:
    def test_kill_loses_nothing_that_was_answered(self, path: Path):
        command = [sys.executable, "-c", WRITER, f"journal:///{path}"]
        with subprocess.Popen(command, cwd=PACKAGE, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            workspace_id = writer.stdout.readline().strip()
            answered = [writer.stdout.readline() for _ in range(25)]
            writer.kill()
            # Behind what was awaited there may be more, of which the last may have been cut in two.
            answered += [line for line in writer.stdout if line.endswith("\n")]
        with Hullo(JournalStore(path)) as hullo:
            missing = [line for line in answered if not hullo.store.find_contact(workspace_id, line.strip())]
        assert missing == []

    def test_torn_last_line_is_cut_off(self, store: JournalStore, path: Path):
        store.apply([person(1)])
        whole = path.read_bytes()
        store.apply([person(2)])
        store.close()
        both = path.read_bytes()
        for size in range(len(whole), len(both)):
            path.write_bytes(both[:size])
            assert reopened(path) == [1]
            assert path.read_bytes() == whole
        path.write_bytes(both)
        assert reopened(path) == [1, 2]

    def test_crash_during_creation_leaves_empty_store(self, store: JournalStore, path: Path):
        store.close()
        header = path.read_bytes()
        for size in range(len(header)):
            path.write_bytes(header[:size])
            assert reopened(path) == []
            assert path.read_bytes() == header

    def test_writing_continues_after_torn_line(self, store: JournalStore, path: Path):
        store.apply([person(1), person(2)])
        store.close()
        path.write_bytes(path.read_bytes()[:-20])
        store.open()
        assert store.apply([person(3)]) == (APPLIED,)
        store.close()
        assert reopened(path) == [1, 3]


WRITER = """
import sys
from hullo import Hullo
from hullo_journal.store import open_journal

hullo = Hullo(open_journal(sys.argv[1]))
app = hullo.create_app("Shop")
print(app.workspace_id, flush=True)
number = 0
while True:
    number += 1
    outcome = hullo.identify({"external_id": f"user-{number}"}, app_key=app.app_key).result
    print(outcome.contact_id, flush=True)
"""


class TestDamage:
    @pytest.mark.parametrize(
        ("damaged", "sentence"),
        [
            (b"\x00" * 200, "line 3: it is corrupt"),
            (b'{"contacts": [{"before": null}]}', "line 3: it is corrupt"),
            (b"", "line 3: it is corrupt"),
            (None, "line 3: it contradicts the lines before it"),
        ],
        ids=["zeros", "shape", "blank", "twin"],
    )
    def test_damaged_line_is_named_file_left_alone(
        self, store: JournalStore, path: Path, damaged: bytes | None, sentence: str
    ):
        store.apply([person(1), person(2), person(3)])
        store.close()
        header, first, _, third = path.read_bytes().splitlines()
        path.write_bytes(b"\n".join([header, first, first if damaged is None else damaged, third, b""]))
        before = path.read_bytes()
        with pytest.raises(StoreUnavailable, match=sentence) as told:
            store.open()
        assert "Person" not in told.value.detail
        with pytest.raises(StoreUnavailable):
            store.check()
        assert path.read_bytes() == before

    @pytest.mark.parametrize("text", [b"Dear diary", b"Dear diary\n", b"SQLite format 3\x00" + b"\n\x00" * 50])
    def test_foreign_file_is_left_alone(self, path: Path, text: bytes):
        path.write_bytes(text)
        with pytest.raises(StoreUnavailable, match="is no journal"):
            JournalStore(path).open()
        assert path.read_bytes() == text

    def test_missing_folder_is_reported(self, tmp_path: Path):
        with pytest.raises(StoreUnavailable, match="No such file or directory"):
            JournalStore(tmp_path / "nowhere" / "hullo.journal").open()


class TestOwner:
    def test_second_store_is_refused_until_first_closes(self, store: JournalStore, path: Path):
        store.apply([person(1)])
        other = JournalStore(path)
        with pytest.raises(StoreUnavailable, match="open already; one process at a time"):
            other.open()
        assert people(store) == [1]
        store.close()
        assert reopened(path) == [1]

    @pytest.mark.usefixtures("store")
    def test_second_process_is_kept_out(self, path: Path):
        opens = "import sys; from hullo_journal.store import open_journal; open_journal(sys.argv[1]).open()"
        command = [sys.executable, "-c", opens, f"journal:///{path}"]
        other = subprocess.run(command, cwd=PACKAGE, check=False, capture_output=True, text=True)
        assert other.returncode == 1
        assert "StoreUnavailable" in other.stderr
        assert "open already" in other.stderr

    @pytest.mark.usefixtures("store")
    def test_journal_is_unreadable_to_other_users(self, path: Path):
        assert path.stat().st_mode & 0o777 == 0o600


class TestDisk:
    def test_group_is_synced_once_unchanged_never(self, store: JournalStore, monkeypatch: pytest.MonkeyPatch):
        syncs: list[int] = []
        monkeypatch.setattr(os, "fsync", syncs.append)
        store.apply([person(number) for number in range(10)])
        assert len(syncs) == 1
        store.apply([person(1)])
        store.apply([])
        assert len(syncs) == 1

    def test_full_disk_loses_group_but_not_store(self, store: JournalStore, path: Path):
        store.apply([person(1)])
        before = path.read_bytes()
        room = len(before) + 700  # for one line and the beginning of another
        with largest_file(room), pytest.raises(StoreUnavailable, match="cannot be written: File too large"):
            store.apply([person(2), person(3), person(4)])
        assert people(store) == [1]
        assert path.read_bytes() == before
        assert store.apply([person(2)]) == (APPLIED,)
        store.close()
        assert reopened(path) == [1, 2]

    def test_failed_sync_leaves_nothing_behind(self, store: JournalStore, path: Path, monkeypatch: pytest.MonkeyPatch):
        store.apply([person(1)])
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", FailingSync(times=1))
            with pytest.raises(StoreUnavailable, match="cannot be written"):
                store.apply([person(2)])
        assert people(store) == [1]
        assert store.apply([person(3)]) == (APPLIED,)
        store.close()
        assert reopened(path) == [1, 3]

    def test_failed_rollback_makes_unavailable_until_reopened(
        self, store: JournalStore, monkeypatch: pytest.MonkeyPatch
    ):
        store.apply([person(1)])
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", FailingSync(times=2))
            with pytest.raises(StoreUnavailable, match="cannot be written"):
                store.apply([person(2)])
        for call in (store.check, lambda: people(store), lambda: store.apply([person(3)])):
            with pytest.raises(StoreUnavailable):
                call()
        store.close()
        store.open()
        assert people(store) == [1]

    def test_unsynced_changes_are_invisible(self, store: JournalStore, monkeypatch: pytest.MonkeyPatch):
        with ThreadPoolExecutor() as pool, monkeypatch.context() as broken:
            reading = []

            def sync(_descriptor: int) -> None:
                reading.append(pool.submit(people, store))
                wait(reading, timeout=0.2)  # a reader that does not wait for the disk has time to look
                broken.undo()
                raise OSError(EIO, "Input/output error")

            broken.setattr(os, "fsync", sync)
            with pytest.raises(StoreUnavailable):
                store.apply([person(1)])
            assert reading[0].result() == []

    def test_interrupt_leaves_nothing_behind(self, store: JournalStore, monkeypatch: pytest.MonkeyPatch):
        with monkeypatch.context() as interrupted:
            interrupted.setattr(os, "fsync", FailingSync(times=1, error=KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                store.apply([person(1)])
        assert people(store) == []

    def test_unencodable_change_is_not_applied(self, store: JournalStore):
        lone = a_contact(external_id="ann", name="Ann \ud800")
        with pytest.raises(UnicodeEncodeError):
            store.apply([ChangeSet(contacts=(insertion(lone),))])
        assert store.find_contact(WORKSPACE, lone.id) is None


class FailingSync:
    """An `os.fsync` that fails so often, and then works."""

    def __init__(self, times: int, error: BaseException | None = None) -> None:
        self._left = times
        self._error = error or OSError(EIO, "Input/output error")
        self._sync = os.fsync

    def __call__(self, descriptor: int) -> None:
        self._left -= 1
        if self._left >= 0:
            raise self._error
        self._sync(descriptor)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size`: a real failing write, part of which is made."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
