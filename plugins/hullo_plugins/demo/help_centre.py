"""The help centre: another site. It knows only the address of hullo's script, and an app key of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hullo_plugins.demo.pages import STATIC, Headers, Pages

ARTICLES: Final = {
    "descale": "Descaling a kettle",
    "returns": "Sending something back",
    "delivery": "When it will arrive",
}


def help_centre(hosts: Sequence[str], *, app_key: str, shop_url: str, hullo_url: str) -> Starlette:
    """Build the site. `app_key` is the help centre's own: it sees no visitor of another app."""
    pages = Pages("help", app_key=app_key, shop=shop_url, hullo=hullo_url)

    def front(request: Request) -> Response:  # noqa: ARG001 - Starlette passes it to every endpoint
        links = "".join(f'<li><a href="/articles/{name}">{title}</a></li>' for name, title in ARTICLES.items())
        return pages.show("help_front", "How can we help?", articles=links)

    def article(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ARTICLES:
            raise HTTPException(404, "The help centre has no article with this name.")
        return pages.show(f"help_{name}", ARTICLES[name])

    socket_url = shop_url.replace("http", "ws", 1)
    policy = (
        f"default-src 'self'; script-src 'self' {shop_url}; connect-src 'self' {shop_url} {socket_url}; "
        "base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return Starlette(
        routes=[
            Route("/", front),
            Route("/articles/{name}", article),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts), Middleware(Headers, policy=policy)],
    )
