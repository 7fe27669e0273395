"""What a server is asked: how many statements, and how often somebody waits for an answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from behind import once_asked
from crowd import identify, join, repeatable, say, served
from hullo.hooks.entry_points import open_store
from hullo.model.change_set import (
    Absorption,
    ChangeSet,
    Erasure,
    KeyUse,
    SessionRevocation,
    Split,
    insertion,
    replacement,
)
from hullo.model.operation import Operation
from hullo.model.request_context import secret_digest
from hullo.model.snapshot import SnapshotQuery
from hullo.store.protocol import APPLIED, PageRequest, StoreConflict
from hullo.testing.builders import (
    APP,
    LATER,
    WORKSPACE,
    a_call_count,
    a_conflict,
    a_contact,
    a_contact_event,
    a_conversation,
    a_decision,
    a_delivery,
    a_fact,
    a_merge,
    a_message,
    a_note,
    a_refused_origin,
    a_session,
    a_spent_token,
    a_stored_response,
    a_tombstone,
    a_visitor,
    a_webhook,
    a_workspace,
    an_api_key,
    an_app,
    an_audit_entry,
    an_event,
    an_identity_key,
)
from hullo_stores.peewee.store import PeeweeStore
from peopled import fill
from servers.fixtures import Kind
from servers.wire import Wire
from stores.wired import peewee_store
from world import World

SIZES = (1, 2, 30, 128)
WARM = 3
"""How often a statement is run before it is one round trip on PostgreSQL: at the second time it is prepared."""


@pytest.fixture
def store(wire: Wire) -> Iterator[PeeweeStore]:
    store = peewee_store(wire.url)
    store.open()
    yield store
    store.close()


@pytest.fixture
def world(wire: Wire) -> Iterator[World]:
    world = World(open_store(wire.url))
    yield world
    world.hullo.close()


def _digests(number: int) -> tuple[str, ...]:
    return tuple(a_contact(external_id=f"user {number}", email=f"{number}@mail.example").identifier_digests())


QUERIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "a session": lambda n: {"session": secret_digest(f"hvs_{n}")},
    "identifiers": lambda n: {"identifiers": _digests(n)},
    "contacts": lambda n: {"contacts": (f"con_{'A' if n % 2 else 'a'}{n:06}", "con_gone")},
    "orphans": lambda n: {"session": secret_digest(f"hvs_{n}"), "include_orphans": True},
    "all of a visitor's": lambda n: {"session": secret_digest(f"hvs_{n}"), "include_own": True},
    "conversations": lambda n: {"conversations": (f"cnv_{n}", "cnv_gone")},
    "repeat keys": lambda n: {"repeat_keys": (f"repeat {n}",)},
    "an answer": lambda n: {"stored_response_digest": secret_digest("all" if n % 2 else "gone")},
    "a session that a token came from": lambda n: {"source_session": secret_digest(f"hvs_{n}")},
    "spent tokens": lambda n: {"spent": (secret_digest("spent" if n % 2 else "unspent"), "gone")},
    "conflicts": lambda n: {"conflicts": ("cfl_1", "cfl_gone")},
    "merges": lambda n: {"merges": ("mrg_1" if n % 2 else "mrg_2", "mrg_gone")},
    "those merged into somebody": lambda n: {"merged_into": ("con_a000000", "con_gone")},
    "where the audit log ends": lambda n: {"include_audit_head": True},
    "tombstones": lambda n: {"tombstones": (a_tombstone().digest, "gone"), "identifiers": (f"gone {n}",)},
    "tombstones of somebody who is there": lambda n: {"tombstones": ("gone", "gone too"), "identifiers": _digests(n)},
    "every app": lambda n: {"app_id": None, "identifiers": _digests(n)},
    "one app or the other": lambda n: {"app_id": APP if n % 2 else "app_2", "identifiers": _digests(n)},
    "two people": lambda n: {"identifiers": (*_digests(n), *_digests(n + 1))},
    "what is not there": lambda n: {"session": f"gone {n}", "identifiers": (f"gone {n}",), "include_orphans": True},
    "everything": lambda n: {
        "session": secret_digest(f"hvs_{n}"),
        "identifiers": (*_digests(n), *_digests(n + 1)),
        "contacts": ("con_a000000",),
        "conversations": (f"cnv_{n}",),
        "include_orphans": True,
        "repeat_keys": (f"repeat {n}",),
        "stored_response_digest": secret_digest("all"),
        "source_session": secret_digest(f"hvs_{n + 1}"),
        "spent": (secret_digest("spent"), f"gone {n}"),
        "conflicts": ("cfl_1",),
        "merges": ("mrg_1",),
        "merged_into": ("con_a000000",),
        "tombstones": (a_tombstone().digest, f"gone {n}"),
        "include_audit_head": True,
    },
}
PEOPLE = 24


def queries_of(kind: str, size: int) -> list[SnapshotQuery]:
    asked = (QUERIES[kind](number % PEOPLE) for number in range(size))
    return [SnapshotQuery(workspace_id=WORKSPACE, **{"app_id": APP, **wanted}) for wanted in asked]


class TestLoading:
    @pytest.fixture(autouse=True)
    def kept(self, store: PeeweeStore) -> None:
        kept = ChangeSet(
            spent=(a_spent_token("spent"),), tombstones=(a_tombstone(),), audit_entries=(an_audit_entry(),)
        )
        assert store.apply([kept]) == (APPLIED,)

    def test_load_of_any_size_is_one_statement(self, store: PeeweeStore, wire: Wire):
        fill(store, PEOPLE)
        for kind in QUERIES:
            for _ in range(WARM):
                store.load(queries_of(kind, 1))
            for size in SIZES:
                queries = queries_of(kind, size)
                wire.reset()
                assert len(store.load(queries)) == size
                assert (kind, size, wire.statements, wire.trips) == (kind, size, 1, 1)

    def test_load_of_all_kinds_is_one_statement(self, store: PeeweeStore, wire: Wire):
        fill(store, PEOPLE)
        alone = [(store.load([query])[0], query) for kind in QUERIES for query in queries_of(kind, 10)]
        queries = [query for _, query in alone]
        for _ in range(WARM):
            store.load(queries)
        wire.reset()
        assert list(store.load(queries)) == [snapshot for snapshot, _ in alone]
        assert (wire.statements, wire.trips) == (1, 1)

    def test_empty_load_makes_no_trip(self, store: PeeweeStore, wire: Wire):
        wire.reset()
        store.load([])
        store.load([SnapshotQuery(workspace_id=WORKSPACE, app_id=None)])
        assert wire.trips == 0

    def test_statement_is_prepared_once_per_connection(self, store: PeeweeStore, wire: Wire):
        """It costs one more round trip, and then never again, whatever the sizes."""
        wire.reset()
        for size in (2, 30, 128, 1, 60):
            store.load(queries_of("everything", size))
        assert wire.statements == 5
        assert wire.trips <= 6


class TestReading:
    """One thing, or a page."""

    def test_single_read_is_one_statement(self, store: PeeweeStore, wire: Wire):
        fill(store, 1)
        for _ in range(WARM):
            store.find_session(secret_digest("hvs_0"))
        wire.reset()
        assert store.find_session(secret_digest("hvs_0")) is not None
        assert (wire.statements, wire.trips) == (1, 1)

    def test_history_costs_two_statements_per_absorbed_contact(self, store: PeeweeStore, wire: Wire):
        people = [a_contact(f"con_{number}") for number in range(3)]
        absorbed = [replace(person, merged_into="con_0") for person in people[1:]]
        assert store.apply([ChangeSet(contacts=tuple(map(insertion, (people[0], *absorbed))))]) == (APPLIED,)
        for listing in (store.list_timeline, store.list_decisions, store.list_notes):
            for contact_id, statements in (("con_1", 2), ("con_0", 5)):
                wire.reset()
                listing(WORKSPACE, contact_id, PageRequest())
                assert wire.statements == statements

    def test_reused_connection_is_not_set_up_again(self, store: PeeweeStore, wire: Wire):
        wire.reset()
        for _ in range(WARM):
            store.list_workspaces()
        assert [text.split()[0] for text in wire.texts] == ["SELECT"] * WARM


class Crowd:
    """Visitors of one world, some of whom are known already, and their next calls."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._numbers = count()
        self._known = [f"user {number}" for number in range(128)]
        self._tokens = self._joined(len(self._known))
        self._identify_all(kept=0)

    def unchanged(self, size: int) -> list[Operation[Any]]:
        return self._identify_all(kept=0, size=size)

    def new_persons(self, size: int) -> list[Operation[Any]]:
        return [
            identify(self.world, external_id=f"new {number}", email=f"{number}@mail.example", custom_data={"a": number})
            for number in self._next(size)
        ]

    def changed_persons(self, size: int) -> list[Operation[Any]]:
        return self._identify_all(kept=next(self._numbers) + 1, size=size)

    def linked_conversations(self, size: int) -> list[Operation[Any]]:
        tokens = self._joined(size)
        served(self.world, [say(self.world, token) for token in tokens])
        return [
            identify(self.world, token, external_id=f"linked {number}")
            for token, number in zip(tokens, self._next(size), strict=True)
        ]

    def idempotency_keys(self, size: int) -> list[Operation[Any]]:
        return [
            repeatable(identify(self.world, external_id=f"once {number}"), f"key {number}")
            for number in self._next(size)
        ]

    def _joined(self, size: int) -> list[str]:
        return [visit.token for visit in served(self.world, [join(self.world) for _ in range(size)])]

    def _identify_all(self, kept: int, size: int | None = None) -> list[Operation[Any]]:
        works: list[Operation[Any]] = [
            identify(self.world, token, external_id=name, custom_data={"kept": kept})
            for token, name in zip(self._tokens[:size], self._known, strict=False)
        ]
        if size is None:
            served(self.world, works)
        return works

    def _next(self, size: int) -> list[int]:
        return [next(self._numbers) for _ in range(size)]


