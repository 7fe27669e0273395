"""Read access to apps, for servers with an API key."""

from __future__ import annotations

from hullo.api.authentication import require_api_key
from hullo.api.openapi.operation import by_key, operation
from hullo.api.request import Request
from hullo.api.schemas import CALL_COUNT_DAYS, AppResponse
from hullo.asgi.response import Response, json_response
from hullo.errors import Forbidden, UnknownApp
from hullo.model.app import ApiKey, App, AppId, Scope


@operation(
    "Read an app",
    description="And how many of its identify calls are signed.",
    security=by_key(Scope.READ),
    answers=AppResponse,
    leads_to=("check_identify",),
    refusals=(UnknownApp,),
)
async def read_app(request: Request) -> Response:
    """`GET /v1/apps/{id}`"""
    app = await load_app(request, await require_api_key(request, Scope.READ), request.path_id)
    hullo = request.runtime.hullo
    counts = await request.runtime.read(lambda _: hullo.call_counts(app.app_key, CALL_COUNT_DAYS))
    return json_response(AppResponse.of(app, counts))


async def load_app(request: Request, key: ApiKey, app_id: AppId) -> App:
    """Load an app of the key's workspace. Raises `UnknownApp`, and `Forbidden` for another app than the key's."""
    app = await request.runtime.read(lambda store: store.find_app(app_id))
    # An app of another workspace is as unknown as one that does not exist.
    if app is None or app.workspace_id != key.workspace_id:
        raise UnknownApp
    # This says that the app exists: it is of the key's own workspace, so that is no secret.
    if key.app_id not in {None, app.id}:
        raise Forbidden("this API key belongs to another app")
    return app
