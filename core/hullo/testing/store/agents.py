"""Claims about what agents need of a store: lists of conversations with filters, who wrote what, and blocks."""

from __future__ import annotations

from functools import partial
from itertools import product

import pytest
from msgspec.structs import replace

from hullo.model.block import Block, ContactBlock
from hullo.model.change_set import ChangeSet, Erasure, insertion, replacement
from hullo.model.conversation import Agent, Conversation, Status
from hullo.model.snapshot import SnapshotQuery
from hullo.store.protocol import ConversationFilter, PageRequest, Store
from hullo.store.reading import iter_pages
from hullo.testing.builders import (
    APP,
    LATER,
    NOW,
    WORKSPACE,
    a_contact,
    a_conversation,
    a_message,
    a_session,
)
from hullo.testing.store.case import StoreCase, apply_one, is_conflict, must_apply, new_contacts, session_change

BLOCK = Block(id="blk_1", at=NOW, by="api-key:hsk_1", reason="spam")
STATUSES: tuple[Status, ...] = ("open", "closed")
CONTACTS, APPS, ASSIGNEES = ("con_1", None), (APP, "app_2"), ("ada@x.test", "Ada", None)


def _conversations() -> list[Conversation]:
    """Two of every combination, in no order of any of its parts."""
    return [
        replace(
            a_conversation(f"cnv_{number:02d}", app_id=app_id, contact_id=contact_id),
            status=status,
            assignee=assignee,
        )
        for number, (_, contact_id, app_id, status, assignee) in enumerate(
            product(range(2), CONTACTS, APPS, STATUSES, ASSIGNEES)
        )
    ]


class AgentTests(StoreCase):
    """See the module."""

    @pytest.mark.parametrize("contact_id", CONTACTS)
    @pytest.mark.parametrize("app_id", ["app_2", None])
    def test_conversation_filters_skip_and_double_nothing(
        self, store: Store, contact_id: str | None, app_id: str | None
    ) -> None:
        held = _conversations()
        foreign = a_conversation("cnv_99", workspace_id="ws_2", app_id="app_2")
        must_apply(store, new_contacts(a_contact("con_1", external_id="ann")))
        must_apply(store, ChangeSet(conversations=tuple(map(insertion, (*held, foreign)))))
        for status, assignee in product((*STATUSES, None), (*ASSIGNEES, "ada")):
            wanted = ConversationFilter(
                workspace_id=WORKSPACE, contact_id=contact_id, app_id=app_id, status=status, assignee=assignee
            )
            expected = [
                conversation
                for conversation in reversed(held)
                if contact_id in {None, conversation.contact_id}
                and app_id in {None, conversation.app_id}
                and status in {None, conversation.status}
                and assignee in {None, conversation.assignee}
            ]
            assert list(iter_pages(partial(store.list_conversations, wanted), 3)) == expected

    def test_message_keeps_who_wrote_it(self, store: Store) -> None:
        written = [
            replace(a_message("msg_1", repeat_key="r1"), by="visitor:vis_1"),
            replace(a_message("msg_2", repeat_key="r2"), author="agent", by="api-key:hsk_1", agent=Agent(name="Ada")),
            replace(a_message("msg_3"), author="agent", agent=Agent(name="Łódź", email="bo@x.test")),
        ]
        must_apply(store, ChangeSet(conversations=(insertion(a_conversation()),), messages=tuple(written)))
        assert list(store.list_messages("cnv_1", PageRequest()).items) == written[::-1]
        query = SnapshotQuery(workspace_id=WORKSPACE, app_id=None, repeat_keys=("r1", "r2"))
        assert store.load([query])[0].messages == {"r1": written[0], "r2": written[1]}

    def test_visitor_is_found_by_its_session(self, store: Store) -> None:
        session = replace(a_session(), revoked_at=NOW)
        must_apply(store, session_change(insertion(session)))
        assert store.find_visitor_session(WORKSPACE, session.visitor_id) == session
        assert store.find_visitor_session("ws_2", session.visitor_id) is None
        assert store.find_visitor_session(WORKSPACE, "vis_2") is None

    def test_lifted_block_frees_all_its_sessions(self, store: Store) -> None:
        taken_over = Block(id="blk_1", at=LATER, by="visitor", of_contact=True)
        blocked = [
            replace(a_session(f"hvs_{number}", visitor_id=f"vis_{number}"), block=block)
            for number, block in enumerate((BLOCK, taken_over, replace(BLOCK, id="blk_2")))
        ]
        must_apply(store, ChangeSet(sessions=tuple(map(insertion, blocked))))
        snapshots = store.load(
            [SnapshotQuery(workspace_id=WORKSPACE, app_id=APP, session=session.digest) for session in blocked]
        )
        assert [snapshot.session for snapshot in snapshots] == blocked
        # One that the same set blocks is freed too: what was lifted holds for all.
        again = replace(a_session("hvs_9", visitor_id="vis_9"), block=BLOCK)
        must_apply(store, ChangeSet(sessions=(insertion(again),), lifted_blocks=("blk_1", "blk_3")))
        free = [replace(session, block=None, version=1) for session in (*blocked[:2], again)]
        held = [store.find_session(session.digest) for session in (*blocked[:2], again, blocked[2])]
        assert held == [*free, blocked[2]]
        # Race: a reset that was decided before must not hand the lifted block over.
        late = replacement(blocked[0], replace(blocked[0], revoked_at=LATER))
        assert is_conflict(apply_one(store, session_change(late)))
        must_apply(store, ChangeSet(lifted_blocks=("blk_1",)))

    def test_contact_keeps_blocks_until_erased(self, store: Store) -> None:
        block = ContactBlock(id="blk_1", at=NOW, by="api-key:hsk_1", of_contact=True, identifiers=("d1", "d2"))
        contact = replace(a_contact(external_id="ann"), blocks=(block, replace(block, id="blk_2", reason="abuse")))
        session = replace(a_session(contact_id=contact.id), block=BLOCK)
        must_apply(store, replace(new_contacts(contact), sessions=(insertion(session),)))
        assert store.find_contact(WORKSPACE, contact.id) == contact
        query = SnapshotQuery(workspace_id=WORKSPACE, app_id=None, contacts=(contact.id,))
        assert store.load([query])[0].contacts == {contact.id: contact}
        free = replacement(contact, replace(contact, blocks=()))
        must_apply(store, ChangeSet(contacts=(free,)))
        assert store.find_contact(WORKSPACE, contact.id) == free.after
        erasure = Erasure(contact=free.after, conversations="erase", at=LATER, salt="salt")
        # P2: why a person was blocked goes with the person.
        must_apply(store, ChangeSet(erasures=(erasure,)))
        erased = store.find_session(session.digest)
        assert erased is not None
        assert erased.block is None
