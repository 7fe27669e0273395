"""What travels over a bus: that something was committed, and whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from hullo.model.contact import ContactId
from hullo.model.conversation import ConversationId, MessageId
from hullo.model.visitor import VisitorId
from hullo.value import Value

MAX_NOTICE_BYTES: Final = 1_000
"""No notice is longer as JSON: six ids, and what is around them."""


class Notice(Value):
    """Whoever has sockets open may have to look, and tell. By ids alone, as it passes through other systems (P4).

    A `session` notice says that sessions of this visitor, or of this contact, may have ended or become another
    person's; a `message` notice, that a message was said in a conversation of this visitor, and of this contact if it
    is linked; a `read` notice, that this visitor has read the conversation.
    """

    kind: Literal["session", "message", "read"]
    visitor_id: VisitorId | None = None
    contact_id: ContactId | None = None
    conversation_id: ConversationId | None = None
    message_id: MessageId | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Notice])


def encode_notices(notices: Sequence[Notice]) -> bytes:
    """As JSON."""
    return _encoder.encode(notices)


def decode_notices(payload: bytes | str) -> Sequence[Notice]:
    """What `encoded` made. Raises `ValueError` for anything else: a bus may be shared with whomever."""
    return _decoder.decode(payload)
