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
from hullo.model.merge import Merge, MergeId, RelatedCounts
from hullo.model.note import Note, NoteId
from hullo.model.timeline import TimelineEntry
from hullo.store.protocol import ConflictFilter, Page, PageRequest
from hullo_stores.paging import HasId, UnknownCursor, build_page
from hullo_stores.peewee.compiler import Compiler, ListStatement, PageStatement, parameter, select_all
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.merging import with_absorbed
from hullo_stores.peewee.reads.queries import Queries, fetch_page
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.rows.history import audit_of, conflict_of, decision_of, merge_of, note_of, timeline_of
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

T = TypeVar("T", bound=HasId)

AUDIT_DIGITS: Final = 12
"""The digits of `AuditEntry.id`."""


class HistoryStatements:
    """Compiled once for each kind of engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.absorbed_by = compiler.select_by(Contacts.merged_into, Contacts.id)
        self.timeline = compiler.page_by(Timeline.id, Timeline.workspace_id, Timeline.contact_id)
        self.decisions = compiler.page_by(Decisions.id, Decisions.workspace_id, Decisions.contact_id)
        self.notes = compiler.page_by(Notes.id, Notes.workspace_id, Notes.subject_id)
        self.note = compiler.compile(select_all(Notes).where(Notes.id == parameter("id")), "id")
        self.merges_into = compiler.page_by(Merges.id, Merges.workspace_id, Merges.survivor_id)
        self.merges_of = compiler.page_by(Merges.id, Merges.workspace_id, Merges.absorbed_id)
        self.merge = compiler.compile(select_all(Merges).where(Merges.id == parameter("id")), "id")
        here = Conflicts.workspace_id == parameter("workspace")
        status = Conflicts.status == parameter("status")
        either = (Conflicts.contact_id == parameter("contact")) | (Conflicts.other_id == parameter("contact"))
        self.conflicts = compiler.page_statement(Conflicts.id, ("workspace",), here)
        self.conflicts_by_status = compiler.page_statement(Conflicts.id, ("workspace", "status"), here, status)
        self.conflicts_by_contact = compiler.page_statement(
            Conflicts.id, ("workspace", "contact", "contact"), here, either
        )
        self.conflicts_by_contact_and_status = compiler.page_statement(
            Conflicts.id, ("workspace", "status", "contact", "contact"), here, status, either
        )
        self.contact = compiler.compile(
            Contacts.select(Contacts.id).where(
                Contacts.id == parameter("id"), Contacts.workspace_id == parameter("workspace")
            ),
            "id",
            "workspace",
        )
        self.audit = compiler.page_by(Audits.number, Audits.workspace_id)
        self.conversations_of = _count(compiler, Conversations.contact_id)
        self.sessions_of = _count(compiler, Sessions.contact_id)
        self.events_of = _count(compiler, Timeline.contact_id)
        self.notes_of = _count(compiler, Notes.subject_id)


def _count(compiler: Compiler, column: Field) -> ListStatement:
    return compiler.list_statement(lambda ids: column.model.select(fn.COUNT(SQL("*"))).where(column.in_(ids)))


class HistoryQueries(Queries):
    """Reads of how contacts came to be what they are."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._history_statements = self._compiler.cached(HistoryStatements)

    def list_timeline(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[TimelineEntry]:
        """Return a page of the timelines of the contact and of those it absorbed."""
        statement = self._history_statements.timeline
        return self._page_with_absorbed("timeline", page, timeline_of, workspace_id, contact_id, statement)

    def list_decisions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[DecisionRecord]:
        """Return a page of the decisions about the contact and about those it absorbed."""
        statement = self._history_statements.decisions
        return self._page_with_absorbed("decisions", page, decision_of, workspace_id, contact_id, statement)

    def list_notes(self, workspace_id: str, subject_id: str, page: PageRequest) -> Page[Note]:
        """Return a page of the notes about a conversation, or about a contact and those it absorbed."""
        return self._page_with_absorbed(
            "notes", page, note_of, workspace_id, subject_id, self._history_statements.notes
        )

    def find_note(self, workspace_id: str, note_id: NoteId) -> Note | None:
        """Return the note. None if there is none, or if it belongs to another workspace."""
        rows = self._rows(self._history_statements.note, note_id)
        found = note_of(rows[0]) if rows else None
        return found if found is not None and found.workspace_id == workspace_id else None

    def list_conflicts(self, criteria: ConflictFilter, page: PageRequest) -> Page[Conflict]:
        """Return a page of the conflicts that meet the criteria. See `ConflictFilter`."""
        statements, values = self._history_statements, [criteria.workspace_id]
        if criteria.status is not None:
            values.append(criteria.status)
        if criteria.contact_id is None:
            statement = statements.conflicts if criteria.status is None else statements.conflicts_by_status
        else:
            statement = (
                statements.conflicts_by_contact
                if criteria.status is None
                else statements.conflicts_by_contact_and_status
            )
            values += [criteria.contact_id] * 2
        return self._page("conflicts", page, conflict_of, statement, *values)

    def list_merges(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Merge]:
        """Return a page of the merges of the contact and of those it absorbed, undone ones too."""
        statements = self._history_statements.merges_into, self._history_statements.merges_of
        return self._page_with_absorbed("merges", page, merge_of, workspace_id, contact_id, *statements)

    def find_merge(self, workspace_id: str, merge_id: MergeId) -> Merge | None:
        """Return the merge. None if there is none, or if it belongs to another workspace."""
        rows = self._rows(self._history_statements.merge, merge_id)
        found = merge_of(rows[0]) if rows else None
        return found if found is not None and found.workspace_id == workspace_id else None

    def list_audit(self, workspace_id: str, page: PageRequest) -> Page[AuditEntry]:
        """Return a page of the workspace's audit log, newest first."""
        with self._engine.autocommit_connection() as connection:
            rows = fetch_page(
                connection, "audit", page, self._history_statements.audit, (workspace_id,), key_of=_audit_number
            )
        return build_page("audit", page, [audit_of(row) for row in rows])

    def count_related(self, workspace_id: str, contact_id: ContactId) -> RelatedCounts:
        """Count what belongs to the contact and to those it absorbed. All 0 if there is no such contact."""
        statements = self._history_statements
        with self._engine.read_transaction() as connection:
            if not connection.rows(statements.contact, (contact_id, workspace_id)):
                return RelatedCounts(people=0, conversations=0, sessions=0, events=0, notes=0)
            people = with_absorbed(connection, statements.absorbed_by, [contact_id])

            def count(statement: ListStatement) -> int:
                return sum(connection.rows(text, values)[0][0] for text, values in statement.bind(people))

            return RelatedCounts(
                people=len(people),
                conversations=count(statements.conversations_of),
                sessions=count(statements.sessions_of),
                events=count(statements.events_of),
                notes=count(statements.notes_of),
            )

    def _page_with_absorbed(
        self,
        listing: str,
        request: PageRequest,
        item_of: Callable[[Row], T],
        workspace_id: str,
        contact_id: ContactId,
        *statements: PageStatement,
    ) -> Page[T]:
        """Merge the first rows of a page of each contact.

        Each list is read by its own index; no planner can choose badly between a list of contacts and an order. The
        statements see different snapshots, which a page may.
        """
        with self._engine.autocommit_connection() as connection:
            rows = {
                row[0]: row
                for person in with_absorbed(connection, self._history_statements.absorbed_by, [contact_id])
                for statement in statements
                for row in fetch_page(connection, listing, request, statement, (workspace_id, person))
            }
        newest = sorted(rows.values(), key=_id_of, reverse=True)[: request.limit + 1]
        return build_page(listing, request, [item_of(row) for row in newest])


def _id_of(row: Row) -> str:
    return str(row[0])


def _audit_number(last: str) -> int:
    if not last.isdecimal() or len(last) > AUDIT_DIGITS:
        raise UnknownCursor
    return int(last)
