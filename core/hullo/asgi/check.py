"""An identify tried out and explained, for servers with an API key; browsers are told nothing of this (V7, V8)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from hullo.app import Hullo
from hullo.asgi.answer import Answer, told
from hullo.asgi.apps import app_of
from hullo.asgi.exchange import Exchange
from hullo.asgi.keys import api_key
from hullo.asgi.shapes import checked_shape
from hullo.asgi.wire import CheckBody, check_body
from hullo.model.app import Scope
from hullo.model.moment import Moment, secret_digest
from hullo.pipeline.check import Checked, check


async def check_identify(exchange: Exchange) -> Answer:
    """`POST /v1/apps/{id}/check`: 200 whatever would become of the call."""
    key = await api_key(exchange, Scope.READ)
    app = await app_of(exchange, key, exchange.path_id)
    hullo = exchange.edge.hullo
    body = check_body(await exchange.body(), hullo.settings.limits)
    checked = await exchange.edge.think(partial(checked_body, hullo, app.app_key, body, exchange.moment))
    return told(checked_shape(checked))


def checked_body(hullo: Hullo, app_key: str, body: CheckBody, moment: Moment) -> Checked:
    """What would become of the body, sent to this app. Raises `UnknownApp`."""
    token, named = body.envelope.session_token, body.envelope.app_key
    work = hullo.identifying(
        body.claim,
        app_key=app_key,
        session=secret_digest(token) if token is not None else None,
        moment=moment,
        origin=_origin(body.page) if body.page is not None else None,
        consent=body.envelope.consent,
    )
    checked = check(work, hullo.pipeline)
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
