"""Tags on contacts, set by servers and agents, and the rules of all tags. Those of conversations are in `update`."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from hullo.errors import Invalid, Rejection
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.claim import CONTROL_CHARACTERS
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.event import FieldChange
from hullo.model.fact import Fact
from hullo.model.limits import Limits
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.rules.events import EventBuilder
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value

TAGS_FIELD = "tags"
"""Field name in events and faults."""


class TagChanges(Value):
    """Tags to add and to remove. Those already present or absent change nothing (W9)."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class TagContact(Value):
    """Change of a contact's tags."""

    contact_id: ContactId
    workspace_id: str
    app_id: str | None
    writer: str
    changes: TagChanges
    context: RequestContext
    limits: Limits

    def prepare(self, apps: Apps) -> PreparedOperation[Contact]:  # noqa: ARG002 - needs no app
        """Build the query. The caller has checked the API key."""
        query = SnapshotQuery(workspace_id=self.workspace_id, app_id=None, contacts=(self.contact_id,))
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Contact]:
        """Update the tags. Raises `NotFound` and `Conflicting` as `require_not_merged` does, and `Invalid` for too
        many."""
        contact = require_not_merged(snapshot, self.contact_id)
        # Only real differences: a tag that is there keeps who added it and when.
        added = [tag for tag in self.changes.add if tag not in contact.tags]
        removed = [tag for tag in self.changes.remove if tag in contact.tags]
        if not (added or removed):  # W9
            return Decision(result=contact)
        # Clocks of processes differ: the event must sort after the contact's last one.
        context = self.context.at_least(contact.updated_at)
        # Tags come from servers and agents only, so they are proven.
        fact = Fact(True, Standing.PROVEN, context.now, self.writer)
        remaining = {tag: held for tag, held in contact.tags.items() if tag not in removed}
        tags = {**remaining, **dict.fromkeys(added, fact)}
        # After removals and additions: replacing one tag by another works at the limit.
        require_tag_limit(len(tags), len(contact.tags), self.limits)
        change = replacement(contact, replace(contact, tags=tags, updated_at=context.now))
        event_builder = EventBuilder(context, self.workspace_id, app_id=self.app_id, by=self.writer)
        event_builder.add("contact.updated", contact.id, {"fields": [TAGS_FIELD]}, tag_field_changes(added, removed))
        return Decision(result=change.after, change_set=ChangeSet(contacts=(change,), events=event_builder.events))


def tag_field_name(tag: str) -> str:
    """Return the field name of one tag in field changes."""
    return f"{TAGS_FIELD}.{tag}"


def parse_tags(values: Sequence[object], limits: Limits) -> tuple[str, ...]:
    """Parse tags, trimmed and without duplicates. Raises `Invalid`."""
    fault = next((fault for value in values if (fault := _tag_fault(value, limits.tag_length))), None)
    if fault is not None:
        raise _invalid_tags(fault)
    # Case stays: `VIP` and `vip` may be two tags to a site.
    return tuple(dict.fromkeys(str(value).strip() for value in values))


def _tag_fault(tag: object, max_length: int) -> str | None:
    if not isinstance(tag, str):
        return "a tag is text"
    if not 0 < len(tag.strip()) <= max_length:
        return f"a tag is 1 to {max_length} characters"
    return "a tag has no control characters" if CONTROL_CHARACTERS.search(tag.strip()) else None


def require_tag_limit(after: int, before: int, limits: Limits) -> None:
    """Raise `Invalid` for too many tags."""
    # Above a limit that was lowered later, removals must still work.
    if after > max(limits.tags, before):
        raise _invalid_tags(f"there would be more than {limits.tags}")


def tag_field_changes(added: Sequence[str], removed: Sequence[str]) -> tuple[FieldChange, ...]:
    """Make one change per tag: values in a timeline are scalars."""
    return (
        *(FieldChange(field=tag_field_name(tag), before=True, after=None) for tag in removed),
        *(FieldChange(field=tag_field_name(tag), before=None, after=True) for tag in added),
    )


def _invalid_tags(reason: str) -> Invalid:
    return Invalid(Invalid.invalid_fields_detail, [Rejection(field=TAGS_FIELD, reason=reason)])
