"""The store: hullo's memory store for the state, and a journal from which the state is rebuilt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar
from urllib.parse import unquote, urlsplit

import msgspec

from hullo.errors import SettingsError, StoreUnavailable
from hullo.model.change_set import ChangeSet
from hullo.model.instant import Instant
from hullo.model.retention import Sweep, SweepResult
from hullo.store.protocol import APPLIED, Applied, StoreConflict
from hullo_journal.journal import Journal
from hullo_stores.memory.store import MemoryStore

P = ParamSpec("P")
R = TypeVar("R")


class ChangesLine(msgspec.Struct, array_like=True, tag="changes"):
    """A change set that was applied."""

    changes: ChangeSet


class SweepLine(msgspec.Struct, array_like=True, tag="sweep"):
    """That what was too old was removed."""

    sweep: Sweep


class ForgetLine(msgspec.Struct, array_like=True, tag="forget_deliveries"):
    """That deliveries were."""

    before: Instant
    most: int


Line = ChangesLine | SweepLine | ForgetLine
_decoder: Final = msgspec.json.Decoder(Line)


def open_journal(url: str) -> JournalStore:
    """What the entry point names. Not opened yet. Raises `SettingsError` for a URL that names no file."""
    parts = urlsplit(url)
    path = unquote(parts.path).removeprefix("/")
    if parts.netloc or parts.query or not path:
        raise SettingsError(
            "a journal's URL has three slashes and a path, 'journal:///hullo.journal', or four for an absolute one, "
            "'journal:////var/lib/hullo.journal', and no parameters"
        )
    return JournalStore(Path(path))


def _of_memory(read: Callable[Concatenate[MemoryStore, P], R]) -> Callable[Concatenate[JournalStore, P], R]:
    """The memory store's own reading, once nothing is being written."""

    def read_settled(self: JournalStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.settled() as memory:
            return read(memory, *args, **kwargs)

    return read_settled


class JournalStore:
    """Durable, and one process's: a second one that opens the file is refused.

    `apply` returns when every change set that it calls applied is on the disk. Nobody is shown one before: what was
    seen might decide what is answered, and then not be there after a crash.
    """

    max_concurrent_batches = 1
    shared_between_processes = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._journal: Journal | None = None
        self._memory = MemoryStore()
        """Closed, and so unavailable, while it is not what the journal says."""

    def open(self) -> None:
        """Makes the state again from the journal. On an open store: nothing."""
        with self._lock:
            if self._journal is not None:
                return
            try:
                journal = Journal(self._path)
                try:
                    self._memory = self._state_of(journal)
                except BaseException:
                    journal.close()
                    raise
            except OSError as error:
                raise StoreUnavailable(f"{self._path} cannot be read: {error.strerror}") from error
            self._journal = journal

    def close(self) -> None:
        """Lets go of the file. May be opened again."""
        with self._lock:
            self._memory.close()
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        """See `Store.apply`: memory says what can be applied, and that is written under one sync."""
        lines = [_encoded(ChangesLine(change)) for change in changes]

        def applied(results: Sequence[Applied | StoreConflict]) -> list[bytes]:
            return [line for line, result in zip(lines, results, strict=True) if result == APPLIED]

        return self._written(lambda memory: memory.apply(changes), applied)

    def sweep(self, sweep: Sweep, *, dry_run: bool = False) -> SweepResult:
        """See `RetentionCleanup.sweep`: that it was done is what is written."""
        if dry_run:
            with self.settled() as memory:
                return memory.sweep(sweep, dry_run=True)
        line = _encoded(SweepLine(sweep))
        return self._written(lambda memory: memory.sweep(sweep), lambda swept: [line] if swept.total else [])

    def delete_deliveries(self, before: Instant, limit: int) -> int:
        """See `RetentionCleanup.delete_deliveries`."""
        line = _encoded(ForgetLine(before, limit))
        return self._written(
            lambda memory: memory.delete_deliveries(before, limit), lambda forgotten: [line] if forgotten else []
        )

    @contextmanager
    def settled(self) -> Generator[MemoryStore]:
        """The state, with everything in it on the disk."""
        with self._lock:
            yield self._memory

    check = _of_memory(MemoryStore.check)
    load = _of_memory(MemoryStore.load)
    find_app = _of_memory(MemoryStore.find_app)
    list_apps = _of_memory(MemoryStore.list_apps)
    list_workspaces = _of_memory(MemoryStore.list_workspaces)
    find_api_key = _of_memory(MemoryStore.find_api_key)
    list_api_keys = _of_memory(MemoryStore.list_api_keys)
    find_session = _of_memory(MemoryStore.find_session)
    find_visitor_session = _of_memory(MemoryStore.find_visitor_session)
    list_call_counts = _of_memory(MemoryStore.list_call_counts)
    list_refused_origins = _of_memory(MemoryStore.list_refused_origins)
    find_contact = _of_memory(MemoryStore.find_contact)
    list_contacts = _of_memory(MemoryStore.list_contacts)
    list_decisions = _of_memory(MemoryStore.list_decisions)
    list_conflicts = _of_memory(MemoryStore.list_conflicts)
    list_sessions = _of_memory(MemoryStore.list_sessions)
    list_visible_conversations = _of_memory(MemoryStore.list_visible_conversations)
    list_conversations = _of_memory(MemoryStore.list_conversations)
    find_conversation = _of_memory(MemoryStore.find_conversation)
    list_messages = _of_memory(MemoryStore.list_messages)
    count_related = _of_memory(MemoryStore.count_related)
    list_timeline = _of_memory(MemoryStore.list_timeline)
    list_notes = _of_memory(MemoryStore.list_notes)
    find_note = _of_memory(MemoryStore.find_note)
    list_merges = _of_memory(MemoryStore.list_merges)
    find_merge = _of_memory(MemoryStore.find_merge)
    list_audit = _of_memory(MemoryStore.list_audit)
    list_outbox = _of_memory(MemoryStore.list_outbox)
    list_webhooks = _of_memory(MemoryStore.list_webhooks)
    find_webhook = _of_memory(MemoryStore.find_webhook)
    list_deliveries = _of_memory(MemoryStore.list_deliveries)
    find_delivery = _of_memory(MemoryStore.find_delivery)
    list_due_deliveries = _of_memory(MemoryStore.list_due_deliveries)
    next_delivery_at = _of_memory(MemoryStore.next_delivery_at)

    # One process has the file, so leases need not survive it.
    acquire_lease = _of_memory(MemoryStore.acquire_lease)
    release_lease = _of_memory(MemoryStore.release_lease)

    def _written(self, work: Callable[[MemoryStore], R], lines_of: Callable[[R], Sequence[bytes]]) -> R:
        with self.settled() as memory:
            memory.check()
            journal = self._journal
            assert journal is not None, "memory is open only with a journal"
            try:
                done = work(memory)
                if lines := lines_of(done):
                    journal.append(lines)
            except BaseException as failed:
                self._go_back(journal)
                if isinstance(failed, OSError):
                    raise StoreUnavailable(f"{self._path} cannot be written: {failed.strerror}") from failed
                raise
        return done

    def _go_back(self, journal: Journal) -> None:
        """Undoes what was not answered. Where the disk refuses even that, the store is unavailable until reopened."""
        self._memory.close()
        with suppress(OSError, StoreUnavailable):
            journal.cut_back()
            self._memory = self._state_of(journal)

    def _state_of(self, journal: Journal) -> MemoryStore:
        memory = MemoryStore()
        memory.open()
        for number, line in journal.lines():
            # Replay is deterministic: nothing in a line depends on the time.
            match self._decoded(number, line):
                case SweepLine(sweep):
                    memory.sweep(sweep)
                case ForgetLine(before, most):
                    memory.delete_deliveries(before, most)
                case ChangesLine(changes):
                    if memory.apply([changes]) != (APPLIED,):
                        raise StoreUnavailable(f"{self._path}, line {number}: it contradicts the lines before it")
        return memory

    def _decoded(self, number: int, line: bytes) -> Line:
        try:
            return _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as corrupt:
            raise StoreUnavailable(f"{self._path}, line {number}: it is corrupt, or of another version") from corrupt


def _encoded(line: Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"
