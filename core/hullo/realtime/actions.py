"""What a socket's session asks its connection to do. Values only: `connection` and `handlers` carry them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

from hullo.api.bodies import Envelope
from hullo.api.request import Caller
from hullo.asgi.response import Response
from hullo.model.conversation import ConversationId, Message, MessageId
from hullo.model.instant import Instant
from hullo.model.visitor import Session
from hullo.operations.conversations.message_records import SentMessage
from hullo.realtime.close_codes import CloseFrame
from hullo.value import Value

R = TypeVar("R")


class SendFrame(Value):
    """Send this text. `message_id` is set for a message that must reach the client once only."""

    text: str
    message_id: MessageId | None = None


class SendError(Value):
    """Send an error frame, and log the error if it is unexpected. `about` names the part of the frame that failed."""

    error: Exception
    ref: str | None
    about: str | None = None


class Subscribe(Value):
    """Receive the updates of this session from now on, and of no other. None: receive none."""

    session: Session | None


class CheckSession(Value):
    """Have the registry check the session soon, without waiting for a notice."""


class Close(Value):
    """Close the socket, and log the error behind it if it is unexpected."""

    close_frame: CloseFrame
    error: Exception | None = None


class Operation(Value, Generic[R]):
    """Run this, and give the session its result, an `R`, or the error that refused it."""


class ResolveCaller(Operation[Caller]):
    """Find out which app and which session a frame names."""

    envelope: Envelope


class LoadSession(Operation[Session | None], secrets=("token",)):
    """Load the session of a token. None: it is over, or belongs to another app."""

    app_key: str | None
    token: str


class CallResult(Value, secrets=("token",)):
    """What an HTTP handler answered. `token` is that of the session to go on with; None: the call handed out none."""

    response: Response
    token: str | None
    history_until: Instant = 0
    """Time of the last message that the response lists; 0 where it lists none."""


class OpenSession(Operation[CallResult]):
    """Join or reset: open a session, or go on with the one that the envelope names."""

    verb: Literal["join", "reset"]
    envelope: Envelope


class Identify(Operation[CallResult]):
    """Run an identify call with this body."""

    envelope: Envelope
    body: Mapping[str, object]


class SendMessage(Operation[SentMessage]):
    """Send a visitor's message. `conversation_id` None begins a conversation."""

    envelope: Envelope
    body: Mapping[str, object]
    conversation_id: ConversationId | None


class MarkRead(Operation[None]):
    """Mark a conversation as read up to its last message."""

    envelope: Envelope
    conversation_id: ConversationId


class LoadMessages(Operation[Sequence[tuple[ConversationId, Message]]]):
    """Load the messages that the session may see and that are newer than the message `after`."""

    session: Session
    after: MessageId


Action = SendFrame | SendError | Subscribe | CheckSession | Close | Operation[Any]