SEARCH_STATEMENTS: dict[Kind, int] = {"postgresql": 1, "mysql": 2}
"""What searches read of a new contact: its text, and its trigrams where they are rows."""
NEW_CONTACTS = (Crowd.new_persons, Crowd.linked_conversations, Crowd.idempotency_keys)
# Without those of searches.
STATEMENTS = {
    Crowd.unchanged: 1,
    # The load, BEGIN, contact, identifier, custom data, visitor, session, decision, timeline, outbox, COMMIT.
    Crowd.new_persons: 11,
    # The load, BEGIN, contact, custom data, decision, timeline, outbox, COMMIT.
    Crowd.changed_persons: 8,
    # The load, BEGIN, contact, identifier, session, conversation, decision, timeline, outbox, COMMIT.
    Crowd.linked_conversations: 10,
    # As new persons without custom data, and three for the answers: make way, make room, keep.
    Crowd.idempotency_keys: 13,
}


class TestThePipeline:
    @pytest.mark.parametrize("calls", STATEMENTS, ids=lambda calls: calls.__name__)
    def test_group_costs_as_much_as_one(
        self, calls: Callable[[Crowd, int], list[Operation[Any]]], world: World, wire: Wire, kind: Kind
    ):
        crowd = Crowd(world)
        for size in (1,) * WARM + (2,) * WARM:
            served(world, calls(crowd, size))
        statements = STATEMENTS[calls] + (SEARCH_STATEMENTS[kind] if calls in NEW_CONTACTS else 0)
        trips_at_most = 1 if calls is Crowd.unchanged else 3 if kind == "postgresql" else statements
        for size in (1, 2, 30, 100):
            works = calls(crowd, size)
            wire.reset()
            served(world, works)
            assert (size, wire.statements) == (size, statements)
            assert wire.trips <= trips_at_most

    def test_mixed_group_costs_one_per_row_kind(self, world: World, wire: Wire, kind: Kind):
        crowd = Crowd(world)

        def mixed(size: int) -> list[Operation[Any]]:
            return [work for calls in STATEMENTS if calls is not Crowd.unchanged for work in calls(crowd, size)]

        for _ in range(WARM):
            served(world, mixed(2))
        for size in (1, 6, 20):
            works = mixed(size)
            wire.reset()
            served(world, works)
            # The load, BEGIN, new contacts, changed ones, identifier, custom data, visitor, new sessions, changed
            # ones, conversation, decision, timeline, three for the answers, outbox, COMMIT.
            statements = 17 + SEARCH_STATEMENTS[kind]
            assert (size, wire.statements) == (size, statements)
            assert wire.trips <= (3 if kind == "postgresql" else statements)


