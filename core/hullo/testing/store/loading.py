"""Claims about `load`, and about opening and closing."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from msgspec.structs import replace

from hullo.errors import StoreUnavailable
from hullo.model.change_set import ChangeSet, insertion, replacement
from hullo.model.conflict import pair_key
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.store.protocol import Store
from hullo.testing.builders import (
    APP,
    LATER,
    WORKSPACE,
    a_conflict,
    a_contact,
    a_conversation,
    a_message,
    a_session,
    a_spent_token,
    an_app,
)
from hullo.testing.store.case import StoreCase, load_one, must_apply, new_contacts, requires, session_change


class LoadTests(StoreCase):
    """See the module."""

    def test_each_query_gets_its_own_snapshot(self, store: Store) -> None:
        """Far more than one statement takes, and the same person twice."""
        people = [a_contact(f"con_{number}", external_id=f"user-{number}") for number in range(150)]
        sessions = [a_session(f"hvs_{person.id}", contact_id=person.id) for person in people]
        must_apply(store, new_contacts(*people), ChangeSet(sessions=tuple(insertion(session) for session in sessions)))
        # Repeats: two callers of one group may ask for the same rows.
        asked = [*range(150), 0, 0, 149]
        queries = [
            SnapshotQuery(
                workspace_id=WORKSPACE,
                app_id=APP,
                session=sessions[number].digest,
                identifiers=tuple(people[number].identifier_digests()),
            )
            for number in asked
        ]
        snapshots = store.load(queries)
        assert [snapshot.session for snapshot in snapshots] == [sessions[number] for number in asked]
        assert [dict(snapshot.contacts) for snapshot in snapshots] == [
            {people[number].id: people[number]} for number in asked
        ]

    def test_empty_query_gets_empty_snapshot(self, store: Store) -> None:
        assert tuple(store.load([])) == ()
        assert tuple(store.load([SnapshotQuery(workspace_id=WORKSPACE, app_id=None)])) == (Snapshot(),)

    def test_collation_confused_ids_differ_in_one_group(self, store: Store) -> None:
        person = a_contact("con_ann", external_id="ann")
        must_apply(store, new_contacts(person))
        # In any order: a store that joins in SQL might give the row to the query that stands first.
        for names in permutations(("con_ann", "CON_ANN", "con_ann ")):
            queries = [SnapshotQuery(workspace_id=WORKSPACE, app_id=APP, contacts=(name,)) for name in names]
            found = [tuple(snapshot.contacts) for snapshot in store.load(queries)]
            assert found == [("con_ann",) if name == "con_ann" else () for name in names]

    def test_missing_items_are_left_out(self, store: Store) -> None:
        query = SnapshotQuery(
            workspace_id=WORKSPACE,
            app_id="app_gone",
            session="gone",
            identifiers=("gone",),
            contacts=("con_gone",),
            conversations=("cnv_gone",),
            include_orphans=True,
            repeat_keys=("gone",),
            stored_response_digest="gone",
            source_session="gone",
            spent=("gone",),
        )
        assert tuple(store.load([query])) == (Snapshot(),)

    def test_snapshot_excludes_other_workspaces(self, store: Store) -> None:
        stranger = a_contact(workspace_id="ws_2", email="ann@shop.example")
        must_apply(
            store,
            ChangeSet(
                apps=(insertion(an_app(workspace_id="ws_2")),),
                contacts=(insertion(stranger),),
                sessions=(insertion(a_session(workspace_id="ws_2", contact_id=stranger.id)),),
                conversations=(insertion(a_conversation(workspace_id="ws_2")),),
                messages=(a_message(repeat_key="repeat"),),
            ),
        )
        query = SnapshotQuery(
            workspace_id=WORKSPACE,
            app_id=APP,
            session=a_session().digest,
            identifiers=tuple(stranger.identifier_digests()),
            contacts=(stranger.id,),
            conversations=("cnv_1",),
            include_own=True,
            repeat_keys=("repeat",),
            # T1: the hop stays inside one workspace.
            source_session=a_session().digest,
        )
        assert tuple(store.load([query])) == (Snapshot(),)
        (at_home,) = store.load([replace(query, workspace_id="ws_2")])
        assert (len(at_home.contacts), len(at_home.conversations), len(at_home.messages)) == (1, 1, 1)
        assert at_home.source_session == at_home.session == a_session(workspace_id="ws_2", contact_id=stranger.id)

    def test_contacts_carry_only_this_apps_custom_data(self, store: Store) -> None:
        blocks = {APP: {"plan": "pro"}, "app_2": {"plan": "free"}, "app_3": {"plan": "basic"}}
        contact = a_contact(email="ann@shop.example", custom_data=blocks)
        must_apply(store, new_contacts(contact))
        queries = [
            SnapshotQuery(workspace_id=WORKSPACE, app_id=app_id, contacts=(contact.id,))
            for app_id in (APP, "app_2", "app_4", None)
        ]
        loaded = [snapshot.contacts[contact.id].custom_data for snapshot in store.load(queries)]
        assert [set(blocks) for blocks in loaded] == [{APP}, {"app_2"}, set(), set(blocks)]
        # Alone as in a group: engines use another statement for one query.
        assert loaded == [store.load([query])[0].contacts[contact.id].custom_data for query in queries]

    def test_session_brings_its_contact(self, store: Store) -> None:
        contact = a_contact(email="ann@shop.example")
        session = a_session(contact_id=contact.id)
        must_apply(store, new_contacts(contact), session_change(insertion(session)))
        assert load_one(store, session=session).contacts == {contact.id: contact}

    def test_token_source_session_brings_its_contact(self, store: Store) -> None:
        ann, bob = a_contact("con_1", external_id="ann"), a_contact("con_2", external_id="bob")
        here = a_session("here", visitor_id="vis_1", contact_id=ann.id)
        # Revoked, and loaded all the same: the pipeline decides what a revoked source means (S2).
        there = replace(a_session("there", visitor_id="vis_2", contact_id=bob.id), revoked_at=LATER)
        must_apply(
            store,
            new_contacts(ann, bob),
            ChangeSet(
                sessions=(insertion(here), insertion(there)),
                conversations=(insertion(a_conversation(visitor_id=there.visitor_id)),),
                conflicts=(insertion(a_conflict(contact_id=ann.id, other_id=bob.id)),),
            ),
        )
        query = SnapshotQuery(workspace_id=WORKSPACE, app_id=APP, source_session=there.digest, include_orphans=True)
        # Without the source's conversations: those are the business of the browser that began them (L1).
        alone = Snapshot(source_session=there, contacts={bob.id: bob})
        assert tuple(store.load([query])) == (alone,)
        both = Snapshot(
            session=here,
            source_session=there,
            contacts={ann.id: ann, bob.id: bob},
            reported_pairs=frozenset({pair_key(ann.id, bob.id)}),
        )
        group = [replace(query, session=here.digest), query, replace(query, source_session=None, session=here.digest)]
        assert tuple(store.load(group)) == (both, alone, Snapshot(session=here, contacts={ann.id: ann}))
        named = replace(query, identifiers=tuple(ann.identifier_digests()))
        (snapshot,) = store.load([named])
        assert (snapshot.source_session, snapshot.session, snapshot.reported_pairs) == (
            there,
            None,
            both.reported_pairs,
        )
        assert snapshot.contacts == both.contacts

    def test_snapshot_reports_spent_tokens_asked_for(self, store: Store) -> None:
        spent = [a_spent_token(f"jti_{number}") for number in range(3)]
        must_apply(store, ChangeSet(spent=tuple(spent)))
        first, second, third = (token.digest for token in spent)
        queries = [
            SnapshotQuery(workspace_id=WORKSPACE, app_id=None, spent=asked)
            for asked in ((first, "never"), (second, third), ("never",), ())
        ]
        assert [snapshot.spent for snapshot in store.load(queries)] == [
            {first},
            {second, third},
            frozenset(),
            frozenset(),
        ]

    def test_revoked_session_is_still_returned(self, store: Store) -> None:
        session = a_session()
        revoked = replacement(session, replace(session, revoked_at=session.seen_at))
        must_apply(store, session_change(insertion(session)), session_change(revoked))
        assert load_one(store, session=session).session == revoked.after
        assert store.find_session(session.digest) == revoked.after

    def test_orphans_are_visitors_conversations_without_contact(self, store: Store) -> None:
        contact, session = a_contact(email="ann@shop.example"), a_session()
        held = (
            a_conversation("cnv_1"),
            a_conversation("cnv_2"),
            a_conversation("cnv_linked", contact_id=contact.id),
            a_conversation("cnv_other", visitor_id="vis_2"),
        )
        must_apply(
            store,
            new_contacts(contact),
            ChangeSet(sessions=(insertion(session),), conversations=tuple(insertion(noun) for noun in held)),
        )
        assert set(load_one(store, session=session, include_orphans=True).conversations) == {"cnv_1", "cnv_2"}
        assert load_one(store, session=session).conversations == {}
        own = {"cnv_1", "cnv_2", "cnv_linked"}
        # Also in a group with a query that wants fewer of the same visitor's.
        fewer = SnapshotQuery(workspace_id=WORKSPACE, app_id=APP, session=session.digest, include_orphans=True)
        queries = [fewer, replace(fewer, include_own=True)]
        assert [set(found.conversations) for found in store.load(queries)] == [{"cnv_1", "cnv_2"}, own]
        assert set(load_one(store, session=session, include_own=True).conversations) == own

    def test_message_by_repeat_key_brings_its_conversation(self, store: Store) -> None:
        conversation = a_conversation("cnv_1")
        message = a_message(conversation_id="cnv_1", repeat_key="repeat")
        must_apply(store, ChangeSet(conversations=(insertion(conversation),), messages=(message,)))
        query = SnapshotQuery(workspace_id=WORKSPACE, app_id=None, repeat_keys=("repeat",))
        (snapshot,) = store.load([query])
        assert snapshot.messages == {"repeat": message}
        assert snapshot.conversations == {"cnv_1": conversation}

    def test_open_conflicts_cover_the_snapshots_own_contacts(self, store: Store) -> None:
        people = [a_contact(f"con_{number}", external_id=f"user-{number}") for number in (1, 2, 3)]
        closed = replace(a_conflict("cfl_2", contact_id="con_3"), status="resolved")
        must_apply(store, new_contacts(*people), ChangeSet(conflicts=(insertion(a_conflict()), insertion(closed))))
        assert load_one(store, contacts=tuple(people)).reported_pairs == {pair_key("con_2", "con_1")}
        assert load_one(store, identified_by=(people[0], people[2])).reported_pairs == frozenset()
        # A pair counts only when both are loaded: the other ones are of no use to the decision.
        assert load_one(store, contacts=(people[0],)).reported_pairs == frozenset()

    def test_snapshot_carries_app_version(self, store: Store) -> None:
        app = an_app()
        must_apply(store, ChangeSet(apps=(insertion(app),)))
        assert load_one(store).app_version == 0
        must_apply(store, ChangeSet(apps=(replacement(app, replace(app, name="Renamed")),)))
        assert load_one(store).app_version == 1
        # None: no app was asked for, so nothing can be out of date.
        assert load_one(store, app_id=None).app_version is None

    def test_store_may_open_and_close_repeatedly(self, tmp_path: Path) -> None:
        store = self.make_store(tmp_path)
        for _ in range(2):
            store.open()
            store.open()
            store.check()
            assert load_one(store) == Snapshot()
            store.close()
            store.close()

    def test_unopened_store_is_unavailable(self, tmp_path: Path) -> None:
        store = self.make_store(tmp_path)
        for _ in range(2):
            for call in (store.check, lambda: store.load([]), lambda: store.apply([]), store.list_apps):
                with pytest.raises(StoreUnavailable):
                    call()
            store.open()
            store.close()

    def test_store_says_how_many_lanes(self, store: Store) -> None:
        assert store.max_concurrent_batches >= 1

    def test_store_says_whether_processes_may_share(self, store: Store) -> None:
        assert store.shared_between_processes is self.shared_between_processes

    @requires("durable")
    def test_applied_changes_outlive_the_store(self, tmp_path: Path) -> None:
        contact = a_contact(email="ann@shop.example")
        store = self.make_store(tmp_path)
        store.open()
        must_apply(store, new_contacts(contact))
        store.close()
        another = self.make_store(tmp_path)
        another.open()
        assert another.find_contact(WORKSPACE, contact.id) == contact
        another.close()
