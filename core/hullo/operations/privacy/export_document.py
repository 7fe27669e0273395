"""The parts of an export as JSON: every value with its standing, time and writer, and no secret nor its digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hullo.model.audit import AuditEntry
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.fact import Fact
from hullo.model.instant import Instant, format_rfc3339
from hullo.model.merge import Merge
from hullo.model.note import Note
from hullo.model.standing import Standing
from hullo.model.timeline import TimelineEntry
from hullo.model.visitor import Session

Document = dict[str, Any]


def contact_document(contact: Contact) -> Document:
    """Every identifier, the primary one of its kind first, and whatever else is written about a person."""
    return {
        "id": contact.id,
        "workspace_id": contact.workspace_id,
        "created_at": format_rfc3339(contact.created_at),
        "created_by": contact.created_by,
        "updated_at": format_rfc3339(contact.updated_at),
        "last_seen_at": format_rfc3339(contact.last_seen_at),
        "standing": contact.standing.label,
        "identifiers": [{"kind": kind, **_fact_document(fact)} for kind, fact in contact.all_identifiers()],
        "profile": _facts_document(contact.profile),
        "further_phones": [_fact_document(fact) for fact in contact.phones],
        "tags": _facts_document(contact.tags),
        "custom_data": {app_id: _facts_document(block) for app_id, block in contact.custom_data.items() if block},
    }


def merge_document(merge: Merge) -> Document:
    """With both as they were before."""
    return {
        "id": merge.id,
        "survivor_id": merge.survivor_id,
        "absorbed_id": merge.absorbed_id,
        "at": format_rfc3339(merge.at),
        "by": merge.by,
        "rule": merge.rule,
        "undone_at": _optional_rfc3339(merge.undone_at),
        "undone_by": merge.undone_by,
        "survivor_before": contact_document(merge.survivor_before),
        "absorbed_before": contact_document(merge.absorbed_before),
    }


def conversation_document(conversation: Conversation, messages: Iterable[Message], notes: Iterable[Note]) -> Document:
    """With all that was said in it, and noted about it."""
    return {
        "id": conversation.id,
        "app_id": conversation.app_id,
        "visitor_id": conversation.visitor_id,
        "status": conversation.status,
        "created_at": format_rfc3339(conversation.created_at),
        "last_message_at": format_rfc3339(conversation.last_message_at),
        "read_at": _optional_rfc3339(conversation.read_at),
        "standing": _standing_label(conversation.link_standing),
        "tags": list(conversation.tags),
        "messages": [_message_document(each) for each in messages],
        "notes": [note_document(each) for each in notes],
    }


def session_document(session: Session) -> Document:
    """By its visitor: neither the token nor its digest, nor those of what was said in it."""
    return {
        "visitor_id": session.visitor_id,
        "app_id": session.app_id,
        "standing": _standing_label(session.standing),
        "created_at": format_rfc3339(session.created_at),
        "last_seen_at": format_rfc3339(session.seen_at),
        "expires_at": format_rfc3339(session.expires_at),
        "revoked_at": _optional_rfc3339(session.revoked_at),
    }


def timeline_document(entry: TimelineEntry) -> Document:
    """With the values."""
    return {
        "id": entry.id,
        "at": format_rfc3339(entry.at),
        "name": entry.name,
        "contact_id": entry.contact_id,
        "app_id": entry.app_id,
        "by": entry.by,
        "data": entry.data,
        "changes": [{"field": each.field, "before": each.before, "after": each.after} for each in entry.changes],
    }


def decision_document(decision: DecisionRecord) -> Document:
    """What was written, and why."""
    return {
        "id": decision.id,
        "at": format_rfc3339(decision.at),
        "contact_id": decision.contact_id,
        "app_id": decision.app_id,
        "request_id": decision.request_id,
        "by": decision.by,
        "matched_by": decision.matched_by,
        "standing": decision.standing,
        "steps": [{"stage": each.stage, "plugin": each.plugin, "answer": each.answer} for each in decision.trace.steps],
        "fields": [
            {"field": each.field, "verdict": each.verdict, "reason": each.reason} for each in decision.trace.fields
        ],
    }


def conflict_document(conflict: Conflict) -> Document:
    """The other person in it by id alone."""
    return {
        "id": conflict.id,
        "app_id": conflict.app_id,
        "contact_id": conflict.contact_id,
        "other_id": conflict.other_id,
        "field": conflict.field,
        "rule": conflict.rule,
        "created_at": format_rfc3339(conflict.created_at),
        "status": conflict.status,
        "resolution": conflict.resolution,
        "resolved_at": _optional_rfc3339(conflict.resolved_at),
        "resolved_by": conflict.resolved_by,
    }


def note_document(note: Note) -> Document:
    """What agents wrote for each other."""
    return {
        "id": note.id,
        "subject_id": note.subject_id,
        "at": format_rfc3339(note.at),
        "by": note.by,
        "text": note.text,
    }


def audit_document(entry: AuditEntry) -> Document:
    """What was done to the person's data."""
    return {
        "number": entry.number,
        "at": format_rfc3339(entry.at),
        "by": entry.by,
        "action": entry.action,
        "subject": entry.subject,
        "data": entry.data,
    }


def _message_document(message: Message) -> Document:
    return {
        "id": message.id,
        "author": message.author,
        "at": format_rfc3339(message.created_at),
        "text": message.text,
        "client_id": message.client_id,
    }


def _facts_document(facts: Mapping[str, Fact]) -> Document:
    return {name: _fact_document(fact) for name, fact in facts.items()}


def _fact_document(fact: Fact) -> Document:
    return {"value": fact.value, "standing": fact.standing.label, "at": format_rfc3339(fact.at), "by": fact.by}


def _standing_label(standing: Standing | None) -> str | None:
    return None if standing is None else standing.label


def _optional_rfc3339(instant: Instant | None) -> str | None:
    return None if instant is None else format_rfc3339(instant)