def everything(number: int) -> ChangeSet:
    """One new noun of each kind, as `one_of_everything` makes it, and none of them another's."""
    ws, app = f"ws_{number}", f"app_{number}"
    ann = a_contact(f"con_{number}a", external_id=f"ann {number}", name="Ann", custom_data={app: {"vip": True}})
    ann = replace(ann, tags={"vip": a_fact(True), "new": a_fact(True)})
    bob = a_contact(f"con_{number}b", email=f"bob{number}@shop.example")
    conversation = f"cnv_{number}"
    return ChangeSet(
        workspaces=(insertion(a_workspace(ws)),),
        apps=(insertion(an_app(app, workspace_id=ws, identity_keys=(an_identity_key(f"key_{number}", app_id=app),))),),
        api_keys=(insertion(an_api_key(f"hsk_{number}", workspace_id=ws)),),
        contacts=(insertion(ann), insertion(bob)),
        visitors=(a_visitor(f"vis_{number}"),),
        sessions=(insertion(a_session(f"hvs_{number}", visitor_id=f"vis_{number}", contact_id=ann.id)),),
        conversations=(insertion(a_conversation(conversation, contact_id=ann.id)),),
        messages=(a_message(f"msg_{number}", conversation_id=conversation, repeat_key=f"repeat {number}"),),
        conflicts=(insertion(a_conflict(f"cfl_{number}", contact_id=ann.id, other_id=bob.id)),),
        decisions=(a_decision(f"dec_{number}", contact_id=ann.id),),
        stored_responses=(a_stored_response(f"once {number}"),),
        spent=(a_spent_token(f"jti_{number}"),),
        merges=(insertion(a_merge(f"mrg_{number}", survivor=ann, absorbed=bob)),),
        contact_events=(a_contact_event(f"cev_{number}", contact_id=ann.id),),
        webhooks=(insertion(a_webhook(f"whk_{number}")),),
        deliveries=(insertion(a_delivery(f"dlv_{number}")),),
        tombstones=(a_tombstone(f"erased {number}"),),
        audit_entries=(an_audit_entry(workspace_id=ws),),
        events=(an_event(f"evt_{number}", contact_id=ann.id),),
        dispatched_event_ids=(f"evt_{number - 1}",),
        call_counts=(a_call_count(app), a_call_count(day=number % 3)),
        refused_origins=(a_refused_origin(app_id=app), a_refused_origin(hour=number % 3)),
        key_uses=(KeyUse(app_id=app, key_id=f"key_{number}", at=LATER),),
    )


