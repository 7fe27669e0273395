"""Claims about erasure (P2): nothing about the contact stays, and no other contact loses anything."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from hullo.model.change_set import ChangeSet, Erasure, Split, insertion, replacement
from hullo.model.contact import Contact
from hullo.model.identifier import EMAIL
from hullo.model.snapshot import SnapshotQuery
from hullo.model.standing import Standing
from hullo.model.tombstone import redact_claim
from hullo.store.protocol import ConflictFilter, ContactFilter, PageRequest, Store
from hullo.testing.builders import (
    APP,
    LATER,
    WORKSPACE,
    a_conflict,
    a_contact,
    a_contact_event,
    a_conversation,
    a_decision,
    a_delivery,
    a_fact,
    a_message,
    a_note,
    a_session,
    a_tombstone,
    an_audit_entry,
    an_event,
)
from hullo.testing.store.case import (
    StoreCase,
    apply_one,
    contact_change,
    is_conflict,
    load_one,
    must_apply,
    new_contacts,
    session_change,
)
from hullo.testing.store.merging import contact_of, merge_changes, owned_by, owned_records
from hullo.testing.store.threads import MAX_ATTEMPTS, run_in_threads

ANN = a_contact("con_1", external_id="ann", email="ann@shop.example", name="Ann", custom_data={APP: {"vip": True}})
BOB = a_contact("con_2", external_id="bob", email="bob@shop.example", name="Bob", custom_data={APP: {"vip": False}})
PAGE = PageRequest()


def two_people(store: Store) -> None:
    """Ann and Bob, each with a session, a conversation, a message and a decision; and their conflict."""
    must_apply(store, new_contacts(ANN, BOB))
    for contact in (ANN, BOB):
        visitor = f"vis_{contact.id}"
        must_apply(
            store,
            ChangeSet(
                sessions=(insertion(a_session(contact.id, visitor_id=visitor, contact_id=contact.id)),),
                conversations=(
                    insertion(a_conversation(f"cnv_{contact.id}", visitor_id=visitor, contact_id=contact.id)),
                ),
                messages=(a_message(f"msg_{contact.id}", conversation_id=f"cnv_{contact.id}"),),
                decisions=(a_decision(f"dec_{contact.id}", contact_id=contact.id),),
            ),
        )
    # After both contacts: a conflict must name contacts that exist.
    must_apply(store, ChangeSet(conflicts=(insertion(a_conflict()),)))


def erasure(contact: Contact, conversations: Literal["erase", "anonymise"] = "erase") -> ChangeSet:
    """A change set that forgets one contact."""
    return ChangeSet(erasures=(Erasure(contact=contact, conversations=conversations, at=LATER, salt="salt"),))


class ErasureTests(StoreCase):
    """See the module."""

    def test_erasure_removes_all_about_the_contact(self, store: Store) -> None:
        two_people(store)
        must_apply(store, erasure(ANN))
        snapshot = load_one(store, contacts=(ANN, BOB), identified_by=(ANN, BOB))
        assert snapshot.contacts == {BOB.id: BOB}
        assert snapshot.reported_pairs == frozenset()
        assert set(snapshot.contact_ids.values()) == {BOB.id}
        assert store.list_contacts(ContactFilter(workspace_id=WORKSPACE, query="ann"), PAGE).items == ()
        assert store.list_decisions(WORKSPACE, ANN.id, PAGE).items == ()
        assert store.list_conflicts(ConflictFilter(workspace_id=WORKSPACE), PAGE).items == ()
        assert store.find_conversation(WORKSPACE, "cnv_con_1") is None
        assert store.list_messages("cnv_con_1", PAGE).items == ()

    def test_erasure_leaves_other_contacts_data(self, store: Store) -> None:
        two_people(store)
        must_apply(store, erasure(ANN))
        bobs = a_session(BOB.id, visitor_id="vis_con_2", contact_id=BOB.id)
        assert load_one(store, session=bobs).session == bobs
        assert len(store.list_decisions(WORKSPACE, BOB.id, PAGE).items) == 1
        assert len(store.list_messages("cnv_con_2", PAGE).items) == 1

    def test_erasure_revokes_and_strips_sessions(self, store: Store) -> None:
        two_people(store)
        session = a_session(ANN.id, visitor_id="vis_con_1", contact_id=ANN.id)
        must_apply(store, erasure(ANN))
        assert store.find_session(session.digest) == replace(
            session,
            contact_id=None,
            standing=None,
            claimed_identifiers={},
            proven_identifiers=(),
            revoked_at=LATER,
            version=1,
        )
        later_use = replacement(session, replace(session, seen_at=LATER))
        # Race: a call that was decided before the erasure must not write the contact back.
        assert is_conflict(apply_one(store, ChangeSet(sessions=(later_use,))))

    def test_erasure_leaves_claiming_sessions_valid(self, store: Store) -> None:
        # H4: a visitor who only claimed to be Ann must not learn from the end of the session that she was erased.
        two_people(store)
        sessions = [
            replace(a_session(standing.label, contact_id=ANN.id, standing=standing), claimed_identifiers={EMAIL: "ann"})
            for standing in (Standing.CLAIMED, Standing.OWNED)
        ]
        must_apply(store, ChangeSet(sessions=tuple(map(insertion, sessions))), erasure(ANN))
        for session in sessions:
            # P2: an unsalted digest could be tested against a list of emails.
            redacted = {EMAIL: redact_claim("ann", "salt")}
            stripped = replace(session.without_contact(), claimed_identifiers=redacted, version=1)
            assert store.find_session(session.digest) == stripped
            assert is_conflict(apply_one(store, session_change(replacement(session, replace(session, seen_at=LATER)))))

    def test_erasure_keeps_time_of_earlier_revocation(self, store: Store) -> None:
        # S2: the time of the log-out stays true after the erasure.
        session = replace(a_session(contact_id=ANN.id), revoked_at=LATER - 1)
        must_apply(store, new_contacts(ANN), ChangeSet(sessions=(insertion(session),)), erasure(ANN))
        found = store.find_session(session.digest)
        assert found is not None
        assert found.revoked_at == LATER - 1

    def test_anonymised_conversations_keep_only_texts(self, store: Store) -> None:
        two_people(store)
        before = store.find_conversation(WORKSPACE, "cnv_con_1")
        assert before is not None
        must_apply(store, erasure(ANN, "anonymise"))
        after = store.find_conversation(WORKSPACE, "cnv_con_1")
        # No visitor either: by it the conversation could be linked to the person again.
        assert after == replace(before, visitor_id="", contact_id=None, link_standing=None, version=1)
        assert [message.text for message in store.list_messages("cnv_con_1", PAGE).items] == ["Hello?"]
        assert store.list_visible_conversations("vis_con_1", APP, ANN.id, PAGE).items == ()
        session = a_session(ANN.id, visitor_id="vis_con_1")
        # L1: else the next identify of this browser would link it again.
        assert load_one(store, session=session, include_orphans=True).conversations == {}

    def test_erasure_frees_the_identifiers(self, store: Store) -> None:
        two_people(store)
        # P2: a person who proves an erased identifier may come back as a new contact.
        must_apply(store, erasure(ANN), new_contacts(replace(ANN, id="con_3")))

    def test_erasure_takes_contacts_merged_into_it(self, store: Store) -> None:
        two_people(store)
        absorbed = a_contact("con_3", email="ann.old@shop.example", name="Ann Old")
        earlier = replace(a_contact("con_4", email="ann.older@shop.example"), merged_into="con_3")
        must_apply(
            store,
            new_contacts(absorbed, earlier),
            # A chain of two: the erasure must follow it to its end (G3).
            contact_change(replacement(absorbed, replace(absorbed, merged_into=ANN.id))),
            ChangeSet(decisions=(a_decision(contact_id="con_4"),)),
            erasure(ANN),
        )
        snapshot = load_one(store, contacts=(ANN, absorbed, earlier), identified_by=(ANN, absorbed, earlier))
        assert (snapshot.contacts, snapshot.contact_ids) == ({}, {})

    def test_erasure_of_changed_contact_is_refused(self, store: Store) -> None:
        two_people(store)
        must_apply(store, contact_change(replacement(ANN, replace(ANN, profile={"name": a_fact("Anne")}))))
        # Compared by version like any change: the erasure was decided on what is no longer stored.
        assert is_conflict(apply_one(store, erasure(ANN)))
        assert len(store.list_decisions(WORKSPACE, ANN.id, PAGE).items) == 1
        assert is_conflict(apply_one(store, erasure(a_contact("con_gone"))))

    def test_erasure_removes_history_but_not_others(self, store: Store) -> None:
        two_people(store)
        for contact in (ANN, BOB):
            must_apply(
                store,
                ChangeSet(
                    events=(an_event(f"evt_{contact.id}", contact_id=contact.id),),
                    contact_events=(a_contact_event(f"cev_{contact.id}", contact_id=contact.id),),
                    notes=(
                        a_note(f"note_{contact.id}", subject_id=contact.id),
                        a_note(f"note_of_{contact.id}", subject_id=f"cnv_{contact.id}"),
                    ),
                ),
            )
        tagged = replacement(ANN, replace(ANN, tags={"vip": a_fact(True)}))
        must_apply(store, contact_change(tagged), erasure(tagged.after))
        assert store.list_timeline(WORKSPACE, ANN.id, PAGE).items == ()
        assert [store.find_note(WORKSPACE, f"note_{of}con_1") for of in ("", "of_")] == [None, None]
        assert [item.id for item in store.list_timeline(WORKSPACE, BOB.id, PAGE).items] == ["evt_con_2", "cev_con_2"]
        assert None not in [store.find_note(WORKSPACE, f"note_{of}con_2") for of in ("", "of_")]
        assert store.list_contacts(ContactFilter(workspace_id=WORKSPACE, tag="vip"), PAGE).items == ()
        # The outbox keeps its events: they hold ids alone, and observers must still learn of them (R4).
        assert [event.contact_id for event in store.list_outbox(10)] == [ANN.id, BOB.id]

    def test_notes_on_anonymised_conversation_stay(self, store: Store) -> None:
        two_people(store)
        about = a_note(subject_id="cnv_con_1")
        must_apply(store, ChangeSet(notes=(about,)), erasure(ANN, "anonymise"))
        assert store.list_notes(WORKSPACE, "cnv_con_1", PAGE).items == (about,)

    def test_erasure_keeps_tombstones_audits_and_deliveries(self, store: Store) -> None:
        """It holds nothing personal."""
        two_people(store)
        kept = ChangeSet(
            tombstones=(a_tombstone(),), audit_entries=(an_audit_entry(),), deliveries=(insertion(a_delivery()),)
        )
        must_apply(store, kept, erasure(ANN))
        query = SnapshotQuery(
            workspace_id=WORKSPACE, app_id=None, tombstones=(a_tombstone().digest,), include_audit_head=True
        )
        (snapshot,) = store.load([query])
        assert snapshot.tombstones == {a_tombstone().digest}
        assert snapshot.audit_head is not None
        assert snapshot.audit_head.number == 1
        assert store.find_delivery("dlv_1") == a_delivery()

    def test_erasure_removes_its_merges_with_images(self, store: Store) -> None:
        """A survivor with whom it absorbed; an absorbed one leaves the survivor as it is."""
        people = [a_contact(f"con_{number}", email=f"{number}@shop.example") for number in range(1, 6)]
        must_apply(store, new_contacts(*people), owned_records("con_2", 2), owned_records("con_5", 2))
        must_apply(store, merge_changes(people[0], people[1], "mrg_1"))
        must_apply(store, merge_changes(people[2], contact_of(store, "con_1"), "mrg_2"))
        must_apply(store, merge_changes(people[3], people[4], "mrg_3"))
        must_apply(store, erasure(contact_of(store, "con_3")))
        assert [store.find_merge(WORKSPACE, f"mrg_{number}") is None for number in (1, 2, 3)] == [True, True, False]
        assert [store.find_contact(WORKSPACE, f"con_{number}") is None for number in range(1, 6)] == [True] * 3 + [
            False
        ] * 2
        must_apply(store, erasure(contact_of(store, "con_5")))
        assert store.find_merge(WORKSPACE, "mrg_3") is None
        survivor = contact_of(store, "con_4")
        assert survivor.identifiers == {**people[3].identifiers, **people[4].identifiers}
        assert owned_by(store, "con_4")[1] == {"cnv_con_5_0", "cnv_con_5_1"}
        gone = Split(merge_id="mrg_3", survivor_id="con_4", absorbed_id="con_5", since=0)
        # Undoing a merge that was erased moves nothing: what was absorbed is the survivor's for good.
        must_apply(store, ChangeSet(splits=(gone,)))
        assert store.find_conversation(WORKSPACE, "cnv_con_5_0") == replace(
            a_conversation("cnv_con_5_0", visitor_id="vis_con_5_0", contact_id="con_4"), version=1
        )

    def test_erasure_misses_nothing_threads_write_meanwhile(self, store: Store) -> None:
        # Several rounds: a race is won by chance, and one round proves little.
        for round_ in range(5):
            contact = a_contact(f"con_{round_}", external_id=f"user {round_}")
            must_apply(store, new_contacts(contact))

            def work(number: int, contact: Contact = contact) -> None:
                if number == 0:
                    # Repeated, as the notes that are written meanwhile may conflict with it.
                    assert any(not is_conflict(apply_one(store, erasure(contact))) for _ in range(MAX_ATTEMPTS))
                    return
                for position in range(10):
                    id = f"{contact.id}_{number}_{position}"
                    # The result does not matter: before the erasure it is applied, after it refused.
                    apply_one(store, ChangeSet(notes=(a_note(f"note_{id}", subject_id=contact.id),)))
                    apply_one(store, ChangeSet(events=(an_event(f"evt_{id}", contact_id=contact.id),)))

            run_in_threads(work)
            assert store.list_notes(WORKSPACE, contact.id, PAGE).items == ()
            assert store.list_timeline(WORKSPACE, contact.id, PAGE).items == ()
