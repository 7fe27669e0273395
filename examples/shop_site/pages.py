"""Pages from files, and the headers that they are sent with."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HERE = Path(__file__).parent
STATIC = HERE / "static"


def text(value: str) -> str:
    """As a page shows it, whatever letters it has."""
    return html.escape(value)


def data(value: object) -> str:
    """For a `<script type="application/json">`, which runs nothing, and which no value can end."""
    return json.dumps(value).replace("<", "\\u003c")


class Pages:
    """A site's: each in the site's `layout`, which holds `known` and the page's title and body."""

    def __init__(self, layout: str, **known: str) -> None:
        self._layout = _template(layout)
        self._known = known

    def show(self, name: str, title: str, /, **values: str) -> HTMLResponse:
        """`values` are markup already (`text`, `data`), for the page and for the layout."""
        known: Mapping[str, str] = {**self._known, **values}
        body = _template(name).substitute(known)
        return HTMLResponse(self._layout.substitute(known, title=text(title), body=body))


class Headers:
    """Says to browsers what a page may do. Answers that say so themselves, as hullo's own do, are left alone."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._said = (
            (b"cache-control", b"no-store"),
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = list(message["headers"])
                names = {name.lower() for name, _ in there}
                message = {**message, "headers": [*there, *(each for each in self._said if each[0] not in names)]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _template(name: str) -> Template:
    return Template((HERE / "pages" / f"{name}.html").read_text("utf-8"))
