"""The audit log: what is in it, and that nobody changes it without its showing (P2)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from msgspec.structs import replace

from hullo.model.audit import AuditEntry, AuditHead, next_entry
from hullo.model.instant import DAY
from hullo.operations.admin.audit_verify import AuditVerification, verify_audit_log
from hullo.store.protocol import Page, PageRequest
from world import AGENT, World


def walk(world: World, head: str | None = None) -> AuditVerification:
    return verify_audit_log(world.hullo.store, world.app.workspace_id, head)


@pytest.mark.rule("P2")
def test_app_and_key_changes_are_logged(world: World) -> None:
    register, key = world.hullo.register, world.app.app_key
    added = register.add_identity_key(key)
    register.retire_identity_key(key, added.id)
    register.change_app(key, {"name": "New name", "consent": "required", "keep_decision_days": "7"})
    made = register.create_api_key(app_key=key)
    register.revoke_api_key(made.key.id)
    register.revoke_api_key(made.key.id)
    entries = world.audit()
    assert [each.number for each in entries] == list(range(1, len(entries) + 1))
    assert {each.by for each in entries} == {"host"}
    assert [(each.action, each.subject) for each in entries] == [
        ("app.created", key),
        ("api_key.created", world.api_key.id),
        ("identity_key.added", added.id),
        ("identity_key.retired", added.id),
        ("app.changed", key),
        ("api_key.created", made.key.id),
        ("api_key.revoked", made.key.id),
    ]
    assert entries[4].data == {
        "fields": ["consent", "keep_decision_days", "name"],
        "consent": "required",
        "keep_decision_days": 7,
    }
    assert world.app.identity_key not in str(entries)


@pytest.mark.rule("P2")
def test_call_without_changes_is_not_logged(world: World) -> None:
    before = world.audit()
    world.set_app(name="Shop", verification="optional")
    assert world.audit() == before


@pytest.mark.rule("P2", "S2")
def test_logout_is_logged(world: World) -> None:
    contact_id = world.upsert(external_id="jane").contact_id
    world.log_out(contact_id)
    entry = world.audit()[-1]
    assert (entry.action, entry.subject, entry.by) == ("contact.logged_out", contact_id, AGENT)


@pytest.mark.rule("P2")
def test_untouched_log_verifies_and_returns_its_head(world: World) -> None:
    earlier = walk(world)
    assert (earlier.is_intact, earlier.entries, earlier.head_found) == (True, 2, None)
    world.erase(world.upsert(external_id="jane").contact_id)
    now = walk(world, earlier.head.digest)
    assert (now.is_intact, now.entries, now.head_found) == (True, 3, True)
    assert now.head == AuditHead(number=3, digest=world.audit()[-1].digest)
    assert not walk(world, "0" * 64).is_intact


@pytest.mark.rule("P2")
def test_each_workspace_has_its_own_log(world: World) -> None:
    other = world.hullo.create_app("Elsewhere", workspace="Other")
    assert [each.number for each in world.audit(other.workspace_id)] == [1]
    assert verify_audit_log(world.hullo.store, other.workspace_id).is_intact


@pytest.mark.rule("P2", "R1")
def test_concurrent_entries_form_one_chain(world: World) -> None:
    people = [world.upsert(external_id=f"person {number}").contact_id for number in range(8)]
    before = len(world.audit())
    threads = [threading.Thread(target=world.erase, args=(each,)) for each in people]
    threads.append(threading.Thread(target=world.hullo.register.add_identity_key, args=(world.app.app_key,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.audit()) == before + len(threads)
    assert walk(world).is_intact


class Log:
    """A log that somebody has been at."""

    def __init__(self, entries: list[AuditEntry]) -> None:
        self.entries = entries

    def list_audit(self, workspace_id: str, page: PageRequest) -> Page[AuditEntry]:
        newest_first = sorted(self.entries, key=lambda entry: entry.id, reverse=True)
        return Page(items=tuple(newest_first), next=None)


def log_of(length: int) -> Log:
    head, entries = AuditHead(), []
    for number in range(length):
        entry = next_entry(
            head,
            workspace_id="ws_1",
            at=number * DAY,
            by="host",
            action="app.changed",
            subject="app_1",
            data={"fields": ["name"], "n": number, "nested": {"a": [1, None, "ü"]}},
        )
        entries.append(entry)
        head = AuditHead(number=entry.number, digest=entry.digest)
    return Log(entries)


def flaws(log: Log, head: str | None = None) -> list[int]:
    store: Any = log
    return [each.number for each in verify_audit_log(store, "ws_1", head).faults]


def test_empty_log_verifies() -> None:
    assert flaws(log_of(0)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"at": 5},
        {"by": "nobody"},
        {"action": "app.created"},
        {"subject": "app_2"},
        {"data": {}},
        {"previous": "0" * 64},
        {"digest": "0" * 64},
        {"workspace_id": "ws_2"},
        {"number": 7},
    ],
    ids=lambda change: str(*change),
)
def test_changed_entry_is_detected(change: dict[str, Any]) -> None:
    log = log_of(5)
    log.entries[2] = replace(log.entries[2], **change)
    assert flaws(log)


def test_removed_entry_is_detected() -> None:
    for number in range(4):
        log = log_of(5)
        del log.entries[number]
        assert flaws(log), number


def test_rewritten_entry_breaks_the_next_one() -> None:
    log = log_of(5)
    head = AuditHead(number=2, digest=log.entries[1].digest)
    log.entries[2] = next_entry(
        head, workspace_id="ws_1", at=0, by="host", action="app.changed", subject="app_9", data={}
    )
    assert flaws(log) == [4]


def test_truncated_log_needs_earlier_head_to_detect() -> None:
    whole, cut, anew = log_of(5), log_of(5), log_of(3)
    head = whole.entries[-1].digest
    del cut.entries[-1]
    store: Any
    for store, intact in ((whole, True), (cut, False), (anew, False)):
        assert flaws(store) == []
        assert verify_audit_log(store, "ws_1", head).is_intact is intact
