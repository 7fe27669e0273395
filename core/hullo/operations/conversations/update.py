"""Changes of a conversation by an agent: status, assignee, tags."""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from hullo.model.change_set import ChangeSet, replacement
from hullo.model.conversation import Conversation, ConversationId, Status
from hullo.model.decision import Decision
from hullo.model.limits import Limits
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.operations.contacts.tags import TagChanges, require_tag_limit, tag_field_changes
from hullo.operations.conversations.message_records import add_update_event
from hullo.operations.conversations.messages import AgentCaller, require_answerable
from hullo.rules.events import EventBuilder
from hullo.value import Value


class UpdateConversation(Value):
    """Change of a conversation; what is not given stays. Without a difference nothing is written (W9)."""

    key: AgentCaller
    conversation_id: ConversationId
    context: RequestContext
    limits: Limits
    status: Status | None = None
    assignee: str | UnsetType | None = UNSET
    """None: no agent takes care of it any more."""
    tags: tuple[str, ...] | None = None
    """All that it has from then on."""
    tag_changes: TagChanges = TagChanges()
    """Applied to `tags`, or to those that it has."""

    def prepare(self, apps: Apps) -> PreparedOperation[Conversation]:  # noqa: ARG002 - the key identifies the caller
        """Build the query. The caller has checked the API key."""
        query = SnapshotQuery(workspace_id=self.key.workspace_id, app_id=None, conversations=(self.conversation_id,))
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Conversation]:
        """Change it. Raises `NotFound` as `require_answerable` does, and `Invalid` for too many tags."""
        before = require_answerable(snapshot, self.conversation_id, self.key)
        after = replace(
            before,
            status=self.status if self.status is not None else before.status,
            assignee=before.assignee if self.assignee is UNSET else self.assignee,
            tags=self._tags_after(before),
        )
        added = [tag for tag in after.tags if tag not in before.tags]
        removed = [tag for tag in before.tags if tag not in after.tags]
        # W9. The order of tags means nothing.
        if not (added or removed or before.status != after.status or before.assignee != after.assignee):
            return Decision(result=before)
        require_tag_limit(len(after.tags), len(before.tags), self.limits)
        change = replacement(before, after)
        event_builder = EventBuilder(
            # Clocks of processes differ: the event must sort after the last message.
            self.context.at_least(before.last_message_at),
            self.key.workspace_id,
            app_id=before.app_id,
            by=self.key.writer,
        )
        add_update_event(event_builder, change, tag_field_changes(added, removed))
        return Decision(result=change.after, change_set=ChangeSet(conversations=(change,), events=event_builder.events))

    def _tags_after(self, before: Conversation) -> tuple[str, ...]:
        tags = before.tags if self.tags is None else self.tags
        remaining = [tag for tag in tags if tag not in self.tag_changes.remove]
        # `dict` keeps the order in which tags were added, which a set would lose.
        return tuple(dict.fromkeys((*remaining, *self.tag_changes.add)))