def everything_changed(number: int) -> ChangeSet:
    """Whatever of it can be replaced."""
    old = everything(number)
    app = old.apps[0].after
    keys = (replace(app.identity_keys[0], retires_at=LATER),)
    return ChangeSet(
        workspaces=tuple(replacement(workspace.after, workspace.after) for workspace in old.workspaces),
        apps=(replacement(app, replace(app, identity_keys=keys)),),
        api_keys=tuple(replacement(api_key.after, api_key.after) for api_key in old.api_keys),
        contacts=tuple(
            replacement(contact.after, replace(contact.after, merged_into="con_x")) for contact in old.contacts
        ),
        sessions=tuple(
            replacement(session.after, replace(session.after, revoked_at=LATER)) for session in old.sessions
        ),
        conversations=tuple(replacement(conversation.after, conversation.after) for conversation in old.conversations),
        conflicts=tuple(
            replacement(conflict.after, replace(conflict.after, status="resolved")) for conflict in old.conflicts
        ),
        merges=tuple(replacement(merge.after, replace(merge.after, undone_at=LATER)) for merge in old.merges),
        webhooks=tuple(replacement(webhook.after, webhook.after) for webhook in old.webhooks),
        deliveries=tuple(replacement(delivery.after, replace(delivery.after, tries=1)) for delivery in old.deliveries),
        notes_removed=(f"note_{number}",),
    )


def _lock_count(wire: Wire) -> int:
    """Count the statements that lock contacts, some 30 each: a changed group points conversations at contacts that
    it writes."""
    return sum(text.endswith(("FOR UPDATE", "FOR NO KEY UPDATE")) for text in wire.texts)


