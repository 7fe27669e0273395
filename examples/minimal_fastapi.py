"""A site that knows its visitors, with FastAPI: `uvicorn examples.minimal_fastapi:app`."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse

from hullo import Hullo, Identity, IdentityMiddleware, Standing, identity_of

hullo = Hullo("sqlite:///hullo.db")
with hullo:  # the middleware opens it again when the site starts
    apps = hullo.store.list_apps()
    print("app key:", apps[0].app_key if apps else hullo.create_app("Minimal").app_key, flush=True)

app = FastAPI()
app.add_middleware(IdentityMiddleware, hullo=hullo)


def visitor_of(request: Request) -> Identity:
    return identity_of(request)


@app.get("/", response_class=PlainTextResponse)
def hello(visitor: Annotated[Identity, Depends(visitor_of)]) -> str:
    name = visitor.contact_id if visitor.standing is Standing.PROVEN else visitor.visitor_id
    return f"Hello, {name or 'stranger'}."
