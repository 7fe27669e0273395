"""Claims about how contacts came to be what they are: timelines, decisions, notes, merges and conflicts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hullo.model.change_set import ChangeSet, insertion, replacement
from hullo.model.merge import RelatedCounts
from hullo.model.snapshot import SnapshotQuery
from hullo.model.timeline import CONTACT_EVENT, TimelineEntry
from hullo.store.protocol import ConflictFilter, PageRequest, Store
from hullo.testing.builders import (
    APP,
    LATER,
    NOW,
    WORKSPACE,
    WRITER,
    a_conflict,
    a_contact,
    a_contact_event,
    a_conversation,
    a_decision,
    a_merge,
    a_note,
    a_session,
    an_event,
)
from hullo.testing.store.case import StoreCase, apply_one, is_conflict, load_one, must_apply, new_contacts

PAGE = PageRequest()


def a_chain(store: Store, *before: ChangeSet) -> None:
    """Of `con_1` to `con_4` each but the first is merged into the one before, and `con_5` into nobody."""
    people = [a_contact(f"con_{number}") for number in range(1, 6)]
    absorbed = [replacement(person, replace(person, merged_into=f"con_{n}")) for n, person in enumerate(people[1:4], 1)]
    must_apply(store, new_contacts(*people), *before, ChangeSet(contacts=tuple(absorbed)))


class HistoryTests(StoreCase):
    """See the module."""

    def test_timeline_shows_values_before_and_after(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact()), ChangeSet(events=(an_event(),)))
        assert store.list_timeline(WORKSPACE, "con_1", PAGE).items == (
            TimelineEntry(
                id="evt_1",
                workspace_id=WORKSPACE,
                contact_id="con_1",
                app_id=APP,
                at=NOW,
                name="contact.updated",
                by=WRITER,
                data={"fields": ["name"]},
                changes=an_event().changes,
            ),
        )

    def test_timeline_shows_site_reports_outside_outbox(self, store: Store) -> None:
        reported = a_contact_event(app_id=None)
        must_apply(store, new_contacts(a_contact()), ChangeSet(contact_events=(reported,)))
        (entry,) = store.list_timeline(WORKSPACE, "con_1", PAGE).items
        assert entry == TimelineEntry(
            id="cev_1",
            workspace_id=WORKSPACE,
            contact_id="con_1",
            app_id=None,
            at=NOW,
            name=CONTACT_EVENT,
            by=WRITER,
            data={"name": "order placed", "properties": reported.properties},
        )
        assert store.list_outbox(10) == ()

    def test_events_outside_timelines_reach_the_outbox(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact()))
        events = (
            an_event("evt_1", "message.created"),
            an_event("evt_2", "visitor.reset", contact_id=None),
            # Tells of a contact that is gone, so it must be accepted without one.
            an_event("evt_3", "contact.erased", contact_id="con_gone"),
        )
        must_apply(store, ChangeSet(events=events))
        assert store.list_timeline(WORKSPACE, "con_1", PAGE).items == ()
        assert [event.id for event in store.list_outbox(10)] == ["evt_1", "evt_2", "evt_3"]

    def test_history_of_gone_contact_is_refused(self, store: Store) -> None:
        """Somebody may erase a contact while what happens to it is being decided."""
        for changes in (
            ChangeSet(events=(an_event(contact_id="con_gone"),)),
            ChangeSet(contact_events=(a_contact_event(contact_id="con_gone"),)),
            ChangeSet(notes=(a_note(subject_id="con_gone"),)),
        ):
            assert is_conflict(apply_one(store, changes))
        assert store.list_outbox(10) == ()

    def test_timeline_of_survivor_follows_merge_chains(self, store: Store) -> None:
        a_chain(store)
        # In turns, so that no page is of one person.
        order = ["con_3", "con_1", "con_4", "con_5", "con_2", "con_1", "con_4", "con_3"]
        for number, contact_id in enumerate(order):
            must_apply(
                store,
                ChangeSet(
                    events=(an_event(f"evt_{number}", contact_id=contact_id),),
                    decisions=(a_decision(f"dec_{number}", contact_id=contact_id),),
                    notes=(a_note(f"note_{number}", subject_id=contact_id),),
                ),
            )
        for contact_id, people in (
            ("con_1", {"con_1", "con_2", "con_3", "con_4"}),
            ("con_3", {"con_3", "con_4"}),
            ("con_5", {"con_5"}),
        ):
            wanted = [str(number) for number in reversed(range(8)) if order[number] in people]
            for listing in (store.list_timeline, store.list_decisions, store.list_notes):
                # Small pages: a cursor must not lose or repeat what lies between two contacts of the chain.
                for limit in (1, 2, 3, 50):
                    told: list[str] = []
                    page = PageRequest(limit=limit)
                    while True:
                        part = listing(WORKSPACE, contact_id, page)
                        told += [item.id.rpartition("_")[2] for item in part.items]
                        if part.next is None:
                            break
                        page = PageRequest(limit=limit, cursor=part.next)
                    assert told == wanted
                # An id of another workspace must find nothing.
                assert listing("ws_2", contact_id, PAGE).items == ()

    def test_extent_covers_all_absorbed_contacts(self, store: Store) -> None:
        belongings = [
            ChangeSet(
                sessions=(insertion(a_session(contact_id, visitor_id=contact_id, contact_id=contact_id)),),
                conversations=(insertion(a_conversation(f"cnv_{contact_id}", contact_id=contact_id)),),
                events=(an_event(f"evt_{contact_id}", contact_id=contact_id),),
                contact_events=(a_contact_event(f"cev_{contact_id}", contact_id=contact_id),),
                notes=(a_note(f"note_{contact_id}", subject_id=contact_id),),
            )
            for contact_id in (f"con_{number}" for number in range(1, 6))
        ]
        a_chain(store, *belongings)
        assert store.count_related(WORKSPACE, "con_1") == RelatedCounts(
            people=4, conversations=4, sessions=4, events=8, notes=4
        )
        assert store.count_related(WORKSPACE, "con_5") == RelatedCounts(
            people=1, conversations=1, sessions=1, events=2, notes=1
        )
        nobody = RelatedCounts(people=0, conversations=0, sessions=0, events=0, notes=0)
        assert store.count_related("ws_2", "con_1") == store.count_related(WORKSPACE, "con_gone") == nobody

    def test_notes_about_contact_or_conversation_until_removed(self, store: Store) -> None:
        about_her, about_that = a_note("note_1"), a_note("note_2", subject_id="cnv_1", text="Łódź 💛 \\")
        must_apply(
            store,
            new_contacts(a_contact()),
            ChangeSet(conversations=(insertion(a_conversation()),)),
            ChangeSet(notes=(about_her, about_that)),
        )
        assert store.list_notes(WORKSPACE, "con_1", PAGE).items == (about_her,)
        assert store.list_notes(WORKSPACE, "cnv_1", PAGE).items == (about_that,)
        assert store.find_note(WORKSPACE, "note_2") == about_that
        assert store.find_note("ws_2", "note_2") is None
        must_apply(store, ChangeSet(notes_removed=("note_1", "note_gone")), ChangeSet(notes_removed=("note_1",)))
        assert store.find_note(WORKSPACE, "note_1") is None
        assert store.list_notes(WORKSPACE, "con_1", PAGE).items == ()
        assert store.find_note(WORKSPACE, "note_2") == about_that

    def test_merges_list_follows_contacts_through_chains(self, store: Store) -> None:
        a_chain(store)
        pairs = [("con_3", "con_4"), ("con_2", "con_3"), ("con_1", "con_2"), ("con_5", "con_1")]
        for number, pair in enumerate(pairs):
            survivor, absorbed = map(a_contact, pair)
            merge = a_merge(f"mrg_{number}", survivor=survivor, absorbed=absorbed)
            # An undone merge stays in the list of both, and leads no further.
            undone = replace(merge, undone_at=LATER) if number == 3 else merge
            must_apply(store, ChangeSet(merges=(insertion(undone),)))

        def listed(contact_id: str) -> list[str]:
            return [merge.id for merge in store.list_merges(WORKSPACE, contact_id, PAGE).items]

        assert listed("con_1") == ["mrg_3", "mrg_2", "mrg_1", "mrg_0"]
        assert listed("con_4") == ["mrg_0"]
        assert listed("con_5") == ["mrg_3"]
        assert store.list_merges("ws_2", "con_1", PAGE).items == ()
        query = SnapshotQuery(workspace_id=WORKSPACE, app_id=None)
        (found,) = store.load([replace(query, merges=("mrg_3", "mrg_gone"), merged_into=("con_1", "con_5", "con_2"))])
        assert list(found.merges) == ["mrg_1", "mrg_2", "mrg_3"]
        (found,) = store.load([replace(query, workspace_id="ws_2", merges=("mrg_3",), merged_into=("con_1",))])
        assert found.merges == {}

    @pytest.mark.parametrize(
        ("status", "contact_id", "wanted"),
        [
            ("open", None, [4, 3]),
            ("resolved", None, [2, 1]),
            (None, None, [4, 3, 2, 1]),
            ("open", "con_1", [3]),
            ("resolved", "con_1", [2]),
            (None, "con_1", [3, 2]),
            (None, "con_3", [4, 3, 1]),
        ],
    )
    def test_conflicts_list_filters_by_status_and_contact(
        self, store: Store, status: str | None, contact_id: str | None, wanted: list[int]
    ) -> None:
        must_apply(store, new_contacts(*(a_contact(f"con_{number}") for number in range(1, 5))))
        between = [("con_3", "con_4"), ("con_1", "con_2"), ("con_3", "con_1"), ("con_2", "con_3")]
        conflicts = [
            replace(
                a_conflict(f"cfl_{number}", contact_id=one, other_id=other),
                status="open" if number > 2 else "resolved",
                digest=f"digest {number}",
            )
            for number, (one, other) in enumerate(between, 1)
        ]
        must_apply(store, ChangeSet(conflicts=tuple(map(insertion, conflicts))))
        filter_ = ConflictFilter(workspace_id=WORKSPACE, status=status, contact_id=contact_id)  # type: ignore[arg-type]
        assert store.list_conflicts(filter_, PAGE).items == tuple(conflicts[number - 1] for number in wanted)
        assert store.list_conflicts(replace(filter_, workspace_id="ws_2"), PAGE).items == ()

    def test_kept_apart_pair_is_not_reported_again(self, store: Store) -> None:
        ann, bob = a_contact("con_1"), a_contact("con_2")
        must_apply(store, new_contacts(ann, bob), ChangeSet(conflicts=(insertion(a_conflict()),)))
        # Only open so far: a join on a claim may still make them one (J).
        assert load_one(store, contacts=(ann, bob)).kept_pairs == frozenset()
        kept = replace(a_conflict(), status="resolved", resolution="keep", resolved_at=LATER, resolved_by=WRITER)
        must_apply(store, ChangeSet(conflicts=(replacement(a_conflict(), kept),)))
        # "Keep" is an agent's decision that they are two: the pair must not be reported with each call (C9).
        snapshot = load_one(store, contacts=(ann, bob))
        assert snapshot.reported_pairs == snapshot.kept_pairs == {a_conflict().pair_key}
        again = insertion(a_conflict("cfl_2", contact_id="con_2", other_id="con_1"))
        assert is_conflict(apply_one(store, ChangeSet(conflicts=(again,))))
        stored = replace(kept, version=1)
        moved = replace(stored, resolution="move_email")
        must_apply(store, ChangeSet(conflicts=(replacement(stored, moved),)))
        # Any other resolution ends the matter, and a new clash is news again.
        assert load_one(store, contacts=(ann, bob)).reported_pairs == frozenset()
        must_apply(store, ChangeSet(conflicts=(again,)))
