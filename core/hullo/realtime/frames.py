"""Frames as they travel: flat JSON objects in text frames, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import to_builtins

from hullo.api.person_body import size_without_custom_data
from hullo.api.schemas import ConversationResponse, MessageResponse
from hullo.asgi.json import encode
from hullo.asgi.response import Response
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.strict_json import is_clean, parse_object, parse_person
from hullo.value import Value

IDENTITY: Final = "identity"
IDENTITY_FRAMES: Final = ("join", "identify")
"""The types of frames that may have an identity."""
FRAME_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "join": frozenset({"app_key", "session_token", "consent", IDENTITY, "after"}),
    "identify": frozenset({IDENTITY}),
    "reset": frozenset({"consent"}),
    "message": frozenset({"conversation_id", "text", "client_id"}),
    "read": frozenset({"conversation_id"}),
    "ping": frozenset(),
}
"""The fields of each type of frame, beside `type` and `ref`."""
_PROBLEM_FIELDS: Final = ("code", "detail", "errors")


class BadFrame(Exception):
    """Report a frame that breaks the protocol. It closes the socket."""


class Frame(Value):
    """Hold what a client sent. `ref` comes back in the answer; `fields` are the rest of the object."""

    kind: str
    ref: str | None
    fields: Mapping[str, Any]

    def field(self, name: str) -> str | None:
        """Read a text field. None where it is missing; raises `BadFrame` where it is not a text."""
        value: object = self.fields.get(name)
        if not isinstance(value, str | None):
            raise BadFrame(f"{name} must be a text")
        return value

    def unknown_fields(self) -> list[str]:
        """List the fields that a frame of this type does not have."""
        return sorted(self.fields.keys() - FRAME_FIELDS.get(self.kind, frozenset()))

    def object_field(self, name: str) -> dict[str, object]:
        """Read an object field, as a copy. Raises `BadFrame` where it is missing or not an object."""
        value: object = self.fields.get(name)
        if not isinstance(value, dict):
            raise BadFrame(f"{name} must be an object")
        return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # keys of JSON are texts


def parse_frame(text: bytes) -> Frame:
    """Parse a frame. Raises `BadFrame` unless it is a JSON object with a `type`, and with a text for `ref` if any."""
    try:
        fields = _parse_fields(text)
    except ValueError as fault:
        raise BadFrame(str(fault)) from fault
    kind, ref = fields.pop("type", None), fields.pop("ref", None)
    if not isinstance(kind, str) or not isinstance(ref, str | None):
        raise BadFrame("a frame has a type and may have a ref; both are texts")
    return Frame(kind=kind, ref=ref, fields=fields)


def _parse_fields(text: bytes) -> dict[str, Any]:
    """Parse the object, with faults inside of an identity, which loses only the bad field (W8). Raises `ValueError`."""
    try:
        return parse_object(text)
    except ValueError:
        fields = parse_person(text)
        rest = {name: value for name, value in fields.items() if name != IDENTITY}
        # Only the fields of an identity have a reader that names the bad one.
        if fields.get("type") not in IDENTITY_FRAMES or not is_clean(rest):
            raise
        return fields


def is_too_large(frame: Frame, raw: bytes, limit: int) -> bool:
    """Return whether the text of a frame is too large, even without the custom data of its identity (W8)."""
    identity = frame.fields.get(IDENTITY)
    if len(raw) <= limit or frame.kind not in IDENTITY_FRAMES or not isinstance(identity, dict):
        return len(raw) > limit
    return size_without_custom_data(raw, cast("dict[str, object]", identity), IDENTITY) > limit


def encode_frame(kind: str, ref: str | None, content: Mapping[str, object]) -> str:
    """Encode a frame. `ref` is that of the frame it answers; None for an update."""
    return encode({"type": kind, **({} if ref is None else {"ref": ref}), **content}).decode()


def response_frame(kind: str, ref: str | None, response: Response, **more: Response) -> str:
    """Turn an HTTP response into a frame. `more` are responses to put inside it, by field name."""
    # Bodies are objects that hullo has encoded itself: joining their bytes saves decoding and encoding them again.
    parts = [encode({"type": kind, **({} if ref is None else {"ref": ref})})[:-1], b",", response.body[1:-1]]
    for name, inner in more.items():
        parts += [b",", encode(name), b":", inner.body]
    return b"".join([*parts, b"}"]).decode()


def error_frame(ref: str | None, problem: Response, about: str | None = None) -> str:
    """Turn a problem document into an error frame. `about` names the part of the frame that was refused."""
    fields: dict[str, object] = msgspec.json.decode(problem.body)
    shape: dict[str, object] = {} if about is None else {"about": about}
    shape |= {name: fields[name] for name in _PROBLEM_FIELDS if name in fields}
    # A frame has no headers, so `Retry-After` becomes a field.
    wait = dict(problem.headers).get(b"retry-after")
    return encode_frame("error", ref, shape if wait is None else {**shape, "retry_after": int(wait)})


def message_frame(conversation_id: ConversationId, message: Message, ref: str | None = None) -> str:
    """Encode a message of a conversation."""
    return encode_frame(
        "message", ref, {"conversation_id": conversation_id, **to_builtins(MessageResponse.of(message))}
    )


def conversation_frame(conversation: Conversation) -> str:
    """Encode that the status of a conversation is another one."""
    return encode_frame("conversation", None, {"conversation": to_builtins(ConversationResponse.of(conversation))})


def read_receipt_frame(conversation_id: ConversationId, ref: str | None = None) -> str:
    """Encode that the visitor has read a conversation, in this tab or another."""
    return encode_frame("read", ref, {"conversation_id": conversation_id})
