"""What a merge leaves in the timeline and in the audit log."""

from __future__ import annotations

from collections.abc import Iterable

from hullo.model.audit import AuditEntry, next_entry
from hullo.model.snapshot import Snapshot
from hullo.rules.events import EventBuilder
from hullo.rules.merging.plan import MergePlanResult


def add_merge_event(merge_plan: MergePlanResult, builder: EventBuilder) -> EventBuilder:
    """The teller, once it has told of this merge: by the names of what changed, as the values are another person's if
    it is ever undone, and of apps whose keys do not read each other's."""
    builder.add(
        "contact.merged",
        merge_plan.survivor.id,
        {**_merge_event_data(merge_plan), "fields": list(merge_plan.changed_fields)},
    )
    return builder


def merge_audit_entries(merge_plans: Iterable[MergePlanResult], snapshot: Snapshot) -> tuple[AuditEntry, ...]:
    """What the audit log says of these merges, one after the other."""
    head, entries = snapshot.audit_head, list[AuditEntry]()
    for joining in merge_plans:
        assert head is not None, "the query asks where the audit log ends"
        entry = next_entry(
            head,
            workspace_id=joining.survivor.workspace_id,
            at=joining.at,
            by=joining.by,
            action="contact.merged",
            subject=joining.survivor.id,
            data=_merge_event_data(joining),
        )
        head = entry.head
        entries.append(entry)
    return tuple(entries)


def _merge_event_data(merge_plan: MergePlanResult) -> dict[str, object]:
    return {"merge_id": merge_plan.merge_id, "absorbed_id": merge_plan.absorbed.id, "rule": merge_plan.rule}
