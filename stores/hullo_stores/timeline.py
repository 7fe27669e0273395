"""Which entries a change set adds to timelines."""

from __future__ import annotations

from collections.abc import Iterator

from hullo.model.change_set import ChangeSet
from hullo.model.timeline import CONTACT_EVENT, TimelineEntry


def timeline_entries(changes: ChangeSet) -> Iterator[TimelineEntry]:
    """Yield an entry for each event that timelines show and for each event that a site reported."""
    for event in changes.events:
        if event.is_in_timeline and event.contact_id is not None:
            yield TimelineEntry(
                id=event.id,
                workspace_id=event.workspace_id,
                contact_id=event.contact_id,
                app_id=event.app_id,
                at=event.at,
                name=event.name,
                by=event.by,
                data=event.data,
                changes=event.changes,
            )
    for reported in changes.contact_events:
        yield TimelineEntry(
            id=reported.id,
            workspace_id=reported.workspace_id,
            contact_id=reported.contact_id,
            app_id=reported.app_id,
            at=reported.occurred_at,
            name=CONTACT_EVENT,
            by=reported.by,
            data={"name": reported.name, "properties": reported.properties},
        )
