"""Event and audit entries of a merge."""

from __future__ import annotations

from collections.abc import Iterable

from hullo.model.audit import AuditEntry, next_entry
from hullo.model.snapshot import Snapshot
from hullo.rules.events import EventBuilder
from hullo.rules.merging.plan import MergePlanResult


def add_merge_event(merge_plan: MergePlanResult, builder: EventBuilder) -> EventBuilder:
    """Add the event of this merge and return the builder. It holds field names only: the values would belong to another
    person after an undo, and to apps whose keys may not read each other's."""
    builder.add(
        "contact.merged",
        merge_plan.survivor.id,
        {**_merge_event_data(merge_plan), "fields": list(merge_plan.changed_fields)},
    )
    return builder


def merge_audit_entries(merge_plans: Iterable[MergePlanResult], snapshot: Snapshot) -> tuple[AuditEntry, ...]:
    """Make the audit entries of these merges, as a chain."""
    head, entries = snapshot.audit_head, list[AuditEntry]()
    for merge_plan in merge_plans:
        # Each entry carries the digest of the one before, so they are made one after the other.
        assert head is not None, "the query asks where the audit log ends"
        entry = next_entry(
            head,
            workspace_id=merge_plan.survivor.workspace_id,
            at=merge_plan.at,
            by=merge_plan.by,
            action="contact.merged",
            subject=merge_plan.survivor.id,
            data=_merge_event_data(merge_plan),
        )
        # The snapshot's head is outdated from here on: the next entry follows this one.
        head = entry.head
        entries.append(entry)
    return tuple(entries)


def _merge_event_data(merge_plan: MergePlanResult) -> dict[str, object]:
    # Ids only: webhooks and the audit log get this, and personal values must not reach them (P4).
    joined = {"joined": True} if merge_plan.joined_by is not None else {}
    return {"merge_id": merge_plan.merge_id, "absorbed_id": merge_plan.absorbed.id, "rule": merge_plan.rule, **joined}
