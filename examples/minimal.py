"""A site that knows its visitors: `uvicorn examples.minimal:app`, or `python examples/minimal.py`."""

import os

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from hullo import Hullo, IdentityMiddleware, Standing, identity_of

hullo = Hullo("sqlite:///hullo.db")
with hullo:  # the middleware opens it again when the site starts
    apps = hullo.store.list_apps()
    print("app key:", apps[0].app_key if apps else hullo.create_app("Minimal").app_key, flush=True)


def hello(request: Request) -> PlainTextResponse:
    visitor = identity_of(request)
    # Whose contact it is, is told to a visitor that the site vouches for, and not to one that only says so.
    name = visitor.contact_id if visitor.standing is Standing.PROVEN else visitor.visitor_id
    return PlainTextResponse(f"Hello, {name or 'stranger'}.")


app = Starlette(routes=[Route("/", hello)], middleware=[Middleware(IdentityMiddleware, hullo=hullo)])

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
