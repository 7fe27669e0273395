"""See `HistoryReads`."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from peewee import SQL, Field, fn

from hullo.model.audit import AuditEntry
from hullo.model.conflict import Conflict
from hullo.model.contact import ContactId
from hullo.model.decision_record import DecisionRecord
from hullo.model.merge import Extent, Merge, MergeId
from hullo.model.note import Note, NoteId
from hullo.model.timeline import TimelineEntry
from hullo.store.protocol import ConflictFilter, Page, PageRequest
from hullo_stores.paging import Listed, UnknownCursor, page_of
from hullo_stores.peewee.absorbed import with_absorbed
from hullo_stores.peewee.compiler import Compiler, Many, Paged, all_of, given
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.reads.asking import Asking, page_rows
from hullo_stores.peewee.rows import (
    Row,
    audit_of,
    conflict_of,
    decision_of,
    merge_of,
    note_of,
    timeline_of,
)
from hullo_stores.peewee.tables import (
    Audits,
    Conflicts,
    Contacts,
    Conversations,
    Decisions,
    Merges,
    Notes,
    Sessions,
    Timeline,
)

T = TypeVar("T", bound=Listed)

AUDIT_DIGITS: Final = 12
"""Of `AuditEntry.id`."""


class HistoryStatements:
    """Of one engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.absorbed_by = compiler.many(lambda ids: Contacts.select(Contacts.id).where(Contacts.merged_into.in_(ids)))
        self.timeline = compiler.paged(
            Timeline.id,
            ("workspace", "contact"),
            Timeline.workspace_id == given("workspace"),
            Timeline.contact_id == given("contact"),
        )
        self.decisions = compiler.paged(
            Decisions.id,
            ("workspace", "contact"),
            Decisions.workspace_id == given("workspace"),
            Decisions.contact_id == given("contact"),
        )
        self.notes = compiler.paged(
            Notes.id,
            ("workspace", "subject"),
            Notes.workspace_id == given("workspace"),
            Notes.subject_id == given("subject"),
        )
        self.note = compiler.text(all_of(Notes).where(Notes.id == given("id")), "id")
        self.merges_into = compiler.paged(
            Merges.id,
            ("workspace", "contact"),
            Merges.workspace_id == given("workspace"),
            Merges.survivor_id == given("contact"),
        )
        self.merges_of = compiler.paged(
            Merges.id,
            ("workspace", "contact"),
            Merges.workspace_id == given("workspace"),
            Merges.absorbed_id == given("contact"),
        )
        self.merge = compiler.text(all_of(Merges).where(Merges.id == given("id")), "id")
        here = Conflicts.workspace_id == given("workspace")
        status = Conflicts.status == given("status")
        either = (Conflicts.contact_id == given("contact")) | (Conflicts.other_id == given("contact"))
        self.conflicts = compiler.paged(Conflicts.id, ("workspace",), here)
        self.conflicts_by_status = compiler.paged(Conflicts.id, ("workspace", "status"), here, status)
        self.conflicts_with = compiler.paged(Conflicts.id, ("workspace", "contact", "contact"), here, either)
        self.conflicts_with_by_status = compiler.paged(
            Conflicts.id, ("workspace", "status", "contact", "contact"), here, status, either
        )
        self.contact = compiler.text(
            Contacts.select(Contacts.id).where(Contacts.id == given("id"), Contacts.workspace_id == given("workspace")),
            "id",
            "workspace",
        )
        self.audit = compiler.paged(Audits.number, ("workspace",), Audits.workspace_id == given("workspace"))
        self.conversations_of = _count(compiler, Conversations.contact_id)
        self.sessions_of = _count(compiler, Sessions.contact_id)
        self.events_of = _count(compiler, Timeline.contact_id)
        self.notes_of = _count(compiler, Notes.subject_id)


def _count(compiler: Compiler, column: Field) -> Many:
    return compiler.many(lambda ids: column.model.select(fn.COUNT(SQL("*"))).where(column.in_(ids)))


