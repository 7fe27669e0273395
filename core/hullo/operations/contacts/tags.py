"""Tags: names that sort people and conversations, put there and taken away by servers and agents."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from hullo.errors import Invalid, NotFound, Rejection
from hullo.model.app import ApiKey
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.claim import CONTROL_CHARACTERS
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId
from hullo.model.decision import Decision
from hullo.model.event import FieldChange
from hullo.model.fact import Fact
from hullo.model.limits import Limits
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.operations.conversations.messages import is_answerable_with
from hullo.rules.events import EventBuilder
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value

TAGS_FIELD = "tags"
"""What the field is called in events and faults."""


class TagChanges(Value):
    """What is to be there, and what is not. What is so already stays as it is (W9)."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class TagContact(Value):
    """A person is given tags, or loses some."""

    contact_id: ContactId
    workspace_id: str
    app_id: str | None
    writer: str
    changes: TagChanges
    context: RequestContext
    limits: Limits

    def prepare(self, apps: Apps) -> PreparedOperation[Contact]:  # noqa: ARG002 - no app is asked
        """Refuses nothing: the key was checked by whoever took the call."""
        query = SnapshotQuery(workspace_id=self.workspace_id, app_id=None, contacts=(self.contact_id,))
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Contact]:
        """Raises `NotFound` and `Conflicting`, as `unabsorbed` does, and `Invalid` for too many."""
        contact = require_not_merged(snapshot, self.contact_id)
        added = [tag for tag in self.changes.add if tag not in contact.tags]
        removed = [tag for tag in self.changes.remove if tag in contact.tags]
        if not (added or removed):
            return Decision(result=contact)
        moment = self.context.at_least(contact.updated_at)
        fact = Fact(True, Standing.PROVEN, moment.now, self.writer)
        left = {tag: held for tag, held in contact.tags.items() if tag not in removed}
        tags = {**left, **dict.fromkeys(added, fact)}
        _require_tag_limit(len(tags), len(contact.tags), self.limits)
        change = replacement(contact, replace(contact, tags=tags, updated_at=moment.now))
        teller = EventBuilder(moment, self.workspace_id, app_id=self.app_id, by=self.writer)
        teller.add("contact.updated", contact.id, {"fields": [TAGS_FIELD]}, _tag_field_changes(added, removed))
        return Decision(result=change.after, change_set=ChangeSet(contacts=(change,), events=teller.events))


class TagConversation(Value):
    """A conversation is given tags, or loses some."""

    key: ApiKey
    conversation_id: ConversationId
    changes: TagChanges
    limits: Limits

    def prepare(self, apps: Apps) -> PreparedOperation[Conversation]:  # noqa: ARG002 - the key says who is calling
        """Refuses nothing: the key was checked by whoever took the call."""
        query = SnapshotQuery(workspace_id=self.key.workspace_id, app_id=None, conversations=(self.conversation_id,))
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Conversation]:
        """Raises `NotFound` for a conversation of another workspace, or of another app than the key's, and `Invalid`
        for too many."""
        known = snapshot.conversations.get(self.conversation_id)
        if known is None or not is_answerable_with(known, self.key):
            raise NotFound("no such conversation")
        left = [tag for tag in known.tags if tag not in self.changes.remove]
        tags = tuple(dict.fromkeys((*left, *self.changes.add)))
        if tags == known.tags:
            return Decision(result=known)
        _require_tag_limit(len(tags), len(known.tags), self.limits)
        change = replacement(known, replace(known, tags=tags))
        return Decision(result=change.after, change_set=ChangeSet(conversations=(change,)))


def tag_field_name(tag: str) -> str:
    """How one tag is called where values are told one by one."""
    return f"{TAGS_FIELD}.{tag}"


def parse_tags(values: Sequence[object], limits: Limits) -> tuple[str, ...]:
    """Their names, trimmed, each once. Raises `Invalid` for one that is none."""
    fault = next((fault for each in values if (fault := _tag_fault(each, limits.tag_length))), None)
    if fault is not None:
        raise _invalid_tags(fault)
    return tuple(dict.fromkeys(str(each).strip() for each in values))


def _tag_fault(tag: object, max_length: int) -> str | None:
    if not isinstance(tag, str):
        return "a tag is text"
    if not 0 < len(tag.strip()) <= max_length:
        return f"a tag is 1 to {max_length} characters"
    return "a tag has no control characters" if CONTROL_CHARACTERS.search(tag.strip()) else None


def _require_tag_limit(after: int, before: int, limits: Limits) -> None:
    # Where there are too many since the limit was lowered, they may still become fewer.
    if after > max(limits.tags, before):
        raise _invalid_tags(f"there would be more than {limits.tags}")


def _tag_field_changes(added: Sequence[str], removed: Sequence[str]) -> tuple[FieldChange, ...]:
    """One for each, as the values of a timeline are plain."""
    return (
        *(FieldChange(field=tag_field_name(tag), before=True, after=None) for tag in removed),
        *(FieldChange(field=tag_field_name(tag), before=None, after=True) for tag in added),
    )


def _invalid_tags(reason: str) -> Invalid:
    return Invalid(Invalid.invalid_fields_detail, [Rejection(field=TAGS_FIELD, reason=reason)])
