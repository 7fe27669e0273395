"""Hop tokens over HTTP (T1)."""

from __future__ import annotations

from hullo.api.bodies import IdentityTokenBody
from hullo.api.openapi.operation import VISITOR_WITH_BODY, operation
from hullo.api.request import Request
from hullo.api.schemas import IdentityTokenResponse
from hullo.asgi.response import Response, json_response
from hullo.errors import Conflicting, NotFound
from hullo.model.instant import SECOND
from hullo.model.token_claims import MAX_HOP_LIFETIME
from hullo.operations.sessions.issue_token import IssueToken


@operation(
    "Take the identity to another site",
    description="Makes a token for the other site's address. It is good once, in one app, for minutes. With "
    "`to` that is the app which lists the origin: the visitor's own, or else the oldest of its workspace; "
    "`not_found` where none does. An anonymous visitor has no identity to take along: `conflict`.",
    security=VISITOR_WITH_BODY,
    answers=IdentityTokenResponse,
    body=IdentityTokenBody,
    needs_body=False,
    beacon=True,
    refusals=(
        Conflicting,
        NotFound,
    ),
)
async def issue_token(request: Request) -> Response:
    """`POST /v1/identity-token`"""
    hullo = request.runtime.hullo
    # All inputs may come as headers, so an empty body is valid.
    body = await request.parse_optional(IdentityTokenBody)
    visitor = await request.resume_session(body)
    operation = IssueToken(open_session=visitor, audience=body.audience, target_origin=body.to, hooks=hullo.hooks)
    token = await request.runtime.run(operation)
    return json_response(
        IdentityTokenResponse(
            token=token, expires_in=MAX_HOP_LIFETIME // SECOND, parameter=hullo.settings.hop_parameter
        )
    )
