"""An identify tried out and explained, for servers with an API key; browsers are told nothing of this (V7, V8)."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from msgspec.structs import replace

from hullo.api.apps import load_app
from hullo.api.authentication import require_api_key
from hullo.api.bodies import CheckBody, parse_check_body
from hullo.api.request import Request
from hullo.api.schemas import CheckedResponse
from hullo.application import Hullo
from hullo.asgi.response import Response, json_response
from hullo.engine.explain import CheckResult, check
from hullo.model.app import Scope
from hullo.model.request_context import RequestContext, secret_digest


async def check_identify(request: Request) -> Response:
    """`POST /v1/apps/{id}/check`: 200 whatever would become of the call."""
    key = await require_api_key(request, Scope.READ)
    app = await load_app(request, key, request.path_id)
    hullo = request.runtime.hullo
    body = parse_check_body(await request.body(), hullo.settings.limits)
    checked = await request.runtime.run_in_thread(partial(check_call, hullo, app.app_key, body, request.context))
    return json_response(CheckedResponse.of(checked))


def check_call(hullo: Hullo, app_key: str, body: CheckBody, context: RequestContext) -> CheckResult:
    """What would become of the body, sent to this app. Raises `UnknownApp`."""
    token, named = body.envelope.session_token, body.envelope.app_key
    work = hullo.identify_operation(
        body.claim,
        app_key=app_key,
        session_digest=secret_digest(token) if token is not None else None,
        context=context,
        origin=_origin(body.page) if body.page is not None else None,
        consent=body.envelope.consent,
    )
    checked = check(work, hullo.executor)
    if named in {None, app_key}:
        return checked
    remark = f"The body names another app than {app_key}, and a page that sends it calls that one."
    return replace(checked, remarks=(remark, *checked.remarks))


def _origin(page: str) -> str:
    """As a browser sends it, which has neither path nor query."""
    try:
        parts = urlsplit(page)
    except ValueError:
        return page
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else page