class AskedHistories(Asking):
    """How contacts came to be what they are."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._of_histories = self._compiler.once(HistoryStatements)

    def list_timeline(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[TimelineEntry]:
        """Of the contact and of whom it absorbed."""
        statement = self._of_histories.timeline
        return self._of_everybody("timeline", page, timeline_of, workspace_id, contact_id, statement)

    def list_decisions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[DecisionRecord]:
        """Of the contact and of whom it absorbed."""
        statement = self._of_histories.decisions
        return self._of_everybody("decisions", page, decision_of, workspace_id, contact_id, statement)

    def list_notes(self, workspace_id: str, subject_id: str, page: PageRequest) -> Page[Note]:
        """About a contact and whom it absorbed, or about a conversation."""
        return self._of_everybody("notes", page, note_of, workspace_id, subject_id, self._of_histories.notes)

    def find_note(self, workspace_id: str, note_id: NoteId) -> Note | None:
        """None when it is another workspace's."""
        rows = self._rows(self._of_histories.note, note_id)
        found = note_of(rows[0]) if rows else None
        return found if found is not None and found.workspace_id == workspace_id else None

    def list_conflicts(self, wanted: ConflictFilter, page: PageRequest) -> Page[Conflict]:
        """See `ConflictFilter`."""
        statements, values = self._of_histories, [wanted.workspace_id]
        if wanted.status is not None:
            values.append(wanted.status)
        if wanted.contact_id is None:
            statement = statements.conflicts if wanted.status is None else statements.conflicts_by_status
        else:
            statement = statements.conflicts_with if wanted.status is None else statements.conflicts_with_by_status
            values += [wanted.contact_id] * 2
        return self._page("conflicts", page, conflict_of, statement, *values)

    def list_merges(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Merge]:
        """Of the contact and of whom it absorbed, undone ones too."""
        statements = self._of_histories.merges_into, self._of_histories.merges_of
        return self._of_everybody("merges", page, merge_of, workspace_id, contact_id, *statements)

    def find_merge(self, workspace_id: str, merge_id: MergeId) -> Merge | None:
        """None when it is another workspace's."""
        rows = self._rows(self._of_histories.merge, merge_id)
        found = merge_of(rows[0]) if rows else None
        return found if found is not None and found.workspace_id == workspace_id else None

    def list_audit(self, workspace_id: str, page: PageRequest) -> Page[AuditEntry]:
        """Of a workspace."""
        with self._engine.asking() as connection:
            rows = page_rows(connection, "audit", page, self._of_histories.audit, (workspace_id,), key_of=_audit_number)
        return page_of("audit", page, [audit_of(row) for row in rows])

    def extent_of(self, workspace_id: str, contact_id: ContactId) -> Extent:
        """All 0 when there is no such contact."""
        statements = self._of_histories
        with self._engine.reading() as connection:
            if not connection.rows(statements.contact, (contact_id, workspace_id)):
                return Extent(people=0, conversations=0, sessions=0, events=0, notes=0)
            people = with_absorbed(connection, statements.absorbed_by, contact_id)

            def count(statement: Many) -> int:
                return sum(connection.rows(text, values)[0][0] for text, values in statement.calls(people))

            return Extent(
                people=len(people),
                conversations=count(statements.conversations_of),
                sessions=count(statements.sessions_of),
                events=count(statements.events_of),
                notes=count(statements.notes_of),
            )

    def _of_everybody(
        self,
        listing: str,
        request: PageRequest,
        item_of: Callable[[Row], T],
        workspace_id: str,
        contact_id: ContactId,
        *statements: Paged,
    ) -> Page[T]:
        """A page of each of them, of which the newest rows are the page of all: so each is found by its index, whatever
        a planner thinks of a list and an order together. What the statements find is not of one moment, and need not
        be."""
        with self._engine.asking() as connection:
            rows = {
                row[0]: row
                for person in with_absorbed(connection, self._of_histories.absorbed_by, contact_id)
                for statement in statements
                for row in page_rows(connection, listing, request, statement, (workspace_id, person))
            }
        newest = sorted(rows.values(), key=_id_of, reverse=True)[: request.limit + 1]
        return page_of(listing, request, [item_of(row) for row in newest])


def _id_of(row: Row) -> str:
    return str(row[0])


def _audit_number(last: str) -> int:
    if not last.isdecimal() or len(last) > AUDIT_DIGITS:
        raise UnknownCursor
    return int(last)
