"""Frames as they travel: JSON texts, flat, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import to_builtins

from hullo.api.schemas import MessageResponse
from hullo.asgi.json import encode
from hullo.asgi.response import Response
from hullo.model.conversation import ConversationId, Message
from hullo.model.strict_json import parse_object
from hullo.value import Value

_PROBLEM_FIELDS: Final = ("code", "detail", "errors")


class BadFrame(Exception):
    """Nobody understands this frame."""


class Frame(Value):
    """What a client sends. `ref` comes back in the answer; `fields` are the rest of the object."""

    kind: str
    ref: str | None
    fields: Mapping[str, Any]

    def field(self, name: str) -> str | None:
        """A field that is a text; None where it is missing. Raises `BadFrame` where it is something else."""
        value: object = self.fields.get(name)
        if not isinstance(value, str | None):
            raise BadFrame(f"{name} is no text")
        return value


def parse_frame(text: bytes) -> Frame:
    """Raises `BadFrame` for what is no JSON object with a `type`, and for a `ref` that is no text."""
    try:
        fields = parse_object(text)
    except ValueError as fault:
        raise BadFrame(str(fault)) from fault
    kind, ref = fields.pop("type", None), fields.pop("ref", None)
    if not isinstance(kind, str) or not isinstance(ref, str | None):
        raise BadFrame("a frame has a type, and may have a ref: both are texts")
    return Frame(kind=kind, ref=ref, fields=fields)


def encode_frame(kind: str, ref: str | None, content: Mapping[str, object]) -> str:
    """A frame that says this. Without a `ref` nobody has asked."""
    return encode({"type": kind, **({} if ref is None else {"ref": ref}), **content}).decode()


def response_frame(kind: str, ref: str | None, response: Response, **more: Response) -> str:
    """The answer to a call, as a frame, with the answers to other calls inside it.

    The bodies are objects that hullo has encoded itself: they are put together as they are.
    """
    parts = [encode({"type": kind, **({} if ref is None else {"ref": ref})})[:-1], b",", response.body[1:-1]]
    for name, inner in more.items():
        parts += [b",", encode(name), b":", inner.body]
    return b"".join([*parts, b"}"]).decode()


def error_frame(ref: str | None, problem: Response, about: str | None = None) -> str:
    """A refusal. The socket goes on."""
    told: dict[str, object] = msgspec.json.decode(problem.body)
    shape: dict[str, object] = {} if about is None else {"about": about}
    shape |= {name: told[name] for name in _PROBLEM_FIELDS if name in told}
    wait = dict(problem.headers).get(b"retry-after")
    return encode_frame("error", ref, shape if wait is None else {**shape, "retry_after": int(wait)})


def message_frame(conversation_id: ConversationId, message: Message, ref: str | None = None) -> str:
    """Something that was said."""
    return encode_frame(
        "message", ref, {"conversation_id": conversation_id, **to_builtins(MessageResponse.of(message))}
    )


def read_receipt_frame(conversation_id: ConversationId, ref: str | None = None) -> str:
    """The visitor has read a conversation, here or elsewhere."""
    return encode_frame("read", ref, {"conversation_id": conversation_id})
