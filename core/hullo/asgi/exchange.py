"""One request under hullo's prefix: its body, its query, and who sends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from starlette.types import Receive, Scope

from hullo.asgi.address import client_address
from hullo.asgi.answer import Header
from hullo.asgi.cookie import from_own_page, kept_session, no_session_cookie, session_cookie
from hullo.asgi.edge import Edge
from hullo.asgi.scope import API_KEY_PREFIX, bearer, headers_of, query_of
from hullo.asgi.wire import ID_LONGEST, Envelope, could_be_id
from hullo.errors import Invalid, NotFound, SessionRevoked, TooLarge
from hullo.model.app import ApiKey
from hullo.model.claim import Rejection
from hullo.model.moment import secret_digest
from hullo.model.visitor import Session, SessionDigest
from hullo.pipeline.sessions import Attend
from hullo.settings import SessionCookie
from hullo.store.protocol import PageRequest, Store

PAGE_LONGEST: Final = 200
NOBODY: Final = Envelope()


class ClientLeft(Exception):
    """The client hung up while it was sending: there is nobody to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A browser, as it presents itself: nothing of it is believed yet."""

    app_key: str | None
    token: str | None = field(repr=False)
    session: SessionDigest | None


class Exchange:
    """Reads what a handler asks for, when it asks.

    `app_key` is the app that the call named, once that is known; `api_key` the valid one that it presents, once the
    store was asked.
    """

    __slots__ = ("_receive", "api_key", "app_key", "edge", "headers", "moment", "request_id", "scope")

    def __init__(self, edge: Edge, scope: Scope, receive: Receive) -> None:
        self.edge = edge
        self.scope = scope
        self._receive = receive
        self.headers = headers_of(scope)
        self.moment = edge.hullo.moment()
        self.request_id = self.moment.new_id("req")
        self.app_key: str | None = self.header(b"x-hullo-app")
        self.api_key: ApiKey | None = None

    def header(self, name: bytes) -> str | None:
        """A header as text; None where it was not sent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def origin(self) -> str | None:
        """The page's origin; None when the caller is no browser."""
        return self.header(b"origin")

    @property
    def address(self) -> str:
        """The client's, as far as that can be known; empty for a Unix socket."""
        return client_address(self.scope, self.edge.proxies)

    @property
    def by_api_key(self) -> bool:
        """Whether the caller presents itself as a server, with whatever key."""
        token = bearer(self.headers)
        return token is not None and token.startswith(API_KEY_PREFIX)

    @property
    def path_id(self) -> str:
        """The `{id}` of the path. Raises `NotFound` for what can be no id, so that no store is asked for it."""
        text: str = self.scope["path_params"]["id"]
        if not could_be_id(text):
            raise NotFound("no such thing")
        return text

    def path_text(self, name: str) -> str:
        """What stands in another place of the path, as it was sent."""
        text: str = self.scope["path_params"][name]
        return text

    async def body(self) -> bytes:
        """The whole body. Raises `TooLarge` as soon as it is known to be, and `ClientLeft`."""
        limit = self.edge.hullo.settings.limits.body_bytes
        announced = self.headers.get(b"content-length", b"")
        if announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
            raise _too_large(limit)
        body = b""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            chunk: bytes = message.get("body", b"")
            if len(body) + len(chunk) > limit:
                raise _too_large(limit)
            body = body + chunk if body else chunk
            if not message.get("more_body", False):
                return body

    def page(self) -> PageRequest:
        """Which part of a list is asked for. Raises `Invalid`."""
        query = self.query()
        limit = query.get("limit", "50")
        if not (limit.isascii() and limit.isdigit() and len(limit) < 5 and 1 <= int(limit) <= PAGE_LONGEST):
            raise _wrong_parameter("limit", f"must be a number from 1 to {PAGE_LONGEST}")
        return PageRequest(limit=int(limit), cursor=query.get("cursor") or None)

    def query(self) -> dict[str, str]:
        """The query's parameters. Raises `Invalid` for one that no store could look for."""
        try:
            query = query_of(self.scope)
        except ValueError as error:
            raise Invalid("there are too many parameters") from error
        for name, value in query.items():
            if "\0" in value:
                raise _wrong_parameter(name[:ID_LONGEST], "has control characters")
        return query

    async def caller(self, envelope: Envelope = NOBODY) -> Caller:
        """Who says it is calling: headers win over the body for the token, the body over the header for the app. A
        cookie is the last to be asked, and only for a page of this host.

        A session names its app, so a call that names none is the session's app's.
        """
        token = bearer(self.headers)
        if token is not None and token.startswith(API_KEY_PREFIX):
            token = None  # a server's key is nobody's session
        token = token or envelope.session_token or self.kept_session()
        session = secret_digest(token) if token is not None else None
        if envelope.app_key is not None:
            self.app_key = envelope.app_key
        if self.app_key is None and session is not None:
            known = await self.edge.read(partial(_find_session, session))
            self.app_key = known.app_id if known is not None else None
        return Caller(app_key=self.app_key, token=token, session=session)

    @property
    def keeps_cookie(self) -> bool:
        """Whether the session is kept in a cookie, and out of the answer: where the settings say so, and wherever a
        page of this host shows one."""
        own_page = self.origin is not None and from_own_page(self.scope, self.headers)
        return own_page and (self._cookies.on or kept_session(self.scope, self.headers, self._cookies) is not None)

    def session_told(self, token: str | None) -> tuple[str | None, tuple[Header, ...]]:
        """How the caller is told the token of its session: in the answer's body, or by a header that sets a cookie."""
        if token is None or not self.keeps_cookie:
            return token, ()
        return None, (session_cookie(self.headers, self._cookies, token),)

    def session_forgotten(self) -> tuple[Header, ...]:
        """The header that takes the session's cookie away, where there is one."""
        own_page = self.origin is not None and from_own_page(self.scope, self.headers)
        kept = own_page and kept_session(self.scope, self.headers, self._cookies) is not None
        return (no_session_cookie(self.headers, self._cookies),) if kept else ()

    @property
    def _cookies(self) -> SessionCookie:
        return self.edge.hullo.settings.cookie

    def kept_session(self) -> str | None:
        """The token in the cookie, where a page of this host shows it."""
        own_page = from_own_page(self.scope, self.headers)
        return kept_session(self.scope, self.headers, self._cookies) if own_page else None

    async def resumed(self, envelope: Envelope = NOBODY) -> Attend:
        """The work of going on with the caller's session. Raises `SessionRevoked`; doing it raises the rest."""
        caller = await self.caller(envelope)
        if caller.session is not None and caller.app_key is None:
            raise SessionRevoked
        return Attend(
            verb="resume",
            app_key=caller.app_key,
            session=caller.session,
            origin=self.origin,
            moment=self.moment,
        )


def _find_session(digest: SessionDigest, store: Store) -> Session | None:
    return store.find_session(digest)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is over {limit} bytes")


def _wrong_parameter(name: str, reason: str) -> Invalid:
    return Invalid("a parameter is wrong", [Rejection(field=name, reason=reason)])
