"""The problems that answers may tell, and when they do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec

from hullo.api.openapi.notation import Schema, ref
from hullo.asgi.problems import Problem
from hullo.asgi.response import PROBLEM_JSON
from hullo.errors import (
    BadOrigin,
    BadRequest,
    Blocked,
    Conflicting,
    ConsentRequired,
    Forbidden,
    HulloError,
    Invalid,
    KeyRequired,
    MethodNotAllowed,
    NoIdentifier,
    NotFound,
    ProofRejected,
    ProofRequired,
    RateLimited,
    SessionRequired,
    SessionRevoked,
    TooLarge,
    Unavailable,
    UnknownApp,
)

Refusal = type[HulloError]

WHEN: Final[Mapping[Refusal, str]] = {
    BadRequest: "The body is not the JSON object that is expected.",
    NoIdentifier: "Nothing in the call names a person: send an `external_id` or an `email`.",
    ProofRejected: "The proof that was sent is not valid for this call. What is wrong with it is not said.",
    ProofRequired: "The app takes signed calls only.",
    SessionRevoked: "The session is over, or never was this app's: join again.",
    SessionRequired: "The call needs a visitor's session.",
    KeyRequired: "The call needs a valid API key.",
    BadOrigin: "The app does not list the origin of the page that calls.",
    Forbidden: "The API key lacks the scope, or belongs to another app.",
    Blocked: "An agent has blocked the visitor, or the contact that it proves to be.",
    ConsentRequired: "The app stores nothing of a visitor until the page sends `consent`.",
    UnknownApp: "No app has this key.",
    NotFound: "There is no such thing, or not for this caller.",
    MethodNotAllowed: "The path exists, the method does not; `Allow` tells those that do.",
    Conflicting: "The call contradicts what is stored.",
    TooLarge: "The body is over the limit.",
    Invalid: "Fields are wrong, and nothing was written; `errors` names them.",
    RateLimited: "Too many calls within a minute; nothing was written. Try again after `Retry-After`.",
    Unavailable: "Nothing was written. Try again after `Retry-After`.",
    HulloError: "A fault of the server; its log tells more under this answer's `X-Request-Id`.",
}
"""Every problem with a code of its own. The last is of no path: it should not be."""


def problem_schema() -> Schema:
    """Describe a problem, with the codes that there are."""
    schema: Schema = msgspec.json.schema(Problem)["$defs"]["Problem"]
    del schema["title"]  # it repeats the name of the class
    properties = {name: {**part} for name, part in schema["properties"].items()}
    properties["code"]["enum"] = [refusal.code for refusal in WHEN]
    properties["errors"]["items"] = ref("Fault")
    # It is always sent, although the class has a default.
    return {**schema, "properties": properties, "required": ["type", *schema["required"]]}


HEADERS: Final[Mapping[str, Schema]] = {
    "RequestId": {"description": "Names the call in the log.", "required": True, "schema": ref("RequestId")},
    "RetryAfter": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
}
REQUEST_ID: Final = {"X-Request-Id": ref("RequestId", "headers")}


def by_status(refusals: Collection[Refusal]) -> dict[str, Schema]:
    """What an operation with these refusals may answer, each status once."""
    return {str(each[0].status): ref(_name(each), "responses") for each in _group_by_status(refusals)}


def responses(several: Iterable[Collection[Refusal]]) -> dict[str, Schema]:
    """Whatever operations with these refusals refer to, by the names in the document."""
    return {_name(each): _response(each) for refusals in several for each in _group_by_status(refusals)}


def _group_by_status(refusals: Collection[Refusal]) -> list[tuple[Refusal, ...]]:
    """Those that share a status are one response."""
    # `groupby` wants neighbours; the sort is stable, so those of one status stay in the order of `WHEN`.
    in_order = sorted((each for each in WHEN if each in refusals), key=_status)
    return [tuple(group) for _, group in groupby(in_order, key=_status)]


def _status(refusal: Refusal) -> int:
    return refusal.status


def _name(together: Sequence[Refusal]) -> str:
    return "Or".join(each.__name__ for each in together)


def _response(together: Sequence[Refusal]) -> Schema:
    # Only these two say when to try again.
    waits = {"Retry-After": ref("RetryAfter", "headers")} if together[0] in {RateLimited, Unavailable} else {}
    codes = {"status": {"const": together[0].status}, "code": {"enum": [each.code for each in together]}}
    return {
        "description": " ".join(f"`{each.code}`: {WHEN[each]}" for each in together),
        "headers": {**REQUEST_ID, **waits},
        "content": {PROBLEM_JSON.decode(): {"schema": {"allOf": [ref("Problem"), {"properties": codes}]}}},
    }