class TestApplying:
    @pytest.mark.parametrize(
        ("made", "statements"),
        # BEGIN and COMMIT, and one for each of: workspace, app, its key, API key, contact, identifier, custom data,
        # tags, visitor, session, conversation, message, conflict, merge, decision, timeline, three for the answer and
        # three for the token, webhook, delivery, outbox, what is told, tombstone, the key's use, the audit log, the
        # calls. Those of searches come on top.
        [(everything, 34), (everything_changed, 14)],
    )
    def test_full_group_costs_as_much_as_one(
        self, made: Callable[[int], ChangeSet], statements: int, store: PeeweeStore, wire: Wire, kind: Kind
    ):
        statements += SEARCH_STATEMENTS[kind]
        numbers = count()
        for size in (1,) * WARM + (2,) * WARM + (2, 30, 100):
            group = [next(numbers) for _ in range(size)]
            if made is everything_changed:
                assert set(store.apply([everything(number) for number in group])) == {APPLIED}
            wire.reset()
            assert set(store.apply([made(number) for number in group])) == {APPLIED}
            assert (size, wire.statements - _lock_count(wire)) == (size, statements)
        # The rows of a lock are read before the writes.
        locks = _lock_count(wire)
        assert wire.trips == (2 + locks if kind == "postgresql" else statements + locks)

    def test_group_of_one_needs_no_savepoint(self, store: PeeweeStore, wire: Wire):
        wire.reset()
        assert store.apply([ChangeSet(sessions=(insertion(a_session()),))]) == (APPLIED,)
        assert [text.split()[0] for text in wire.texts] == ["BEGIN", "INSERT", "COMMIT"]

    def test_logout_is_two_statements_for_all_sessions(self, store: PeeweeStore, wire: Wire):
        contact = a_contact("con_1")
        held = [a_session(f"hvs_{number}", visitor_id=f"vis_{number}", contact_id="con_1") for number in range(40)]
        sessions = tuple(insertion(noun) for noun in held)
        assert store.apply([ChangeSet(contacts=(insertion(contact),), sessions=sessions)]) == (APPLIED,)
        wire.reset()
        assert store.apply([ChangeSet(session_revocations=(SessionRevocation(contact_id="con_1", at=LATER),))]) == (
            APPLIED,
        )
        # One for the proven ones, one for the rest (H4).
        assert [text.split()[0] for text in wire.texts] == ["BEGIN", "UPDATE", "UPDATE", "COMMIT"]
        last = store.find_session(held[-1].digest)
        assert last is not None
        assert last.revoked_at == LATER

    def test_note_checks_that_its_subject_exists(self, store: PeeweeStore, wire: Wire):
        assert store.apply([ChangeSet(contacts=(insertion(a_contact("con_1")), insertion(a_contact("con_2"))))]) == (
            APPLIED,
        )
        for size in (1, 2, 30):
            notes = tuple(a_note(f"note_{size}_{number}", subject_id=f"con_{number % 2 + 1}") for number in range(size))
            wire.reset()
            assert store.apply([ChangeSet(notes=notes)]) == (APPLIED,)
            assert [text.split()[0] for text in wire.texts] == ["BEGIN", "INSERT", "SELECT", "COMMIT"]

    def test_merge_and_undo_cost_is_constant(self, store: PeeweeStore, wire: Wire):
        for number, size in enumerate((0, 1, 40, 2000)):
            survivor, absorbed = (a_contact(f"con_{number}{side}", external_id=f"{side} {number}") for side in "ab")
            talks = (a_conversation(f"cnv_{number}_{position}", contact_id=absorbed.id) for position in range(size))
            sessions = (a_session(f"hvs_{number}_{position}", contact_id=absorbed.id) for position in range(size))
            nouns = ChangeSet(
                contacts=(insertion(survivor), insertion(absorbed)),
                conversations=tuple(map(insertion, talks)),
                sessions=tuple(map(insertion, sessions)),
            )
            assert store.apply([nouns]) == (APPLIED,)
            merge = a_merge(f"mrg_{number}", survivor=survivor, absorbed=absorbed)
            ids = {"merge_id": merge.id, "survivor_id": survivor.id, "absorbed_id": absorbed.id}
            absorption = Absorption(**ids, workspace_id=WORKSPACE, at=LATER, by="somebody")
            wire.reset()
            assert store.apply([ChangeSet(merges=(insertion(merge),), absorptions=(absorption,))]) == (APPLIED,)
            # BEGIN, the merge, two notes of what moves, two moves, their conflict, COMMIT.
            assert (size, wire.statements) == (size, 8)
            assert store.count_related(WORKSPACE, survivor.id).conversations == size
            undone = replacement(merge, replace(merge, undone_at=LATER))
            wire.reset()
            separation = Split(**ids, since=merge.at)
            assert store.apply([ChangeSet(merges=(undone,), splits=(separation,))]) == (APPLIED,)
            # BEGIN, the merge, two moves, what was said since, what moved is forgotten, COMMIT.
            assert (size, wire.statements) == (size, 7)
            assert store.count_related(WORKSPACE, absorbed.id).conversations == size

    def test_empty_group_makes_no_trip(self, store: PeeweeStore, wire: Wire):
        wire.reset()
        assert tuple(store.apply([])) == ()
        assert tuple(store.apply([ChangeSet()])) == (APPLIED,)
        assert wire.statements == 0

    def test_erasure_runs_alone_beside_its_group(self, store: PeeweeStore):
        people = [a_contact(f"con_{number}", external_id=f"user {number}") for number in range(8)]
        assert set(store.apply([ChangeSet(contacts=(insertion(person),)) for person in people])) == {APPLIED}
        group = [ChangeSet(contacts=(replacement(person, replace(person, merged_into="con_x")),)) for person in people]
        group[3] = ChangeSet(erasures=(Erasure(contact=people[3], conversations="erase", at=LATER, salt="salt"),))
        assert set(store.apply(group)) == {APPLIED}
        found = [store.find_contact(WORKSPACE, person.id) for person in people]
        assert [contact.merged_into if contact is not None else "gone" for contact in found] == [
            "gone" if number == 3 else "con_x" for number in range(8)
        ]


