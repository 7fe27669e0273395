"""HTTP responses, and sending them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.types import Send

from hullo.asgi.json import encode
from hullo.value import Value

JSON: Final = b"application/json"
PROBLEM_JSON: Final = b"application/problem+json"

NO_CONTENT: Final = 204
"""Has no content type and no length (RFC 9110 §15.3.5)."""

Header = tuple[bytes, bytes]

_ON_EVERY_ANSWER: Final[tuple[Header, ...]] = (
    # Responses hold session tokens and personal data, which no cache may keep.
    (b"cache-control", b"no-store"),
    # Stored text must not be run as a script, whatever it looks like to a browser.
    (b"x-content-type-options", b"nosniff"),
)


class Response(Value):
    """Response with status, body, and headers beside the common ones."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[Header, ...] = ()
    request_id: str | None = None
    """Id of an earlier request whose response this repeats; None otherwise."""


def json_response(content: Value | Mapping[str, object], headers: tuple[Header, ...] = ()) -> Response:
    """Make a success with this body."""
    return Response(body=encode(content), headers=headers)


async def send_response(response: Response, request_id: str, headers: tuple[Header, ...], send: Send) -> None:
    """Send a response without Starlette's `Response`, which costs as much as deciding a call that changes nothing."""
    all_headers = [
        # A repeat has the id of the first call, which is the one that the log and the decision name.
        (b"x-request-id", (response.request_id or request_id).encode()),
        *_ON_EVERY_ANSWER,
        *response.headers,
        *headers,
    ]
    if response.status != NO_CONTENT:
        # The one status without content (RFC 9110 §15.3.5): a length would be a protocol error.
        all_headers.append((b"content-type", response.content_type))
        all_headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": all_headers})
    await send({"type": "http.response.body", "body": response.body})
