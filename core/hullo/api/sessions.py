"""Sessions of visitors over HTTP: join, reset, me (rules S)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from hullo.api.bodies import Envelope, JoinBody
from hullo.api.openapi.operation import ANY_CALLER, VISITOR, operation
from hullo.api.request import Request
from hullo.api.reservations import reserve_session
from hullo.api.schemas import JoinedResponse, MeResponse
from hullo.asgi.response import Response, json_response
from hullo.asgi.scope import bearer_token
from hullo.errors import ConsentRequired
from hullo.model.app import App
from hullo.model.conversation import Conversation
from hullo.model.instant import Instant
from hullo.model.visitor import Session
from hullo.operations.sessions.open_session import OpenSession
from hullo.rules.hop_targets import HopTarget, hop_domains
from hullo.store.protocol import Page, PageRequest, Store
from hullo.value import Value


@operation(
    "Begin a session, or go on with it",
    description="Without a session that is still good, a new visitor begins.",
    security=ANY_CALLER,
    answers=JoinedResponse,
    body=JoinBody,
    needs_body=False,
    beacon=True,
    leads_to=("block_visitor", "unblock_visitor"),
    leads_by="visitor_id",
)
async def join(request: Request) -> Response:
    """`POST /v1/join`"""
    return await _open_from_body(request, "join")


@operation(
    "Log out",
    description="Ends the session for good, and a new visitor begins. May be repeated.",
    security=ANY_CALLER,
    answers=JoinedResponse,
    body=JoinBody,
    needs_body=False,
    beacon=True,
)
async def reset(request: Request) -> Response:
    """`POST /v1/reset` (S2)"""
    return await _open_from_body(request, "reset")


@operation(
    "Who the visitor is",
    security=VISITOR,
    answers=MeResponse,
)
async def me(request: Request) -> Response:
    """`GET /v1/me`"""
    session_update = await request.runtime.run(await request.resume_session())
    return json_response(MeResponse.of(session_update.session, await _load_app(request)))


async def _open_from_body(request: Request, verb: Literal["join", "reset"]) -> Response:
    raw = await request.body()
    # All inputs may come as headers; then an empty body is valid.
    is_in_headers = request.app_key is not None or bearer_token(request.headers) is not None
    opened = await open_session(
        request, verb, Envelope() if not raw and is_in_headers else JoinBody.parse(raw, request.limits)
    )
    return opened.response


class OpenedSession(Value):
    """Response to a join or reset."""

    response: Response
    history_until: Instant = 0
    """Time of the last message in the listed conversations; 0 without any."""


async def open_session(request: Request, verb: Literal["join", "reset"], envelope: Envelope) -> OpenedSession:
    """Open a visitor's session; return the anonymous response if consent is missing."""
    caller = await request.resolve_caller(envelope)
    # A join with a token makes a session too, when that one has ended: only the result tells.
    reservation = await reserve_session(request, creates_session=verb == "reset" or caller.session is None)
    operation = OpenSession(
        verb=verb,
        app_key=caller.app_key,
        session_digest=caller.session,
        origin=request.foreign_origin,
        context=request.context,
        consent=envelope.consent,
    )
    try:
        session_update = await reservation.finish(request.runtime.run(reservation.guard(operation)))
    # No error: the widget shows itself before the visitor agrees, and nothing is stored.
    except ConsentRequired:
        return OpenedSession(response=await anonymous_response(request))
    conversations: tuple[Conversation, ...] = ()
    # None: the session goes on. A new one, of a new visitor, has no conversation yet.
    if session_update.token is None:
        conversations = (await list_visible_conversations(request, session_update.session, PageRequest())).items
    # The token of a session that goes on is sent again: the lifetime of its cookie starts anew (S3).
    token, headers = request.session_delivery(session_update.token or caller.token)
    app, limits = await _load_app(request), request.runtime.hullo.settings.limits
    domains = hop_domains(app, await _hop_targets(request, app), request.origin)
    joined = JoinedResponse.of(session_update.session, token, conversations, app, limits, domains)
    response = json_response(joined, headers)
    return OpenedSession(
        response=response,
        history_until=max((conversation.last_message_at for conversation in conversations), default=0),
    )


async def anonymous_response(request: Request) -> Response:
    """Build the response without a session. Removes a session cookie."""
    joined = JoinedResponse.anonymous(await _load_app(request), request.runtime.hullo.settings.limits)
    return json_response(joined, request.clear_session_cookie())


async def _load_app(request: Request) -> App:
    apps = request.runtime.hullo.executor.apps
    app = apps.cached(request.app_key)  # the version that the call was decided with
    return app if app is not None else await request.runtime.read(lambda _: apps.find(request.app_key))


async def _hop_targets(request: Request, app: App) -> Sequence[HopTarget]:
    runtime = request.runtime

    async def load() -> Sequence[App]:
        return await runtime.read(lambda store: store.list_apps())

    return await runtime.hop_targets.find(app.workspace_id, request.context.now, load)


async def list_visible_conversations(request: Request, session: Session, page: PageRequest) -> Page[Conversation]:
    """List the conversations that the session may see (H1)."""
    return await request.runtime.read(partial(_find_visible_conversations, session, page))


def _find_visible_conversations(session: Session, page: PageRequest, store: Store) -> Page[Conversation]:
    # Below proven, a session sees its own conversations alone (H1).
    contact = session.contact_id if session.is_proven else None
    return store.list_visible_conversations(session.visitor_id, session.app_id, contact, page)
