"""Several names of one person, tags, notes and what a site reports, on every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from hullo.errors import Conflicting, Invalid, NotFound
from hullo.model.claim import Claim
from hullo.model.contact import Contact
from hullo.model.decision import Decision
from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL
from hullo.model.instant import HOUR
from hullo.model.limits import Limits
from hullo.model.note import Note
from hullo.model.operation import Operation
from hullo.model.standing import Standing
from hullo.model.timeline import CONTACT_EVENT, TimelineEntry
from hullo.operations.contacts.contact_events import AddContactEvent, EventReport
from hullo.operations.contacts.email_phone_lists import ContactLists
from hullo.operations.contacts.notes import AddContactNote, AddConversationNote, RemoveNote
from hullo.operations.contacts.tags import TagChanges, TagContact
from hullo.operations.contacts.update import UpdateContact
from hullo.operations.contacts.upsert_lists import UpsertWithLists
from hullo.operations.conversations.update import UpdateConversation
from hullo.pipeline.claim import Upsert
from hullo.store.protocol import PageRequest, Store
from hullo.store.reading import current_contact, iter_pages
from hullo.testing.builders import a_contact
from rules_plugins import ByCard
from world import World

SERVER = "api-key:test"


def run(world: World, work: Operation[Any]) -> Decision[Any]:
    decision: Decision[Any] = world.hullo.executor.run(work)
    return decision


def tagging(world: World, contact_id: str, *add: str, remove: tuple[str, ...] = ()) -> TagContact:
    return TagContact(
        contact_id=contact_id,
        workspace_id=world.app.workspace_id,
        app_id=None,
        writer=SERVER,
        changes=TagChanges(add=add, remove=remove),
        context=world.hullo.new_context(),
        limits=Limits(tags=3),
    )


def amending(world: World, contact_id: str, **body: Any) -> UpdateContact:
    lists, rejected = ContactLists.from_body(body, Limits())
    assert not rejected
    claim = Claim.from_body({name: value for name, value in body.items() if name not in {"emails", "phones"}})
    moment = world.hullo.new_context()
    return UpdateContact(
        contact_id=contact_id,
        workspace_id=world.app.workspace_id,
        writer=SERVER,
        claim=claim,
        cleared_kinds=frozenset(),
        lists=lists,
        app_id=world.app.app_id,
        context=moment,
        request_id=moment.new_id("req"),
        hooks=world.hullo.hooks,
        limits=Limits(),
    )


def noting(world: World, contact_id: str, text: str = "hm") -> AddContactNote:
    moment = world.hullo.new_context()
    return AddContactNote(
        contact_id=contact_id, workspace_id=world.app.workspace_id, writer=SERVER, text=text, context=moment
    )


def reporting(world: World, contact_id: str, name: str, ago: int = 0, **properties: object) -> AddContactEvent:
    moment = world.hullo.new_context()
    return AddContactEvent(
        contact_id=contact_id,
        workspace_id=world.app.workspace_id,
        app_id=world.app.app_id,
        writer=SERVER,
        report=EventReport(name=name, occurred_at=moment.now - ago if ago else None, properties=properties),
        context=moment,
    )


def upserted(world: World, lists: ContactLists, **body: Any) -> Decision[Any]:
    moment = world.hullo.new_context()
    upsert = Upsert(
        claim=Claim.from_body(body),
        key=world.api_key,
        app_id=world.app.app_id,
        context=moment,
        request_id=moment.new_id("req"),
        hooks=world.hullo.hooks,
        limits=Limits(),
    )
    return run(world, UpsertWithLists(upsert=upsert, lists=lists))


def timeline(world: World, contact_id: str) -> list[TimelineEntry]:
    store = world.hullo.store
    return [*iter_pages(lambda page: store.list_timeline(world.app.workspace_id, contact_id, replace(page, limit=2)))]


def notes(world: World, subject_id: str) -> list[Note]:
    return [*world.hullo.store.list_notes(world.app.workspace_id, subject_id, PageRequest()).items]


def emails(contact: Contact) -> list[object]:
    return [fact.value for kind, fact in contact.all_identifiers() if kind == EMAIL]


@pytest.mark.rule("G3")
def test_absorbed_id_leads_to_survivor_through_chains(world: World) -> None:
    first, second, third = (world.upsert(external_id=each).contact_id for each in "abc")
    world.merge(second, first)
    world.merge(third, second)
    store, home = world.hullo.store, world.app.workspace_id
    assert {current_contact(store, home, each).id for each in (first, second, third)} == {third}
    for nobody in ("con_unknown", world.app.app_id):
        with pytest.raises(NotFound):
            current_contact(store, home, nobody)
    with pytest.raises(NotFound):
        current_contact(store, "ws_elsewhere", third)


def test_endless_merge_chain_leads_to_no_contact() -> None:
    circle = {"con_1": "con_2", "con_2": "con_3", "con_3": "con_2"}
    store = Mock()
    store.find_contact = lambda _, each: replace(a_contact(each), merged_into=circle[each])
    with pytest.raises(NotFound):
        current_contact(store, "ws_1", "con_1")


@pytest.mark.rule("G3")
@pytest.mark.parametrize(
    "make",
    [
        lambda world, gone: tagging(world, gone, "vip"),
        lambda world, gone: amending(world, gone, name="Jane"),
        noting,
        lambda world, gone: reporting(world, gone, "Ordered"),
    ],
)
def test_contact_absorbed_meanwhile_is_not_written(world: World, make: Callable[[World, str], Operation[Any]]) -> None:
    jane, gone = (world.upsert(external_id=each).contact_id for each in ("jane", "gone"))
    work = make(world, gone)
    world.merge(jane, gone)
    with pytest.raises(Conflicting):
        run(world, work)
    with pytest.raises(NotFound):
        run(world, make(world, "con_unknown"))


@pytest.mark.rule("M2", "W7")
def test_contact_is_found_by_each_email(world: World) -> None:
    made = upserted(world, ContactLists(emails=("jane@x.test", "j@x.test")), external_id="jane").result.contact_id
    assert world.upsert(email="J@X.test").contact_id == made
    assert world.upsert(email="jane@x.test").contact_id == made
    assert emails(world.contact(made)) == ["jane@x.test", "j@x.test"]
    run(world, amending(world, made, emails=["j@x.test"]))
    assert emails(world.contact(made)) == ["j@x.test"]
    assert world.upsert(email="jane@x.test").matched_by == "created"


@pytest.mark.rule("C4", "C7")
def test_list_led_by_foreign_email_is_skipped(world: World) -> None:
    mallory = world.upsert(external_id="mallory", email="jane@x.test").contact_id
    lists = ContactLists(emails=("jane@x.test", "j@x.test"), phones=("1", "2"))
    outcome = upserted(world, lists, external_id="jane").result
    assert [verdict.field for verdict in outcome.kept] == ["emails"]
    assert [conflict.other_id for conflict in outcome.conflicts] == [mallory]
    jane = world.contact(outcome.contact_id)
    assert (emails(jane), emails(world.contact(mallory))) == ([], ["jane@x.test"])
    assert [jane.profile["phone"].value, *(fact.value for fact in jane.phones)] == ["1", "2"]


@pytest.mark.rule("C1")
def test_absorbed_contact_brings_no_unlisted_email(world: World) -> None:
    jane = world.upsert(external_id="jane").contact_id
    gone = upserted(world, ContactLists(emails=("j@x.test", "old@x.test"))).result.contact_id
    decision = upserted(world, ContactLists(emails=("j@x.test", "jane@x.test")), external_id="jane")
    assert (world.contact(gone).merged_into, emails(world.contact(jane))) == (jane, ["j@x.test", "jane@x.test"])
    assert [event.name for event in decision.change_set.events] == ["contact.merged", "contact.updated"]
    assert len({event.id for event in decision.change_set.events}) == 2
    assert world.upsert(email="old@x.test").matched_by == "created"


@pytest.mark.rule("W9")
def test_unchanged_lists_write_nothing(world: World) -> None:
    lists = ContactLists(emails=("jane@x.test", "j@x.test"), phones=("1", "2"))
    made = upserted(world, lists, external_id="jane").result
    again = upserted(world, lists, external_id="jane")
    assert (again.change_set.is_empty, again.result.contact_id) == (True, made.contact_id)
    assert run(world, amending(world, made.contact_id, emails=["j@x.test"])).change_set.contacts
    assert run(world, amending(world, made.contact_id, emails=["J@x.test"], phones=["1", "2"])).change_set.is_empty


@pytest.mark.rule("W1", "W2")
def test_tags_are_added_and_removed_as_facts(world: World) -> None:
    jane = world.upsert(external_id="jane").contact_id
    decision = run(world, tagging(world, jane, "vip", "new"))
    stored = world.contact(jane)
    assert set(stored.tags) == {"vip", "new"}
    assert stored.tags["vip"] == Fact(True, Standing.PROVEN, stored.updated_at, SERVER)
    assert [event.data for event in decision.change_set.events] == [{"fields": ["tags"]}]
    assert run(world, tagging(world, jane, "vip", remove=("never",))).change_set.is_empty
    run(world, tagging(world, jane, "third", remove=("new",)))
    assert set(world.contact(jane).tags) == {"vip", "third"}
    with pytest.raises(Invalid):
        run(world, tagging(world, jane, "fourth", "fifth"))
    assert set(world.contact(jane).tags) == {"vip", "third"}


@pytest.mark.rule("G1")
def test_merge_unites_tags_of_both(world: World) -> None:
    jane, gone = (world.upsert(external_id=each).contact_id for each in ("jane", "gone"))
    run(world, tagging(world, jane, "vip"))
    run(world, tagging(world, gone, "vip", "new"))
    merge = world.merge(jane, gone).merge.id
    assert set(world.contact(jane).tags) == {"vip", "new"}
    world.undo(merge)
    assert [set(world.contact(each).tags) for each in (jane, gone)] == [{"vip"}, {"vip", "new"}]


def test_timeline_order_ignores_clock_differences(world: World) -> None:
    jane = world.upsert(external_id="jane", name="Jane").contact_id
    for number in (1, 2):
        world.clock.now -= HOUR
        run(world, amending(world, jane, name=f"Jane {number}"))
        world.clock.now -= HOUR
        run(world, tagging(world, jane, f"tag {number}"))
    told = timeline(world, jane)
    changed = [change.after if change.field == "name" else change.field for entry in told for change in entry.changes]
    assert changed[:4] == ["tags.tag 2", "Jane 2", "tags.tag 1", "Jane 1"]
    assert told[0].at == world.contact(jane).updated_at > told[1].at > told[2].at > told[3].at > told[4].at


@pytest.mark.rule("G3")
def test_timeline_is_sorted_and_includes_absorbed_contacts(world: World) -> None:
    jane, gone = (world.upsert(external_id=each).contact_id for each in ("jane", "gone"))
    run(world, reporting(world, jane, "Ordered", total=12.5, lines=[{"sku": "ä"}, None]))
    run(world, reporting(world, gone, "Born", ago=30 * 365 * 24 * HOUR))
    merge = world.merge(jane, gone).merge.id
    told = timeline(world, jane)
    assert [entry.name for entry in told] == [
        "contact.merged",
        CONTACT_EVENT,
        "contact.created",
        "contact.created",
        CONTACT_EVENT,
    ]
    assert told[1].data == {"name": "Ordered", "properties": {"total": 12.5, "lines": [{"sku": "ä"}, None]}}
    assert (told[1].by, told[1].app_id, told[-1].contact_id) == (SERVER, world.app.app_id, gone)
    world.undo(merge)
    assert [entry.name for entry in timeline(world, gone)][-2:] == ["contact.created", CONTACT_EVENT]
    assert CONTACT_EVENT in {entry.name for entry in timeline(world, jane)}


def test_notes_stay_with_their_subject(world: World) -> None:
    browser = world.visitor()
    browser.join()
    begun = browser.say().conversation.id
    jane = world.upsert(external_id="jane").contact_id
    about_her = run(world, noting(world, jane, "naïve 🦊\nline")).result
    work = AddConversationNote(key=world.api_key, conversation_id=begun, text="hm", context=world.hullo.new_context())
    about_it = run(world, work).result
    assert (notes(world, jane), notes(world, begun)) == ([about_her], [about_it])
    find = world.hullo.store.find_note
    assert find(world.app.workspace_id, about_it.id) == about_it
    assert find("ws_elsewhere", about_it.id) is None
    for _ in range(2):  # once more is no conflict
        run(world, RemoveNote(note_id=about_it.id, workspace_id=world.app.workspace_id))
    assert find(world.app.workspace_id, about_it.id) is None
    with pytest.raises(NotFound):
        run(world, replace(work, conversation_id="cnv_unknown"))


@pytest.mark.rule("L4")
def test_conversation_tags_stay_with_the_conversation(world: World) -> None:
    browser = world.visitor()
    browser.join()
    begun = browser.say().conversation.id

    def tag(*add: str, remove: tuple[str, ...] = ()) -> Decision[Any]:
        change = TagChanges(add=add, remove=remove)
        work = UpdateConversation(
            key=world.api_key,
            conversation_id=begun,
            tag_changes=change,
            context=world.hullo.new_context(),
            limits=Limits(tags=2),
        )
        return run(world, work)

    assert tag("b", "a").result.tags == ("b", "a")
    assert tag("a").change_set.is_empty
    browser.say("again", begun)
    browser.identify(external_id="jane", signed="external_id")
    stored = world.hullo.store.find_conversation(world.app.workspace_id, begun)
    assert stored is not None
    assert (stored.tags, stored.contact_id is None) == (("b", "a"), False)
    assert tag(remove=("b",)).result.tags == ("a",)
    with pytest.raises(Invalid):
        tag("b", "c")


@pytest.mark.rule("M4", "P2")
def test_plugin_identifier_is_kept_merged_and_erased(store: Store) -> None:
    world = World(store, plugins=[ByCard()])
    first = world.upsert(external_id="jane", custom_data={"card": 4711}).contact_id
    second = world.upsert(external_id="j", custom_data={"card": "0815"}).contact_id
    merge = world.merge(first, second).merge.id
    assert {world.visitor().identify(custom_data={"card": card}).contact_id for card in (4711, "0815")} == {first}
    world.undo(merge)
    assert world.upsert(custom_data={"card": "0815"}).contact_id == second
    world.erase(second)
    assert world.upsert(custom_data={"card": "0815"}).matched_by == "created"
