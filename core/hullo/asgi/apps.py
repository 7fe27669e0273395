"""Apps, for servers with an API key: looked at, never changed."""

from __future__ import annotations

from hullo.asgi.answer import Answer, told
from hullo.asgi.exchange import Exchange
from hullo.asgi.keys import api_key
from hullo.asgi.shapes import CALL_DAYS, app_shape
from hullo.errors import Forbidden, UnknownApp
from hullo.model.app import ApiKey, App, AppId, Scope


async def read_app(exchange: Exchange) -> Answer:
    """`GET /v1/apps/{id}`"""
    app = await app_of(exchange, await api_key(exchange, Scope.READ), exchange.path_id)
    hullo = exchange.edge.hullo
    counts = await exchange.edge.read(lambda _: hullo.call_counts(app.app_key, CALL_DAYS))
    return told(app_shape(app, counts))


async def app_of(exchange: Exchange, key: ApiKey, app_id: AppId) -> App:
    """Of the key's workspace. Raises `UnknownApp`, and `Forbidden` for another one than the key is bound to."""
    app = await exchange.edge.read(lambda store: store.find_app(app_id))
    if app is None or app.workspace_id != key.workspace_id:
        raise UnknownApp
    if key.app_id not in {None, app.id}:
        raise Forbidden("this API key belongs to another app")
    return app
