"""`hullo conversations`: list, show, reply, close, reopen and assign."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import cast

import click
from msgspec import UNSET, UnsetType, to_builtins

from hullo.api.agent_bodies import STATUSES, read_agent_name
from hullo.api.conversation_schemas import AttributedConversationResponse, AttributedMessageResponse
from hullo.application import Hullo
from hullo.cli.contact_search import CURSOR, LIMIT, WORKSPACE, more_text
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.people import app_names, display_name, get_person, get_workspace
from hullo.cli.screen import field_lines, format_time, paragraph, table, title
from hullo.errors import Invalid, NotFound
from hullo.model.contact import Contact
from hullo.model.conversation import Agent, Conversation, Message, Status
from hullo.operations.conversations.agent_messages import AgentMessage, SendAgentReply
from hullo.operations.conversations.message_records import SentMessage
from hullo.operations.conversations.update import UpdateConversation
from hullo.store.protocol import ConversationFilter, PageRequest
from hullo.store.reading import current_contact, iter_pages
from hullo.value import Value

_CONVERSATION = click.argument("conversation_id", metavar="ID")


class _Operator(Value):
    """The operator, who may act in every app. See `AgentCaller`."""

    id: str
    workspace_id: str
    writer: str
    app_id: str | None = None


@click.group("conversations")
@common_options
def conversations_group() -> None:
    """List, read and answer conversations."""


@conversations_group.command("list")
@click.option("--contact", metavar="ID|EMAIL|EXTERNAL_ID", help="Only those of this contact.")
@click.option("--app", "app_key", metavar="APP_KEY", help="Only those in this app.")
@click.option("--status", type=click.Choice(STATUSES), help="Only those in this status.")
@click.option("--assignee", metavar="AGENT", help="Only those that are assigned to this agent.")
@WORKSPACE
@LIMIT
@CURSOR
@common_options
@pass_options
def list_(
    options: CommonOptions,
    contact: str | None,
    app_key: str | None,
    status: str | None,
    assignee: str | None,
    workspace: str | None,
    limit: int,
    cursor: str | None,
) -> None:
    """List conversations, the newest first."""
    with options.open_hullo() as hullo:
        person = get_person(hullo, contact) if contact is not None else None
        home = person.workspace_id if person is not None else get_workspace(hullo, workspace).id
        # An unknown app would list nothing, and look like an app without conversations.
        if app_key is not None and app_key not in app_names(hullo):
            raise NotFound(f"no app has this key: {app_key}")
        criteria = ConversationFilter(
            workspace_id=home,
            app_id=app_key,
            contact_id=person.id if person is not None else None,
            status=cast("Status | None", status),
            assignee=assignee,
        )
        # By the store's own cursor: the operator may see every list, so it need not be bound to a caller.
        page = hullo.store.list_conversations(criteria, PageRequest(limit=limit, cursor=cursor))
        people = [_contact_of(hullo, conversation) for conversation in page.items]
    rows = [
        (
            conversation.id,
            conversation.status,
            display_name(known) if known is not None else "anonymous",
            conversation.assignee,
            format_time(conversation.last_message_at),
        )
        for conversation, known in zip(page.items, people, strict=True)
    ]
    text = table(("CONVERSATION", "STATUS", "CONTACT", "ASSIGNEE", "LAST MESSAGE"), rows) + more_text(page.next)
    items = [AttributedConversationResponse.of(conversation) for conversation in page.items]
    options.print_result({"items": items, "next": page.next}, text if items else "No conversation matches.")


@conversations_group.command()
@_CONVERSATION
@LIMIT
@common_options
@pass_options
def show(options: CommonOptions, conversation_id: str, limit: int) -> None:
    """Show a conversation and its latest messages, the newest last."""
    with options.open_hullo() as hullo:
        conversation = _get_conversation(hullo, conversation_id)
        known, apps = _contact_of(hullo, conversation), app_names(hullo)
        pages = iter_pages(lambda page: hullo.store.list_messages(conversation.id, page))
        # Read newest first, so that a long conversation is not read to its end; shown as it was written.
        messages = list(islice(pages, limit))[::-1]
    about = field_lines(
        [
            ("id", conversation.id),
            ("app", apps.get(conversation.app_id, conversation.app_id)),
            ("contact", known.id if known is not None else None),
            ("visitor", conversation.visitor_id),
            ("status", conversation.status),
            ("assignee", conversation.assignee),
            ("tags", ", ".join(sorted(conversation.tags))),
            ("begun", format_time(conversation.created_at)),
        ]
    )
    head = title(display_name(known) if known is not None else "Anonymous visitor")
    document = {
        **to_builtins(AttributedConversationResponse.of(conversation)),
        "messages": [AttributedMessageResponse.of(message) for message in messages],
    }
    options.print_result(document, "\n\n".join([f"{head}\n{about}", *_message_texts(messages)]))


@conversations_group.command()
@_CONVERSATION
@click.argument("text")
@click.option("--agent", metavar="NAME", help="Who writes. Visitors see the name.")
@common_options
@pass_options
def reply(options: CommonOptions, conversation_id: str, text: str, agent: str | None) -> None:
    """Reply in a conversation. The visitor sees it at once."""
    with options.open_hullo() as hullo:
        longest = hullo.settings.limits.message_length
        if not 0 < len(text.strip()) <= len(text) <= longest:
            raise Invalid(f"a message has 1 to {longest} characters")
        # Before the message is made: a wrong id is the usual mistake.
        conversation = _get_conversation(hullo, conversation_id)
        message = AgentMessage(text=text, client_id=None, agent=Agent(name=_agent(agent)) if agent else None)
        sent: SentMessage = hullo.executor.run(
            SendAgentReply(
                key=_operator(hullo, conversation),
                conversation_id=conversation.id,
                message=message,
                context=hullo.new_context(),
            )
        ).result
    options.print_result(AttributedMessageResponse.of(sent.message), f"Sent {sent.message.id}.")


@conversations_group.command()
@_CONVERSATION
@common_options
@pass_options
def close(options: CommonOptions, conversation_id: str) -> None:
    """Close a conversation. A new message opens it again."""
    _update(options, conversation_id, status="closed")


@conversations_group.command()
@_CONVERSATION
@common_options
@pass_options
def reopen(options: CommonOptions, conversation_id: str) -> None:
    """Open a closed conversation again."""
    _update(options, conversation_id, status="open")


@conversations_group.command()
@_CONVERSATION
@click.argument("agent", required=False)
@common_options
@pass_options
def assign(options: CommonOptions, conversation_id: str, agent: str | None) -> None:
    """Assign a conversation to AGENT, by name or email; without one, to no agent."""
    _update(options, conversation_id, assignee=_agent(agent) if agent is not None else None)


def _update(
    options: CommonOptions,
    conversation_id: str,
    *,
    status: Status | None = None,
    assignee: str | UnsetType | None = UNSET,
) -> None:
    with options.open_hullo() as hullo:
        conversation = _get_conversation(hullo, conversation_id)
        changed: Conversation = hullo.executor.run(
            UpdateConversation(
                key=_operator(hullo, conversation),
                conversation_id=conversation.id,
                status=status,
                assignee=assignee,
                context=hullo.new_context(),
                limits=hullo.settings.limits,
            )
        ).result
    # Both, whatever was changed: a closed conversation that is assigned stays closed.
    whom = f", assigned to {changed.assignee}" if changed.assignee is not None else ""
    options.print_result(AttributedConversationResponse.of(changed), f"{changed.id} is {changed.status}{whom}.")


def _get_conversation(hullo: Hullo, conversation_id: str) -> Conversation:
    # In every workspace, as an operator has just the id.
    held = (hullo.store.find_conversation(home.id, conversation_id) for home in hullo.store.list_workspaces())
    found = next((conversation for conversation in held if conversation is not None), None)
    if found is None:
        raise NotFound(f"no workspace has a conversation with this id: {conversation_id}")
    return found


def _contact_of(hullo: Hullo, conversation: Conversation) -> Contact | None:
    # Through merges: a conversation moves with its contact (L4), and may do so while this reads.
    if conversation.contact_id is None:
        return None
    return current_contact(hullo.store, conversation.workspace_id, conversation.contact_id)


def _operator(hullo: Hullo, conversation: Conversation) -> _Operator:
    # In the conversation's workspace: an operator has no home.
    return _Operator(id=hullo.operator, workspace_id=conversation.workspace_id, writer=hullo.operator)


def _agent(name: str) -> str:
    # The same rule as for bodies, told in the words of the command line.
    try:
        return read_agent_name(name)
    except ValueError as error:
        raise Invalid(f"an agent {error}") from error


def _message_texts(messages: Sequence[Message]) -> list[str]:
    # Wrapped, and escaped as all that visitors write.
    return [f"{title(f'{format_time(each.created_at)}, {_author(each)}')}\n{paragraph(each.text)}" for each in messages]


def _author(message: Message) -> str:
    # Without a name the side alone is known: an API key may name no agent.
    return message.agent.name if message.agent is not None else message.author
