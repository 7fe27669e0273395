"""`hullo contacts show` and `why`: who people are, as far as hullo knows, and how it came to that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import click
from msgspec import to_builtins

from hullo.api.contact_schemas import ConflictResponse, ContactResponse, contact_facts
from hullo.api.history_schemas import DecisionResponse, NoteResponse, TimelineEntryResponse
from hullo.api.schemas import JsonObject
from hullo.application import Hullo
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.people import app_names, display_name, get_contact
from hullo.cli.screen import PLACEHOLDER, field_lines, format_time, paragraph, printable, table, title
from hullo.model.app import AppId
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
"""Of notes, conflicts and the timeline: the newest."""


@click.group("contacts")
@common_options
def contacts_group() -> None:
    """People, as far as they are known: look at them, export, merge and erase them."""


@contacts_group.command()
@click.argument("contact_id", metavar="ID")
@common_options
@pass_options
def show(options: CommonOptions, contact_id: str) -> None:
    """Show a contact of any workspace: each value with where it comes from, tags, notes, and what happened last."""
    with options.open_hullo() as hullo:
        known = _load_report(hullo, get_contact(hullo, contact_id))
        apps = app_names(hullo)
    options.print_result(known.document(contact_id), "\n\n".join(known.sections(apps)))


@contacts_group.command()
@click.argument("contact_id", metavar="ID")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many decisions.")
@common_options
@pass_options
def why(options: CommonOptions, contact_id: str, limit: int) -> None:
    """Say in words what was decided about a contact and why, the newest first."""
    with options.open_hullo() as hullo:
        contact = get_contact(hullo, contact_id)
        page = hullo.store.list_decisions(contact.workspace_id, contact.id, PageRequest(limit=limit))
        apps = app_names(hullo)
    words = [paragraph(describe_decision(each, apps)) for each in page.items]
    text = (
        "\n\n".join([title(display_name(contact)), *words])
        if words
        else "Nothing is remembered of how it came to that."
    )
    options.print_result({"items": [DecisionResponse.of(each, apps) for each in page.items]}, text)


class _ContactReport(Value):
    """All that is shown of one contact."""

    contact: Contact
    notes: tuple[Note, ...]
    conflicts: tuple[Conflict, ...]
    timeline: tuple[TimelineEntry, ...]

    def document(self, requested_id: str) -> JsonObject:
        """The shapes of the server API."""
        return {
            **to_builtins(ContactResponse.of(self.contact, requested_id=requested_id, provenance=True)),
            "notes": [NoteResponse.of(each) for each in self.notes],
            "conflicts": [ConflictResponse.of(each) for each in self.conflicts],
            "timeline": [TimelineEntryResponse.of(each) for each in self.timeline],
        }

    def sections(self, apps: Mapping[AppId, str]) -> Iterator[str]:
        """The same for people."""
        yield f"{title(display_name(self.contact))}\n{_summary(self.contact)}"
        yield from _values(self.contact, apps)
        if self.notes:
            notes = [f"{title(f'{format_time(each.at)}, {each.by}')}\n{paragraph(each.text)}" for each in self.notes]
            yield "\n".join([title("Notes"), *notes])
        if self.conflicts:
            yield f"{title('Open conflicts')}\n{_conflicts(self.conflicts, self.contact)}"
        if self.timeline:
            yield f"{title('What happened last')}\n{_timeline(self.timeline, apps)}"


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
            ("tags", ", ".join(sorted(contact.tags))),
            ("made", f"{format_time(contact.created_at)} by {contact.created_by}"),
            ("changed", format_time(contact.updated_at)),
            ("last seen", format_time(contact.last_seen_at)),
        ]
    )


def _values(contact: Contact, apps: Mapping[AppId, str]) -> Iterator[str]:
    """A table of what is the person's own, and one for each app's custom data."""
    yield _facts("FIELD", contact_facts(contact))
    for app_id, block in contact.custom_data.items():
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
            (each.id, each.field, each.rule, each.other_id if each.contact_id == contact.id else each.contact_id)
            for each in conflicts
        ],
    )


def _timeline(entries: Iterable[TimelineEntry], apps: Mapping[AppId, str]) -> str:
    return table(
        ("WHEN", "WHAT", "APP"),
        [
            (format_time(each.at), _entry_text(each), apps.get(each.app_id or "", each.app_id or PLACEHOLDER))
            for each in entries
        ],
    )


def _entry_text(entry: TimelineEntry) -> str:
    """In one line: what a site calls it, or what changed."""
    if entry.name == CONTACT_EVENT:
        return printable(entry.data.get("name"))
    changes = ", ".join(map(_change, entry.changes))
    return f"{entry.name}: {changes}" if changes else entry.name


def _change(change: FieldChange) -> str:
    before, after = (PLACEHOLDER if value is None else printable(value) for value in (change.before, change.after))
    return f"{change.field} {before} → {after}"
