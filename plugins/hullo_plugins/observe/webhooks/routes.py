"""`/v1/webhooks`: for servers with an API key, which look after those of their workspace, or of the one app that the
key is bound to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from hullo.asgi.answer import Answer, told
from hullo.asgi.apps import app_of
from hullo.asgi.endpoint import Handler
from hullo.asgi.exchange import Exchange
from hullo.asgi.keys import api_key
from hullo.asgi.openapi.operation import Operation
from hullo.asgi.openapi.route import DescribedRoute, Method
from hullo.asgi.shapes import page_shape
from hullo.asgi.wire import decode_object, wrong_field
from hullo.model.app import ApiKey, Scope
from hullo.model.instant import DAY, SECOND, Instant
from hullo_plugins.observe.webhooks import description
from hullo_plugins.observe.webhooks.book import OVERLAP, Book
from hullo_plugins.observe.webhooks.shapes import delivery_shape, new_secret_shape, webhook_shape

if TYPE_CHECKING:
    from hullo_plugins.observe.webhooks.plugin import Webhooks

T = TypeVar("T")

LONGEST_OVERLAP: Instant = 30 * DAY


def routes_of(plugin: Webhooks) -> Sequence[DescribedRoute]:
    """All paths with their methods."""
    calls = Calls(plugin)

    def route(path: str, **methods: tuple[Handler, Operation]) -> DescribedRoute:
        described = {name: Method(handler=handler, operation=each) for name, (handler, each) in methods.items()}
        return DescribedRoute(path, described, description.SCHEMAS)

    return [
        route(
            "/v1/webhooks",
            GET=(calls.list_webhooks, description.LIST_WEBHOOKS),
            POST=(calls.create_webhook, description.CREATE_WEBHOOK),
        ),
        route(
            "/v1/webhooks/{id}",
            GET=(calls.read_webhook, description.READ_WEBHOOK),
            PATCH=(calls.change_webhook, description.CHANGE_WEBHOOK),
            DELETE=(calls.delete_webhook, description.DELETE_WEBHOOK),
        ),
        route("/v1/webhooks/{id}/rotate", POST=(calls.rotate_webhook, description.ROTATE_WEBHOOK)),
        route("/v1/webhooks/{id}/test", POST=(calls.test_webhook, description.TEST_WEBHOOK)),
        route("/v1/webhooks/{id}/deliveries", GET=(calls.list_deliveries, description.LIST_DELIVERIES)),
        route("/v1/deliveries/{id}/replay", POST=(calls.replay_delivery, description.REPLAY_DELIVERY)),
    ]


class Calls:
    """One method a call. What asks a name server, or the webhook itself, is done in a thread beside the store's."""

    def __init__(self, plugin: Webhooks) -> None:
        self._plugin = plugin

    async def list_webhooks(self, exchange: Exchange) -> Answer:
        """`GET /v1/webhooks`: all of them, as there are few."""
        key = await api_key(exchange, Scope.READ)
        found = await self._ask(exchange, key, Book.webhooks)
        return told({"items": [webhook_shape(each) for each in found], "next": None})

    async def create_webhook(self, exchange: Exchange) -> Answer:
        """`POST /v1/webhooks`"""
        key = await api_key(exchange, Scope.WRITE)
        body = decode_object(await exchange.body())
        url, events, app_id = _url(body), _events(body), body.get("app_id") or key.app_id
        if url is None:
            raise wrong_field("url", "is missing: where the messages are to go")
        if not isinstance(app_id, str | None):
            raise wrong_field("app_id", "must be text")
        if app_id is not None:
            await app_of(exchange, key, app_id)
        new = await self._ask(exchange, key, lambda book: book.create(key.workspace_id, url, events or (), app_id))
        return told(new_secret_shape(new))

    async def read_webhook(self, exchange: Exchange) -> Answer:
        """`GET /v1/webhooks/{id}`"""
        key, webhook_id = await api_key(exchange, Scope.READ), exchange.path_id
        return told(webhook_shape(await self._ask(exchange, key, lambda book: book.webhook(webhook_id))))

    async def change_webhook(self, exchange: Exchange) -> Answer:
        """`PATCH /v1/webhooks/{id}`: what is not sent stays as it is."""
        key, webhook_id = await api_key(exchange, Scope.WRITE), exchange.path_id
        body = decode_object(await exchange.body())
        url, events = _url(body), _events(body)
        changed = await self._ask(exchange, key, lambda book: book.change(webhook_id, url, events))
        return told(webhook_shape(changed))

    async def delete_webhook(self, exchange: Exchange) -> Answer:
        """`DELETE /v1/webhooks/{id}`"""
        key, webhook_id = await api_key(exchange, Scope.WRITE), exchange.path_id
        await self._ask(exchange, key, lambda book: book.delete(webhook_id))
        return told({"id": webhook_id, "deleted": True})

    async def rotate_webhook(self, exchange: Exchange) -> Answer:
        """`POST /v1/webhooks/{id}/rotate`. The body may be left out."""
        key, webhook_id = await api_key(exchange, Scope.WRITE), exchange.path_id
        overlap = _overlap(await exchange.body())
        return told(new_secret_shape(await self._ask(exchange, key, lambda book: book.rotate(webhook_id, overlap))))

    async def test_webhook(self, exchange: Exchange) -> Answer:
        """`POST /v1/webhooks/{id}/test`: 200 whatever the other side says."""
        key, webhook_id = await api_key(exchange, Scope.WRITE), exchange.path_id
        return told(delivery_shape(await self._ask(exchange, key, lambda book: book.test(webhook_id))))

    async def list_deliveries(self, exchange: Exchange) -> Answer:
        """`GET /v1/webhooks/{id}/deliveries`"""
        key, webhook_id, page = await api_key(exchange, Scope.READ), exchange.path_id, exchange.page()
        found = await self._ask(exchange, key, lambda book: book.deliveries(webhook_id, page))
        return told(page_shape(found, delivery_shape))

    async def replay_delivery(self, exchange: Exchange) -> Answer:
        """`POST /v1/deliveries/{id}/replay`"""
        key, delivery_id = await api_key(exchange, Scope.WRITE), exchange.path_id
        return told(delivery_shape(await self._ask(exchange, key, lambda book: book.replay(delivery_id))))

    async def _ask(self, exchange: Exchange, key: ApiKey, question: Callable[[Book], T]) -> T:
        def answer() -> T:
            book = self._plugin.book(by=f"api-key:{key.id}", workspace_id=key.workspace_id, app_id=key.app_id)
            return question(book)

        return await exchange.edge.think(answer)


def _url(body: dict[str, Any]) -> str | None:
    url = body.get("url")
    if not isinstance(url, str | None):
        raise wrong_field("url", "must be text")
    return url


def _events(body: dict[str, Any]) -> list[str] | None:
    events = body.get("events")
    if events is None:
        return None
    if not isinstance(events, list) or not all(isinstance(name, str) for name in cast("list[object]", events)):
        raise wrong_field("events", "must be a list of names, such as contact.updated")
    return cast("list[str]", events)


def _overlap(raw: bytes) -> Instant:
    if not raw:
        return OVERLAP
    seconds = decode_object(raw).get("overlap_seconds")
    if seconds is None:
        return OVERLAP
    if type(seconds) is not int or not 0 <= seconds * SECOND <= LONGEST_OVERLAP:
        raise wrong_field("overlap_seconds", f"must be a whole number from 0 to {LONGEST_OVERLAP // SECOND}")
    return seconds * SECOND
