"""The help centre: another site, which knows nothing of hullo but a script's address and its own app key."""

from __future__ import annotations

from apps import Addresses
from pages import STATIC, Headers, Pages
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

ARTICLES = {"descale": "Descaling a kettle", "returns": "Sending something back", "delivery": "When it will arrive"}


def help_centre(app_key: str, here: Addresses) -> Starlette:
    """`app_key` is the help centre's own: visitors of another app are none of its business."""
    pages = Pages("help", app_key=app_key, shop=here.shop)

    def front(request: Request) -> Response:  # noqa: ARG001 - Starlette hands it in
        links = "".join(f'<li><a href="/articles/{name}">{title}</a></li>' for name, title in ARTICLES.items())
        return pages.show("help_front", "How can we help?", articles=links)

    def article(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ARTICLES:
            raise HTTPException(404, "there is no such article")
        return pages.show(f"help_{name}", ARTICLES[name])

    socket = here.shop.replace("http", "ws", 1)
    policy = (
        f"default-src 'self'; script-src 'self' {here.shop}; connect-src 'self' {here.shop} {socket}; base-uri 'none'; "
        "object-src 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return Starlette(
        routes=[
            Route("/", front),
            Route("/articles/{name}", article),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(Headers, policy=policy),
        ],
    )
