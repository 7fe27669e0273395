"""Hop tokens over HTTP (T1)."""

from __future__ import annotations

from hullo.api.bodies import parse_identity_token_body
from hullo.api.request import Request
from hullo.api.schemas import IdentityTokenResponse
from hullo.asgi.response import Response, json_response
from hullo.model.instant import SECOND
from hullo.model.token_claims import MAX_HOP_LIFETIME
from hullo.operations.sessions.issue_token import IssueToken


async def issue_token(request: Request) -> Response:
    """`POST /v1/identity-token`"""
    hullo = request.runtime.hullo
    # All inputs may come as headers, so an empty body is valid.
    body = parse_identity_token_body(await request.body() or b"{}")
    visitor = await request.resume_session(body.envelope)
    operation = IssueToken(open_session=visitor, audience=body.audience, target_origin=body.to, hooks=hullo.hooks)
    token = await request.runtime.run(operation)
    return json_response(
        IdentityTokenResponse(
            token=token, expires_in=MAX_HOP_LIFETIME // SECOND, parameter=hullo.settings.hop_parameter
        )
    )
