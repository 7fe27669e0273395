"""The shop: a Starlette application like any other, with hullo mounted in it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from apps import Addresses, Apps
from customers import PLANS, Customer, Customers
from desk import Desk
from login import Logins
from pages import STATIC, Headers, Pages, data, text
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hullo import IdentityMiddleware, identity_of

POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types hullo"
)
HOSTS = ["127.0.0.1", "localhost"]
"""No other name may lead here: a page of elsewhere could give itself one (DNS rebinding)."""

LOGGED_OUT = '<a href="/login">Log in</a>'
LOGGED_IN = (
    '<a href="/profile">{name}</a> '
    '<form id="logout" method="post" action="/logout"><button class="plain">Log out</button></form>'
)


class Shop:
    """The pages, and what they need."""

    def __init__(self, apps: Apps, here: Addresses) -> None:
        self._apps = apps
        self._customers = Customers()
        self._logins = Logins()
        self._desk = Desk(f"{here.shop}/hullo/v1", apps.api_key)
        self._pages = Pages("shop", app_key=apps.shop, help_centre=here.help_centre)

    def routes(self) -> list[Route | Mount]:
        return [
            Route("/", self.front),
            Route("/login", self.login_page),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
            Route("/profile", self.profile),
            Route("/profile", self.change_profile, methods=["POST"]),
            Route("/who", self.who),
            Route("/who.json", self.who_now),
            Route("/desk", self.desk),
            Route("/desk.json", self.desk_now),
            Route("/desk.json", self.answer, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]

    def front(self, request: Request) -> Response:
        return self._show(request, "front", "Things for a good afternoon")

    def login_page(self, request: Request) -> Response:
        people = "".join(
            f'<button name="as" value="{each.login}">{text(each.name)} <small>{text(each.email)}</small></button>'
            for each in self._customers.all()
        )
        return self._show(request, "login", "Log in", people=people)

    async def log_in(self, request: Request) -> Response:
        customer = self._customers.find((await form_of(request)).get("as"))
        if customer is None:
            raise HTTPException(400, "nobody here has this login")
        answer = RedirectResponse("/", 303)
        self._logins.begin(answer, customer.login)
        return answer

    async def log_out(self, request: Request) -> Response:
        """The page has told hullo already (`Hullo.reset`, in shop.js)."""
        await form_of(request)
        answer = RedirectResponse("/", 303)
        self._logins.end(answer)
        return answer

    def profile(self, request: Request) -> Response:
        customer = self._customer(request)
        if customer is None:
            return RedirectResponse("/login", 303)
        plans = "".join(
            f'<option value="{plan}"{" selected" if plan == customer.plan else ""}>{plan}</option>' for plan in PLANS
        )
        return self._show(
            request, "profile", "Your profile", name=text(customer.name), email=text(customer.email), plans=plans
        )

    async def change_profile(self, request: Request) -> Response:
        """The page that follows identifies again, with what has changed."""
        form = await form_of(request)
        customer = self._customer(request)
        if customer is None:
            raise HTTPException(403, "log in first")
        customer.change(form.get("name", ""), form.get("plan", ""))
        return RedirectResponse("/profile", 303)

    def who(self, request: Request) -> Response:
        return self._show(request, "who", "Who am I?")

    def who_now(self, request: Request) -> Response:
        """What everybody knows of whoever asks. No browser is told what agents see, outside of a demo (H2)."""
        identity = identity_of(request)
        customer, contact_id = self._customer(request), identity.contact_id
        return JSONResponse(
            {
                "login": customer.login if customer else None,
                "visitor_id": identity.visitor_id,
                "contact_id": contact_id,
                "standing": identity.standing.label if identity.standing else None,
                "contact": self._desk.contact(contact_id) if contact_id else None,
                "decisions": self._desk.decisions(contact_id) if contact_id else [],
            }
        )

    def desk(self, request: Request) -> Response:
        return self._show(request, "desk", "The agent’s desk")

    def desk_now(self, request: Request) -> Response:  # noqa: ARG002 - Starlette hands it in
        return JSONResponse({"conversations": self._desk.conversations()})

    async def answer(self, request: Request) -> Response:
        form = await form_of(request)
        said = await run_in_threadpool(self._desk.answer, form.get("conversation", ""), form.get("text", ""))
        return Response(status_code=204 if said else 400)

    def _customer(self, request: Request) -> Customer | None:
        return self._customers.find(self._logins.login_of(request))

    def _show(self, request: Request, page: str, title: str, /, **values: str) -> Response:
        customer = self._customer(request)
        identity: dict[str, Any] | None = None
        if customer is not None:
            identity = customer.identity(self._apps.hullo, self._apps.shop)
        return self._pages.show(
            page,
            title,
            **values,
            identity=data(identity),
            account=LOGGED_IN.format(name=text(customer.name)) if customer else LOGGED_OUT,
        )


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form on one of our own pages. From elsewhere nobody is logged in or out, or answered (CSRF)."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(403, "this form is on another site")
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    return {name: values[-1] for name, values in fields.items()}


def shop(apps: Apps, here: Addresses) -> Starlette:
    return Starlette(
        routes=Shop(apps, here).routes(),
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS),
            Middleware(Headers, policy=POLICY),
            # Serves hullo under /hullo, the widget too. Whose visitor somebody is, is said for this app alone.
            Middleware(IdentityMiddleware, hullo=apps.hullo, app_key=apps.shop),
        ],
    )
