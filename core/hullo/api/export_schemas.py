"""Everything that is held about one person, as one document (P1): every value with its standing, time and writer, and
no secret nor its digest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Final, Self, TypeVar, get_args

from msgspec import UNSET, Meta, UnsetType

from hullo.api.contact_schemas import ConflictResponse
from hullo.api.field_types import (
    AppId,
    ContactId,
    DecisionId,
    MatchedBy,
    MessageId,
    NoteId,
    Scalar,
    StandingLabel,
    Time,
    WorkspaceId,
    Writer,
    const,
    one_of,
)
from hullo.api.history_schemas import FieldChangeResponse, FieldVerdictResponse, MergeResponse
from hullo.api.schemas import (
    BlockResponse,
    ConversationFields,
    ExportedAuditEntryResponse,
    ExportedSessionResponse,
    ResponseBody,
    Steps,
)
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact
from hullo.model.conversation import Author, Conversation, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.fact import Fact
from hullo.model.instant import Instant, format_rfc3339
from hullo.model.note import Note
from hullo.store.protocol import ConflictFilter, ConversationFilter, Page, PageRequest, Store
from hullo.store.reading import current_contact, iter_pages

EXPORT_FORMAT: Final = "hullo.person/1"
"""Later versions may add fields; where they change one, the number changes."""

Item = TypeVar("Item")


class ExportedValueResponse(ResponseBody):
    """A value, and where it comes from."""

    value: Annotated[Scalar, Meta(description="As it was written.")]
    standing: StandingLabel
    at: Time
    by: Writer

    @classmethod
    def by_name(cls, facts: Mapping[str, Fact]) -> dict[str, Self]:
        """Describe facts under their names."""
        return {name: cls.of_same(fact) for name, fact in facts.items()}


class ExportedIdentifierResponse(ResponseBody):
    """An identifier, and where it comes from."""

    kind: Annotated[str, Meta(description="As `external_id` or `email`.")]
    value: Annotated[Scalar, Meta(description="As it was written.")]
    standing: StandingLabel
    at: Time
    by: Writer


Values = dict[str, ExportedValueResponse]


class ExportedContactResponse(ResponseBody):
    """All that is written about a person."""

    id: ContactId
    workspace_id: WorkspaceId
    created_at: Time
    created_by: Writer
    updated_at: Time
    last_seen_at: Time
    standing: StandingLabel
    identifiers: Annotated[list[ExportedIdentifierResponse], Meta(description="The primary one of its kind first.")]
    profile: Annotated[Values, Meta(description="By the names of fields.")]
    further_phones: Annotated[list[ExportedValueResponse], Meta(description="Those beside `phone`.")]
    tags: Annotated[Values, Meta(description="By the tags.")]
    custom_data: Annotated[dict[AppId, Values], Meta(description="Every app has its own.")]
    blocks: Annotated[list[BlockResponse], Meta(description="Several only after a merge of blocked contacts.")]

    @classmethod
    def of(cls, contact: Contact) -> Self:
        """Describe a contact with every identifier."""
        value = ExportedValueResponse
        return cls.of_same(
            contact,
            identifiers=[
                ExportedIdentifierResponse.of_same(fact, kind=kind) for kind, fact in contact.all_identifiers()
            ],
            profile=value.by_name(contact.profile),
            further_phones=contact.phones,
            tags=value.by_name(contact.tags),
            custom_data={app_id: value.by_name(block) for app_id, block in contact.custom_data.items() if block},
        )


class ExportedMergeResponse(MergeResponse):
    """A merge, with both contacts as they were before."""

    survivor_before: ExportedContactResponse
    absorbed_before: ExportedContactResponse


class ExportedMessageResponse(ResponseBody):
    """A message."""

    id: MessageId
    author: Annotated[str, one_of(get_args(Author), "Which side wrote it.")]
    at: Time
    by: Annotated[Writer | None, Meta(description="Who wrote it; null in records of older versions.")]
    agent_name: Annotated[str | None, Meta(description="Of the agent who wrote it, where the call gave a name.")]
    text: Annotated[str, Meta(description="What was written.")]
    client_id: Annotated[str | None, Meta(description="The sender's own id, where it gave one.")]

    @classmethod
    def of(cls, message: Message) -> Self:
        """Describe a message."""
        name = message.agent.name if message.agent is not None else None
        return cls.of_same(message, at=message.created_at, agent_name=name)


class ExportedNoteResponse(ResponseBody):
    """What an agent wrote, for agents."""

    id: NoteId
    subject_id: Annotated[str, Meta(description="The contact or the conversation.")]
    at: Time
    by: Writer
    text: Annotated[str, Meta(description="What was written.")]


class ExportedConversationResponse(ConversationFields):
    """A conversation, with its messages and the notes about it."""

    app_id: AppId
    visitor_id: Annotated[str, Meta(description="The visitor that began it.")]
    read_at: Annotated[Time | None, Meta(description="Up to when its visitor has read it.")]
    standing: Annotated[StandingLabel | None, Meta(description="How sure it is that it is the contact's.")]
    assignee: Annotated[str | None, Meta(description="The agent who takes care of it.")]
    tags: Annotated[list[str], Meta(description="As agents gave them.")]
    messages: Annotated[list[ExportedMessageResponse], Meta(description="All of them.")]
    notes: Annotated[list[ExportedNoteResponse], Meta(description="All of them.")]

    @classmethod
    def of(cls, conversation: Conversation, messages: Iterable[Message], notes: Iterable[Note]) -> Self:
        """Describe a conversation."""
        return cls.of_same(
            conversation, standing=conversation.link_standing, messages=list(messages), notes=list(notes)
        )


class ExportedTimelineEntryResponse(ResponseBody):
    """Something that happened, with the values."""

    id: Annotated[str, Meta(description="In the order of time.")]
    at: Time
    name: Annotated[str, Meta(description="What happened.")]
    contact_id: ContactId
    app_id: Annotated[AppId | None, Meta(description="null for what is about no app.")]
    by: Annotated[str | None, Meta(description="null where no caller did it.")]
    data: Annotated[Mapping[str, Any], Meta(description="Ids, names of fields, and what a site reported.")]
    changes: Annotated[list[FieldChangeResponse], Meta(description="The values that were written.")]


class ExportedDecisionResponse(ResponseBody):
    """What one call wrote, and why."""

    id: DecisionId
    at: Time
    contact_id: ContactId
    app_id: Annotated[AppId | None, Meta(description="null for what is about no app.")]
    request_id: Annotated[str, Meta(description="The call, as the log names it.")]
    by: Writer
    matched_by: MatchedBy
    standing: StandingLabel
    steps: Steps
    fields: Annotated[list[FieldVerdictResponse], Meta(description="What became of each field.")]

    @classmethod
    def of(cls, decision: DecisionRecord) -> Self:
        """Describe a decision."""
        return cls.of_same(decision, steps=decision.trace.steps, fields=decision.trace.fields)


class ExportedConflictResponse(ConflictResponse):
    """A conflict; the other person in it by id alone."""

    app_id: Annotated[AppId | None, Meta(description="null for what is about no app.")]


class ExportResponse(ResponseBody, kw_only=True):
    """Everything that is held about one person. Lists have the newest first."""

    format: Annotated[str, const(EXPORT_FORMAT), Meta(description="The form of this document.")]
    exported_at: Time
    asked_for: Annotated[
        ContactId | UnsetType, Meta(description="Where it was merged into another, which this is.")
    ] = UNSET
    merged_into: Annotated[ContactId | UnsetType, Meta(description="That other.")] = UNSET
    contact: ExportedContactResponse
    merges: Annotated[list[ExportedMergeResponse], Meta(description="Those that were undone, too.")]
    conversations: Annotated[list[ExportedConversationResponse], Meta(description="Of every app.")]
    sessions: Annotated[list[ExportedSessionResponse], Meta(description="Those that are over, too.")]
    timeline: Annotated[list[ExportedTimelineEntryResponse], Meta(description="What happened.")]
    decisions: Annotated[list[ExportedDecisionResponse], Meta(description="What calls wrote, and why.")]
    conflicts: Annotated[list[ExportedConflictResponse], Meta(description="In any status.")]
    notes: Annotated[list[ExportedNoteResponse], Meta(description="About the contact itself.")]
    audit: Annotated[list[ExportedAuditEntryResponse], Meta(description="What was done to the data.")]


def build_export(store: Store, workspace_id: str, contact_id: str, now: Instant) -> ExportResponse:
    """Read everything about a contact. Raises `NotFound`.

    For the id of an absorbed contact it is the survivor's, and says so (G3). The lists are read one after the other,
    so they need not be of one moment. The audit log is not written: `RecordExport` does that first.
    """
    contact = current_contact(store, workspace_id, contact_id)
    is_absorbed = contact.id != contact_id
    records = _ContactRecords(store, contact)
    merges = list(records.iter_all(store.list_merges))
    # Conflicts and audit entries keep the id they were made with. After an undo that id is another person's again.
    people = {contact.id, *(merge.absorbed_id for merge in merges if merge.is_active)}
    return ExportResponse(
        format=EXPORT_FORMAT,
        exported_at=format_rfc3339(now),
        asked_for=contact_id if is_absorbed else UNSET,
        merged_into=contact.id if is_absorbed else UNSET,
        contact=ExportedContactResponse.of(contact),
        merges=[ExportedMergeResponse.of(merge) for merge in merges],
        conversations=[
            ExportedConversationResponse.of(
                conversation,
                iter_pages(partial(store.list_messages, conversation.id)),
                records.iter_notes(conversation.id),
            )
            for conversation in records.iter_conversations()
        ],
        sessions=[
            ExportedSessionResponse.of_same(session, last_seen_at=session.seen_at, blocked=session.block)
            for session in records.iter_all(store.list_sessions)
        ],
        timeline=[ExportedTimelineEntryResponse.of_same(entry) for entry in records.iter_all(store.list_timeline)],
        decisions=[ExportedDecisionResponse.of(decision) for decision in records.iter_all(store.list_decisions)],
        conflicts=ExportedConflictResponse.of_each(records.conflicts(people)),
        notes=ExportedNoteResponse.of_each(records.iter_notes(contact.id)),
        # The log has no index by subject, so all of it is read.
        audit=[
            ExportedAuditEntryResponse.of_same(entry)
            for entry in iter_pages(partial(store.list_audit, contact.workspace_id))
            if entry.subject in people
        ],
    )


class _ContactRecords:
    """The records beside a contact, the newest first."""

    def __init__(self, store: Store, contact: Contact) -> None:
        self._store = store
        self._workspace_id, self._contact_id = contact.workspace_id, contact.id

    def iter_all(self, read_page: Callable[[str, str, PageRequest], Page[Item]]) -> Iterator[Item]:
        """Read one of the contact's lists to the end."""
        return iter_pages(partial(read_page, self._workspace_id, self._contact_id))

    def iter_conversations(self) -> Iterator[Conversation]:
        """Read the contact's conversations in every app to the end."""
        wanted = ConversationFilter(workspace_id=self._workspace_id, contact_id=self._contact_id)
        return iter_pages(partial(self._store.list_conversations, wanted))

    def iter_notes(self, subject_id: str) -> Iterator[Note]:
        """Read the notes about a contact or a conversation to the end."""
        return iter_pages(partial(self._store.list_notes, self._workspace_id, subject_id))

    def conflicts(self, people: Iterable[str]) -> list[Conflict]:
        """Read the conflicts that any of these contacts is in, each once."""
        # By id: a conflict between two of these contacts is found from both sides.
        found: dict[str, Conflict] = {}
        for contact_id in people:
            wanted = ConflictFilter(workspace_id=self._workspace_id, status=None, contact_id=contact_id)
            found.update(
                (conflict.id, conflict) for conflict in iter_pages(partial(self._store.list_conflicts, wanted))
            )
        # Ids sort by time, so the newest comes first.
        return sorted(found.values(), key=lambda conflict: conflict.id, reverse=True)
