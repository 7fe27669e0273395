"""Who is calling the host's own routes."""

from __future__ import annotations

import logging
from functools import partial

from starlette.types import Scope

from hullo.asgi.cookie import session_in_cookie
from hullo.asgi.edge import Edge
from hullo.asgi.identity import ANONYMOUS, Identity
from hullo.asgi.scope import SESSION_PREFIX, bearer, headers_of
from hullo.model.moment import secret_digest
from hullo.model.visitor import Session, SessionDigest
from hullo.pipeline.visits import as_proven
from hullo.store.protocol import Store

_log = logging.getLogger("hullo.asgi")


async def identify_caller(edge: Edge, scope: Scope, app_key: str | None) -> Identity:
    """The visitor whose session the request shows; with an `app_key`, only if it is that app's.

    Never raises: the host's site does not go down with hullo.
    """
    token = session_token(scope)
    if token is None:
        return ANONYMOUS
    try:
        session = await edge.read(partial(session_now, secret_digest(token)))
    except Exception as error:
        _log.error("a visitor stays anonymous, since the store cannot be asked: %s", type(error).__name__)
        _log.debug("", exc_info=error)
        return ANONYMOUS
    if session is None or not session.valid(edge.hullo.clock()) or app_key not in {None, session.app_id}:
        return ANONYMOUS
    return Identity(
        visitor_id=session.visitor_id,
        contact_id=session.contact_id,
        standing=session.standing,
        app_id=session.app_id,
        workspace_id=session.workspace_id,
    )


def session_token(scope: Scope) -> str | None:
    """The token that a request shows, in its header or, on the site's own domain, in the cookie."""
    token = bearer(headers_of(scope))
    if token is None or not token.startswith(SESSION_PREFIX):
        token = session_in_cookie(scope)
    return token


def session_now(digest: SessionDigest, store: Store) -> Session | None:
    """The session with the standing that it still has, whether it is over or not. Raises `StoreUnavailable`."""
    session = store.find_session(digest)
    if session is None or session.contact_id is None or not session.proven:
        return session
    return as_proven(session, store.find_contact(session.workspace_id, session.contact_id))
