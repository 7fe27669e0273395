"""Claims about merges and their undoing (rules G, L4): what points at the absorbed contact goes along, and back."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.model.change_set import Absorption, ChangeSet, JoinConfirmation, Split, insertion, replacement
from hullo.model.contact import Contact
from hullo.model.merge import Merge
from hullo.model.snapshot import SnapshotQuery
from hullo.model.standing import Standing
from hullo.store.protocol import ConversationFilter, PageRequest, Store
from hullo.testing.builders import (
    LATER,
    WORKSPACE,
    WRITER,
    a_conflict,
    a_contact,
    a_conversation,
    a_merge,
    a_session,
)
from hullo.testing.store.case import StoreCase, apply_one, is_conflict, load_one, must_apply, new_contacts
from hullo.testing.store.threads import THREADS, run_in_threads

PAGE = PageRequest(limit=1000)
ANN = a_contact("con_1", external_id="ann", name="Ann", custom_data={"app_1": {"vip": True}, "app_2": {"n": 1}})
OLD = a_contact("con_2", email="ann@shop.example", custom_data={"app_1": {"old": True}})


def merge_changes(survivor: Contact, absorbed: Contact, id: str = "mrg_1") -> ChangeSet:
    """The first takes the identifiers of the second, which is empty then."""
    taken = replace(
        survivor,
        identifiers={**survivor.identifiers, **absorbed.identifiers},
        absorbed=survivor.absorbed + absorbed.absorbed + 1,
    )
    emptied = replace(
        absorbed,
        identifiers={},
        profile={},
        # Empty blocks and not an empty mapping: an app that is not named keeps its block.
        custom_data={app_id: {} for app_id in absorbed.custom_data},
        absorbed=0,
        merged_into=survivor.id,
    )
    return ChangeSet(
        # The survivor first: a store must free identifiers before it takes any.
        contacts=(replacement(survivor, taken), replacement(absorbed, emptied)),
        merges=(insertion(a_merge(id, survivor=survivor, absorbed=absorbed)),),
        absorptions=(
            Absorption(
                merge_id=id,
                workspace_id=WORKSPACE,
                survivor_id=survivor.id,
                absorbed_id=absorbed.id,
                at=LATER,
                by=WRITER,
            ),
        ),
    )


def split_changes(store: Store, merge: Merge) -> ChangeSet:
    """Both get back what the images hold."""
    survivor, absorbed = (contact_of(store, contact_id) for contact_id in (merge.survivor_id, merge.absorbed_id))
    return ChangeSet(
        contacts=(
            # The image's values under the current version: the version itself never goes back.
            replacement(survivor, replace(merge.survivor_before, version=survivor.version)),
            replacement(absorbed, replace(merge.absorbed_before, version=absorbed.version)),
        ),
        merges=(replacement(merge, replace(merge, undone_at=LATER + 1, undone_by=WRITER)),),
        splits=(Split(merge_id=merge.id, survivor_id=survivor.id, absorbed_id=absorbed.id, since=merge.at),),
    )


def contact_of(store: Store, contact_id: str) -> Contact:
    """As it is now."""
    found = store.find_contact(WORKSPACE, contact_id)
    assert found is not None
    return found


def merge_of(store: Store, id: str = "mrg_1") -> Merge:
    """As it is now."""
    found = store.find_merge(WORKSPACE, id)
    assert found is not None
    return found


def owned_records(contact_id: str, number: int) -> ChangeSet:
    """That many sessions and conversations of a contact."""
    numbers = range(number)
    return ChangeSet(
        sessions=tuple(
            insertion(
                a_session(f"{contact_id} {position}", visitor_id=f"vis_{contact_id}_{position}", contact_id=contact_id)
            )
            for position in numbers
        ),
        conversations=tuple(
            insertion(
                a_conversation(
                    f"cnv_{contact_id}_{position}", visitor_id=f"vis_{contact_id}_{position}", contact_id=contact_id
                )
            )
            for position in numbers
        ),
    )


def owned_by(store: Store, contact_id: str) -> tuple[set[str], set[str]]:
    """The visitors of a contact's sessions, and its conversations."""
    sessions = store.list_sessions(WORKSPACE, contact_id, PAGE).items
    conversations = store.list_conversations(
        ConversationFilter(workspace_id=WORKSPACE, contact_id=contact_id), PAGE
    ).items
    return {session.visitor_id for session in sessions}, {conversation.id for conversation in conversations}


