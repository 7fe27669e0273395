"""The bodies of responses about a contact's history: its timeline, decisions, merges and notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self, get_args

from msgspec import Meta

from hullo.api.contact_schemas import ConflictResponse, ContactResponse
from hullo.api.field_types import (
    AppId,
    ContactId,
    Count,
    DecisionId,
    EventId,
    Field,
    MatchedBy,
    MergeId,
    NoteId,
    RequestId,
    Scalar,
    StandingLabel,
    Time,
    Writer,
    const,
    one_of,
)
from hullo.api.openapi.notation import ref
from hullo.api.schemas import FaultResponse, ResponseBody, Steps
from hullo.model.conflict import Conflict
from hullo.model.decision_record import DecisionRecord, Verdict
from hullo.model.event import EVENT_NAMES, NON_TIMELINE_EVENTS
from hullo.model.merge import Merge, RelatedCounts
from hullo.model.note import Note
from hullo.model.timeline import CONTACT_EVENT, ContactEvent, TimelineEntry
from hullo.operations.contacts.explanations import describe_decision
from hullo.operations.contacts.merge import MergeResult
from hullo.operations.contacts.undo_merge import UndoMergeResult

_TYPES = (*(name for name in EVENT_NAMES if name not in NON_TIMELINE_EVENTS), CONTACT_EVENT)


class FieldVerdictResponse(ResponseBody):
    """What became of one field, and why."""

    field: Field
    verdict: Annotated[
        str, one_of(get_args(Verdict), "`kept`: what was stored stays. `rejected`: a fault of the call.")
    ]
    reason: Annotated[str, Meta(description="For people.")]


class DecisionResponse(ResponseBody):
    """What one call wrote, and why."""

    id: DecisionId
    at: Time
    request_id: RequestId
    by: Writer
    matched_by: MatchedBy
    standing: StandingLabel
    words: Annotated[str, Meta(description="All of it in sentences, for people.")]
    steps: Steps
    fields: Annotated[list[FieldVerdictResponse], Meta(description="What became of each field.")]

    @classmethod
    def of(cls, decision: DecisionRecord, apps: Mapping[str, str]) -> Self:
        """Describe a decision. `apps` are the names of apps by their ids, for its words."""
        trace = decision.trace
        return cls.of_same(decision, words=describe_decision(decision, apps), steps=trace.steps, fields=trace.fields)


class FieldChangeResponse(ResponseBody):
    """One value, before and after."""

    field: Field
    before: Annotated[Scalar | None, Meta(description="null where there was none.")]
    after: Annotated[Scalar | None, Meta(description="null where there is none any more.")]


class TimelineEntryResponse(ResponseBody):
    """Something that happened to a contact."""

    id: EventId
    at: Time
    type: Annotated[str, one_of(_TYPES, f"What happened. `{CONTACT_EVENT}` is what a site has reported itself.")]
    contact_id: Annotated[
        ContactId, Meta(description="Whose it was then: this contact's, or one's that became part of it.")
    ]
    app_id: Annotated[AppId | None, Meta(description="Where; null for what is about no app.")]
    by: Annotated[Writer | None, Meta(description="null where no caller did it.")]
    data: Annotated[
        Mapping[str, Any],
        Meta(description="Ids and names of fields; of what a site has reported its `name` and `properties`."),
    ]
    changes: Annotated[
        list[FieldChangeResponse],
        Meta(
            description="The values that were written, before and after; null where there was none, or is none any "
            "more."
        ),
    ]

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        """Describe a line of a timeline."""
        return cls.of_same(entry, type=entry.name)

    @classmethod
    def of_event(cls, event: ContactEvent) -> Self:
        """Describe what a site has just reported, as its line in the timeline."""
        return cls.of_same(
            event,
            # When it happened, which may be long before it was reported.
            at=event.occurred_at,
            type=CONTACT_EVENT,
            data={"name": event.name, "properties": event.properties},
            changes=[],
        )


class NoteResponse(ResponseBody):
    """What an agent wrote about a contact or a conversation, for agents."""

    id: NoteId
    about: Annotated[
        str,
        Meta(
            description="The contact or the conversation.",
            extra_json_schema={"anyOf": [ref("ContactId"), ref("ConversationId")]},
        ),
    ]
    text: Annotated[str, Meta(description="What was written.")]
    at: Time
    by: Writer

    @classmethod
    def of(cls, note: Note) -> Self:
        """Describe a note."""
        return cls.of_same(note, about=note.subject_id)


class RemovedNoteResponse(ResponseBody):
    """A note that is no more."""

    id: NoteId
    removed: Annotated[bool, const(True), Meta(description="It is gone for good.")]


class MergeResponse(ResponseBody):
    """Two contacts that became one."""

    id: MergeId
    survivor_id: ContactId
    absorbed_id: ContactId
    rule: Annotated[str, Meta(description="Why: a rule as `C1`, `by hand`, `conflict cfl_…`, or a plugin's own word.")]
    joined: Annotated[
        bool, Meta(description="The two are joined by an email that the visitor gave, until it is proven (J).")
    ]
    at: Time
    by: Writer
    undone_at: Annotated[Time | None, Meta(description="null where it was not undone.")]
    undone_by: Annotated[Writer | None, Meta(description="null where it was not undone.")]

    @classmethod
    def of(cls, merge: Merge) -> Self:
        """Describe a merge as it is remembered."""
        return cls.of_same(merge, joined=merge.joined_by is not None)


class ClashResponse(ResponseBody):
    """A field where the two contacts said different things."""

    field: Field
    kept: Annotated[Scalar, Meta(description="What is shown.")]
    lost: Annotated[Scalar, Meta(description="What comes back when the merge is undone.")]


class MovesResponse(ResponseBody):
    """How much there is of a contact."""

    conversations: Annotated[Count, Meta(description="Its conversations.")]
    sessions: Annotated[Count, Meta(description="Its sessions.")]
    events: Annotated[Count, Meta(description="The lines of its timeline.")]
    notes: Annotated[Count, Meta(description="The notes about it.")]
    people: Annotated[Count, Meta(description="1, and the contacts that became part of it.")]


class MergedResponse(ResponseBody):
    """What a merge did, or would do."""

    merge_id: MergeId
    survivor_id: ContactId
    absorbed_id: ContactId
    dry_run: Annotated[bool, Meta(description="Nothing was done, and there is no such merge.")]
    contact: Annotated[ContactResponse, Meta(description="The survivor, afterwards.")]
    clashes: Annotated[
        list[ClashResponse],
        Meta(description="Where the two said different things. What is lost comes back when the merge is undone."),
    ]
    moves: Annotated[MovesResponse, Meta(description="How much there is of the absorbed one.")]

    @classmethod
    def of(cls, result: MergeResult, related: RelatedCounts, *, dry_run: bool) -> Self:
        """Describe a merge. `related` is how much there was of the absorbed contact."""
        return cls.of_same(
            result.merge,
            merge_id=result.merge.id,
            dry_run=dry_run,
            contact=result.survivor,
            clashes=result.clashes,
            moves=related,
        )


class UnmergedResponse(ResponseBody):
    """The two contacts, as they are or would be after a merge is undone."""

    merge_id: MergeId
    dry_run: Annotated[bool, Meta(description="Nothing was done.")]
    survivor: Annotated[ContactResponse, Meta(description="The one that goes on.")]
    restored: Annotated[ContactResponse, Meta(description="The one that is back.")]
    changed_since: Annotated[list[FaultResponse], Meta(description="What is not as it was before the merge, and why.")]

    @classmethod
    def of(cls, result: UndoMergeResult, *, dry_run: bool) -> Self:
        """Describe a merge that was undone, or would be."""
        return cls.of_same(result, merge_id=result.merge.id, dry_run=dry_run)


class ResolvedConflictResponse(ConflictResponse):
    """A conflict that is resolved."""

    merge: Annotated[MergedResponse | None, Meta(description="What a merge did, where that was the answer.")]

    @classmethod
    def of_resolved(cls, conflict: Conflict, merge: MergedResponse | None) -> Self:
        """Describe a resolved conflict, with what its merge did."""
        return cls.of_same(conflict, merge=merge)


class ResolvedConflictsResponse(ResponseBody):
    """How many conflicts were resolved."""

    resolved: Annotated[Count, Meta(description="In a dry run, how many would be.")]
    dry_run: Annotated[bool, Meta(description="Nothing was done.")]
