"""`hullo contacts show` and `why`: who people are, as far as hullo knows, and how it came to that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import click

from hullo.app import Hullo
from hullo.asgi.contact_shapes import contact_shape, own_facts
from hullo.asgi.history_shapes import conflict_shape, decision_shape, entry_shape, note_shape
from hullo.asgi.shapes import Shape
from hullo.cli.options import Given, common, pass_given
from hullo.cli.people import app_names, called, found_contact
from hullo.cli.screen import NOTHING, paragraph, plain, record, table, title, when
from hullo.model.app import AppId
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact
from hullo.model.event import FieldChange
from hullo.model.fact import Fact
from hullo.model.note import Note
from hullo.model.timeline import CONTACT_EVENT, TimelineEntry
from hullo.pipeline.people.words import in_words
from hullo.store.protocol import ConflictFilter, PageRequest

SHOWN = PageRequest(limit=10)
"""Of notes, conflicts and the timeline: the newest."""


@click.group("contacts")
@common
def contacts_group() -> None:
    """People, as far as they are known: look at them, export, merge and erase them."""


@contacts_group.command()
@click.argument("contact_id", metavar="ID")
@common
@pass_given
def show(given: Given, contact_id: str) -> None:
    """Show a contact of any workspace: each value with where it comes from, tags, notes, and what happened last."""
    with given.open() as hullo:
        known = _known(hullo, found_contact(hullo, contact_id))
        apps = app_names(hullo)
    given.show(known.document(contact_id), "\n\n".join(known.parts(apps)))


@contacts_group.command()
@click.argument("contact_id", metavar="ID")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many decisions.")
@common
@pass_given
def why(given: Given, contact_id: str, limit: int) -> None:
    """Say in words what was decided about a contact and why, the newest first."""
    with given.open() as hullo:
        contact = found_contact(hullo, contact_id)
        page = hullo.store.list_decisions(contact.workspace_id, contact.id, PageRequest(limit=limit))
        apps = app_names(hullo)
    words = [paragraph(in_words(each, apps)) for each in page.items]
    text = "\n\n".join([title(called(contact)), *words]) if words else "Nothing is remembered of how it came to that."
    given.show({"items": [decision_shape(each, apps) for each in page.items]}, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """All that is shown of one contact."""

    contact: Contact
    notes: tuple[Note, ...]
    conflicts: tuple[Conflict, ...]
    timeline: tuple[TimelineEntry, ...]

    def document(self, asked: str) -> Shape:
        """The shapes of the server API."""
        return {
            **contact_shape(self.contact, asked=asked, provenance=True),
            "notes": [note_shape(each) for each in self.notes],
            "conflicts": [conflict_shape(each) for each in self.conflicts],
            "timeline": [entry_shape(each) for each in self.timeline],
        }

    def parts(self, apps: Mapping[AppId, str]) -> Iterator[str]:
        """The same for people."""
        yield f"{title(called(self.contact))}\n{_about(self.contact)}"
        yield from _values(self.contact, apps)
        if self.notes:
            notes = [f"{title(f'{when(each.at)}, {each.by}')}\n{paragraph(each.text)}" for each in self.notes]
            yield "\n".join([title("Notes"), *notes])
        if self.conflicts:
            yield f"{title('Open conflicts')}\n{_conflicts(self.conflicts, self.contact)}"
        if self.timeline:
            yield f"{title('What happened last')}\n{_timeline(self.timeline, apps)}"


def _known(hullo: Hullo, contact: Contact) -> _Known:
    store, home = hullo.store, contact.workspace_id
    return _Known(
        contact=contact,
        notes=store.list_notes(home, contact.id, SHOWN).items,
        conflicts=store.list_conflicts(ConflictFilter(workspace_id=home, contact_id=contact.id), SHOWN).items,
        timeline=store.list_timeline(home, contact.id, SHOWN).items,
    )


def _about(contact: Contact) -> str:
    return record(
        [
            ("id", contact.id),
            ("workspace", contact.workspace_id),
            ("standing", contact.standing.word),
            ("tags", ", ".join(sorted(contact.tags))),
            ("made", f"{when(contact.created_at)} by {contact.created_by}"),
            ("changed", when(contact.updated_at)),
            ("last seen", when(contact.last_seen_at)),
        ]
    )


def _values(contact: Contact, apps: Mapping[AppId, str]) -> Iterator[str]:
    """A table of what is the person's own, and one for each app's custom data."""
    yield _facts("FIELD", own_facts(contact))
    for app_id, block in contact.custom_data.items():
        if block:
            where = title(f"Custom data of {apps.get(app_id, app_id)} ({app_id})")
            yield f"{where}\n{_facts('KEY', block.items())}"


def _facts(head: str, facts: Iterable[tuple[str, Fact]]) -> str:
    return table(
        (head, "VALUE", "STANDING", "WRITTEN", "BY"),
        [(name, fact.value, fact.standing.word, when(fact.at), fact.by) for name, fact in facts],
    )


def _conflicts(conflicts: Iterable[Conflict], contact: Contact) -> str:
    return table(
        ("CONFLICT", "FIELD", "RULE", "WITH"),
        [
            (each.id, each.field, each.rule, each.other_id if each.contact_id == contact.id else each.contact_id)
            for each in conflicts
        ],
    )


def _timeline(entries: Iterable[TimelineEntry], apps: Mapping[AppId, str]) -> str:
    return table(
        ("WHEN", "WHAT", "APP"),
        [(when(each.at), _what(each), apps.get(each.app_id or "", each.app_id or NOTHING)) for each in entries],
    )


def _what(entry: TimelineEntry) -> str:
    """In one line: what a site calls it, or what changed."""
    if entry.name == CONTACT_EVENT:
        return plain(entry.data.get("name"))
    changes = ", ".join(map(_change, entry.changes))
    return f"{entry.name}: {changes}" if changes else entry.name


def _change(change: FieldChange) -> str:
    before, after = (NOTHING if value is None else plain(value) for value in (change.before, change.after))
    return f"{change.field} {before} → {after}"