class MergeTests(StoreCase):
    """See the module."""

    def test_absorbed_contact_gets_nothing_new(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD), owned_records("con_2", 1))
        talk = a_conversation("cnv_own", visitor_id="vis_1")
        must_apply(store, ChangeSet(conversations=(insertion(talk),)))
        must_apply(store, merge_changes(ANN, OLD))
        late = a_session("late", visitor_id="vis_late", contact_id="con_2")
        assert is_conflict(apply_one(store, ChangeSet(sessions=(insertion(late),))))
        begun = a_conversation("cnv_late", visitor_id="vis_late", contact_id="con_2")
        assert is_conflict(apply_one(store, ChangeSet(conversations=(insertion(begun),))))
        # Race: a call may have been decided about the absorbed contact before the merge (G3).
        linked = replacement(talk, replace(talk, contact_id="con_2", link_standing=Standing.PROVEN))
        assert is_conflict(apply_one(store, ChangeSet(conversations=(linked,))))
        must_apply(store, ChangeSet(sessions=(insertion(replace(late, contact_id="con_1")),)))
        # A session alone does not raise its contact's version.
        assert contact_of(store, "con_1").version == ANN.version + 1

    def test_merge_moves_every_session_and_conversation(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD, a_contact("con_3")))
        # 150: more than one statement takes.
        for contact_id, number in (("con_1", 1), ("con_2", 150), ("con_3", 1)):
            must_apply(store, owned_records(contact_id, number))
        before = [owned_by(store, contact_id) for contact_id in ("con_1", "con_2", "con_3")]
        must_apply(store, merge_changes(ANN, OLD))
        assert owned_by(store, "con_1") == (before[0][0] | before[1][0], before[0][1] | before[1][1])
        assert owned_by(store, "con_2") == (set(), set())
        assert owned_by(store, "con_3") == before[2]
        session = a_session("con_2 0", visitor_id="vis_con_2_0", contact_id="con_2")
        # A new version: what was decided on the old session must be refused.
        moved = replace(session, contact_id="con_1", version=1)
        assert store.find_session(session.digest) == moved
        talk = a_conversation("cnv_con_2_0", visitor_id="vis_con_2_0", contact_id="con_2")
        assert store.find_conversation(WORKSPACE, talk.id) == replace(talk, contact_id="con_1", version=1)
        snapshot = load_one(store, session=session, app_id=None)
        assert snapshot.session == moved
        assert snapshot.contacts.keys() == {"con_1"}
        later_use = replacement(session, replace(session, seen_at=LATER))
        assert is_conflict(apply_one(store, ChangeSet(sessions=(later_use,))))

    def test_merge_points_absorbed_identifiers_to_survivor(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD), merge_changes(ANN, OLD))
        assert set(load_one(store, identified_by=(ANN, OLD)).contact_ids.values()) == {"con_1"}
        absorbed = contact_of(store, "con_2")
        assert (absorbed.merged_into, absorbed.identifiers, absorbed.custom_data) == ("con_1", {}, {})
        assert contact_of(store, "con_1").absorbed == 1

    def test_merge_keeps_images_of_both_contacts(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD), merge_changes(ANN, OLD))
        assert store.find_merge(WORKSPACE, "mrg_1") == a_merge(survivor=ANN, absorbed=OLD)
        # J: a join is remembered until it is confirmed.
        joined = replace(a_merge(survivor=ANN, absorbed=OLD), joined_by="0" * 64)
        must_apply(store, ChangeSet(merges=(replacement(a_merge(survivor=ANN, absorbed=OLD), joined),)))
        assert merge_of(store) == replace(joined, version=1)
        assert store.find_merge("ws_2", "mrg_1") is None
        assert store.find_merge(WORKSPACE, "mrg_2") is None

    def test_undo_moves_back_only_what_merge_moved(self, store: Store) -> None:
        must_apply(
            store, new_contacts(ANN, OLD, a_contact("con_3")), owned_records("con_1", 1), owned_records("con_2", 3)
        )
        before = owned_by(store, "con_1"), owned_by(store, "con_2")
        must_apply(store, merge_changes(ANN, OLD))
        since = a_session("since", visitor_id="vis_since", contact_id="con_1")
        # L4: a session that went to a third contact since is not the merge's to move back.
        given = store.find_session(a_session("con_2 0").digest)
        assert given is not None
        must_apply(
            store,
            ChangeSet(sessions=(insertion(since), replacement(given, replace(given, contact_id="con_3")))),
        )
        must_apply(store, split_changes(store, merge_of(store)))
        assert owned_by(store, "con_1") == (before[0][0] | {"vis_since"}, before[0][1])
        assert owned_by(store, "con_2") == (before[1][0] - {given.visitor_id}, before[1][1])
        assert owned_by(store, "con_3") == ({given.visitor_id}, set())
        undone = merge_of(store)
        assert (undone.undone_at, undone.undone_by, undone.is_active, undone.version) == (LATER + 1, WRITER, False, 1)
        assert contact_of(store, "con_1") == replace(ANN, version=2)
        assert contact_of(store, "con_2") == replace(OLD, version=2)

    def test_undo_returns_only_conversations_begun_since(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD), owned_records("con_2", 1))
        before = a_conversation("cnv_before", visitor_id="vis_con_2_0", contact_id="con_1")
        must_apply(store, ChangeSet(conversations=(insertion(before),)))
        must_apply(store, merge_changes(ANN, OLD))
        merge = merge_of(store)
        # G2: what was said since in a session that goes back, goes back with it.
        since = replace(before, id="cnv_since", created_at=merge.at)
        must_apply(store, ChangeSet(conversations=(insertion(since),)))
        must_apply(store, split_changes(store, merge))
        assert owned_by(store, "con_1")[1] == {"cnv_before"}
        assert owned_by(store, "con_2")[1] == {"cnv_con_2_0", "cnv_since"}

    def test_join_lowers_standings_until_it_ends(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD))
        session = replace(a_session("old", visitor_id="vis_old", contact_id="con_2"), standing=Standing.PROVEN)
        talk = replace(a_conversation("cnv_old", contact_id="con_2"), link_standing=Standing.PROVEN)
        must_apply(store, ChangeSet(sessions=(insertion(session),), conversations=(insertion(talk),)))

        def standings() -> tuple[Standing | None, Standing | None]:
            known, linked = store.find_session(session.digest), store.find_conversation(WORKSPACE, talk.id)
            assert known is not None
            assert linked is not None
            return known.standing, linked.link_standing

        joined = merge_changes(ANN, OLD)
        joined = replace(joined, absorptions=(replace(joined.absorptions[0], is_joined=True),))
        must_apply(store, joined)
        # J: no proof says that they are one person.
        assert standings() == (Standing.CLAIMED, Standing.CLAIMED)
        undone = split_changes(store, merge_of(store))
        must_apply(store, replace(undone, splits=(replace(undone.splits[0], is_joined=True),)))
        assert standings() == (Standing.PROVEN, Standing.PROVEN)
        again = merge_changes(contact_of(store, "con_1"), contact_of(store, "con_2"), "mrg_2")
        must_apply(store, replace(again, absorptions=(replace(again.absorptions[0], is_joined=True),)))
        confirmation = JoinConfirmation(merge_id="mrg_2", survivor_id="con_1")
        must_apply(store, ChangeSet(join_confirmations=(confirmation,)))
        assert standings() == (Standing.PROVEN, Standing.PROVEN)
        assert owned_by(store, "con_1") == ({"vis_old"}, {"cnv_old"})

    def test_repeated_undo_moves_nothing(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD), owned_records("con_2", 2), merge_changes(ANN, OLD))
        must_apply(store, split_changes(store, merge_of(store)))
        must_apply(store, merge_changes(contact_of(store, "con_1"), contact_of(store, "con_2"), "mrg_2"))
        # The marks are the first merge's: undoing it again must not move what the second one moved.
        again = Split(merge_id="mrg_1", survivor_id="con_1", absorbed_id="con_2", since=LATER)
        must_apply(store, ChangeSet(splits=(again,)))
        assert owned_by(store, "con_1")[1] == {"cnv_con_2_0", "cnv_con_2_1"}

    def test_merge_chain_is_undone_from_its_end(self, store: Store) -> None:
        people = [a_contact(f"con_{number}", external_id=f"user {number}") for number in range(3)]
        must_apply(store, new_contacts(*people), *(owned_records(person.id, 1) for person in people))
        before = [owned_by(store, person.id) for person in people]
        must_apply(store, merge_changes(people[1], people[2], "mrg_1"))
        must_apply(store, merge_changes(people[0], contact_of(store, "con_1"), "mrg_2"))
        assert owned_by(store, "con_0")[1] == {"cnv_con_0_0", "cnv_con_1_0", "cnv_con_2_0"}
        assert contact_of(store, "con_0").absorbed == 2
        # From its end: the image of the first merge knows nothing of the second.
        for id in ("mrg_2", "mrg_1"):
            must_apply(store, split_changes(store, merge_of(store, id)))
        assert [owned_by(store, person.id) for person in people] == before

    def test_merge_resolves_open_conflict_of_the_pair(self, store: Store) -> None:
        other = a_conflict("cfl_2", contact_id="con_2", other_id="con_3")
        must_apply(
            store,
            new_contacts(ANN, OLD, a_contact("con_3")),
            ChangeSet(conflicts=(insertion(a_conflict(contact_id="con_2", other_id="con_1")), insertion(other))),
            merge_changes(ANN, OLD),
        )
        (found,) = store.load([SnapshotQuery(workspace_id=WORKSPACE, app_id=None, conflicts=("cfl_1", "cfl_2"))])
        assert found.conflicts["cfl_1"] == replace(
            a_conflict(contact_id="con_2", other_id="con_1"),
            status="resolved",
            resolution="merge",
            resolved_at=LATER,
            resolved_by=WRITER,
            version=1,
        )
        assert found.conflicts["cfl_2"] == other
        assert load_one(store, contacts=(ANN, OLD)).reported_pairs == frozenset()
        # C9: the pair's place is free again.
        must_apply(store, ChangeSet(conflicts=(insertion(a_conflict("cfl_3")),)))

    def test_merge_leaves_kept_apart_conflict_on_record(self, store: Store) -> None:
        # "Keep" was an agent's decision, and stays on record as such.
        kept = replace(a_conflict(), status="resolved", resolution="keep", resolved_at=LATER, resolved_by=WRITER)
        must_apply(store, new_contacts(ANN, OLD), ChangeSet(conflicts=(insertion(kept),)), merge_changes(ANN, OLD))
        (found,) = store.load([SnapshotQuery(workspace_id=WORKSPACE, app_id=None, conflicts=("cfl_1",))])
        assert found.conflicts == {"cfl_1": kept}

    def test_refused_merge_moves_nothing(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD), owned_records("con_2", 1))
        # Raises the version, so that the merge below is decided on an older one.
        must_apply(store, ChangeSet(contacts=(replacement(ANN, replace(ANN, last_seen_at=LATER)),)))
        before = owned_by(store, "con_2")
        assert is_conflict(apply_one(store, merge_changes(ANN, OLD)))
        assert owned_by(store, "con_2") == before
        assert store.find_merge(WORKSPACE, "mrg_1") is None
        assert contact_of(store, "con_2") == OLD

    def test_merge_with_gone_contact_is_refused(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN))
        assert is_conflict(apply_one(store, ChangeSet(merges=(insertion(a_merge(survivor=ANN, absorbed=OLD)),))))
        assert is_conflict(apply_one(store, ChangeSet(merges=(insertion(a_merge(survivor=OLD, absorbed=ANN)),))))

    def test_merge_in_group_takes_only_earlier_changes(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD))
        others = [a_contact(f"con_x{number}", external_id=f"x {number}") for number in range(3)]
        late = ChangeSet(sessions=(insertion(a_session("late", visitor_id="vis_late", contact_id="con_2")),))
        group = [
            owned_records("con_2", 1),
            new_contacts(others[0]),
            merge_changes(ANN, OLD),
            late,
            new_contacts(*others[1:]),
        ]
        assert list(map(is_conflict, store.apply(group))) == [False, False, False, True, False]
        assert owned_by(store, "con_1") == ({"vis_con_2_0"}, {"cnv_con_2_0"})
        assert owned_by(store, "con_2") == (set(), set())

    def test_threads_merging_same_pair_one_wins(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD), owned_records("con_1", 2), owned_records("con_2", 2))

        def merge(number: int) -> bool:
            # In both directions: two merges that cross would leave two contacts that lead to each other (G4).
            pair = (ANN, OLD) if number % 2 else (OLD, ANN)
            return is_conflict(apply_one(store, merge_changes(*pair, f"mrg_{number}")))

        assert run_in_threads(merge).count(False) == 1
        assert sorted(len(owned_by(store, contact_id)[1]) for contact_id in ("con_1", "con_2")) == [0, 4]
        assert sum(store.find_merge(WORKSPACE, f"mrg_{number}") is not None for number in range(THREADS)) == 1
