"""Claims about `apply`: all or nothing, compared by version, unique where the model says unique."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hullo.model.change_set import NO_CHANGES, ChangeSet, replacement
from hullo.model.contact import Contact
from hullo.model.fact import Scalar
from hullo.model.snapshot import SnapshotQuery
from hullo.store.protocol import APPLIED, Store
from hullo.testing.builders import (
    APP,
    TODAY,
    WORKSPACE,
    a_contact,
    a_fact,
    a_spent_token,
    a_stored_response,
    a_workspace,
    an_api_key,
)
from hullo.testing.store.case import (
    StoreCase,
    apply_one,
    contact_change,
    is_conflict,
    load_one,
    must_apply,
    new_contacts,
)
from hullo.testing.store.everything import CHANGES, CREATIONS, ONE_OF_EACH

SCALARS: dict[str, Scalar] = {
    "text": "Łódź 💛 \u202e'\";--%_\\",
    "empty": "",
    "whole": 3,
    # The limits of a signed 64-bit integer, which SQL engines store and JSON readers round.
    "large": 2**63 - 1,
    "small": -(2**63),
    # A whole float: an engine without types may give it back as an integer.
    "float": 3.0,
    "tiny": 5e-324,
    "yes": True,
    "no": False,
}


class ApplyTests(StoreCase):
    """See the module."""

    def test_change_set_comes_back_as_applied(self, store: Store) -> None:
        must_apply(store, ONE_OF_EACH)
        (ann, bob) = (change.after for change in ONE_OF_EACH.contacts)
        session, conversation = ONE_OF_EACH.sessions[0].after, ONE_OF_EACH.conversations[0].after
        query = SnapshotQuery(
            workspace_id=WORKSPACE,
            app_id=APP,
            session=session.digest,
            identifiers=(*ann.identifier_digests(), *bob.identifier_digests()),
            conversations=(conversation.id,),
            repeat_keys=("repeat",),
            stored_response_digest=a_stored_response().digest,
            spent=(a_spent_token().digest,),
        )
        (snapshot,) = store.load([query])
        assert snapshot.session == session
        assert snapshot.contacts == {ann.id: ann, bob.id: bob}
        assert snapshot.conversations == {conversation.id: conversation}
        assert snapshot.messages == {"repeat": ONE_OF_EACH.messages[0]}
        assert snapshot.stored_response == ONE_OF_EACH.stored_responses[0]
        assert snapshot.spent == {a_spent_token().digest}
        assert store.find_app(APP) == ONE_OF_EACH.apps[0].after
        assert store.find_api_key(an_api_key().digest) == an_api_key()
        assert store.list_workspaces() == (a_workspace(),)
        assert store.list_call_counts(APP, TODAY) == ONE_OF_EACH.call_counts

    def test_values_keep_type_and_provenance(self, store: Store) -> None:
        """`3`, `3.0` and `true` are three values, and text is no pattern and no statement."""
        contact = a_contact(email="ann@shop.example", custom_data={APP: SCALARS})
        must_apply(store, new_contacts(contact))
        block = load_one(store, contacts=(contact,)).contacts[contact.id].custom_data[APP]
        assert {key: (type(fact.value), fact) for key, fact in block.items()} == {
            key: (type(value), a_fact(value)) for key, value in SCALARS.items()
        }

    def test_identifier_belongs_to_one_contact(self, store: Store) -> None:
        first, second = (
            a_contact("con_1", email="ann@shop.example"),
            a_contact("con_2", email="ANN@shop.example"),
        )
        must_apply(store, new_contacts(first))
        assert is_conflict(apply_one(store, new_contacts(second)))
        assert load_one(store, identified_by=(second,)).contact_ids == dict.fromkeys(
            first.identifier_digests(), first.id
        )

    def test_collation_confused_texts_are_different_identifiers(self, store: Store) -> None:
        # Each pair is equal under some collation: case, trailing space, accents, emoji, Turkish i, German s.
        texts = ("Ann", "ann", "ann ", "Änn", "😀", "😁", "İ", "i̇", "ß", "ss")
        people = [a_contact(f"con_{number}", external_id=text) for number, text in enumerate(texts)]
        must_apply(store, new_contacts(*people))
        found = load_one(store, identified_by=tuple(people)).contact_ids
        assert list(found.values()) == [person.id for person in people]

    def test_other_workspace_may_share_the_identifier(self, store: Store) -> None:
        must_apply(
            store,
            new_contacts(a_contact("con_1", email="ann@shop.example")),
            new_contacts(a_contact("con_2", workspace_id="ws_2", email="ann@shop.example")),
        )

    def test_identifier_moves_between_contacts_in_one_set(self, store: Store) -> None:
        giver, taker = a_contact("con_1", email="ann@shop.example"), a_contact("con_2", external_id="ann")
        must_apply(store, new_contacts(giver, taker))
        taken = replace(taker, identifiers={**taker.identifiers, **giver.identifiers})
        given = replace(giver, identifiers={})
        # The taker first: in any order a store must free identifiers before it takes them.
        must_apply(store, ChangeSet(contacts=(replacement(taker, taken), replacement(giver, given))))
        found = load_one(store, identified_by=(giver, taker)).contact_ids
        assert set(found.values()) == {taker.id}
        assert len(found) == 2

    @pytest.mark.parametrize("noun", CREATIONS)
    def test_create_of_existing_is_refused(self, store: Store, noun: str) -> None:
        must_apply(store, ONE_OF_EACH)
        assert is_conflict(apply_one(store, CREATIONS[noun]))

    @pytest.mark.parametrize("noun", CHANGES)
    def test_change_of_stale_version_is_refused(self, store: Store, noun: str) -> None:
        must_apply(store, ONE_OF_EACH, CHANGES[noun])
        assert is_conflict(apply_one(store, CHANGES[noun]))

    @pytest.mark.parametrize("noun", CHANGES)
    def test_change_of_missing_is_refused(self, store: Store, noun: str) -> None:
        assert is_conflict(apply_one(store, CHANGES[noun]))

    def test_refused_change_set_leaves_nothing(self, store: Store) -> None:
        must_apply(store, ChangeSet(stored_responses=ONE_OF_EACH.stored_responses))
        assert is_conflict(apply_one(store, ONE_OF_EACH))
        (ann, bob), session = (contact.after for contact in ONE_OF_EACH.contacts), ONE_OF_EACH.sessions[0].after
        snapshot = load_one(store, session=session, contacts=(ann, bob), identified_by=(ann, bob))
        assert (snapshot.session, snapshot.contact_ids, snapshot.contacts) == (None, {}, {})
        assert snapshot.app_version is None
        assert store.list_call_counts(APP, TODAY) == ()
        # Without the repeat all of it must fit: nothing of the refused set was left behind.
        must_apply(store, replace(ONE_OF_EACH, stored_responses=()))

    def test_refused_change_keeps_the_old_values(self, store: Store) -> None:
        must_apply(store, ONE_OF_EACH)
        ann, bob = (contact.after for contact in ONE_OF_EACH.contacts)
        # Refused by a unique index, and so perhaps after other rows of the set were written.
        greedy = replace(ann, identifiers=bob.identifiers, custom_data={APP: {"vip": a_fact(False)}})
        assert is_conflict(apply_one(store, contact_change(replacement(ann, greedy))))
        snapshot = load_one(store, contacts=(ann, bob), identified_by=(ann, bob))
        assert snapshot.contacts == {ann.id: ann, bob.id: bob}
        assert set(snapshot.contact_ids) == {*ann.identifier_digests(), *bob.identifier_digests()}

    def test_refusal_leaves_rest_of_group_applied(self, store: Store) -> None:
        people = [a_contact(f"con_{number}", external_id=f"user-{number}") for number in range(5)]
        impostor = replace(people[0], id="con_9")
        # In the middle: what comes after a refusal in the same transaction must be applied too.
        results = store.apply([new_contacts(person) for person in (*people[:3], impostor, *people[3:])])
        assert [is_conflict(result) for result in results] == [False, False, False, True, False, False]
        assert load_one(store, contacts=(impostor,)).contacts == {}
        assert set(load_one(store, identified_by=tuple(people)).contact_ids.values()) == {
            person.id for person in people
        }

    def test_second_change_of_contact_in_group_refused(self, store: Store) -> None:
        person, other = a_contact("con_1", external_id="ann"), a_contact("con_2", external_id="bob")
        must_apply(store, new_contacts(person))
        first, second = (
            contact_change(replacement(person, replace(person, custom_data={APP: {"step": a_fact(step)}})))
            for step in (1, 2)
        )
        results = store.apply([first, second, new_contacts(other)])
        assert [is_conflict(result) for result in results] == [False, True, False]
        assert _blocks(store, person) == {APP: {"step": 1}}

    def test_empty_group_and_change_set_are_harmless(self, store: Store) -> None:
        assert tuple(store.apply([])) == ()
        assert tuple(store.apply([NO_CHANGES])) == (APPLIED,)
        assert tuple(store.apply([NO_CHANGES, NO_CHANGES])) == (APPLIED, APPLIED)

    def test_unloaded_block_is_left_alone(self, store: Store) -> None:
        contact = a_contact(email="ann@shop.example", custom_data={APP: {"plan": "pro"}, "app_2": {"plan": "free"}})
        must_apply(store, new_contacts(contact))
        loaded = load_one(store, contacts=(contact,)).contacts[contact.id]
        after = replace(loaded, custom_data={APP: {"plan": a_fact("basic")}})
        must_apply(store, contact_change(replacement(loaded, after)))
        assert _blocks(store, contact) == {APP: {"plan": "basic"}, "app_2": {"plan": "free"}}

    def test_unloaded_block_may_be_overwritten(self, store: Store) -> None:
        contact = a_contact(email="ann@shop.example", custom_data={"app_2": {"plan": "free"}})
        must_apply(store, new_contacts(contact))
        loaded = load_one(store, contacts=(contact,)).contacts[contact.id]
        must_apply(store, contact_change(replacement(loaded, replace(loaded, custom_data={"app_2": {"a": a_fact(1)}}))))
        assert _blocks(store, contact) == {"app_2": {"a": 1}}

    def test_emptied_block_is_removed(self, store: Store) -> None:
        contact = a_contact(email="ann@shop.example", custom_data={APP: {"plan": "pro"}})
        must_apply(store, new_contacts(contact))
        must_apply(store, contact_change(replacement(contact, replace(contact, custom_data={APP: {}}))))
        assert _blocks(store, contact) == {}


def _blocks(store: Store, contact: Contact) -> dict[str, dict[str, Scalar]]:
    # Without an app, as only that loads the blocks of every app.
    blocks = load_one(store, contacts=(contact,), app_id=None).contacts[contact.id].custom_data
    return {app_id: {key: fact.value for key, fact in block.items()} for app_id, block in blocks.items()}
