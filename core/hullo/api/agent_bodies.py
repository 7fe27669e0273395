"""Bodies that agents' servers send: messages, new conversations, changes of conversations, blocks."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self, cast, get_args

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from hullo.api.bodies import ClientId, MessageBody
from hullo.api.openapi.notation import Schema, fields, listed, or_null, ref, text, with_description
from hullo.api.request_body import BodyField, RequestBody, checked, choice, is_plausible_id, lines
from hullo.asgi.json import decode_object
from hullo.model.claim import CONTROL_CHARACTERS
from hullo.model.contact import ContactId
from hullo.model.conversation import Agent, Status
from hullo.model.email import is_plausible_email
from hullo.model.limits import Limits
from hullo.operations.contacts.tags import parse_tags
from hullo.operations.conversations.agent_messages import AgentMessage

AGENT_MAX_LENGTH: Final = 255
"""Of an agent's name, and of an assignee."""
REASON_MAX_LENGTH: Final = 1000
STATUSES: Final[tuple[str, ...]] = get_args(Status)


def read_agent_name(value: object) -> str:
    """Read the name or email of an agent, trimmed. Raises `ValueError` with the reason for one that is none."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a name or an email")
    # Shown in one line beside a message, and in lists.
    if len(value) > AGENT_MAX_LENGTH or CONTROL_CHARACTERS.search(value.strip()):
        raise ValueError(f"must be 1 to {AGENT_MAX_LENGTH} characters in one line")
    return value.strip()


def _read_agent(value: object, _: Limits) -> Agent:
    # A mistyped `mail` would leave the agent without an email, and tell no one.
    if not isinstance(value, dict) or value.keys() - {"name", "email"}:
        raise ValueError('must be an object with name and perhaps email, such as {"name": "Ada"}')
    said = cast("dict[str, Any]", value)
    # Checked by form alone, as that of a visitor: no mail is sent to it.
    email = said.get("email")
    if email is not None and not (isinstance(email, str) and is_plausible_email(email.strip())):
        raise ValueError("the email is not an email address")
    return Agent(name=read_agent_name(said.get("name")), email=None if email is None else read_agent_name(email))


def _agent_schema(_: Limits) -> Schema:
    return with_description(
        fields(
            {
                "name": text(AGENT_MAX_LENGTH, "In one line. Visitors see it.", pattern=r"\S"),
                "email": or_null(text(AGENT_MAX_LENGTH, "For agents.", format="email")),
            },
            required=("name",),
        ),
        "The person in whose name the API key speaks.",
    )


class AgentMessageBody(RequestBody, kw_only=True):
    """An agent's reply."""

    text: Annotated[str, lines("message_length")]
    client_id: ClientId | None = None
    agent: Annotated[Agent | None, BodyField(_agent_schema, _read_agent)] = None

    def message(self) -> AgentMessage:
        """Return the message in the body."""
        return AgentMessage(text=self.text, client_id=self.client_id, agent=self.agent)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and is_plausible_id(value)


class AgentFirstMessageBody(AgentMessageBody, kw_only=True):
    """An agent begins a conversation. `app` None: in the key's app, or the only one."""

    contact_id: Annotated[
        ContactId,
        checked(
            with_description(ref("ContactId"), "The contact to write to."),
            _is_id,
            "must be the id of the contact to write to",
        ),
    ]
    app: Annotated[
        str | None,
        checked(
            with_description(ref("AppId"), "Whose widget shows it, where the workspace has several apps."),
            _is_id,
            "must be the key of the app whose widget shows the conversation",
        ),
    ] = None


# One schema for two callers: OpenAPI cannot make a body depend on the credential.
class ReplyBody(RequestBody):
    """A message: the visitor's, or with an API key an agent's."""

    @classmethod
    def described(cls, limits: Limits) -> Schema:
        """Describe the body in the OpenAPI document."""
        # Never parsed: which of the two it is, the caller's credential says.
        return {"anyOf": [MessageBody.described(limits), AgentMessageBody.described(limits)]}


class FirstMessageBody(RequestBody):
    """The first message of a conversation: the visitor's, or with an API key an agent's."""

    @classmethod
    def described(cls, limits: Limits) -> Schema:
        """Describe the body in the OpenAPI document."""
        return {"anyOf": [MessageBody.described(limits), AgentFirstMessageBody.described(limits)]}


def _read_tags(value: object, limits: Limits) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list, of all tags that the conversation is to have")
    return parse_tags(cast("list[object]", value), limits)


def _tags_schema(limits: Limits) -> Schema:
    tag = text(limits.tag_length, "White space around it does not count; upper and lower case do.", pattern=r"\S")
    return with_description(listed(tag), "All of them: a tag that is not in the list goes.")


def _assignee_schema(_: Limits) -> Schema:
    return text(AGENT_MAX_LENGTH, "The agent who takes care of it, by name or email. null: no agent.")


def _read_assignee(value: object, _: Limits) -> str:
    return read_agent_name(value)


class ConversationBody(RequestBody):
    """What is to change of a conversation; what is not sent stays."""

    status: Annotated[Status | None, choice(STATUSES, "A new message opens it again.")] = None
    assignee: Annotated[
        str | UnsetType | None,
        BodyField(_assignee_schema, _read_assignee),
    ] = UNSET
    tags: Annotated[tuple[str, ...] | None, BodyField(_tags_schema, _read_tags)] = None

    @classmethod
    def parse(cls, raw: bytes, limits: Limits) -> Self:
        """Decode a body. Raises what `RequestBody.parse` does."""
        body = super().parse(raw, limits)
        # Elsewhere null is absent; here it takes the conversation from its agent.
        sent = decode_object(raw)
        return replace(body, assignee=None) if "assignee" in sent and sent["assignee"] is None else body


def _is_reason(value: object) -> bool:
    return (
        isinstance(value, str)
        and bool(value.strip())
        and len(value) <= REASON_MAX_LENGTH
        and not CONTROL_CHARACTERS.search(value)
    )


class BlockBody(RequestBody):
    """A block, or its end."""

    reason: Annotated[
        str | None,
        checked(
            text(
                REASON_MAX_LENGTH,
                "For agents, and for the audit log, which is never erased: write nothing personal.",
                pattern=r"\S",
            ),
            _is_reason,
            f"must be text of 1 to {REASON_MAX_LENGTH} characters in one line",
        ),
    ] = None