FAILING: dict[str, Callable[[int], Collection[int]]] = {
    "the first": lambda _: {0},
    "one in the middle": lambda size: {size // 2},
    "the last": lambda size: {size - 1},
    "two": lambda size: {1, size - 2},
    "all": range,
    "none": lambda _: set(),
}


class TestFailing:
    @pytest.mark.parametrize("failing", FAILING)
    def test_failing_change_set_spares_its_group(self, store: PeeweeStore, wire: Wire, kind: Kind, failing: str):
        taken = ChangeSet(contacts=(insertion(a_contact("con_taken", external_id="taken")),))
        assert store.apply([taken]) == (APPLIED,)
        numbers = count()
        for size in (2, 3, 16, 50):
            fail = FAILING[failing](size)
            people = [_person(next(numbers), taken=index in fail) for index in range(size)]
            wire.reset()
            verdicts = store.apply([ChangeSet(contacts=(insertion(person),)) for person in people])
            assert [isinstance(verdict, StoreConflict) for verdict in verdicts] == [
                index in fail for index in range(size)
            ]
            assert wire.statements <= _allowed(size, len(fail), SEARCH_STATEMENTS[kind])
            found = store.load([SnapshotQuery(workspace_id=WORKSPACE, app_id=APP, contacts=(p.id,)) for p in people])
            assert [bool(snapshot.contacts) for snapshot in found] == [index not in fail for index in range(size)]

    def test_statement_prepared_in_vain_works_later(self, store: PeeweeStore, url: str):
        """Of a pipeline PostgreSQL skips what comes after an error, be it to prepare a statement. The first rollback
        comes before anything is prepared, since psycopg forgets everything only with a rollback it has not seen."""
        once_asked(url, "INSERT INTO workspace (id, name, created_at, version) VALUES ('ws_taken', 'Shop', 0, 0)")
        taken = ChangeSet(workspaces=(insertion(a_workspace("ws_taken")),))
        numbers = count()

        def session() -> ChangeSet:
            return ChangeSet(sessions=(insertion(a_session(f"hvs_{next(numbers)}")),))

        assert store.apply([taken]) != (APPLIED,)
        for _ in range(4):
            assert store.apply([session()]) == (APPLIED,)
            assert store.apply([replace(session(), workspaces=taken.workspaces)]) != (APPLIED,)
            assert store.apply([session()]) == (APPLIED,)
            assert store.apply([taken, session(), session()])[1:] == (APPLIED, APPLIED)
            assert store.apply([session(), session()]) == (APPLIED, APPLIED)


def _person(number: int, *, taken: bool):
    return a_contact(f"con_{number}", external_id="taken" if taken else f"user {number}")


def _allowed(size: int, failing: int, search: int) -> int:
    """Four and those of searches, and some for each time that a part is halved on the way to one that fails: twice a
    savepoint with its end and all inserts, and a DEALLOCATE, as psycopg forgets with every rollback what it has
    prepared."""
    halvings = min(size - 1, failing * math.ceil(math.log2(size)))
    return 4 + search + (13 + 2 * search) * halvings
