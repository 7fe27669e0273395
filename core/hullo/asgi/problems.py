"""Errors as responses in `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType
from starlette.exceptions import HTTPException

from hullo.asgi.json import encode
from hullo.asgi.response import PROBLEM_JSON, Header, Response
from hullo.errors import Conflicting, HulloError, Invalid, NoIdentifier, ProofRejected, Rejection, StoreUnavailable
from hullo.value import Value

_log = logging.getLogger("hullo.asgi")

_PROOF_REJECTED: Final = "the proof that was sent is not valid for this call; nothing was written"
"""The same for every fault and every person (V7)."""
_STORE_UNAVAILABLE: Final = "the database cannot be used at the moment; try again. The server's log says why"
"""The same for every fault: the detail names the file or the server, and is for the operator."""
_INTERNAL: Final = "something unexpected went wrong here; the log tells more under this answer's X-Request-Id"

_CODES: Final = {
    401: "session_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    422: "invalid",
    429: "rate_limited",
    503: "unavailable",
}


class Problem(Value, kw_only=True, forbid_unknown_fields=True):
    """RFC 9457."""

    type: Annotated[str, Meta(extra_json_schema={"const": "about:blank"})] = "about:blank"
    title: str
    status: int
    detail: Annotated[str, Meta(description="For people; it never holds personal data.")]
    code: Annotated[str, Meta(description="For programs: it does not change.")]
    errors: Annotated[tuple[Rejection, ...] | UnsetType, Meta(description="Which fields are wrong.")] = UNSET
    other_id: Annotated[
        str | UnsetType, Meta(description="The other contact of a conflict, for an API key: the two can be merged.")
    ] = UNSET


def error_response(error: Exception, request_id: str) -> Response:
    """Convert an error to a response. An unexpected error is logged, and its response has no detail."""
    # A 500 that no retry cures is a fault of the server: its detail is for the operator and not for the caller.
    if isinstance(error, HulloError) and (error.status < 500 or error.retry_after is not None):
        return _hullo_error_response(error)
    if isinstance(error, HTTPException):
        return _http_exception_response(error)
    # The type alone, since a message may quote a person's data (P4); hullo's own sentences never do.
    reason = error.detail if isinstance(error, HulloError) else type(error).__name__
    _log.error("request %s failed: %s", request_id, reason)
    # At debug level only: a traceback may quote personal values (P4).
    _log.debug("request %s", request_id, exc_info=error)
    return problem_response(500, HulloError.title, _INTERNAL, HulloError.code)


def problem_response(
    status: int,
    title: str,
    detail: str,
    code: str,
    *,
    rejected: Sequence[Rejection] = (),
    other_id: str | None = None,
    headers: tuple[Header, ...] = (),
) -> Response:
    """Build the response of one problem."""
    problem = Problem(
        title=title,
        status=status,
        detail=detail,
        code=code,
        errors=tuple(rejected) if rejected else UNSET,
        other_id=UNSET if other_id is None else other_id,
    )
    return Response(body=encode(problem), status=status, content_type=PROBLEM_JSON, headers=headers)


def _hullo_error_response(error: HulloError) -> Response:
    return problem_response(
        error.status,
        error.title,
        _public_detail(error),
        error.code,
        rejected=error.rejected if isinstance(error, (Invalid, NoIdentifier)) else (),
        other_id=error.other_id if isinstance(error, Conflicting) else None,
        headers=() if error.retry_after is None else ((b"retry-after", b"%d" % error.retry_after),),
    )


def _public_detail(error: HulloError) -> str:
    # The detail of a rejected proof names the mistake, which is for the log alone (V7, V8).
    if isinstance(error, ProofRejected):
        return _PROOF_REJECTED
    return _STORE_UNAVAILABLE if isinstance(error, StoreUnavailable) else error.detail


def _http_exception_response(error: HTTPException) -> Response:
    """Convert an exception of Starlette, from a plugin's route."""
    # A route may raise any number as its status, and `HTTPStatus` raises for one that it does not know.
    known = error.status_code in HTTPStatus.__members__.values()
    title = HTTPStatus(error.status_code).phrase if known else "Error"
    # ASGI takes header names in lower case, as bytes.
    headers = tuple(
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (error.headers or {}).items()
    )
    code = _CODES.get(error.status_code, "bad_request" if error.status_code < 500 else HulloError.code)
    return problem_response(error.status_code, title, error.detail, code, headers=headers)
