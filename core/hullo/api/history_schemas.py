"""The shapes of what happened to a contact: its timeline, decisions, conflicts and merges, and what is noted of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hullo.api.contact_schemas import contact_json
from hullo.api.schemas import JsonObject, steps_json
from hullo.model.app import AppId
from hullo.model.conflict import Conflict
from hullo.model.decision_record import DecisionRecord
from hullo.model.event import FieldChange
from hullo.model.instant import format_rfc3339
from hullo.model.merge import Merge, RelatedCounts
from hullo.model.note import Note
from hullo.model.timeline import CONTACT_EVENT, ContactEvent, TimelineEntry
from hullo.operations.contacts.explanations import describe_decision
from hullo.operations.contacts.merge import MergeResult
from hullo.operations.contacts.undo_merge import UndoMergeResult


def decision_json(decision: DecisionRecord, apps: Mapping[AppId, str]) -> JsonObject:
    """Why something was decided as it was. `apps` are the names of apps, for its words."""
    return {
        "id": decision.id,
        "at": format_rfc3339(decision.at),
        "request_id": decision.request_id,
        "by": decision.by,
        "matched_by": decision.matched_by,
        "standing": decision.standing,
        "words": describe_decision(decision, apps),
        "steps": steps_json(decision.trace),
        "fields": [
            {"field": each.field, "verdict": each.verdict, "reason": each.reason} for each in decision.trace.fields
        ],
    }


def timeline_entry_json(entry: TimelineEntry) -> JsonObject:
    """A line of a timeline."""
    return {
        "id": entry.id,
        "at": format_rfc3339(entry.at),
        "type": entry.name,
        "contact_id": entry.contact_id,
        "app_id": entry.app_id,
        "by": entry.by,
        "data": entry.data,
        "changes": _changes_json(entry.changes),
    }


def contact_event_json(event: ContactEvent) -> JsonObject:
    """What a site has just reported, as its line in the timeline."""
    return {
        "id": event.id,
        "at": format_rfc3339(event.occurred_at),
        "type": CONTACT_EVENT,
        "contact_id": event.contact_id,
        "app_id": event.app_id,
        "by": event.by,
        "data": {"name": event.name, "properties": event.properties},
        "changes": _changes_json(()),
    }


def note_json(note: Note) -> JsonObject:
    """A note; `about` is the id of a contact or of a conversation."""
    return {"id": note.id, "about": note.subject_id, "text": note.text, "at": format_rfc3339(note.at), "by": note.by}


def conflict_json(conflict: Conflict) -> JsonObject:
    """Two contacts that one call named."""
    resolved_at = conflict.resolved_at
    return {
        "id": conflict.id,
        "contact_id": conflict.contact_id,
        "other_id": conflict.other_id,
        "field": conflict.field,
        "rule": conflict.rule,
        "status": conflict.status,
        "resolution": conflict.resolution,
        "created_at": format_rfc3339(conflict.created_at),
        "resolved_at": format_rfc3339(resolved_at) if resolved_at is not None else None,
        "resolved_by": conflict.resolved_by,
    }


def merge_json(merge: Merge) -> JsonObject:
    """A merge, as it is remembered."""
    return {
        "id": merge.id,
        "survivor_id": merge.survivor_id,
        "absorbed_id": merge.absorbed_id,
        "rule": merge.rule,
        "at": format_rfc3339(merge.at),
        "by": merge.by,
        "undone_at": format_rfc3339(merge.undone_at) if merge.undone_at is not None else None,
        "undone_by": merge.undone_by,
    }


def merge_result_json(absorbed: MergeResult, extent: RelatedCounts, *, dry_run: bool) -> JsonObject:
    """What a merge did, or would do. `moves` is how much there was of the absorbed one."""
    merge = absorbed.merge
    return {
        "merge_id": merge.id,
        "survivor_id": merge.survivor_id,
        "absorbed_id": merge.absorbed_id,
        "dry_run": dry_run,
        "contact": contact_json(absorbed.survivor),
        "clashes": [{"field": each.field, "kept": each.kept, "lost": each.lost} for each in absorbed.clashes],
        "moves": {
            "conversations": extent.conversations,
            "sessions": extent.sessions,
            "events": extent.events,
            "notes": extent.notes,
            "people": extent.people,
        },
    }


def unmerge_result_json(unmerged: UndoMergeResult, *, dry_run: bool) -> JsonObject:
    """The two, as they are or would be after a merge is undone."""
    return {
        "merge_id": unmerged.merge.id,
        "dry_run": dry_run,
        "survivor": contact_json(unmerged.survivor),
        "restored": contact_json(unmerged.restored),
        "changed_since": [{"field": each.field, "reason": each.reason} for each in unmerged.changed_since],
    }


def _changes_json(changes: Sequence[FieldChange]) -> list[JsonObject]:
    return [{"field": each.field, "before": each.before, "after": each.after} for each in changes]
