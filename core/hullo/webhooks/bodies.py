"""Bodies of requests about webhooks."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast

from hullo.api.openapi.notation import COUNT, Schema, listed, one_of, ref, with_description
from hullo.api.request_body import BodyField, RequestBody, checked
from hullo.model.event import EVENT_NAMES
from hullo.model.instant import DAY, SECOND, Instant
from hullo.model.limits import Limits
from hullo.webhooks.addresses import MAX_URL_LENGTH
from hullo.webhooks.admin import DEFAULT_OVERLAP

MAX_OVERLAP: Final[Instant] = 30 * DAY

# `http` too: a server in development takes it (`parse_url`).
_URL: Final[Schema] = {"type": "string", "format": "uri", "maxLength": MAX_URL_LENGTH, "pattern": "^https?://"}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in cast("list[object]", value))


def _is_overlap(value: Any) -> bool:
    # By type and not `isinstance`: `true` is an int in Python, and no number of seconds.
    return type(value) is int and 0 <= value * SECOND <= MAX_OVERLAP


def _in_microseconds(seconds: int) -> Instant:
    return seconds * SECOND


def _new_url(_: Limits) -> Schema:
    return with_description(_URL, "https, and a host that is reachable from the internet.")


def _read_url(value: object, _: Limits) -> str:
    if value is None:
        raise ValueError("is missing: where the messages are to go")
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


Events = Annotated[
    list[str] | None,
    checked(
        with_description(listed(one_of(EVENT_NAMES)), "None: all of them."),
        _are_texts,
        "must be a list of names, such as contact.updated",
    ),
]


class WebhookBody(RequestBody):
    """A new webhook."""

    url: Annotated[
        str,
        BodyField(_new_url, _read_url),
    ]
    events: Events = None
    app_id: Annotated[
        str | None,
        checked(with_description(ref("AppId"), "Of which app alone."), _is_text, "must be text"),
    ] = None


class WebhookChanges(RequestBody):
    """Changes of a webhook. None: it stays as it is."""

    summary = "What is not sent stays as it is."
    url: Annotated[str | None, checked(_URL, _is_text, "must be text")] = None
    events: Events = None


class RotateBody(RequestBody):
    """A new secret. `overlap_seconds` is in microseconds, as every duration."""

    overlap_seconds: Annotated[
        Instant,
        checked(
            with_description(COUNT, "How long the older secrets sign as well: a day, where nothing is said."),
            _is_overlap,
            f"must be a whole number from 0 to {MAX_OVERLAP // SECOND}",
            _in_microseconds,
        ),
    ] = DEFAULT_OVERLAP
