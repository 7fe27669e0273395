"""The message that a bus carries: what kind of thing was committed, and the ids that it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from hullo.model.contact import ContactId
from hullo.model.conversation import ConversationId, MessageId
from hullo.model.visitor import VisitorId
from hullo.value import Value

MAX_NOTICE_BYTES: Final = 1_000
"""How long a notice is as JSON, at most: its ids and their names."""


class Notice(Value):
    """Ask every process with open sockets to read the store again. Holds ids alone, as other systems carry it (P4).

    A `session` notice says that sessions of this visitor, or of this contact, may have ended or become another
    person's; a `message` notice, that a message was added to a conversation of this visitor, and of this contact if it
    is linked; a `read` notice, that this visitor has read the conversation; a `conversation` notice, that its status is
    another one.
    """

    # A closed set: a notice of an unknown kind does not decode, and is ignored like other foreign text.
    kind: Literal["session", "message", "read", "conversation"]
    visitor_id: VisitorId | None = None
    contact_id: ContactId | None = None
    conversation_id: ConversationId | None = None
    message_id: MessageId | None = None


# Made once, as every commit sends notices.
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Notice])


def encode_notices(notices: Sequence[Notice]) -> bytes:
    """Write notices as JSON."""
    return _encoder.encode(notices)


def decode_notices(payload: bytes | str) -> Sequence[Notice]:
    """Read what `encode_notices` wrote. Raises `ValueError` for other text: other programs may share a bus."""
    return _decoder.decode(payload)
