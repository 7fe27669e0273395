"""Dry run of an identify with an explanation, for servers with an API key; browsers never see it (V7, V8)."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from msgspec.structs import replace

from hullo.api.apps import load_app
from hullo.api.authentication import require_api_key
from hullo.api.bodies import CheckBody
from hullo.api.openapi.operation import by_key, operation
from hullo.api.request import Request
from hullo.api.schemas import CheckedResponse
from hullo.application import Hullo
from hullo.asgi.response import Response, json_response
from hullo.engine.explain import CheckResult, check
from hullo.errors import UnknownApp
from hullo.model.app import Scope
from hullo.model.request_context import RequestContext, secret_digest


@operation(
    "Try an identify call",
    description="What would become of it, and which mistake is in its evidence. Nothing is written.",
    security=by_key(Scope.READ),
    answers=CheckedResponse,
    body=CheckBody,
    refusals=(UnknownApp,),
)
async def check_identify(request: Request) -> Response:
    """`POST /v1/apps/{id}/check`: 200 for every outcome of the call."""
    # The key first: without one a caller learns nothing, not even whether the app exists.
    key = await require_api_key(request, Scope.READ)
    app = await load_app(request, key, request.path_id)
    hullo = request.runtime.hullo
    body = CheckBody.parse(await request.person_body(), hullo.settings.limits)
    # Beside the lanes: a check asks verifiers and searches for mistakes (V8), and identifies must not wait for it.
    result = await request.runtime.run_in_thread(partial(check_call, hullo, app.app_key, body, request.context))
    return json_response(CheckedResponse.of(result))


def check_call(hullo: Hullo, app_key: str, body: CheckBody, context: RequestContext) -> CheckResult:
    """Run the body as an identify of this app, without writing. Raises `UnknownApp`."""
    token, named_app_key = body.envelope.session_token, body.envelope.app_key
    operation = hullo.identify_operation(
        body.claim,
        app_key=app_key,
        # The session is the body's, as the bearer token of this call is the API key.
        session_digest=secret_digest(token) if token is not None else None,
        context=context,
        # None: no page sends the call, so no origin is checked.
        origin=_origin(body.page) if body.page is not None else None,
        consent=body.envelope.consent,
    )
    result = check(operation, hullo.executor)
    if named_app_key in {None, app_key}:
        return result
    # Explained and not refused: the app in the path is the one that is checked.
    remark = f"The body names another app than {app_key}, and a page that sends it calls that one."
    return replace(result, remarks=(remark, *result.remarks))


def _origin(page: str) -> str:
    """Convert a page's address to its origin."""
    try:
        parts = urlsplit(page)
    except ValueError:
        # Text that is no address is the origin of no app, which the check of the origin then says.
        return page
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else page
