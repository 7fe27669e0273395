"""Everything that is held about one person, as one document (P1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeVar

from hullo.model.change_set import ChangeSet
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.instant import Instant, format_rfc3339
from hullo.model.note import Note
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.operations.privacy import export_document as told
from hullo.operations.privacy.export_document import Document
from hullo.rules.events import next_audit_entry
from hullo.rules.merging.survivors import require_not_merged
from hullo.store.protocol import ConflictFilter, ContactReads, Page, PageRequest, Store
from hullo.store.reading import current_contact, iter_pages
from hullo.value import Value

EXPORT_FORMAT: Final = "hullo.person/1"
"""Later versions may add fields; where they change one, they say another number."""

Item = TypeVar("Item")


class RecordExport(Value):
    """The line in the audit log, before anything is given away. `contact_id` is as `found` gives it."""

    contact_id: ContactId
    workspace_id: str
    by: str
    """As in `Fact.by`."""
    context: RequestContext

    @classmethod
    def for_contact(
        cls, store: ContactReads, workspace_id: str, contact_id: ContactId, *, by: str, context: RequestContext
    ) -> RecordExport:
        """For whoever answers to this id (G3). Raises `NotFound`."""
        contact = current_contact(store, workspace_id, contact_id)
        return cls(contact_id=contact.id, workspace_id=workspace_id, by=by, context=context)

    def prepare(self, apps: Apps) -> PreparedOperation[ContactId]:  # noqa: ARG002 - no app is asked
        """Refuses nothing: the key was checked by whoever took the call."""
        query = SnapshotQuery(
            workspace_id=self.workspace_id, app_id=None, contacts=(self.contact_id,), include_audit_head=True
        )
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[ContactId]:
        """Raises `NotFound` and `Conflicting`, as `unabsorbed` does."""
        contact = require_not_merged(snapshot, self.contact_id)
        entry = next_audit_entry(
            snapshot, self.context, self.workspace_id, by=self.by, action="contact.exported", subject=contact.id
        )
        return Decision(result=contact.id, change_set=ChangeSet(audit_entries=(entry,)))


def build_export(store: Store, workspace_id: str, contact_id: ContactId, now: Instant) -> Document:
    """The document, made of JSON values alone. Raises `NotFound`.

    For an id that was absorbed it is the survivor's, and says so (G3). It is read list after list, so it need not be
    of one moment; and nobody is told of it: that is for `RecordExport` to do first.
    """
    contact = current_contact(store, workspace_id, contact_id)
    absorbed = {"asked_for": contact_id, "merged_into": contact.id} if contact.id != contact_id else {}
    return {
        "format": EXPORT_FORMAT,
        "exported_at": format_rfc3339(now),
        **absorbed,
        "contact": told.contact_document(contact),
        **_RelatedRecords(store, contact).document(),
    }


class _RelatedRecords:
    """What is held beside the contact itself, the newest first."""

    def __init__(self, store: Store, contact: Contact) -> None:
        self._store = store
        self._workspace_id, self._contact_id = contact.workspace_id, contact.id

    def document(self) -> Document:
        """Each list by its name, read to the end."""
        merges = list(self._iter_contact_records(self._store.list_merges))
        people = {self._contact_id, *(each.absorbed_id for each in merges if each.is_active)}
        return {
            "merges": [told.merge_document(each) for each in merges],
            "conversations": [
                told.conversation_document(
                    each, iter_pages(partial(self._store.list_messages, each.id)), self._iter_notes(each.id)
                )
                for each in self._iter_contact_records(self._store.list_contact_conversations)
            ],
            "sessions": [told.session_document(each) for each in self._iter_contact_records(self._store.list_sessions)],
            "timeline": [
                told.timeline_document(each) for each in self._iter_contact_records(self._store.list_timeline)
            ],
            "decisions": [
                told.decision_document(each) for each in self._iter_contact_records(self._store.list_decisions)
            ],
            "conflicts": [told.conflict_document(each) for each in self._conflicts(people)],
            "notes": [told.note_document(each) for each in self._iter_notes(self._contact_id)],
            # The log has no order but its own, so all of it is looked through.
            "audit": [
                told.audit_document(each)
                for each in iter_pages(partial(self._store.list_audit, self._workspace_id))
                if each.subject in people
            ],
        }

    def _iter_contact_records(self, listed: Callable[[str, ContactId, PageRequest], Page[Item]]) -> Iterator[Item]:
        return iter_pages(partial(listed, self._workspace_id, self._contact_id))

    def _iter_notes(self, subject_id: str) -> Iterator[Note]:
        return iter_pages(partial(self._store.list_notes, self._workspace_id, subject_id))

    def _conflicts(self, people: set[ContactId]) -> list[Conflict]:
        found: dict[str, Conflict] = {}
        for each in people:
            wanted = ConflictFilter(workspace_id=self._workspace_id, status=None, contact_id=each)
            found.update(
                (conflict.id, conflict) for conflict in iter_pages(partial(self._store.list_conflicts, wanted))
            )
        return sorted(found.values(), key=lambda conflict: conflict.id, reverse=True)
