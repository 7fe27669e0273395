"""What every engine's tables must do to be copied: a suite to subclass, as the store's contract is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from hullo.errors import Conflicting, StoreUnavailable
from hullo.model.audit import AuditHead
from hullo.model.change_set import Absorption, ChangeSet, insertion, replacement
from hullo.model.instant import DAY
from hullo.store.copying import copy_store, fingerprint
from hullo.store.maintenance import CopySource, CopyTarget, PortableRow, PortableTable, PortableValue
from hullo.store.protocol import APPLIED, StoreConflict
from hullo.testing.builders import (
    LATER,
    NOW,
    TODAY,
    WORKSPACE,
    WRITER,
    a_call_count,
    a_contact_event,
    a_delivery,
    a_fact,
    a_merge,
    a_note,
    a_public_key,
    a_refused_origin,
    a_spent_token,
    a_tombstone,
    a_webhook,
    an_app,
    an_audit_entry,
    an_event,
)
from hullo_stores.peewee.store import PeeweeStore
from peopled import fill


def fill_every_table(store: PeeweeStore, people: int = 24) -> None:
    """What `fill` puts there, what verification keeps beside people, and what is kept of identities."""
    fill(store, people)
    _verify(store)
    _remember(store)
    assert store.acquire_lease("tell", "somebody", NOW, LATER)


def _verify(store: PeeweeStore) -> None:
    days = (TODAY - DAY, TODAY)
    verified = ChangeSet(
        apps=(insertion(an_app("app_3", identity_keys=(a_public_key(app_id="app_3"),))),),
        spent=(a_spent_token("jti_1"), a_spent_token("jti_2")),
        call_counts=(a_call_count("app_2", wrong=2**40), *(a_call_count(day=day) for day in days)),
        refused_origins=(a_refused_origin(), a_refused_origin("", app_id="")),
    )
    assert store.apply([verified]) == (APPLIED,)


def _remember(store: PeeweeStore) -> None:
    """The second person is merged into the first, and a third has tags."""
    survivor, absorbed, tagged = (
        store.find_contact(WORKSPACE, name) for name in ("con_a000000", "con_A000001", "con_a000002")
    )
    assert survivor is not None
    assert absorbed is not None
    assert tagged is not None
    merge = a_merge(survivor=survivor, absorbed=absorbed)
    tags = {name: a_fact(True) for name in ("vip", "VIP", "Łódź")}
    remembered = ChangeSet(
        contacts=(replacement(tagged, replace(tagged, tags=tags, phones=(a_fact("+31201234567"),))),),
        merges=(insertion(merge),),
        absorptions=(
            Absorption(
                merge_id=merge.id,
                workspace_id=WORKSPACE,
                survivor_id=survivor.id,
                absorbed_id=absorbed.id,
                at=LATER,
                by=WRITER,
            ),
        ),
        events=(an_event(contact_id=survivor.id), an_event("evt_2", contact_id=None)),
        contact_events=(a_contact_event(contact_id=survivor.id),),
        notes=(a_note(subject_id=survivor.id), a_note("note_2", subject_id="cnv_1")),
        webhooks=(insertion(a_webhook()),),
        deliveries=(insertion(a_delivery("dlv_1")), insertion(a_delivery("dlv_2", contact_id=None))),
        tombstones=(a_tombstone("ann"), a_tombstone("bob")),
    )
    entries = (an_audit_entry(), an_audit_entry(AuditHead(number=9)), an_audit_entry(AuditHead(number=99)))
    assert store.apply([remembered, ChangeSet(audit_entries=entries)]) == (APPLIED, APPLIED)


class PortableContract:
    """Of two stores on any engine."""

    trigger: ClassVar[tuple[str, ...]]
    """Statements that make a trigger `evil` on the table of sessions."""

    def make_store(self, folder: Path, name: str) -> PeeweeStore:
        """One that is not open, on a database of that name which is not there yet, or has no tables."""
        raise NotImplementedError

    @pytest.fixture
    def source(self, tmp_path: Path) -> PeeweeStore:
        """Closed, and full."""
        store = self.make_store(tmp_path, "source")
        store.open()
        fill_every_table(store)
        store.close()
        return store

    @pytest.fixture
    def target(self, tmp_path: Path) -> PeeweeStore:
        """Closed, and not there yet."""
        return self.make_store(tmp_path, "target")

    @pytest.mark.parametrize("chunk", [1, 5, 24, 48, 10_000])
    def test_copy_is_equal_and_opens(self, source: PeeweeStore, target: PeeweeStore, chunk: int):
        copied = copy_store(source, target, chunk=chunk)
        assert {table.name: table.rows for table in copied} == {
            "workspace": 1,
            "app": 3,
            "identity_key": 2,
            "api_key": 2,
            "contact": 24,
            "identifier": 48,
            "custom_data": 40,
            "tag": 3,
            "visitor": 24,
            "session": 24,
            "conversation": 24,
            "message": 48,
            "conflict": 1,
            "decision": 24,
            "merge": 1,
            "moved": 2,
            "timeline": 2,
            "note": 2,
            "answer": 2,
            "spent_token": 2,
            "refused_origin": 2,
            "call_count": 3,
            "outbox": 2,
            "lease": 1,
            "webhook": 1,
            "delivery": 2,
            "tombstone": 2,
            "audit": 3,
        }
        with source.as_source() as old, target.as_source() as new:
            for table in old.tables():
                assert old.rows(table, None, 1000) == new.rows(table, None, 1000)
        target.open()
        assert [app.id for app in target.list_apps()] == ["app_3", "app_2", "app_1"]
        target.close()

    def test_pages_follow_byte_order(self, source: PeeweeStore):
        with source.as_source() as old:
            for table in old.tables():
                whole = list(old.rows(table, None, 1000))
                keys = [table.key_of(row) for row in whole]
                assert keys == sorted(keys, key=_in_bytes)
                assert len(whole) == old.count(table)
                for limit in (1, 7):
                    assert list(_paged(old, table, limit)) == whole

    def test_table_key_equals_the_databases_key(self, source: PeeweeStore):
        with source.as_source() as old:
            for table in old.tables():
                assert len({table.key_of(row) for row in old.rows(table, None, 1000)}) == old.count(table)

    def test_every_table_is_copied(self, source: PeeweeStore):
        with source.as_source() as old:
            assert all(old.count(table) for table in old.tables())

    def test_chunk_is_added_whole_or_not(self, source: PeeweeStore, target: PeeweeStore):
        with source.as_source() as old, target.as_target() as new:
            contacts = _table(new, "contact")
            rows = old.rows(contacts, None, 3)
            assert new.last_key(contacts) is None
            assert new.add(contacts, rows[1:2]) == APPLIED
            assert isinstance(new.add(contacts, rows), StoreConflict)
            assert new.count(contacts) == 1
            assert new.last_key(contacts) == contacts.key_of(rows[1])
            blocks = _table(new, "custom_data")
            orphans = [row for row in old.rows(blocks, None, 1000) if row[0] != rows[1][0]]
            assert isinstance(new.add(blocks, orphans[:1]), StoreConflict)

    def test_unfinished_copy_cannot_be_opened(self, source: PeeweeStore, target: PeeweeStore):
        _interrupt(source, target)
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="unfinished"):
                target.open()
        with pytest.raises(StoreUnavailable, match="unfinished"), target.as_source():
            pass
        with target.as_target() as new:
            assert new.unfinished_copy() == fingerprint(source.location)
        copy_store(source, target)
        target.open()
        target.close()

    def test_unfinished_copy_of_another_is_refused(self, source: PeeweeStore, target: PeeweeStore, tmp_path: Path):
        _interrupt(source, target)
        other = self.make_store(tmp_path, "other")
        other.open()
        other.close()
        with pytest.raises(Conflicting, match="unfinished copy of another database"):
            copy_store(other, target)

    def test_foreign_trigger_is_refused_on_both_sides(self, source: PeeweeStore, target: PeeweeStore):
        target.open()
        with target._engine.write_transaction() as transaction:
            for statement in self.trigger:
                transaction.execute(statement)
        target.close()
        for old, new in ((source, target), (target, source)):
            with pytest.raises(StoreUnavailable, match="the trigger evil, which hullo did not make"):
                copy_store(old, new)

    def test_target_with_rows_is_refused_unchanged(self, source: PeeweeStore, target: PeeweeStore):
        target.open()
        fill(target, 1)
        target.close()
        with pytest.raises(Conflicting, match="its table workspace has rows"):
            copy_store(source, target)
        target.open()
        target.close()

    def test_target_with_empty_tables_is_accepted(self, source: PeeweeStore, target: PeeweeStore):
        target.open()
        target.close()
        copy_store(source, target)

    def test_second_copy_at_once_is_refused(self, source: PeeweeStore, target: PeeweeStore, tmp_path: Path):
        started: list[bool] = []

        def another(doing: str, done: int, total: int) -> None:
            if done > 35 and not started:
                started.append(True)
                copy_store(source, self.make_store(tmp_path, "target"), chunk=10)

        with pytest.raises(Conflicting, match=r"another copy is under way|another database"):
            copy_store(self.make_store(tmp_path, "source"), target, another, chunk=10)

    def test_store_and_itself_are_one_place(self, source: PeeweeStore, target: PeeweeStore, tmp_path: Path):
        assert source.location == self.make_store(tmp_path, "source").location != target.location
        with pytest.raises(Conflicting, match="the same database"):
            copy_store(source, self.make_store(tmp_path, "source"))


def _in_bytes(key: PortableRow) -> list[PortableValue]:
    return [part.encode() if isinstance(part, str) else part for part in key]


def _interrupt(source: PeeweeStore, target: PeeweeStore) -> None:
    class Interrupted(Exception):
        pass

    def stop(doing: str, done: int, total: int) -> None:
        if done > 40:
            raise Interrupted

    with pytest.raises(Interrupted):
        copy_store(source, target, stop, chunk=10)


def _table(side: CopyTarget, name: str) -> PortableTable:
    return next(table for table in side.tables() if table.name == name)


def _paged(side: CopySource, table: PortableTable, limit: int) -> Iterator[Any]:
    after = None
    while rows := side.rows(table, after, limit):
        yield from rows
        after = table.key_of(rows[-1])
