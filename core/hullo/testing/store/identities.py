"""Claims about what few contacts, conversations and apps have: further names, tags, settings of their own."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hullo.model.app import App, Workspace
from hullo.model.audit import AuditEntry, AuditHead
from hullo.model.change_set import ChangeSet, insertion, replacement
from hullo.model.contact import Contact
from hullo.model.identifier import EMAIL, Identifier
from hullo.model.retention import Retention
from hullo.model.snapshot import SnapshotQuery
from hullo.store.protocol import ContactFilter, ConversationFilter, PageRequest, Store
from hullo.testing.builders import (
    APP,
    LATER,
    WORKSPACE,
    a_contact,
    a_conversation,
    a_fact,
    a_tombstone,
    a_workspace,
    an_app,
    an_audit_entry,
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
from hullo.testing.store.threads import ROUNDS, run_in_threads

ALL_CONTACTS = ContactFilter(workspace_id=WORKSPACE)
PAGE = PageRequest()
ANN = replace(
    a_contact("con_1", external_id="ann", email="ann@shop.example"),
    # Upper case as it was typed: the value is kept, and its normal form is compared (M2).
    also={EMAIL: (a_fact("Ann@work.example"), a_fact("ann@home.example")), "loyalty_card": (a_fact("4711"),)},
    phones=(a_fact("+31201234567"), a_fact("+49 30 1234")),
    tags={"vip": a_fact(True), 'Łódź, \\ "x" 💛': a_fact(True)},
    absorbed=2,
)


class IdentityTests(StoreCase):
    """See the module."""

    def test_full_contact_comes_back_as_applied(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN))
        assert store.find_contact(WORKSPACE, ANN.id) == ANN
        assert load_one(store, contacts=(ANN,)).contacts == {ANN.id: ANN}
        assert store.list_contacts(ALL_CONTACTS, PAGE).items == (ANN,)
        # Back to none: rows of their own must be removed, not only columns emptied.
        plain = replace(ANN, also={}, phones=(), tags={}, absorbed=0)
        must_apply(store, contact_change(replacement(ANN, plain)))
        assert store.find_contact(WORKSPACE, ANN.id) == replace(plain, version=1)

    def test_contact_is_found_by_any_identifier(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN))
        for identifier in (
            Identifier(EMAIL, "ANN@work.example"),
            Identifier(EMAIL, "ann@home.example"),
            Identifier("loyalty_card", "4711"),
        ):
            digest = identifier.digest(WORKSPACE)
            query = SnapshotQuery(workspace_id=WORKSPACE, app_id=APP, identifiers=(digest,))
            assert store.load([query])[0].contact_ids == {digest: ANN.id}
            assert store.list_contacts(replace(ALL_CONTACTS, identifier=digest), PAGE).items == (ANN,)

    def test_further_identifier_is_exclusive_until_given_up(self, store: Store) -> None:
        other = a_contact("con_2", email="ann@home.example")
        must_apply(store, new_contacts(ANN))
        assert is_conflict(apply_one(store, new_contacts(other)))
        fewer = replacement(ANN, replace(ANN, also={EMAIL: ANN.also[EMAIL][:1]}))
        # In one group: what the first set frees, the second may take.
        assert not any(map(is_conflict, store.apply([contact_change(fewer), new_contacts(other)])))
        assert load_one(store, identified_by=(other,)).contact_ids == dict.fromkeys(
            other.identifier_digests(), other.id
        )
        assert is_conflict(
            apply_one(store, contact_change(replacement(fewer.after, replace(fewer.after, also=ANN.also))))
        )

    def test_further_identifier_may_become_primary(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN))
        first, second = ANN.also[EMAIL]
        other = replace(
            ANN, identifiers={**ANN.identifiers, EMAIL: first}, also={EMAIL: (second, ANN.identifiers[EMAIL])}
        )
        must_apply(store, contact_change(replacement(ANN, other)))
        assert set(load_one(store, identified_by=(other,)).contact_ids.values()) == {ANN.id}
        # The same identifiers under another primary one: none was lost on the way.
        assert load_one(store, identified_by=(ANN,)).contact_ids.keys() == other.identifier_digests().keys()

    @pytest.mark.parametrize("query", ["WORK.example", "home.ex", "4711", "+31201234567", "30 12", "#vip", "#łódź"])
    def test_search_covers_further_identifiers_phones_tags(self, store: Store, query: str) -> None:
        must_apply(store, new_contacts(ANN, a_contact("con_2", external_id="bob", email="bob@shop.example")))
        assert store.list_contacts(replace(ALL_CONTACTS, query=query), PAGE).items == (ANN,)

    def test_tag_search_is_exact(self, store: Store) -> None:
        # Prefixes, case, trailing space, a wildcard: what a pattern or a collation would confuse.
        names = ["vip", "vip2", "VIP", "vi", "vip ", "Łódź", "%", "vip"]
        people = [
            replace(a_contact(f"con_{number}", external_id=f"user {number}"), tags={name: a_fact(True)})
            for number, name in enumerate(names)
        ]
        must_apply(store, new_contacts(*people, a_contact("con_untagged")))

        def tagged(name: str, filter_: ContactFilter = ALL_CONTACTS) -> list[Contact]:
            return list(store.list_contacts(replace(filter_, tag=name), PAGE).items)

        assert tagged("vip") == [people[7], people[0]]
        for number in range(1, 7):
            assert tagged(names[number]) == [people[number]]
        # `_` is a wildcard in SQL, and an empty text a prefix of all.
        assert tagged("v_p") == tagged("") == []
        assert tagged("vip", ContactFilter(workspace_id="ws_2")) == []
        assert tagged("vip", replace(ALL_CONTACTS, query="user 7")) == [people[7]]
        (digest,) = people[7].identifier_digests()
        assert tagged("vip", replace(ALL_CONTACTS, identifier=digest)) == [people[7]]
        assert tagged("vip2", replace(ALL_CONTACTS, identifier=digest)) == []
        first = store.list_contacts(replace(ALL_CONTACTS, tag="vip"), PageRequest(limit=1))
        assert first.items == (people[7],)
        rest = store.list_contacts(replace(ALL_CONTACTS, tag="vip"), PageRequest(limit=1, cursor=first.next))
        assert rest.items == (people[0],)

    def test_removed_tag_finds_no_contact(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN))
        retagged = replacement(ANN, replace(ANN, tags={"new": a_fact(True), "vip": a_fact(True, at=LATER)}))
        must_apply(store, contact_change(retagged))
        found = [store.list_contacts(replace(ALL_CONTACTS, tag=name), PAGE).items for name in (*ANN.tags, "new")]
        assert found == [(retagged.after,), (), (retagged.after,)]

    def test_merged_contact_is_not_listed(self, store: Store) -> None:
        absorbed = replace(a_contact("con_2"), merged_into=ANN.id)
        must_apply(store, new_contacts(ANN, absorbed))
        assert store.list_contacts(ALL_CONTACTS, PAGE).items == (ANN,)
        assert store.find_contact(WORKSPACE, "con_2") == absorbed

    def test_conversation_keeps_tags_in_order(self, store: Store) -> None:
        tagged = replace(a_conversation(), tags=("refund", "a,b", "Łódź"))
        must_apply(store, ChangeSet(conversations=(insertion(tagged), insertion(a_conversation("cnv_2")))))
        assert store.find_conversation(WORKSPACE, "cnv_1") == tagged
        assert store.list_conversations(ConversationFilter(workspace_id=WORKSPACE), PAGE).items == (
            a_conversation("cnv_2"),
            tagged,
        )
        must_apply(store, ChangeSet(conversations=(replacement(tagged, replace(tagged, tags=())),)))
        assert store.find_conversation(WORKSPACE, "cnv_1") == replace(tagged, tags=(), version=1)

    def test_conversation_keeps_its_read_time(self, store: Store) -> None:
        # None: it is not known whether the visitor has read it, so it does not count as unread.
        unknown, known = replace(a_conversation("cnv_1"), read_at=None), a_conversation("cnv_2")
        must_apply(store, ChangeSet(conversations=(insertion(unknown), insertion(known))))
        assert store.list_conversations(ConversationFilter(workspace_id=WORKSPACE), PAGE).items == (known, unknown)
        read = [replacement(conversation, replace(conversation, read_at=LATER)) for conversation in (unknown, known)]
        must_apply(store, ChangeSet(conversations=tuple(read)))
        query = SnapshotQuery(workspace_id=WORKSPACE, app_id=None, conversations=("cnv_1", "cnv_2"))
        assert store.load([query])[0].conversations == {change.after.id: change.after for change in read}

    @pytest.mark.parametrize(
        "app",
        [
            replace(an_app(), consent_required=True),
            replace(an_app(), retention=Retention(anonymous_days=None, conversation_days=0, timeline_days=7)),
        ],
        ids=["consent", "retention"],
    )
    def test_an_app_keeps_its_policy(self, store: Store, app: App) -> None:
        must_apply(store, ChangeSet(apps=(insertion(app),)))
        assert store.find_app(APP) == app
        assert store.list_apps() == (app,)
        must_apply(store, ChangeSet(apps=(replacement(app, an_app()),)))
        assert store.find_app(APP) == replace(an_app(), version=1)

    def test_workspace_gets_salt_once(self, store: Store) -> None:
        salted: Workspace = replace(a_workspace(), salt="s" * 200)
        must_apply(store, ChangeSet(workspaces=(insertion(a_workspace()),)))
        must_apply(store, ChangeSet(workspaces=(replacement(a_workspace(), salted),)))
        assert store.list_workspaces() == (replace(salted, version=1),)
        assert is_conflict(
            apply_one(store, ChangeSet(workspaces=(replacement(a_workspace(), replace(salted, salt="x")),)))
        )

    def test_tombstone_is_found_by_any_identifier(self, store: Store) -> None:
        stone, other = a_tombstone("ann"), a_tombstone("bob", workspace_id="ws_2")
        must_apply(store, new_contacts(ANN), ChangeSet(tombstones=(stone, other)))
        must_apply(store, ChangeSet(tombstones=(replace(stone, at=LATER), replace(stone, at=LATER + 1))))
        hers, asked = next(iter(ANN.identifier_digests())), (stone.digest, other.digest, a_tombstone("eve").digest)
        for app_id in (APP, None):
            queries = [
                SnapshotQuery(workspace_id=WORKSPACE, app_id=app_id, identifiers=names, tombstones=asked[:number])
                for names in ((), ("gone",), ("gone", "gone too"), (hers, "gone"), ("gone", hers))
                for number in (1, 2, 3)
            ]
            queries += [replace(query, tombstones=asked[1:]) for query in queries]
            known = [frozenset({stone.digest})] * 15 + [frozenset[str]()] * 15
            assert [store.load([query])[0].tombstones for query in queries] == known
            assert [snapshot.tombstones for snapshot in store.load(queries)] == known
            (elsewhere,) = store.load([replace(queries[2], workspace_id="ws_2")])
            assert elsewhere.tombstones == {other.digest}

    def test_audit_log_continues_in_each_workspace(self, store: Store) -> None:
        query = SnapshotQuery(workspace_id=WORKSPACE, app_id=None, include_audit_head=True)
        assert store.load([replace(query, include_audit_head=False)])[0].audit_head is None
        entries: list[AuditEntry] = []
        for _ in range(3):
            head = store.load([query, replace(query, workspace_id="ws_2")])[0].audit_head
            entry = an_audit_entry(head)
            entries.append(entry)
            must_apply(store, ChangeSet(audit_entries=(entry,)))
            # The number is taken: two writers cannot both continue the same head.
            assert is_conflict(apply_one(store, ChangeSet(audit_entries=(entry,))))
        must_apply(store, ChangeSet(audit_entries=(an_audit_entry(workspace_id="ws_2"),)))
        told = store.list_audit(WORKSPACE, PAGE).items
        assert list(told) == entries[::-1]
        # The digest covers the data as it is read back, so no engine may reorder or round it.
        assert all(entry.has_valid_digest for entry in told)
        assert [entry.previous for entry in told] == [entries[1].digest, entries[0].digest, ""]
        assert len(store.list_audit("ws_2", PAGE).items) == 1

    def test_threads_writing_next_audit_entry_one_wins(self, store: Store) -> None:
        query = SnapshotQuery(workspace_id=WORKSPACE, app_id=None, include_audit_head=True)
        for _ in range(ROUNDS):
            head = store.load([query])[0].audit_head

            def write(_: int, head: AuditHead | None = head) -> bool:
                return is_conflict(apply_one(store, ChangeSet(audit_entries=(an_audit_entry(head),))))

            assert run_in_threads(write).count(False) == 1
