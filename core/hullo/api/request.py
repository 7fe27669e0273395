"""One request under hullo's prefix: its body, its query, and who sends it."""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.types import Receive, Scope

from hullo.api.bodies import ID_MAX_LENGTH, Envelope, is_plausible_id
from hullo.api.runtime import AsyncRuntime
from hullo.asgi.address import client_address
from hullo.asgi.cookie import cookie_token, expired_cookie_header, is_same_origin, session_cookie_header
from hullo.asgi.response import Header
from hullo.asgi.scope import API_KEY_PREFIX, bearer_token, parse_query, read_headers
from hullo.errors import Invalid, NotFound, Rejection, SessionRevoked, TooLarge
from hullo.model.app import ApiKey
from hullo.model.request_context import secret_digest
from hullo.model.visitor import Session, SessionDigest
from hullo.operations.sessions.open_session import OpenSession
from hullo.settings import SessionCookie
from hullo.store.protocol import PageRequest, Store
from hullo.value import Value

PAGE_MAX_LIMIT: Final = 200
EMPTY_ENVELOPE: Final = Envelope()


class ClientDisconnect(Exception):
    """The client hung up while it was sending: there is nobody to answer."""


class Caller(Value, secrets=("token",)):
    """A browser, as it presents itself: nothing of it is believed yet."""

    app_key: str | None
    token: str | None
    session: SessionDigest | None


class Request:
    """Reads what a handler asks for, when it asks.

    `app_key` is the app that the call named, once that is known; `api_key` the valid one that it presents, once the
    store was asked.
    """

    __slots__ = ("_receive", "api_key", "app_key", "context", "headers", "request_id", "runtime", "scope")

    def __init__(self, runtime: AsyncRuntime, scope: Scope, receive: Receive) -> None:
        self.runtime = runtime
        self.scope = scope
        self._receive = receive
        self.headers = read_headers(scope)
        self.context = runtime.hullo.new_context()
        self.request_id = self.context.new_id("req")
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
        return client_address(self.scope, self.runtime.proxies)

    @property
    def has_api_key(self) -> bool:
        """Whether the caller presents itself as a server, with whatever key."""
        token = bearer_token(self.headers)
        return token is not None and token.startswith(API_KEY_PREFIX)

    @property
    def path_id(self) -> str:
        """The `{id}` of the path. Raises `NotFound` for what can be no id, so that no store is asked for it."""
        text: str = self.scope["path_params"]["id"]
        if not is_plausible_id(text):
            raise NotFound("no such thing")
        return text

    def path_param(self, name: str) -> str:
        """What stands in another place of the path, as it was sent."""
        text: str = self.scope["path_params"][name]
        return text

    async def body(self) -> bytes:
        """The whole body. Raises `TooLarge` as soon as it is known to be, and `ClientLeft`."""
        limit = self.runtime.hullo.settings.limits.body_bytes
        announced = self.headers.get(b"content-length", b"")
        if announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
            raise _too_large(limit)
        body = b""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk: bytes = message.get("body", b"")
            if len(body) + len(chunk) > limit:
                raise _too_large(limit)
            body = body + chunk if body else chunk
            if not message.get("more_body", False):
                return body

    def page_request(self) -> PageRequest:
        """Which part of a list is asked for. Raises `Invalid`."""
        query = self.query_params()
        limit = query.get("limit", "50")
        if not (limit.isascii() and limit.isdigit() and len(limit) < 5 and 1 <= int(limit) <= PAGE_MAX_LIMIT):
            raise _invalid_parameter("limit", f"must be a number from 1 to {PAGE_MAX_LIMIT}")
        return PageRequest(limit=int(limit), cursor=query.get("cursor") or None)

    def query_params(self) -> dict[str, str]:
        """The query's parameters. Raises `Invalid` for one that no store could look for."""
        try:
            query = parse_query(self.scope)
        except ValueError as error:
            raise Invalid("there are too many parameters") from error
        for name, value in query.items():
            if "\0" in value:
                raise _invalid_parameter(name[:ID_MAX_LENGTH], "has control characters")
        return query

    async def resolve_caller(self, envelope: Envelope = EMPTY_ENVELOPE) -> Caller:
        """Who says it is calling: headers win over the body for the token, the body over the header for the app. A
        cookie is the last to be asked, and only for a page of this host.

        A session names its app, so a call that names none is the session's app's.
        """
        token = bearer_token(self.headers)
        if token is not None and token.startswith(API_KEY_PREFIX):
            token = None  # a server's key is nobody's session
        token = token or envelope.session_token or self.cookie_token()
        session = secret_digest(token) if token is not None else None
        if envelope.app_key is not None:
            self.app_key = envelope.app_key
        if self.app_key is None and session is not None:
            known = await self.runtime.read(partial(_find_session, session))
            self.app_key = known.app_id if known is not None else None
        return Caller(app_key=self.app_key, token=token, session=session)

    @property
    def uses_session_cookie(self) -> bool:
        """Whether the session is kept in a cookie, and out of the answer: where the settings say so, and wherever a
        page of this host shows one."""
        own_page = self.origin is not None and is_same_origin(self.scope, self.headers)
        return own_page and (
            self._cookie_settings.on or cookie_token(self.scope, self.headers, self._cookie_settings) is not None
        )

    def session_delivery(self, token: str | None) -> tuple[str | None, tuple[Header, ...]]:
        """How the caller is told the token of its session: in the answer's body, or by a header that sets a cookie."""
        if token is None or not self.uses_session_cookie:
            return token, ()
        return None, (session_cookie_header(self.headers, self._cookie_settings, token),)

    def clear_session_cookie(self) -> tuple[Header, ...]:
        """The header that takes the session's cookie away, where there is one."""
        own_page = self.origin is not None and is_same_origin(self.scope, self.headers)
        kept = own_page and cookie_token(self.scope, self.headers, self._cookie_settings) is not None
        return (expired_cookie_header(self.headers, self._cookie_settings),) if kept else ()

    @property
    def _cookie_settings(self) -> SessionCookie:
        return self.runtime.hullo.settings.cookie

    def cookie_token(self) -> str | None:
        """The token in the cookie, where a page of this host shows it."""
        own_page = is_same_origin(self.scope, self.headers)
        return cookie_token(self.scope, self.headers, self._cookie_settings) if own_page else None

    async def resume_session(self, envelope: Envelope = EMPTY_ENVELOPE) -> OpenSession:
        """The work of going on with the caller's session. Raises `SessionRevoked`; doing it raises the rest."""
        caller = await self.resolve_caller(envelope)
        if caller.session is not None and caller.app_key is None:
            raise SessionRevoked
        return OpenSession(
            verb="resume",
            app_key=caller.app_key,
            session_digest=caller.session,
            origin=self.origin,
            context=self.context,
        )


def _find_session(digest: SessionDigest, store: Store) -> Session | None:
    return store.find_session(digest)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is over {limit} bytes")


def _invalid_parameter(name: str, reason: str) -> Invalid:
    return Invalid("a parameter is wrong", [Rejection(field=name, reason=reason)])
