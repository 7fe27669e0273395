"""The shop: a Starlette application like any other, with hullo mounted in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hullo import Hullo, IdentityMiddleware, identity_of
from hullo_plugins.demo.customers import CUSTOMERS, PLANS, find_customer
from hullo_plugins.demo.desk import Desk
from hullo_plugins.demo.login import Logins
from hullo_plugins.demo.pages import STATIC, Headers, Pages, data, text

POLICY: Final = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types hullo"
)
LOGGED_OUT: Final = '<a href="/login">Log in</a>'
LOGGED_IN: Final = (
    '<a href="/profile">{name}</a> '
    '<form id="logout" method="post" action="/logout"><button class="plain">Log out</button></form>'
)


def shop(
    hullo: Hullo,
    hosts: Sequence[str],
    *,
    app_key: str,
    url: str,
    help_centre_url: str,
    api_key: str,
    login_key: bytes,
) -> Starlette:
    """Build the site. Raises `PluginError` for a plugin's wrong route."""
    prefix = hullo.settings.prefix
    pages = Pages("shop", app_key=app_key, help_centre=help_centre_url, prefix=prefix)
    site = Shop(hullo, app_key, pages, Desk(f"{url}{prefix}/v1", api_key), Logins(login_key))
    application = Starlette(
        routes=site.routes(),
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts),
            Middleware(Headers, policy=POLICY),
            # Serves hullo under its prefix, the widget too. `identity_of` knows the visitors of this one app.
            Middleware(IdentityMiddleware, hullo=hullo, app_key=app_key),
        ],
    )
    # Starlette builds it with the first request, and a visitor would find the wrong route of a plugin.
    application.middleware_stack = application.build_middleware_stack()
    return application


class Shop:
    """The endpoints. Starlette runs those that are no coroutines in a thread, so they may block."""

    def __init__(self, hullo: Hullo, app_key: str, pages: Pages, desk: Desk, logins: Logins) -> None:
        self._hullo = hullo
        self._app_key = app_key
        self._pages = pages
        self._desk = desk
        self._logins = logins

    def routes(self) -> list[Route | Mount]:
        return [
            Route("/", self.front),
            Route("/login", self.login_page),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
            Route("/profile", self.profile),
            Route("/profile", self.change_profile, methods=["POST"]),
            Route("/who", self.who),
            Route("/who.json", self.who_json),
            Route("/desk", self.desk),
            Route("/desk.json", self.desk_json),
            Route("/desk.json", self.answer, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]

    def front(self, request: Request) -> Response:
        return self._show(request, "front", "Things for a good afternoon")

    def login_page(self, request: Request) -> Response:
        buttons = "".join(
            f'<button name="as" value="{customer.login}">{text(customer.name)} '
            f"<small>{text(customer.email)}</small></button>"
            for customer in CUSTOMERS
        )
        return self._show(request, "login", "Log in", people=buttons)

    async def log_in(self, request: Request) -> Response:
        """Log a customer in, without the password that a real shop would check here."""
        customer = find_customer((await read_form(request)).get("as", ""))
        if customer is None:
            raise HTTPException(400, "The shop has no customer with this login name.")
        response = RedirectResponse("/", 303)
        self._logins.begin(response, customer)
        return response

    async def log_out(self, request: Request) -> Response:
        """End the shop's login. The page has ended hullo's session before (`Hullo.reset`, in shop.js)."""
        await read_form(request)
        response = RedirectResponse("/", 303)
        self._logins.end(response)
        return response

    def profile(self, request: Request) -> Response:
        customer = self._logins.customer(request)
        if customer is None:
            return RedirectResponse("/login", 303)
        plans = "".join(
            f'<option value="{plan}"{" selected" if plan == customer.plan else ""}>{plan}</option>' for plan in PLANS
        )
        return self._show(
            request, "profile", "Your profile", name=text(customer.name), email=text(customer.email), plans=plans
        )

    async def change_profile(self, request: Request) -> Response:
        """Change name and plan. The next page identifies again, with the new values."""
        form = await read_form(request)
        customer = self._logins.customer(request)
        if customer is None:
            raise HTTPException(403, "Log in first.")
        response = RedirectResponse("/profile", 303)
        self._logins.begin(response, customer.with_profile(form.get("name", ""), form.get("plan", "")))
        return response

    def who(self, request: Request) -> Response:
        return self._show(request, "who", "Who am I?")

    def who_json(self, request: Request) -> Response:
        """Return what the shop and its agents know of the visitor. A browser may read this in a demo only (H2)."""
        identity = identity_of(request)
        customer, contact_id = self._logins.customer(request), identity.contact_id
        return JSONResponse(
            {
                "login": customer.login if customer else None,
                "visitor_id": identity.visitor_id,
                "contact_id": contact_id,
                "standing": identity.standing.label if identity.standing else None,
                "contact": self._desk.contact(contact_id) if contact_id else None,
                "decisions": self._desk.decisions(contact_id) if contact_id else [],
                "conversations": self._desk.conversations_of(identity) if identity.visitor_id else [],
            }
        )

    def desk(self, request: Request) -> Response:
        return self._show(request, "desk", "The agent’s desk")

    def desk_json(self, request: Request) -> Response:  # noqa: ARG002 - Starlette passes it to every endpoint
        return JSONResponse({"conversations": self._desk.conversations()})

    async def answer(self, request: Request) -> Response:
        form = await read_form(request)
        is_sent = await run_in_threadpool(self._desk.answer, form.get("conversation", ""), form.get("text", ""))
        return Response(status_code=204 if is_sent else 400)

    def _show(self, request: Request, page: str, title: str, /, **values: str) -> Response:
        customer = self._logins.customer(request)
        identity: dict[str, Any] | None = None
        if customer is not None:
            identity = customer.identity(self._hullo, self._app_key)
        return self._pages.show(
            page,
            title,
            **values,
            identity=data(identity),
            account=LOGGED_IN.format(name=text(customer.name)) if customer else LOGGED_OUT,
        )


async def read_form(request: Request) -> dict[str, str]:
    """Read the fields of a form. Raises `HTTPException` for a form on another site (CSRF)."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(403, "This form is on another site.")
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    return {name: values[-1] for name, values in fields.items()}
