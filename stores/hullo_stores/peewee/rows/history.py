"""How contacts came to be what they are. See the package."""

from __future__ import annotations

import msgspec

from hullo.model.audit import AuditEntry
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact
from hullo.model.decision_record import DecisionRecord, Trace
from hullo.model.event import FieldChange
from hullo.model.merge import Merge
from hullo.model.note import Note
from hullo.model.timeline import TimelineEntry
from hullo.model.tombstone import Tombstone
from hullo_stores.peewee.rows.encoding import Row, data_of, json_text

_trace_of = msgspec.json.Decoder(Trace).decode
_contact_of = msgspec.json.Decoder(Contact).decode
_changes_of = msgspec.json.Decoder(tuple[FieldChange, ...]).decode


def conflict_row(conflict: Conflict) -> Row:
    return (
        conflict.id,
        conflict.workspace_id,
        conflict.app_id,
        conflict.contact_id,
        conflict.other_id,
        conflict.field,
        conflict.rule,
        conflict.created_at,
        conflict.status,
        conflict.pair_key if conflict.blocks_new_report else None,
        conflict.version,
        conflict.digest,
        conflict.resolution,
        conflict.resolved_at,
        conflict.resolved_by,
    )


def conflict_of(row: Row) -> Conflict:
    (id_, workspace_id, app_id, contact_id, other_id, field, rule, created_at, status, _) = row[:10]
    version, digest, resolution, resolved_at, resolved_by = row[10:]
    return Conflict(
        id=id_,
        workspace_id=workspace_id,
        app_id=app_id,
        contact_id=contact_id,
        other_id=other_id,
        field=field,
        rule=rule,
        created_at=created_at,
        digest=digest,
        status=status,
        resolution=resolution,
        resolved_at=resolved_at,
        resolved_by=resolved_by,
        version=version,
    )


def decision_row(decision: DecisionRecord) -> Row:
    return (
        decision.id,
        decision.workspace_id,
        decision.app_id,
        decision.contact_id,
        decision.request_id,
        decision.at,
        decision.by,
        decision.matched_by,
        decision.standing,
        json_text(decision.trace),
    )


def decision_of(row: Row) -> DecisionRecord:
    id_, workspace_id, app_id, contact_id, request_id, at, by, matched_by, standing, trace = row
    return DecisionRecord(
        id=id_,
        workspace_id=workspace_id,
        app_id=app_id,
        contact_id=contact_id,
        request_id=request_id,
        at=at,
        by=by,
        matched_by=matched_by,
        standing=standing,
        trace=_trace_of(trace),
    )


def merge_row(merge: Merge) -> Row:
    return (
        merge.id,
        merge.workspace_id,
        merge.survivor_id,
        merge.absorbed_id,
        merge.at,
        merge.by,
        merge.rule,
        json_text(merge.survivor_before),
        json_text(merge.absorbed_before),
        merge.undone_at,
        merge.undone_by,
        merge.version,
        merge.joined_by,
    )


def merge_of(row: Row) -> Merge:
    id_, workspace_id, survivor_id, absorbed_id, at, by, rule = row[:7]
    survivor_before, absorbed_before, undone_at, undone_by, version, joined_by = row[7:]
    return Merge(
        id=id_,
        workspace_id=workspace_id,
        survivor_id=survivor_id,
        absorbed_id=absorbed_id,
        at=at,
        by=by,
        rule=rule,
        survivor_before=_contact_of(survivor_before),
        absorbed_before=_contact_of(absorbed_before),
        joined_by=joined_by,
        undone_at=undone_at,
        undone_by=undone_by,
        version=version,
    )


def timeline_row(entry: TimelineEntry) -> Row:
    return (
        entry.id,
        entry.workspace_id,
        entry.contact_id,
        entry.app_id,
        entry.at,
        entry.name,
        entry.by,
        json_text(entry.data),
        json_text(entry.changes) if entry.changes else None,
    )


def timeline_of(row: Row) -> TimelineEntry:
    id_, workspace_id, contact_id, app_id, at, name, by, data, changes = row
    return TimelineEntry(
        id=id_,
        workspace_id=workspace_id,
        contact_id=contact_id,
        app_id=app_id,
        at=at,
        name=name,
        by=by,
        data=data_of(data),
        changes=() if changes is None else _changes_of(changes),
    )


def note_row(note: Note) -> Row:
    return (note.id, note.workspace_id, note.subject_id, note.text, note.at, note.by)


def note_of(row: Row) -> Note:
    id_, workspace_id, subject_id, text, at, by = row
    return Note(id=id_, workspace_id=workspace_id, subject_id=subject_id, text=text, at=at, by=by)


def tombstone_row(tombstone: Tombstone) -> Row:
    """Its key comes last, as in an upsert."""
    return (tombstone.workspace_id, tombstone.at, tombstone.digest)


def audit_row(entry: AuditEntry) -> Row:
    return (
        entry.workspace_id,
        entry.number,
        entry.at,
        entry.by,
        entry.action,
        entry.subject,
        entry.previous,
        entry.digest,
        json_text(entry.data),
    )


def audit_of(row: Row) -> AuditEntry:
    workspace_id, number, at, by, action, subject, previous, digest, data = row
    return AuditEntry(
        workspace_id=workspace_id,
        number=number,
        at=at,
        by=by,
        action=action,
        subject=subject,
        previous=previous,
        digest=digest,
        data=data_of(data),
    )
