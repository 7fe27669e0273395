"""`/v1/webhooks`: API keys manage the webhooks of their workspace, or of the one app that the key is bound to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hullo.api.apps import load_app
from hullo.api.authentication import require_api_key
from hullo.api.openapi.operation import Operation
from hullo.api.openapi.route import DescribedRoute
from hullo.api.request import Request
from hullo.asgi.response import Response, json_response
from hullo.model.app import ApiKey, Scope
from hullo.webhooks import openapi
from hullo.webhooks.admin import OpenAdmin, WebhookAdmin
from hullo.webhooks.bodies import RotateBody, WebhookBody, WebhookChanges
from hullo.webhooks.schemas import DeletedWebhookResponse, DeliveryResponse, NewWebhookSecretResponse, WebhookResponse

T = TypeVar("T")


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
        return json_response({"items": WebhookResponse.of_each(found), "next": None})

    async def create_webhook(self, request: Request) -> Response:
        """`POST /v1/webhooks`"""
        key = await require_api_key(request, Scope.WRITE)
        body = await request.parse(WebhookBody)
        # A key of one app creates webhooks of that app, without having to name it.
        app_id = body.app_id or key.app_id
        if app_id is not None:
            # Refuses an app outside of the key's reach before anything is stored.
            await load_app(request, key, app_id)
        new = await self._run(
            request, key, lambda admin: admin.create(key.workspace_id, body.url, body.events or (), app_id)
        )
        return json_response(NewWebhookSecretResponse.of_new(new))

    async def read_webhook(self, request: Request) -> Response:
        """`GET /v1/webhooks/{id}`"""
        key, webhook_id = await require_api_key(request, Scope.READ), request.path_id
        return json_response(
            WebhookResponse.of_same(await self._run(request, key, lambda admin: admin.find(webhook_id)))
        )

    async def change_webhook(self, request: Request) -> Response:
        """`PATCH /v1/webhooks/{id}`: what is not sent stays as it is."""
        key, webhook_id = await require_api_key(request, Scope.WRITE), request.path_id
        body = await request.parse(WebhookChanges)
        changed = await self._run(request, key, lambda admin: admin.change(webhook_id, body.url, body.events))
        return json_response(WebhookResponse.of_same(changed))

    async def delete_webhook(self, request: Request) -> Response:
        """`DELETE /v1/webhooks/{id}`"""
        key, webhook_id = await require_api_key(request, Scope.WRITE), request.path_id
        await self._run(request, key, lambda admin: admin.delete(webhook_id))
        return json_response(DeletedWebhookResponse(id=webhook_id, deleted=True))

    async def rotate_webhook(self, request: Request) -> Response:
        """`POST /v1/webhooks/{id}/rotate`. The body may be left out."""
        key, webhook_id = await require_api_key(request, Scope.WRITE), request.path_id
        overlap = (await request.parse_optional(RotateBody)).overlap_seconds
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
