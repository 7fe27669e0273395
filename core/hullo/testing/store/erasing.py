"""Claims about erasure (P2): nothing about the person stays, and nobody else loses anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from hullo.model.change_set import ChangeSet, Erasure, changed, created
from hullo.model.contact import Contact
from hullo.store.protocol import ContactFilter, PageRequest, Store
from hullo.testing.builders import (
    APP,
    LATER,
    WORKSPACE,
    a_conflict,
    a_contact,
    a_conversation,
    a_decision,
    a_fact,
    a_message,
    a_session,
)
from hullo.testing.store.case import (
    StoreCase,
    apply_one,
    ask,
    contact_change,
    must_apply,
    new_contacts,
    refused,
)

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
                sessions=(created(a_session(contact.id, visitor_id=visitor, contact_id=contact.id)),),
                conversations=(
                    created(a_conversation(f"cnv_{contact.id}", visitor_id=visitor, contact_id=contact.id)),
                ),
                messages=(a_message(f"msg_{contact.id}", conversation_id=f"cnv_{contact.id}"),),
                decisions=(a_decision(f"dec_{contact.id}", contact_id=contact.id),),
            ),
        )
    must_apply(store, ChangeSet(conflicts=(created(a_conflict()),)))


def erasure(contact: Contact, conversations: Literal["erase", "anonymise"] = "erase") -> ChangeSet:
    """A change set that forgets one contact."""
    return ChangeSet(erasures=(Erasure(contact=contact, conversations=conversations, at=LATER),))


class ErasingClaims(StoreCase):
    """See the module."""

    def test_what_is_about_an_erased_contact_is_gone(self, store: Store) -> None:
        two_people(store)
        must_apply(store, erasure(ANN))
        snapshot = ask(store, contacts=(ANN, BOB), named_by=(ANN, BOB))
        assert snapshot.contacts == {BOB.id: BOB}
        assert snapshot.open_pairs == frozenset()
        assert set(snapshot.found.values()) == {BOB.id}
        assert store.list_contacts(ContactFilter(workspace_id=WORKSPACE, query="ann"), PAGE).items == ()
        assert store.list_decisions(WORKSPACE, ANN.id, PAGE).items == ()
        assert store.list_conflicts(WORKSPACE, PAGE).items == ()
        assert store.find_conversation(WORKSPACE, "cnv_con_1") is None
        assert store.list_messages("cnv_con_1", PAGE).items == ()

    def test_what_is_about_others_stays(self, store: Store) -> None:
        two_people(store)
        must_apply(store, erasure(ANN))
        bobs = a_session(BOB.id, visitor_id="vis_con_2", contact_id=BOB.id)
        assert ask(store, session=bobs).session == bobs
        assert len(store.list_decisions(WORKSPACE, BOB.id, PAGE).items) == 1
        assert len(store.list_messages("cnv_con_2", PAGE).items) == 1

    def test_its_sessions_are_revoked_and_forget_whose_they_were(self, store: Store) -> None:
        two_people(store)
        session = a_session(ANN.id, visitor_id="vis_con_1", contact_id=ANN.id)
        must_apply(store, erasure(ANN))
        assert store.find_session(session.digest) == replace(
            session, contact_id=None, standing=None, claimed={}, proved=(), revoked_at=LATER, version=1
        )
        later_use = changed(session, replace(session, seen_at=LATER))
        assert refused(apply_one(store, ChangeSet(sessions=(later_use,))))

    def test_an_earlier_revocation_keeps_its_time(self, store: Store) -> None:
        session = replace(a_session(contact_id=ANN.id), revoked_at=LATER - 1)
        must_apply(store, new_contacts(ANN), ChangeSet(sessions=(created(session),)), erasure(ANN))
        found = store.find_session(session.digest)
        assert found is not None
        assert found.revoked_at == LATER - 1

    def test_anonymised_conversations_keep_their_texts_and_nothing_else(self, store: Store) -> None:
        two_people(store)
        before = store.find_conversation(WORKSPACE, "cnv_con_1")
        assert before is not None
        must_apply(store, erasure(ANN, "anonymise"))
        after = store.find_conversation(WORKSPACE, "cnv_con_1")
        assert after == replace(before, visitor_id="", contact_id=None, link_standing=None, version=1)
        assert [message.text for message in store.list_messages("cnv_con_1", PAGE).items] == ["Hello?"]
        assert store.list_visible_conversations("vis_con_1", APP, ANN.id, PAGE).items == ()
        session = a_session(ANN.id, visitor_id="vis_con_1")
        assert ask(store, session=session, orphans=True).conversations == {}

    def test_its_identifiers_are_free_again(self, store: Store) -> None:
        two_people(store)
        must_apply(store, erasure(ANN), new_contacts(replace(ANN, id="con_3")))

    def test_who_was_merged_into_it_goes_with_it(self, store: Store) -> None:
        two_people(store)
        absorbed = a_contact("con_3", email="ann.old@shop.example", name="Ann Old")
        earlier = replace(a_contact("con_4", email="ann.older@shop.example"), merged_into="con_3")
        must_apply(
            store,
            new_contacts(absorbed, earlier),
            contact_change(changed(absorbed, replace(absorbed, merged_into=ANN.id))),
            ChangeSet(decisions=(a_decision(contact_id="con_4"),)),
            erasure(ANN),
        )
        snapshot = ask(store, contacts=(ANN, absorbed, earlier), named_by=(ANN, absorbed, earlier))
        assert (snapshot.contacts, snapshot.found) == ({}, {})

    def test_a_contact_that_changed_meanwhile_is_not_erased(self, store: Store) -> None:
        two_people(store)
        must_apply(store, contact_change(changed(ANN, replace(ANN, profile={"name": a_fact("Anne")}))))
        assert refused(apply_one(store, erasure(ANN)))
        assert len(store.list_decisions(WORKSPACE, ANN.id, PAGE).items) == 1
        assert refused(apply_one(store, erasure(a_contact("con_gone"))))
