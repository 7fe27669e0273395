"""Visitors who come from another site of the same owner, with their identity in the address (T2, T3, T5)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote_plus

from starlette.types import Receive, Scope, Send

from hullo.asgi.answer import Answer, Header, send_answer
from hullo.asgi.cookie import kept_session, session_cookie
from hullo.asgi.edge import Edge
from hullo.asgi.exchange import Exchange
from hullo.asgi.identify import tell_refused
from hullo.asgi.rates.admission import count
from hullo.asgi.rates.turns import identify_turn
from hullo.errors import HulloError, SessionRevoked
from hullo.model.claim import Claim
from hullo.model.compact_token import named_audience
from hullo.model.moment import secret_digest
from hullo.model.outcome import Outcome
from hullo.model.visitor import SessionDigest
from hullo.store.protocol import Store

_log = logging.getLogger("hullo.asgi")

SEE_OTHER: Final = 303
_UNSEEN: Final[tuple[Header, ...]] = ((b"referrer-policy", b"no-referrer"),)


class Arrivals:
    """Redeems the token of a page's address before the page is asked for, and sends the browser to the clean address.

    So the token is in no page, no referrer and no script's reach. Whatever is wrong with it, the page works, and its
    visitor is whoever they were before.
    """

    def __init__(self, edge: Edge, app_key: str | None) -> None:
        """`app_key` None: the app that a token is for is the one it names, or the only one there is."""
        self._edge = edge
        self._app_key = app_key
        self._parameter = edge.hullo.settings.hop_parameter

    def expects(self, scope: Scope) -> bool:
        """Whether this is a visitor's arrival. Only what a click asks for is: nothing else is sent elsewhere."""
        query: bytes = scope.get("query_string", b"")
        return bool(query) and scope.get("method") == "GET" and any(map(self._ours, query.split(b"&")))

    async def welcome(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redeems the token and answers."""
        exchange = Exchange(self._edge, scope, receive)
        token, rest = self._split(scope["query_string"])
        headers = [*_UNSEEN, (b"location", _address(scope, rest))]
        session = await self._redeemed(exchange, token)
        if session is not None:
            headers.append(session_cookie(exchange.headers, self._edge.hullo.settings.cookie, session))
        answer = Answer(body=b"", status=SEE_OTHER, content_type=b"text/plain", headers=tuple(headers))
        await send_answer(answer, exchange.request_id, (), send)

    def _split(self, query: bytes) -> tuple[str, bytes]:
        """The first token, and the query without any."""
        pairs = query.split(b"&")
        token = next(pair for pair in pairs if self._ours(pair)).partition(b"=")[2]
        rest = b"&".join(pair for pair in pairs if not self._ours(pair))
        return unquote_plus(token.decode("latin-1")), rest

    def _ours(self, pair: bytes) -> bool:
        return unquote_plus(pair.partition(b"=")[0].decode("latin-1")) == self._parameter

    async def _redeemed(self, exchange: Exchange, token: str) -> str | None:
        """The token of the session to go on with, if it is another than before."""
        try:
            await count(exchange)
            exchange.app_key = await self._app_meant(token)
            outcome = await self._identified(exchange, token)
        except HulloError as refused:
            await tell_refused(exchange, refused)  # whoever observes logs why (T5)
            return None
        except Exception as error:
            # By its type alone, since a message may quote a person's data (P4). The page works all the same (T5).
            _log.error("an identity token could not be redeemed: %s", type(error).__name__)
            _log.debug("", exc_info=error)
            return None
        return outcome.session_token

    async def _identified(self, exchange: Exchange, token: str) -> Outcome:
        session = kept_session(exchange.scope, exchange.headers, self._edge.hullo.settings.cookie)
        try:
            return await self._identify(exchange, token, secret_digest(session) if session is not None else None)
        except SessionRevoked:
            return await self._identify(exchange, token, None)  # whoever they were here before is over

    async def _identify(self, exchange: Exchange, token: str, session: SessionDigest | None) -> Outcome:
        hullo = self._edge.hullo
        turn = await identify_turn(exchange, session, token.encode(), None)
        claim = Claim.read({"identity_token": token}, hullo.settings.limits)
        work = hullo.identifying(claim, app_key=exchange.app_key, session=session, moment=exchange.moment)
        return await turn.settled(self._edge.do(turn.around(work), verifying=True))

    async def _app_meant(self, token: str) -> str | None:
        if self._app_key is not None:
            return self._app_key
        named = named_audience(token)
        return named if named is not None else await self._edge.read(_only_app)


def _only_app(store: Store) -> str | None:
    apps = store.list_apps()
    return apps[0].app_key if len(apps) == 1 else None


def _address(scope: Mapping[str, Any], query: bytes) -> bytes:
    """The same page without the token.

    Of its own host whatever its path is: `//` at the beginning, or a backslash, would name another one.
    """
    path = "/" + quote(scope["path"], safe="/:@!$&'()*+,;=~").lstrip("/")
    rest = quote(query, safe="!$&'()*+,;=:@/?%~[]^`{}|-._<>\"\\")  # as it came, save for what no header may hold
    return f"{path}?{rest}".encode() if rest else path.encode()
