"""Join, reset, me: a visitor's session over HTTP (rules S)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from hullo.asgi.answer import Answer, told
from hullo.asgi.exchange import Exchange
from hullo.asgi.rates.turns import attend_turn
from hullo.asgi.scope import bearer
from hullo.asgi.shapes import joined_shape, me_shape, nobody_shape
from hullo.asgi.wire import Envelope, join_body
from hullo.errors import ConsentRequired
from hullo.model.app import App
from hullo.model.conversation import Conversation
from hullo.model.instant import Instant
from hullo.model.visitor import Session
from hullo.pipeline.sessions import Attend
from hullo.store.protocol import Page, PageRequest, Store


async def join(exchange: Exchange) -> Answer:
    """`POST /v1/join`"""
    return await _begin(exchange, "join")


async def reset(exchange: Exchange) -> Answer:
    """`POST /v1/reset` (S2)"""
    return await _begin(exchange, "reset")


async def me(exchange: Exchange) -> Answer:
    """`GET /v1/me`"""
    visit = await exchange.edge.do(await exchange.resumed())
    return told(me_shape(visit.session))


async def _begin(exchange: Exchange, verb: Literal["join", "reset"]) -> Answer:
    raw = await exchange.body()
    # Everything that these calls need may stand in headers, and then there is nothing left to say in a body.
    said_in_headers = exchange.app_key is not None or bearer(exchange.headers) is not None
    attended = await attend(exchange, verb, Envelope() if not raw and said_in_headers else join_body(raw))
    return attended.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """What a visitor is answered who joins or resets."""

    answer: Answer
    listed_until: Instant = 0
    """When the last was said of all that the answer lists; 0 where it lists nothing."""


async def attend(exchange: Exchange, verb: Literal["join", "reset"], envelope: Envelope) -> Attended:
    """A visitor's session, begun or gone on with; nobody's answer where the visitor has to agree first."""
    caller = await exchange.caller(envelope)
    turn = await attend_turn(exchange, certainly=verb == "reset" or caller.session is None)
    work = Attend(
        verb=verb,
        app_key=caller.app_key,
        session=caller.session,
        origin=exchange.origin,
        moment=exchange.moment,
        consent=envelope.consent,
    )
    try:
        visit = await turn.settled(exchange.edge.do(turn.around(work)))
    except ConsentRequired:
        return Attended(answer=await nobody(exchange))
    conversations: tuple[Conversation, ...] = ()
    if visit.token is None:
        conversations = (await visible_conversations(exchange, visit.session, PageRequest())).items
    token, headers = exchange.session_told(visit.token or caller.token)
    app, limits = await _app_of(exchange), exchange.edge.hullo.settings.limits
    answer = told(joined_shape(visit.session, token, conversations, app, limits), headers)
    return Attended(answer=answer, listed_until=max((each.last_message_at for each in conversations), default=0))


async def nobody(exchange: Exchange) -> Answer:
    """What is told where there is no session, and none was begun. A cookie that held one goes."""
    shape = nobody_shape(await _app_of(exchange), exchange.edge.hullo.settings.limits)
    return told(shape, exchange.session_forgotten())


async def _app_of(exchange: Exchange) -> App:
    apps = exchange.edge.hullo.pipeline.apps
    app = apps.remembered(exchange.app_key)  # as a moment ago, when the call was decided
    return app if app is not None else await exchange.edge.read(lambda _: apps.find(exchange.app_key))


async def visible_conversations(exchange: Exchange, session: Session, page: PageRequest) -> Page[Conversation]:
    """What this session may see (H1)."""
    return await exchange.edge.read(partial(_visible, session, page))


def _visible(session: Session, page: PageRequest, store: Store) -> Page[Conversation]:
    contact = session.contact_id if session.proven else None
    return store.list_visible_conversations(session.visitor_id, session.app_id, contact, page)
