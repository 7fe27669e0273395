"""Messages of agents, through an API key: replies, and the first one of a conversation that an agent begins."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.model.app import App
from hullo.model.change_set import Change, ChangeSet, insertion
from hullo.model.contact import ContactId
from hullo.model.conversation import Agent, Conversation, ConversationId
from hullo.model.decision import Decision
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.model.visitor import Visitor
from hullo.operations.conversations.message_records import (
    Draft,
    SentMessage,
    add_message_events,
    find_repeated,
    repeat_key_of,
    with_new_message,
)
from hullo.operations.conversations.messages import AgentCaller, require_answerable
from hullo.rules.events import EventBuilder
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value


class AgentMessage(Value):
    """What an agent says. `agent` None: the API key names no agent."""

    text: str
    client_id: str | None
    agent: Agent | None

    def draft(self, writer: str) -> Draft:
        """Make the draft of a message by this writer."""
        return Draft(author="agent", by=writer, text=self.text, client_id=self.client_id, agent=self.agent)


class SendAgentReply(Value):
    """Reply of an agent in a conversation of the workspace, in the name of `writer`.

    A repeat, by `client_id`, writes nothing and returns the first message.
    """

    key: AgentCaller
    conversation_id: ConversationId
    message: AgentMessage
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[SentMessage]:  # noqa: ARG002 - the key identifies the caller
        """Build the query. The caller has checked the API key."""
        # Per key: two servers may number their messages alike.
        repeat_key = repeat_key_of(self.key.id, self.message.client_id)
        query = SnapshotQuery(
            workspace_id=self.key.workspace_id,
            app_id=self.key.app_id,
            conversations=(self.conversation_id,),
            repeat_keys=(repeat_key,) if repeat_key is not None else (),
        )
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(repeat_key, snapshot))

    def _decide(self, repeat_key: str | None, snapshot: Snapshot) -> Decision[SentMessage]:
        """Add the reply. Raises `NotFound` for a conversation of another workspace, or of another app than the
        key's."""
        # Before any write: a retry after a lost answer must not add a second message.
        repeated = find_repeated(snapshot, repeat_key, self.conversation_id)
        if repeated is not None:
            return Decision(result=repeated)
        conversation = require_answerable(snapshot, self.conversation_id, self.key)
        context = self.context.at_least(conversation.last_message_at)
        # None in records of older versions, which count as read up to the last message.
        read_at = conversation.read_at if conversation.read_at is not None else conversation.last_message_at
        change = with_new_message(conversation, context.now, read_at)
        return _sent(context, change, self.message.draft(self.key.writer), repeat_key)


class BeginConversation(Value):
    """Conversation that an agent begins with a contact, in an app.

    It has a visitor of its own, whose session no browser has: proven sessions of the contact see it (H1), at once and
    from then on, and sessions that only claim to be the contact do not (H2).
    """

    key: AgentCaller
    app: App
    contact_id: ContactId
    """The current contact, by `current_contact`."""
    message: AgentMessage
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[SentMessage]:  # noqa: ARG002 - the caller has loaded the app
        """Build the query. The caller has checked the API key, and that the app is one of the key's."""
        repeat_key = repeat_key_of(self.key.id, self.message.client_id)
        query = SnapshotQuery(
            workspace_id=self.key.workspace_id,
            app_id=None,
            contacts=(self.contact_id,),
            repeat_keys=(repeat_key,) if repeat_key is not None else (),
        )
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(repeat_key, snapshot))

    def _decide(self, repeat_key: str | None, snapshot: Snapshot) -> Decision[SentMessage]:
        """Begin the conversation. Raises `NotFound` and `Conflicting` as `require_not_merged` does."""
        # Before the contact is looked at: a repeat succeeds even if the contact was merged meanwhile.
        repeated = find_repeated(snapshot, repeat_key, None)
        if repeated is not None:
            return Decision(result=repeated)
        contact = require_not_merged(snapshot, self.contact_id)
        context = self.context.at_least(contact.updated_at)
        visitor = Visitor(id=context.new_id("vis"), app_id=self.app.id, created_at=context.now)
        conversation = Conversation(
            id=context.new_id("cnv"),
            workspace_id=self.key.workspace_id,
            app_id=self.app.id,
            visitor_id=visitor.id,
            created_at=context.now,
            last_message_at=context.now,
            # Just before its first message: the contact has not read that one.
            read_at=context.now - 1,
            contact_id=contact.id,
            # The site says who it is for, so a visitor who proves to be the contact may read it (H1).
            link_standing=Standing.PROVEN,
        )
        decision = _sent(context, insertion(conversation), self.message.draft(self.key.writer), repeat_key)
        return replace(decision, change_set=replace(decision.change_set, visitors=(visitor,)))


def _sent(
    context: RequestContext, change: Change[Conversation], draft: Draft, repeat_key: str | None
) -> Decision[SentMessage]:
    conversation = change.after
    message = draft.message(context, conversation.id, repeat_key)
    event_builder = EventBuilder(context, conversation.workspace_id, app_id=conversation.app_id, by=draft.by)
    add_message_events(event_builder, change, message)
    return Decision(
        result=SentMessage(conversation=conversation, message=message),
        change_set=ChangeSet(conversations=(change,), messages=(message,), events=event_builder.events),
    )
