"""Join, reset, me: a visitor's session over HTTP (rules S)."""

from __future__ import annotations

from functools import partial
from typing import Literal

from hullo.api.bodies import Envelope, parse_join_body
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
from hullo.store.protocol import Page, PageRequest, Store
from hullo.value import Value


async def join(request: Request) -> Response:
    """`POST /v1/join`"""
    return await _open_from_body(request, "join")


async def reset(request: Request) -> Response:
    """`POST /v1/reset` (S2)"""
    return await _open_from_body(request, "reset")


async def me(request: Request) -> Response:
    """`GET /v1/me`"""
    visit = await request.runtime.run(await request.resume_session())
    return json_response(MeResponse.of(visit.session))


async def _open_from_body(request: Request, verb: Literal["join", "reset"]) -> Response:
    raw = await request.body()
    # Everything that these calls need may stand in headers, and then there is nothing left to say in a body.
    said_in_headers = request.app_key is not None or bearer_token(request.headers) is not None
    attended = await open_session(request, verb, Envelope() if not raw and said_in_headers else parse_join_body(raw))
    return attended.response


class OpenedSession(Value):
    """What a visitor is answered who joins or resets."""

    response: Response
    history_until: Instant = 0
    """When the last was said of all that the answer lists; 0 where it lists nothing."""


async def open_session(request: Request, verb: Literal["join", "reset"], envelope: Envelope) -> OpenedSession:
    """A visitor's session, begun or gone on with; nobody's answer where the visitor has to agree first."""
    caller = await request.resolve_caller(envelope)
    turn = await reserve_session(request, creates_session=verb == "reset" or caller.session is None)
    work = OpenSession(
        verb=verb,
        app_key=caller.app_key,
        session_digest=caller.session,
        origin=request.origin,
        context=request.context,
        consent=envelope.consent,
    )
    try:
        visit = await turn.finish(request.runtime.run(turn.guard(work)))
    except ConsentRequired:
        return OpenedSession(response=await anonymous_response(request))
    conversations: tuple[Conversation, ...] = ()
    if visit.token is None:
        conversations = (await list_visible_conversations(request, visit.session, PageRequest())).items
    token, headers = request.session_delivery(visit.token or caller.token)
    app, limits = await _load_app(request), request.runtime.hullo.settings.limits
    answer = json_response(JoinedResponse.of(visit.session, token, conversations, app, limits), headers)
    return OpenedSession(
        response=answer, history_until=max((each.last_message_at for each in conversations), default=0)
    )


async def anonymous_response(request: Request) -> Response:
    """What is told where there is no session, and none was begun. A cookie that held one goes."""
    joined = JoinedResponse.anonymous(await _load_app(request), request.runtime.hullo.settings.limits)
    return json_response(joined, request.clear_session_cookie())


async def _load_app(request: Request) -> App:
    apps = request.runtime.hullo.executor.apps
    app = apps.cached(request.app_key)  # as a moment ago, when the call was decided
    return app if app is not None else await request.runtime.read(lambda _: apps.find(request.app_key))


async def list_visible_conversations(request: Request, session: Session, page: PageRequest) -> Page[Conversation]:
    """What this session may see (H1)."""
    return await request.runtime.read(partial(_find_visible_conversations, session, page))


def _find_visible_conversations(session: Session, page: PageRequest, store: Store) -> Page[Conversation]:
    contact = session.contact_id if session.is_proven else None
    return store.list_visible_conversations(session.visitor_id, session.app_id, contact, page)
