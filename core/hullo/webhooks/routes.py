"""`/v1/webhooks`: API keys manage the webhooks of their workspace, or of the one app that the key is bound to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from hullo.api.apps import load_app
from hullo.api.authentication import require_api_key
from hullo.api.bodies import invalid_field
from hullo.api.openapi.operation import Operation
from hullo.api.openapi.route import DescribedRoute
from hullo.api.request import Request
from hullo.asgi.json import decode_object
from hullo.asgi.response import Response, json_response
from hullo.model.app import ApiKey, Scope
from hullo.model.instant import DAY, SECOND, Instant
from hullo.webhooks import openapi
from hullo.webhooks.admin import DEFAULT_OVERLAP, OpenAdmin, WebhookAdmin
from hullo.webhooks.schemas import DeletedWebhookResponse, DeliveryResponse, NewWebhookSecretResponse, WebhookResponse

T = TypeVar("T")

MAX_OVERLAP: Instant = 30 * DAY


def webhook_routes(open_admin: OpenAdmin) -> Sequence[DescribedRoute]:
    """Make the routes."""
    calls = Endpoints(open_admin)

    def route(path: str, **methods: Operation) -> DescribedRoute:
        return DescribedRoute(path, methods, openapi.SCHEMAS)

    return [
        route(
            "/v1/webhooks",
            GET=openapi.LIST_WEBHOOKS(calls.list_webhooks),
            POST=openapi.CREATE_WEBHOOK(calls.create_webhook),
        ),
        route(
            "/v1/webhooks/{id}",
            GET=openapi.READ_WEBHOOK(calls.read_webhook),
            PATCH=openapi.CHANGE_WEBHOOK(calls.change_webhook),
            DELETE=openapi.DELETE_WEBHOOK(calls.delete_webhook),
        ),
        route("/v1/webhooks/{id}/rotate", POST=openapi.ROTATE_WEBHOOK(calls.rotate_webhook)),
        route("/v1/webhooks/{id}/test", POST=openapi.TEST_WEBHOOK(calls.test_webhook)),
        route("/v1/webhooks/{id}/deliveries", GET=openapi.LIST_DELIVERIES(calls.list_deliveries)),
        route("/v1/deliveries/{id}/replay", POST=openapi.REPLAY_DELIVERY(calls.replay_delivery)),
    ]


class Endpoints:
    """Handle requests, a method an operation."""

    def __init__(self, open_admin: OpenAdmin) -> None:
        self._open_admin = open_admin

    async def list_webhooks(self, request: Request) -> Response:
        """`GET /v1/webhooks`: all of them, as there are few."""
        key = await require_api_key(request, Scope.READ)
        found = await self._run(request, key, WebhookAdmin.list_webhooks)
        # In the shape of a page, so that a client reads every list in one way.
        return json_response({"items": [WebhookResponse.of(webhook) for webhook in found], "next": None})

    async def create_webhook(self, request: Request) -> Response:
        """`POST /v1/webhooks`"""
        key = await require_api_key(request, Scope.WRITE)
        body = decode_object(await request.body())
        # A key of one app creates webhooks of that app, without having to name it.
        url, events, app_id = _read_url(body), _read_events(body), body.get("app_id") or key.app_id
        if url is None:
            raise invalid_field("url", "is missing: where the messages are to go")
        if not isinstance(app_id, str | None):
            raise invalid_field("app_id", "must be text")
        if app_id is not None:
            # Refuses an app outside of the key's reach before anything is stored.
            await load_app(request, key, app_id)
        new = await self._run(request, key, lambda admin: admin.create(key.workspace_id, url, events or (), app_id))
        return json_response(NewWebhookSecretResponse.of_new(new))

    async def read_webhook(self, request: Request) -> Response:
        """`GET /v1/webhooks/{id}`"""
        key, webhook_id = await require_api_key(request, Scope.READ), request.path_id
        return json_response(WebhookResponse.of(await self._run(request, key, lambda admin: admin.find(webhook_id))))

    async def change_webhook(self, request: Request) -> Response:
        """`PATCH /v1/webhooks/{id}`: what is not sent stays as it is."""
        key, webhook_id = await require_api_key(request, Scope.WRITE), request.path_id
        body = decode_object(await request.body())
        url, events = _read_url(body), _read_events(body)
        changed = await self._run(request, key, lambda admin: admin.change(webhook_id, url, events))
        return json_response(WebhookResponse.of(changed))

    async def delete_webhook(self, request: Request) -> Response:
        """`DELETE /v1/webhooks/{id}`"""
        key, webhook_id = await require_api_key(request, Scope.WRITE), request.path_id
        await self._run(request, key, lambda admin: admin.delete(webhook_id))
        return json_response(DeletedWebhookResponse(id=webhook_id, deleted=True))

    async def rotate_webhook(self, request: Request) -> Response:
        """`POST /v1/webhooks/{id}/rotate`. The body may be left out."""
        key, webhook_id = await require_api_key(request, Scope.WRITE), request.path_id
        overlap = _read_overlap(await request.body())
        return json_response(
            NewWebhookSecretResponse.of_new(
                await self._run(request, key, lambda admin: admin.rotate_secret(webhook_id, overlap))
            )
        )

    async def test_webhook(self, request: Request) -> Response:
        """`POST /v1/webhooks/{id}/test`: 200 also when the receiver fails."""
        key, webhook_id = await require_api_key(request, Scope.WRITE), request.path_id
        return json_response(
            DeliveryResponse.of(await self._run(request, key, lambda admin: admin.send_test(webhook_id)))
        )

    async def list_deliveries(self, request: Request) -> Response:
        """`GET /v1/webhooks/{id}/deliveries`"""
        key, webhook_id, page = await require_api_key(request, Scope.READ), request.path_id, request.page_request()
        found = await self._run(request, key, lambda admin: admin.list_deliveries(webhook_id, page))
        return json_response(request.page_response(found, DeliveryResponse.of))

    async def replay_delivery(self, request: Request) -> Response:
        """`POST /v1/deliveries/{id}/replay`"""
        key, delivery_id = await require_api_key(request, Scope.WRITE), request.path_id
        return json_response(
            DeliveryResponse.of(await self._run(request, key, lambda admin: admin.replay(delivery_id)))
        )

    async def _run(self, request: Request, key: ApiKey, call: Callable[[WebhookAdmin], T]) -> T:
        # In a worker thread, not in the store's: a call may ask a name server, or wait for the receiver.
        def answer() -> T:
            # Made for each call with the key's own scope: no route can reach beyond it.
            admin = self._open_admin(by=f"api-key:{key.id}", workspace_id=key.workspace_id, app_id=key.app_id)
            return call(admin)

        return await request.runtime.run_in_thread(answer)


def _read_url(body: dict[str, Any]) -> str | None:
    url = body.get("url")
    if not isinstance(url, str | None):
        raise invalid_field("url", "must be text")
    return url


def _read_events(body: dict[str, Any]) -> list[str] | None:
    events = body.get("events")
    if events is None:
        return None
    if not isinstance(events, list) or not all(isinstance(name, str) for name in cast("list[object]", events)):
        raise invalid_field("events", "must be a list of names, such as contact.updated")
    return cast("list[str]", events)


def _read_overlap(raw: bytes) -> Instant:
    # An empty body is no JSON, and a rotation needs none.
    if not raw:
        return DEFAULT_OVERLAP
    seconds = decode_object(raw).get("overlap_seconds")
    if seconds is None:
        return DEFAULT_OVERLAP
    # By type and not `isinstance`: `true` is an int in Python, and no number of seconds.
    if type(seconds) is not int or not 0 <= seconds * SECOND <= MAX_OVERLAP:
        raise invalid_field("overlap_seconds", f"must be a whole number from 0 to {MAX_OVERLAP // SECOND}")
    return seconds * SECOND
