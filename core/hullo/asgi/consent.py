"""The visitor's answer to whether they may be remembered, over HTTP."""

from __future__ import annotations

from hullo.asgi.answer import Response
from hullo.asgi.exchange import Request
from hullo.asgi.sessions import anonymous_response, open_session
from hullo.asgi.wire import parse_consent_body
from hullo.pipeline.privacy.withdraw import WithdrawConsent


async def answer_consent(request: Request) -> Response:
    """`POST /v1/consent`: yes begins a session, or goes on with it; no ends it."""
    envelope, granted = parse_consent_body(await request.body())
    if granted:
        return (await open_session(request, "join", envelope)).response
    caller = await request.resolve_caller(envelope)
    await request.runtime.run(
        WithdrawConsent(
            app_key=caller.app_key,
            session_digest=caller.session,
            origin=request.origin,
            context=request.context,
        )
    )
    return await anonymous_response(request)
