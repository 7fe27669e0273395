"""Notes of agents about contacts and conversations."""

from __future__ import annotations

from hullo.errors import NotFound
from hullo.model.app import ApiKey
from hullo.model.change_set import ChangeSet
from hullo.model.contact import ContactId
from hullo.model.conversation import ConversationId
from hullo.model.decision import Decision
from hullo.model.note import Note, NoteId
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.operations.conversations.messages import is_answerable_with
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value


class AddContactNote(Value):
    """Addition of a note about a contact."""

    contact_id: ContactId
    workspace_id: str
    writer: str
    text: str
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[Note]:  # noqa: ARG002 - needs no app
        """Build the query. The caller has checked the API key."""
        # The contact is loaded, although the note needs only its id: a note on an absorbed or erased one is refused.
        query = SnapshotQuery(workspace_id=self.workspace_id, app_id=None, contacts=(self.contact_id,))
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Note]:
        """Add the note. Raises `NotFound` and `Conflicting` as `require_not_merged` does."""
        contact = require_not_merged(snapshot, self.contact_id)
        return _add_note(contact.id, self.workspace_id, self.writer, self.text, self.context)


class AddConversationNote(Value):
    """Addition of a note about a conversation."""

    key: ApiKey
    conversation_id: ConversationId
    text: str
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[Note]:  # noqa: ARG002 - the key identifies the caller
        """Build the query. The caller has checked the API key."""
        query = SnapshotQuery(workspace_id=self.key.workspace_id, app_id=None, conversations=(self.conversation_id,))
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Note]:
        """Add the note. Raises `NotFound` for a conversation of another workspace, or of another app than the key's."""
        conversation = snapshot.conversations.get(self.conversation_id)
        # One error for both: a key of one app must not learn what other apps have.
        if conversation is None or not is_answerable_with(conversation, self.key):
            raise NotFound("no such conversation")
        return _add_note(conversation.id, self.key.workspace_id, self.key.writer, self.text, self.context)


class RemoveNote(Value):
    """Removal of a note. A note that is already removed is no error: the caller has looked it up."""

    note_id: NoteId
    workspace_id: str

    def prepare(self, apps: Apps) -> PreparedOperation[NoteId]:  # noqa: ARG002 - needs no app
        """Build the removal. The caller has looked up the note."""
        removal = Decision(result=self.note_id, change_set=ChangeSet(notes_removed=(self.note_id,)))
        # Nothing to load: removing what is gone is no conflict.
        query = SnapshotQuery(workspace_id=self.workspace_id, app_id=None)
        return PreparedOperation(query=query, decide=lambda _: removal)


def _add_note(subject_id: str, workspace_id: str, writer: str, text: str, context: RequestContext) -> Decision[Note]:
    note = Note(
        id=context.new_id("note"),
        workspace_id=workspace_id,
        subject_id=subject_id,
        text=text,
        at=context.now,
        by=writer,
    )
    return Decision(result=note, change_set=ChangeSet(notes=(note,)))
