"""Claims about the reads beside `load`: who sees what, in which order, and in pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from msgspec.structs import replace

from hullo.model.audit import AuditEntry, AuditHead
from hullo.model.change_set import Change, ChangeSet, insertion
from hullo.model.conversation import Conversation
from hullo.model.identifier import EMAIL, Identifier
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.store.protocol import ConflictFilter, ContactFilter, ConversationFilter, Page, PageRequest, Store
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
    a_merge,
    a_message,
    a_note,
    a_session,
    a_workspace,
    an_api_key,
    an_app,
    an_audit_entry,
)
from hullo.testing.store.case import StoreCase, must_apply, new_contacts

Item = TypeVar("Item")
OF_CONTACT = ConversationFilter(workspace_id=WORKSPACE, contact_id="con_1", app_id=APP, status="open")
ALL_CONTACTS = ContactFilter(workspace_id=WORKSPACE)
FIRST_PAGE = PageRequest()
LISTS: dict[str, Callable[[Store, PageRequest], Page[object]]] = {
    "contacts": lambda store, page: _any(store.list_contacts(ALL_CONTACTS, page)),
    "decisions": lambda store, page: _any(store.list_decisions(WORKSPACE, "con_0", page)),
    "sessions": lambda store, page: _any(store.list_sessions(WORKSPACE, "con_0", page)),
    "conflicts": lambda store, page: _any(store.list_conflicts(ConflictFilter(workspace_id=WORKSPACE), page)),
    "conversations": lambda store, page: _any(
        store.list_conversations(ConversationFilter(workspace_id=WORKSPACE), page)
    ),
    "visible conversations": lambda store, page: _any(store.list_visible_conversations("vis_1", APP, None, page)),
    "messages": lambda store, page: _any(store.list_messages("cnv_0", page)),
    "conversations of a contact": lambda store, page: _any(store.list_conversations(OF_CONTACT, page)),
    "timeline": lambda store, page: _any(store.list_timeline(WORKSPACE, "con_0", page)),
    "notes": lambda store, page: _any(store.list_notes(WORKSPACE, "con_0", page)),
    "merges": lambda store, page: _any(store.list_merges(WORKSPACE, "con_0", page)),
    "deliveries": lambda store, page: _any(store.list_deliveries("whk_0", page)),
    "audit log": lambda store, page: _any(store.list_audit(WORKSPACE, page)),
}


def five_of_everything(store: Store) -> None:
    """Five items in every list, and as many of other workspaces, visitors and contacts."""
    people = [a_contact(f"con_{number}", external_id=f"user-{number}") for number in range(6)]
    must_apply(store, new_contacts(*people[:5]))
    must_apply(
        store,
        new_contacts(*(replace(person, id=f"{person.id}x", workspace_id="ws_2") for person in people)),
        ChangeSet(
            conversations=tuple(insertion(a_conversation(f"cnv_{number}", contact_id="con_1")) for number in range(5)),
            decisions=tuple(a_decision(f"dec_{number}", contact_id="con_0") for number in range(5)),
            sessions=tuple(insertion(_session(number)) for number in range(5)),
            conflicts=tuple(
                insertion(a_conflict(f"cfl_{number}", contact_id=first, other_id=second))
                for number, (first, second) in enumerate(
                    (
                        ("con_0", "con_1"),
                        ("con_0", "con_2"),
                        ("con_1", "con_2"),
                        ("con_3", "con_0"),
                        ("con_4", "con_0"),
                    )
                )
            ),
        ),
        ChangeSet(messages=tuple(a_message(f"msg_{number}", conversation_id="cnv_0") for number in range(5))),
        ChangeSet(
            conversations=(_of_another_workspace("cnv_1x"),),
            messages=(a_message("msg_1x", conversation_id="cnv_1"),),
            decisions=(a_decision("dec_1x", contact_id="con_1"),),
            sessions=(
                insertion(a_session("hvs_1x", visitor_id="vis_1x", contact_id="con_1")),
                insertion(a_session("hvs_2x", workspace_id="ws_2", visitor_id="vis_2x", contact_id="con_0x")),
                insertion(a_session("hvs_3x", visitor_id="vis_3x")),
            ),
            conflicts=(
                insertion(replace(a_conflict("cfl_1x", contact_id="con_3", other_id="con_4"), status="resolved")),
                insertion(a_conflict("cfl_2x", workspace_id="ws_2", contact_id="con_1x", other_id="con_2x")),
            ),
        ),
    )

    _five_of_every_history(store)


def _five_of_every_history(store: Store) -> None:
    merges = (a_merge(f"mrg_{number}", survivor=a_contact("con_0"), absorbed=a_contact("con_1")) for number in range(5))
    others = a_merge("mrg_1x", survivor=a_contact("con_3"), absorbed=a_contact("con_4"))
    audits: list[AuditEntry] = []
    head = AuditHead()
    for _ in range(5):
        audits.append(an_audit_entry(head))
        head = AuditHead(number=audits[-1].number, digest=audits[-1].digest)
    must_apply(
        store,
        ChangeSet(
            conversations=(_of_another_workspace("cnv_2x", contact_id="con_1"),),
            contact_events=(
                *(a_contact_event(f"cev_{number}", contact_id="con_0") for number in range(5)),
                a_contact_event("cev_1x", contact_id="con_1"),
                a_contact_event("cev_2x", workspace_id="ws_2", contact_id="con_0x"),
            ),
            notes=(
                *(a_note(f"note_{number}", subject_id="con_0") for number in range(5)),
                a_note("note_1x", subject_id="con_1"),
                a_note("note_2x", workspace_id="ws_2", subject_id="con_0x"),
            ),
            merges=tuple(map(insertion, (*merges, others))),
            deliveries=(
                *(insertion(a_delivery(f"dlv_{number}", webhook_id="whk_0")) for number in range(5)),
                insertion(a_delivery("dlv_1x")),
            ),
            audit_entries=(*audits, an_audit_entry(workspace_id="ws_2")),
        ),
    )


def _of_another_workspace(id: str, contact_id: str | None = None) -> Change[Conversation]:
    talk = a_conversation(id, workspace_id="ws_2", app_id="app_2", visitor_id="vis_2", contact_id=contact_id)
    return insertion(talk)


class ListTests(StoreCase):
    """See the module."""

    @pytest.mark.parametrize("listing", LISTS)
    def test_pages_hold_everything_once_newest_first(self, store: Store, listing: str) -> None:
        five_of_everything(store)
        whole = LISTS[listing](store, FIRST_PAGE)
        first = 1 if listing == "audit log" else 0  # which counts from 1
        assert [int(_id(item)[-1]) - first for item in whole.items] == [4, 3, 2, 1, 0]
        assert whole.next is None
        told: list[object] = []
        sizes: list[int] = []
        page = PageRequest(limit=2)
        while True:
            part = LISTS[listing](store, page)
            told += part.items
            sizes.append(len(part.items))
            if part.next is None:
                break
            page = PageRequest(limit=2, cursor=part.next)
        assert told == list(whole.items)
        # Five items in pages of two: the last page is short, and no empty one follows.
        assert sizes == [2, 2, 1]
        # As many as there are: a full page must not promise a next one.
        assert LISTS[listing](store, PageRequest(limit=5)) == whole

    def test_foreign_cursor_gives_empty_page(self, store: Store) -> None:
        five_of_everything(store)
        # A cursor comes from a URL: it may be old, of another list, or an attack.
        cursors = ["", "nonsense", "~", "zzz:zzz", "'; DROP TABLE contact; --", "\0", "💛" * 99]
        failed = [
            (listing, number)
            for listing, read in LISTS.items()
            for number, cursor in enumerate(cursors)
            if read(store, PageRequest(cursor=cursor)) != Page(items=(), next=None)
        ]
        assert not failed, f"(list, number of the cursor): {failed}"

    def test_custom_data_is_not_searched(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact(external_id="u", custom_data={APP: {"note": "private"}})))
        assert store.list_contacts(replace(ALL_CONTACTS, query="private"), FIRST_PAGE).items == ()

    def test_contact_is_found_by_exact_identifier(self, store: Store) -> None:
        people = [a_contact(f"con_{number}", email=f"ann{number}@shop.example") for number in range(3)]
        must_apply(store, new_contacts(*people))
        digest = Identifier(EMAIL, "ANN1@shop.example").digest(WORKSPACE)
        by_email = replace(ALL_CONTACTS, identifier=digest)
        assert store.list_contacts(by_email, FIRST_PAGE) == Page(items=(people[1],), next=None)
        assert store.list_contacts(replace(by_email, query="ann1"), FIRST_PAGE).items == (people[1],)
        assert store.list_contacts(replace(by_email, query="ann2"), FIRST_PAGE).items == ()
        assert store.list_contacts(replace(by_email, workspace_id="ws_2"), FIRST_PAGE).items == ()

    def test_listed_contacts_carry_every_apps_custom_data(self, store: Store) -> None:
        contact = a_contact(external_id="u", custom_data={APP: {"plan": "pro"}, "app_2": {"plan": "free"}})
        must_apply(store, new_contacts(contact))
        assert store.list_contacts(ALL_CONTACTS, FIRST_PAGE).items == (contact,)
        assert store.find_contact(WORKSPACE, contact.id) == contact

    def test_visitor_sees_own_and_proven_conversations(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact("con_1", external_id="ann"), a_contact("con_2", external_id="bob")))
        held = (
            a_conversation("cnv_own"),
            a_conversation("cnv_proven", visitor_id="vis_2", contact_id="con_1"),
            # H1: linked on a claim, so the contact's other sessions do not see it.
            a_conversation("cnv_claimed", visitor_id="vis_2", contact_id="con_1", standing=Standing.CLAIMED),
            a_conversation("cnv_bobs", visitor_id="vis_2", contact_id="con_2"),
            # H1: of the contact's other conversations only those in this app are shown.
            a_conversation("cnv_elsewhere", app_id="app_2", visitor_id="vis_2", contact_id="con_1"),
            a_conversation("cnv_strangers", visitor_id="vis_2"),
        )
        must_apply(store, ChangeSet(conversations=tuple(insertion(noun) for noun in held)))

        def visible(contact_id: str | None) -> set[str]:
            page = store.list_visible_conversations("vis_1", APP, contact_id, FIRST_PAGE)
            return {conversation.id for conversation in page.items}

        assert visible(None) == {"cnv_own"}
        assert visible("con_1") == {"cnv_own", "cnv_proven"}

    def test_sessions_list_covers_apps_and_ended_ones(self, store: Store) -> None:
        five_of_everything(store)
        whole = store.list_sessions(WORKSPACE, "con_0", FIRST_PAGE)
        assert whole.items == tuple(_session(number) for number in (4, 3, 2, 1, 0))
        # Ended ones too: a log-out must show what it ended.
        assert whole.items[0].revoked_at is not None
        assert {session.app_id for session in whole.items} == {"app_1", "app_2"}

    def test_other_workspace_finds_nothing(self, store: Store) -> None:
        five_of_everything(store)
        assert store.find_contact("ws_2", "con_1") is None
        assert store.find_conversation("ws_2", "cnv_1") is None
        assert store.find_conversation(WORKSPACE, "cnv_1") == a_conversation("cnv_1", contact_id="con_1")
        assert store.list_notes("ws_2", "con_0", FIRST_PAGE).items == ()
        assert store.list_decisions("ws_2", "con_0", FIRST_PAGE).items == ()
        assert store.list_sessions("ws_2", "con_0", FIRST_PAGE).items == ()

    def test_apps_keys_and_workspaces_are_listed(self, store: Store) -> None:
        apps, keys = (an_app("app_1"), an_app("app_2")), (an_api_key("hsk_1"), an_api_key("hsk_2"))
        spaces = (a_workspace("ws_1"), a_workspace("ws_2"))
        must_apply(
            store,
            ChangeSet(
                workspaces=tuple(insertion(space) for space in spaces),
                apps=tuple(insertion(app) for app in apps),
                api_keys=tuple(insertion(key) for key in keys),
            ),
        )
        assert store.list_apps() == apps[::-1]
        assert store.list_api_keys() == keys[::-1]
        assert store.list_workspaces() == spaces[::-1]
        assert store.find_app("app_3") is None
        assert store.find_api_key("gone") is None
        assert store.find_session("gone") is None


def _session(number: int) -> Session:
    """One of five of the same contact. Their digests come in another order than the ids of their visitors."""
    held = a_session(f"hvs_{number}", app_id=f"app_{number % 2 + 1}", visitor_id=f"vis_{number}", contact_id="con_0")
    return replace(held, revoked_at=LATER) if number == 4 else held


def _any(page: Page[Item]) -> Page[object]:
    return Page(items=page.items, next=page.next)


def _id(item: object) -> str:
    return str(getattr(item, "id", ""))
