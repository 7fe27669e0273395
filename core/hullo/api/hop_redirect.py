"""Redirect of visitors who arrive with an identity token in the address (T2, T3, T5, T6)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote_plus

from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from hullo.api.admission import count_call
from hullo.api.confirmation_page import confirmation_page
from hullo.api.identify import notify_rejected
from hullo.api.request import Request
from hullo.api.reservations import reserve_identify
from hullo.api.runtime import AsyncRuntime
from hullo.asgi.cookie import cookie_token, is_sent_from_same_origin, session_cookie_header
from hullo.asgi.response import Header, Response, send_response
from hullo.asgi.scope import address_path, is_prefetch
from hullo.errors import HulloError, SessionRevoked
from hullo.model.claim import Claim
from hullo.model.compact_token import unverified_payload
from hullo.model.outcome import Outcome
from hullo.model.request_context import secret_digest
from hullo.model.signed_token import CONFIRM
from hullo.model.visitor import SessionDigest
from hullo.store.protocol import Store

_log = logging.getLogger("hullo.asgi")

SEE_OTHER: Final = 303
_ARRIVALS: Final = frozenset({"GET", "POST"})
# No success: browsers use a page that was loaded ahead only where its answer was one.
_NOT_AHEAD: Final = Response(body=b"", status=503, content_type=b"text/plain")
_NO_REFERRER: Final[tuple[Header, ...]] = ((b"referrer-policy", b"no-referrer"),)


class HopRedirect:
    """Redeems the token in a page's address before the host sees the request, then redirects to the clean address.

    So the token reaches no page, referrer or script. With an invalid token the page still works, and the visitor's
    session stays as it was. Of a token for mails it serves the confirmation page, whose button redeems it (T6).
    """

    def __init__(self, runtime: AsyncRuntime, app_key: str | None) -> None:
        """`app_key` None: use the app that the token names, or the only one."""
        self._runtime = runtime
        self._app_key = app_key
        self._parameter = runtime.hullo.settings.hop_parameter

    def matches(self, scope: Scope) -> bool:
        """Match a visitor's arrival with a token: the GET of a click, or the POST of the confirmation page's button."""
        # Asked for every request of the host, so the cheap tests stand first. HEAD never redeems (T6).
        query: bytes = scope.get("query_string", b"")
        if not query or scope.get("method") not in _ARRIVALS or not any(map(self._is_token_pair, query.split(b"&"))):
            return False
        # The host's own forms keep their requests, whatever stands in the address.
        return scope["method"] == "GET" or self._needs_confirmation(self._split_query(query)[0])

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Use the token and send the redirect, or send the page that comes before."""
        request = Request(self._runtime, scope, receive)
        token, rest = self._split_query(scope["query_string"])
        is_confirmed = False
        # Browsers load pages ahead that the visitor may never open; they load them again when told to (T6).
        if is_prefetch(request.headers):
            await send_response(_NOT_AHEAD, request.request_id, (), send)
            return
        if self._needs_confirmation(token):
            is_confirmed = scope["method"] == "POST" and is_sent_from_same_origin(scope, request.headers)
            # Of another page's form too: no page presses the button in the visitor's place (CSRF).
            if not is_confirmed:
                await send_response(confirmation_page(request.headers, self._parameter), request.request_id, (), send)
                return
        await self._redeem(request, token, rest, send, is_confirmed=is_confirmed)

    async def _redeem(self, request: Request, token: str, rest: bytes, send: Send, *, is_confirmed: bool) -> None:
        scope = request.scope
        headers = [*_NO_REFERRER, (b"location", _redirect_target(scope, rest))]
        session = await self._redeem_token(request, token, is_confirmed=is_confirmed)
        # None: the visitor's session and its cookie stay as they were (T5).
        if session is not None:
            headers.append(session_cookie_header(request.headers, self._runtime.hullo.settings.cookie, session))
        response = Response(body=b"", status=SEE_OTHER, content_type=b"text/plain", headers=tuple(headers))
        await send_response(response, request.request_id, (), send)

    def _split_query(self, query: bytes) -> tuple[str, bytes]:
        """Split the query into the first token and the other parameters."""
        pairs = query.split(b"&")
        token = next(pair for pair in pairs if self._is_token_pair(pair)).partition(b"=")[2]
        # Every token goes, and not the first alone: none may stay in the address bar (T3).
        rest = b"&".join(pair for pair in pairs if not self._is_token_pair(pair))
        return unquote_plus(token.decode("latin-1")), rest

    def _is_token_pair(self, pair: bytes) -> bool:
        # Compared decoded: `hullo%5Fidentity` is the same parameter.
        return unquote_plus(pair.partition(b"=")[0].decode("latin-1")) == self._parameter

    def _needs_confirmation(self, token: str) -> bool:
        # Unverified: it chooses the page that is shown, and the token is verified when it is redeemed.
        payload = unverified_payload(token, self._runtime.hullo.settings.limits.token_bytes)
        return payload.get(CONFIRM) is True

    async def _redeem_token(self, request: Request, token: str, *, is_confirmed: bool) -> str | None:
        """Use the token; return the token of a new session, or None if the session stays."""
        try:
            # Counted as any call of the API: tokens could be guessed here without end otherwise.
            await count_call(request)
            request.app_key = await self._resolve_app_key(token)
            outcome = await self._identify_or_restart(request, token, is_confirmed=is_confirmed)
        except HulloError as refused:
            await notify_rejected(request, refused)  # observers log the reason (T5)
            return None
        except Exception as error:
            # Only the type: a message may quote personal data (P4). The page works without the identity (T5).
            _log.error("an identity token could not be redeemed: %s", type(error).__name__)
            _log.debug("", exc_info=error)
            return None
        return outcome.session_token

    async def _identify_or_restart(self, request: Request, token: str, *, is_confirmed: bool) -> Outcome:
        claim = replace(
            Claim.from_body({"identity_token": token}, self._runtime.hullo.settings.limits), is_confirmed=is_confirmed
        )
        # Only the cookie that is set here: with a planted one an attacker would share the session that this proves.
        session = cookie_token(request.scope, request.headers, self._runtime.hullo.settings.cookie)
        try:
            return await self._identify_in_session(
                request, claim, secret_digest(session) if session is not None else None
            )
        except SessionRevoked:
            return await self._identify_in_session(request, claim, None)  # the cookie's session has ended: a new one

    async def _identify_in_session(self, request: Request, claim: Claim, session: SessionDigest | None) -> Outcome:
        hullo = self._runtime.hullo
        reservation = await reserve_identify(request, session, (claim.identity_token or "").encode(), None, claim)
        # Without an origin: a click sends none, and the token itself is bound to its app (T1).
        operation = hullo.identify_operation(
            claim, app_key=request.app_key, session_digest=session, context=request.context
        )
        return await reservation.finish(self._runtime.run(reservation.guard(operation), uses_verifiers=True))

    async def _resolve_app_key(self, token: str) -> str | None:
        if self._app_key is not None:
            return self._app_key
        # Unverified: it only chooses the app, whose keys then verify the token.
        named = unverified_payload(token, self._runtime.hullo.settings.limits.token_bytes).get("aud")
        return named if isinstance(named, str) else await self._runtime.read(_only_app_key)


def _only_app_key(store: Store) -> str | None:
    apps = store.list_apps()
    # None with several apps: the token has to name its app then.
    return apps[0].app_key if len(apps) == 1 else None


def _redirect_target(scope: Mapping[str, Any], query: bytes) -> bytes:
    """Build the address of the same page without the token."""
    path = address_path(scope)
    rest = quote(query, safe="!$&'()*+,;=:@/?%~[]^`{}|-._<>\"\\")  # unchanged except for bytes invalid in a header
    return f"{path}?{rest}".encode() if rest else path.encode()
