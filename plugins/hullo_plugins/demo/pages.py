"""Pages from template files, and the headers of every response."""

from __future__ import annotations

import html
import json
from pathlib import Path
from string import Template
from typing import Final

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER: Final = Path(__file__).parent
STATIC: Final = FOLDER / "static"


def text(value: str) -> str:
    """Escape a value for markup."""
    return html.escape(value)


def data(value: object) -> str:
    """Encode a value for a `<script type="application/json">`: it runs nothing, and no value can end the element."""
    return json.dumps(value).replace("<", "\\u003c")


class Pages:
    """The pages of one site, each inside the site's layout. `values` are for all of them, layout included."""

    def __init__(self, layout: str, **values: str) -> None:
        self._layout = _template(layout)
        self._values = {name: text(value) for name, value in values.items()}

    def show(self, name: str, title: str, /, **values: str) -> HTMLResponse:
        """Render a page. Its `values` are markup already (`text`, `data`), for the page and for the layout."""
        known = {**self._values, **values}
        body = _template(name).substitute(known)
        return HTMLResponse(self._layout.substitute(known, title=text(title), body=body))


class Headers:
    """Add the security headers to each response. A response that sets one itself, as hullo's own do, keeps it."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._headers = (
            (b"cache-control", b"no-store"),
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                existing = list(message["headers"])
                names = {name.lower() for name, _ in existing}
                added = [(name, value) for name, value in self._headers if name not in names]
                message = {**message, "headers": [*existing, *added]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _template(name: str) -> Template:
    return Template((FOLDER / "pages" / f"{name}.html").read_text("utf-8"))
