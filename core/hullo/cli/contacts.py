"""`hullo contacts show` and `why`: what hullo knows about a contact, and the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import click
from msgspec import to_builtins

from hullo.api.contact_schemas import ConflictResponse, ContactResponse, contact_facts
from hullo.api.history_schemas import DecisionResponse, NoteResponse, TimelineEntryResponse
from hullo.api.schemas import JsonObject
from hullo.application import Hullo
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.people import app_names, display_name, get_contact, get_person
from hullo.cli.screen import PLACEHOLDER, field_lines, format_time, paragraph, printable, table, title
from hullo.model.app import AppId
from hullo.model.block import Block
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact
from hullo.model.event import FieldChange
from hullo.model.fact import Fact
from hullo.model.note import Note
from hullo.model.timeline import CONTACT_EVENT, TimelineEntry
from hullo.operations.contacts.explanations import describe_decision
from hullo.store.protocol import ConflictFilter, PageRequest
from hullo.value import Value

RECENT_PAGE = PageRequest(limit=10)
"""The newest notes, conflicts and timeline entries."""


@click.group("contacts")
@common_options
def contacts_group() -> None:
    """Show, export, merge and erase contacts."""


@contacts_group.command()
@click.argument("person", metavar="ID|EMAIL|EXTERNAL_ID")
@common_options
@pass_options
def show(options: CommonOptions, person: str) -> None:
    """Show a contact: its values with their origins, its tags, its notes, and its latest events."""
    with options.read_hullo() as hullo:
        # The id of a merged contact shows its survivor (G3).
        contact = get_person(hullo, person)
        known = _load_report(hullo, contact)
        apps = app_names(hullo)
    # Only an id can be that of an absorbed contact.
    requested_id = person if person.startswith("con_") else contact.id
    options.print_result(known.document(requested_id), "\n\n".join(known.sections(apps)))


@contacts_group.command()
@click.argument("contact_id", metavar="ID")
@click.option(
    "--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="The highest number of decisions."
)
@common_options
@pass_options
def why(options: CommonOptions, contact_id: str, limit: int) -> None:
    """Explain the decisions about a contact, the newest first."""
    with options.read_hullo() as hullo:
        contact = get_contact(hullo, contact_id)
        page = hullo.store.list_decisions(contact.workspace_id, contact.id, PageRequest(limit=limit))
        apps = app_names(hullo)
    words = [paragraph(describe_decision(decision, apps)) for decision in page.items]
    text = (
        "\n\n".join([title(display_name(contact)), *words])
        if words
        else "hullo no longer keeps a decision about this contact."
    )
    options.print_result({"items": [DecisionResponse.of(decision, apps) for decision in page.items]}, text)


class _ContactReport(Value):
    """Everything that `hullo contacts show` prints."""

    contact: Contact
    notes: tuple[Note, ...]
    conflicts: tuple[Conflict, ...]
    timeline: tuple[TimelineEntry, ...]

    def document(self, requested_id: str) -> JsonObject:
        """Return the report as JSON, in the shapes of the server API."""
        return {
            **to_builtins(ContactResponse.of(self.contact, requested_id=requested_id, provenance=True)),
            "notes": [NoteResponse.of(note) for note in self.notes],
            "conflicts": [ConflictResponse.of_same(conflict) for conflict in self.conflicts],
            "timeline": [TimelineEntryResponse.of(entry) for entry in self.timeline],
        }

    def sections(self, apps: Mapping[AppId, str]) -> Iterator[str]:
        """Yield the sections of the report as text."""
        yield f"{title(display_name(self.contact))}\n{_summary(self.contact)}"
        yield from _values(self.contact, apps)
        if self.notes:
            notes = [f"{title(f'{format_time(note.at)}, {note.by}')}\n{paragraph(note.text)}" for note in self.notes]
            yield "\n".join([title("Notes"), *notes])
        if self.conflicts:
            yield f"{title('Open conflicts')}\n{_conflicts(self.conflicts, self.contact)}"
        if self.timeline:
            yield f"{title('Latest events')}\n{_timeline(self.timeline, apps)}"


def _load_report(hullo: Hullo, contact: Contact) -> _ContactReport:
    store, home = hullo.store, contact.workspace_id
    return _ContactReport(
        contact=contact,
        notes=store.list_notes(home, contact.id, RECENT_PAGE).items,
        conflicts=store.list_conflicts(ConflictFilter(workspace_id=home, contact_id=contact.id), RECENT_PAGE).items,
        timeline=store.list_timeline(home, contact.id, RECENT_PAGE).items,
    )


def _summary(contact: Contact) -> str:
    return field_lines(
        [
            ("id", contact.id),
            ("workspace", contact.workspace_id),
            ("standing", contact.standing.label),
            *(("blocked", _block_text(block)) for block in contact.blocks[:1]),
            ("tags", ", ".join(sorted(contact.tags))),
            ("created", f"{format_time(contact.created_at)} by {contact.created_by}"),
            ("changed", format_time(contact.updated_at)),
            ("last seen", format_time(contact.last_seen_at)),
        ]
    )


def _block_text(block: Block) -> str:
    # The first of several: after a merge both contacts' blocks are there, and each of them is enough.
    reason = "" if block.reason is None else f": {block.reason}"
    return f"since {format_time(block.at)} by {block.by}{reason}"


def _values(contact: Contact, apps: Mapping[AppId, str]) -> Iterator[str]:
    """Yield a table of the contact's own fields, then one table for the custom data of each app."""
    yield _facts("FIELD", contact_facts(contact))
    for app_id, block in contact.custom_data.items():
        # An app whose values were all cleared has an empty block left.
        if block:
            where = title(f"Custom data of {apps.get(app_id, app_id)} ({app_id})")
            yield f"{where}\n{_facts('KEY', block.items())}"


def _facts(head: str, facts: Iterable[tuple[str, Fact]]) -> str:
    return table(
        (head, "VALUE", "STANDING", "WRITTEN", "BY"),
        [(name, fact.value, fact.standing.label, format_time(fact.at), fact.by) for name, fact in facts],
    )


def _conflicts(conflicts: Iterable[Conflict], contact: Contact) -> str:
    return table(
        ("CONFLICT", "FIELD", "RULE", "WITH"),
        [
            (
                conflict.id,
                conflict.field,
                conflict.rule,
                # A conflict is stored once and shown on both contacts (C9): each sees the other one.
                conflict.other_id if conflict.contact_id == contact.id else conflict.contact_id,
            )
            for conflict in conflicts
        ],
    )


def _timeline(entries: Iterable[TimelineEntry], apps: Mapping[AppId, str]) -> str:
    return table(
        ("WHEN", "WHAT", "APP"),
        [
            (format_time(entry.at), _entry_text(entry), apps.get(entry.app_id or "", entry.app_id or PLACEHOLDER))
            for entry in entries
        ],
    )


def _entry_text(entry: TimelineEntry) -> str:
    """Describe an entry in one line: the site's own name for an event, or the changed fields."""
    if entry.name == CONTACT_EVENT:
        return printable(entry.data.get("name"))
    changes = ", ".join(map(_change, entry.changes))
    return f"{entry.name}: {changes}" if changes else entry.name


def _change(change: FieldChange) -> str:
    before, after = (PLACEHOLDER if value is None else printable(value) for value in (change.before, change.after))
    return f"{change.field} {before} → {after}"
