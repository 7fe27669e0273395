"""Identity of visitors on the host's own routes."""

from __future__ import annotations

import logging
from functools import partial

from starlette.types import Scope

from hullo.api.runtime import AsyncRuntime
from hullo.asgi.cookie import any_cookie_token
from hullo.asgi.identity import ANONYMOUS, Identity
from hullo.asgi.scope import SESSION_PREFIX, bearer_token, read_headers
from hullo.model.request_context import secret_digest
from hullo.model.visitor import Session, SessionDigest
from hullo.rules.session_lifecycle import with_current_standing
from hullo.store.protocol import Store

_log = logging.getLogger("hullo.asgi")


async def identify_caller(runtime: AsyncRuntime, scope: Scope, app_key: str | None) -> Identity:
    """Load the identity of the request's session; with an `app_key`, only for a session of that app.

    Never raises: the host's site must not fail with hullo.
    """
    token = presented_token(scope)
    if token is None:
        return ANONYMOUS
    try:
        session = await runtime.read(partial(current_session, secret_digest(token)))
    except Exception as error:
        # The type alone, since a message may quote personal data (P4).
        _log.error("a visitor stays anonymous, since the store cannot be asked: %s", type(error).__name__)
        _log.debug("", exc_info=error)
        return ANONYMOUS
    # A session of another app is none here: a proof for one app is no proof for another.
    if session is None or not session.is_valid(runtime.hullo.clock()) or app_key not in {None, session.app_id}:
        return ANONYMOUS
    return Identity(
        visitor_id=session.visitor_id,
        contact_id=session.contact_id,
        standing=session.standing,
        app_id=session.app_id,
        workspace_id=session.workspace_id,
    )


def presented_token(scope: Scope) -> str | None:
    """Return the session token of the request: from the header or, on the site's own domain, the cookie."""
    token = bearer_token(read_headers(scope))
    # The host may use this header for tokens of its own; then the cookie counts.
    if token is None or not token.startswith(SESSION_PREFIX):
        token = any_cookie_token(scope)
    return token


def current_session(digest: SessionDigest, store: Store) -> Session | None:
    """Load the session with its current standing, valid or not. Raises `StoreUnavailable`."""
    session = store.find_session(digest)
    # Only a proven session can lose its standing, so no other needs the second query.
    if session is None or session.contact_id is None or not session.is_proven:
        return session
    return with_current_standing(session, store.find_contact(session.workspace_id, session.contact_id))
