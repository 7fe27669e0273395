"""Request under hullo's prefix: body, query, and caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from starlette.types import Receive, Scope

from hullo.api.bodies import SenderBody
from hullo.api.cursors import decode_cursor, encode_cursor
from hullo.api.parameters import CURSOR, LIMIT, QueryParameter, parse_query
from hullo.api.person_body import body_too_large
from hullo.api.request_body import RequestBody, is_plausible_id
from hullo.api.runtime import AsyncRuntime
from hullo.api.schemas import PageResponse
from hullo.asgi.address import client_address
from hullo.asgi.cookie import cookie_token, expired_cookie_header, is_same_origin, session_cookie_header
from hullo.asgi.own_origin import is_own_origin
from hullo.asgi.response import Header
from hullo.asgi.scope import API_KEY_PREFIX, bearer_token, read_headers
from hullo.errors import Invalid, NotFound, Rejection, SessionRevoked
from hullo.model.app import ApiKey
from hullo.model.limits import Limits
from hullo.model.request_context import secret_digest
from hullo.model.visitor import Session, SessionDigest
from hullo.operations.sessions.open_session import OpenSession
from hullo.settings import SessionCookie
from hullo.store.protocol import Page, PageRequest, Store
from hullo.value import Value

Item = TypeVar("Item")
ItemBody = TypeVar("ItemBody")
Body = TypeVar("Body", bound=RequestBody)
T = TypeVar("T")

EMPTY_ENVELOPE: Final = SenderBody()


class ClientDisconnect(Exception):
    """The client disconnected while sending; no response is possible."""


class Caller(Value, secrets=("token",)):
    """Browser that makes the call, unverified."""

    app_key: str | None
    token: str | None
    session: SessionDigest | None


class Request:
    """Reads parts of a request on demand.

    `app_key` is the app that the call names, once known; `api_key` its valid API key, once loaded; `session` what names
    its session, once resolved. `has_api_key`: the call presents an API key, valid or not. `limits`: those of the
    settings.
    """

    __slots__ = (
        "_bearer_token",
        "_operation_id",
        "_query",
        "_receive",
        "api_key",
        "app_key",
        "context",
        "has_api_key",
        "headers",
        "limits",
        "request_id",
        "runtime",
        "scope",
        "session",
    )

    def __init__(self, runtime: AsyncRuntime, scope: Scope, receive: Receive) -> None:
        self.runtime = runtime
        self.scope = scope
        self._receive = receive
        self.limits: Limits = runtime.hullo.settings.limits
        self.headers = read_headers(scope)
        # One time and one seed for all of the request: its ids and times agree.
        self.context = runtime.hullo.new_context()
        self.request_id = self.context.new_id("req")
        self.app_key: str | None = self.header(b"x-hullo-app")
        self.api_key: ApiKey | None = None
        # Once: every call of a page asks several times.
        self._bearer_token = token = bearer_token(self.headers)
        self.has_api_key = token is not None and token.startswith(API_KEY_PREFIX)
        self.session: SessionDigest | None = None
        self._operation_id: str | None = None
        self._query: dict[str, Any] = {}

    def header(self, name: bytes) -> str | None:
        """Return a header as text; None if it was not sent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def origin(self) -> str | None:
        """Return the page's origin; None when the caller is no browser."""
        return self.header(b"origin")

    @property
    def foreign_origin(self) -> str | None:
        """Return the origin that the app must list; None for a page of hullo's own origin, and for no browser."""
        origin = self.header(b"origin")
        if origin is None or is_own_origin(self.scope, self.headers, self.runtime.proxies):
            return None
        return origin

    @property
    def address(self) -> str:
        """Return the client's address, behind trusted proxies too; empty for a Unix socket."""
        return client_address(self.scope, self.runtime.proxies)

    @property
    def path_id(self) -> str:
        """Return the `{id}` of the path. Raises `NotFound` for text that cannot be an id, which saves a query."""
        text: str = self.scope["path_params"]["id"]
        if not is_plausible_id(text):
            raise NotFound("no such thing")
        return text

    def path_param(self, name: str) -> str:
        """Return another parameter of the path, as sent."""
        text: str = self.scope["path_params"][name]
        return text

    async def person_body(self) -> bytes:
        """Read a body about a person: `decode_person` then sees whether its custom data is what is too large (W8).

        Raises as `body` does.
        """
        return await self.body(self.limits.max_body_bytes)

    async def body(self, limit: int | None = None) -> bytes:
        """Read the whole body. Raises `TooLarge` as soon as the limit is passed, and `ClientDisconnect`.

        `limit` None: the limit of the settings.
        """
        limit = self.limits.body_bytes if limit is None else limit
        # The announced length saves reading; the count below holds for chunked bodies, and for wrong announcements.
        announced = self.headers.get(b"content-length", b"")
        # The digits are counted first: Python refuses to read numbers of thousands of digits.
        if announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
            raise body_too_large(limit)
        body = b""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk: bytes = message.get("body", b"")
            # Before the chunk is kept: no caller makes the server hold more than the limit and one chunk.
            if len(body) + len(chunk) > limit:
                raise body_too_large(limit)
            # Nearly every body is one chunk, and then nothing is copied.
            body = body + chunk if body else chunk
            if not message.get("more_body", False):
                return body

    async def parse(self, body: type[Body]) -> Body:
        """Read the body of this kind. Raises what `RequestBody.parse` and `body` do."""
        return body.parse(await self.body(), self.limits)

    async def parse_optional(self, body: type[Body]) -> Body:
        """Read the body of this kind, which may be left out."""
        return body.parse_optional(await self.body(), self.limits)

    def read_query(self, operation_id: str, declared: Sequence[QueryParameter[Any]]) -> None:
        """Read the query of a call to an operation that takes these. Raises `Invalid` for any other parameter."""
        self._operation_id = operation_id
        # Nearly every call of a page has none.
        if self.scope.get("query_string"):
            self._query = parse_query(self.scope["query_string"], declared)

    def query(self, parameter: QueryParameter[T]) -> T:
        """Return a parameter of the query, or its default."""
        value: T = self._query.get(parameter.name, parameter.default)
        return value

    def page_request(self) -> PageRequest:
        """Return which page of the list is asked for. Raises `Invalid` for a cursor of another list.

        The caller must be known: their lists are not those of another.
        """
        # Empty is the first page: many a loop begins so.
        cursor = self.query(CURSOR) or None
        try:
            position = None if cursor is None else decode_cursor(self._list_name(), cursor)
        except ValueError as error:
            raise Invalid("a parameter is wrong", [Rejection(field=CURSOR.name, reason=str(error))]) from error
        return PageRequest(limit=self.query(LIMIT), cursor=position)

    def page_response(self, found: Page[Item], item_body: Callable[[Item], ItemBody]) -> PageResponse[ItemBody]:
        """Make the page of bodies, one of every item, with the cursor of the next page."""
        cursor = None if found.next is None else encode_cursor(self._list_name(), found.next)
        return PageResponse(items=[item_body(item) for item in found.items], next=cursor)

    def _list_name(self) -> str:
        """Name the list by operation, path, filters and caller."""
        assert self._operation_id is not None, "only an operation has pages"
        # The limit may change from page to page.
        filters = sorted((name, value) for name, value in self._query.items() if name not in {LIMIT.name, CURSOR.name})
        # By workspace and app, so that a rotated key goes on where the one before stopped.
        key = self.api_key
        viewer = (key.workspace_id, key.app_id) if key is not None else self.session
        # A path without parameters is looked up without a router, which would add them.
        path_params: dict[str, str] = self.scope.get("path_params", {})
        return repr((self._operation_id, sorted(path_params.items()), filters, viewer))

    async def resolve_caller(self, envelope: SenderBody = EMPTY_ENVELOPE) -> Caller:
        """Resolve app and session of the caller: for the token the header wins over the body, for the app the body over
        the header. The cookie comes last, and only for a page of this host.

        Without an app key the session determines the app.
        """
        token = None if self.has_api_key else self._bearer_token  # an API key is no session
        token = token or envelope.session_token or self.cookie_token()
        self.session = session = secret_digest(token) if token is not None else None
        if envelope.app_key is not None:
            self.app_key = envelope.app_key
        if self.app_key is None and session is not None:
            known = await self.runtime.read(partial(_find_session, session))
            self.app_key = known.app_id if known is not None else None
        return Caller(app_key=self.app_key, token=token, session=session)

    @property
    def uses_session_cookie(self) -> bool:
        """Return whether the session token goes into a cookie, and not into the response: if the settings say so, or if
        a page of this host sends one."""
        # Stricter than for reading a cookie: without `Origin` no page shows that it is this host's.
        own_page = self.origin is not None and is_same_origin(self.scope, self.headers)
        return own_page and (
            # A page that sends the cookie keeps it, even after the setting was turned off.
            self._cookie_settings.on or cookie_token(self.scope, self.headers, self._cookie_settings) is not None
        )

    def session_delivery(self, token: str | None) -> tuple[str | None, tuple[Header, ...]]:
        """Return the token for the body, or the header that sets the cookie."""
        if token is None or not self.uses_session_cookie:
            return token, ()
        # Never in both places: scripts must not read what the cookie keeps from them.
        return None, (session_cookie_header(self.headers, self._cookie_settings, token),)

    def clear_session_cookie(self) -> tuple[Header, ...]:
        """Return the header that removes the session cookie, if there is one."""
        own_page = self.origin is not None and is_same_origin(self.scope, self.headers)
        kept = own_page and cookie_token(self.scope, self.headers, self._cookie_settings) is not None
        return (expired_cookie_header(self.headers, self._cookie_settings),) if kept else ()

    @property
    def _cookie_settings(self) -> SessionCookie:
        return self.runtime.hullo.settings.cookie

    def cookie_token(self) -> str | None:
        """Return the token of the cookie, for a page of this host only."""
        # Browsers send cookies with calls of foreign pages too, so those get none here (CSRF).
        own_page = is_same_origin(self.scope, self.headers)
        return cookie_token(self.scope, self.headers, self._cookie_settings) if own_page else None

    async def resume_session(self, envelope: SenderBody = EMPTY_ENVELOPE) -> OpenSession:
        """Build the operation that resumes the caller's session. Raises `SessionRevoked`; running it raises the
        rest."""
        caller = await self.resolve_caller(envelope)
        # Running the operation would say `unknown_app`, and the fault is the session's.
        if caller.session is not None and caller.app_key is None:
            raise SessionRevoked
        return OpenSession(
            verb="resume",
            app_key=caller.app_key,
            session_digest=caller.session,
            origin=self.foreign_origin,
            context=self.context,
        )


def _find_session(digest: SessionDigest, store: Store) -> Session | None:
    return store.find_session(digest)
