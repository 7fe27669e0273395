"""See `HistoryReads`."""

from __future__ import annotations

from hullo.model.audit import AuditEntry
from hullo.model.conflict import Conflict
from hullo.model.contact import ContactId
from hullo.model.decision_record import DecisionRecord
from hullo.model.merge import Merge, MergeId
from hullo.model.note import Note, NoteId
from hullo.model.timeline import TimelineEntry
from hullo.store.protocol import ConflictFilter, Page, PageRequest
from hullo_stores.memory.reads.queries import MemoryQueries, page_where
from hullo_stores.memory.tables import with_absorbed


class MemoryHistoryQueries(MemoryQueries):
    """Reads of how contacts came to be what they are."""

    def list_timeline(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[TimelineEntry]:
        """Return a page of the timelines of the contact and of those it absorbed."""
        with self._locked() as tables:
            people = with_absorbed(tables, contact_id)
            return page_where(
                "timeline",
                page,
                tables.timeline.values(),
                lambda held: held.workspace_id == workspace_id and held.contact_id in people,
            )

    def list_decisions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[DecisionRecord]:
        """Return a page of the decisions about the contact and about those it absorbed."""
        with self._locked() as tables:
            people = with_absorbed(tables, contact_id)
            return page_where(
                "decisions",
                page,
                tables.decisions.values(),
                lambda held: held.workspace_id == workspace_id and held.contact_id in people,
            )

    def list_notes(self, workspace_id: str, subject_id: str, page: PageRequest) -> Page[Note]:
        """Return a page of the notes about a conversation, or about a contact and those it absorbed."""
        with self._locked() as tables:
            subjects = with_absorbed(tables, subject_id)
            return page_where(
                "notes",
                page,
                tables.notes.values(),
                lambda held: held.workspace_id == workspace_id and held.subject_id in subjects,
            )

    def find_note(self, workspace_id: str, note_id: NoteId) -> Note | None:
        """Return the note. None if there is none, or if it belongs to another workspace."""
        with self._locked() as tables:
            found = tables.notes.get(note_id)
            return found if found is not None and found.workspace_id == workspace_id else None

    def list_conflicts(self, criteria: ConflictFilter, page: PageRequest) -> Page[Conflict]:
        """Return a page of the conflicts that meet the criteria. See `ConflictFilter`."""

        def fits(held: Conflict) -> bool:
            return (
                held.workspace_id == criteria.workspace_id
                and criteria.status in {None, held.status}
                and criteria.contact_id in {None, held.contact_id, held.other_id}
            )

        with self._locked() as tables:
            return page_where("conflicts", page, tables.conflicts.values(), fits)

    def list_merges(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Merge]:
        """Return a page of the merges of the contact and of those it absorbed, undone ones too."""
        with self._locked() as tables:
            people = set(with_absorbed(tables, contact_id))
            return page_where(
                "merges",
                page,
                tables.merges.values(),
                lambda held: (
                    held.workspace_id == workspace_id and not people.isdisjoint((held.survivor_id, held.absorbed_id))
                ),
            )

    def find_merge(self, workspace_id: str, merge_id: MergeId) -> Merge | None:
        """Return the merge. None if there is none, or if it belongs to another workspace."""
        with self._locked() as tables:
            found = tables.merges.get(merge_id)
            return found if found is not None and found.workspace_id == workspace_id else None

    def list_audit(self, workspace_id: str, page: PageRequest) -> Page[AuditEntry]:
        """Return a page of the workspace's audit log, newest first."""
        with self._locked() as tables:
            return page_where("audit", page, tables.audits.values(), lambda held: held.workspace_id == workspace_id)
