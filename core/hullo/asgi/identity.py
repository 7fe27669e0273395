"""Identity of the visitor, for the host's own routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hullo.errors import MiddlewareMissing
from hullo.model.app import AppId, WorkspaceId
from hullo.model.contact import ContactId
from hullo.model.standing import Standing
from hullo.model.visitor import VisitorId
from hullo.value import Value

IDENTITY_KEY: Final = "hullo.identity"
"""Key of the identity in the scope."""


class Identity(Value):
    """Identity of a visitor. All None: anonymous, since there is no session, an invalid one, or the store is
    unavailable.

    `contact_id` and `standing` are None until the visitor is identified. A claim to be an erased person has a standing
    and no contact (P2). Only `Standing.PROVEN` is backed by more than the browser: grant nothing of value for less.
    """

    visitor_id: VisitorId | None = None
    contact_id: ContactId | None = None
    standing: Standing | None = None
    app_id: AppId | None = None
    """App of the visitor: in a store with several apps, a proof for one is none for another."""
    workspace_id: WorkspaceId | None = None

    @property
    def is_identified(self) -> bool:
        """Return whether the visitor has sent an identity, believed or not."""
        return self.standing is not None


ANONYMOUS: Final = Identity()


def identity_of(connection: Any) -> Identity:
    """Return the identity of the caller. `connection` is a request or WebSocket of Starlette, FastAPI, Litestar or
    Django, or a scope.

    Raises `MiddlewareMissing`, a `RuntimeError`, where `IdentityMiddleware` is not mounted.
    """
    # A scope is a dict and has no attribute `scope`; the objects of all four frameworks have one.
    scope: object = getattr(connection, "scope", connection)
    identity = scope.get(IDENTITY_KEY) if isinstance(scope, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(identity, Identity):
        return identity
    # Raised and not `ANONYMOUS`: a forgotten middleware would look like a site without visitors.
    raise MiddlewareMissing(
        "there is no identity here: wrap the application in IdentityMiddleware, such as "
        "Starlette(middleware=[Middleware(IdentityMiddleware, hullo=hullo)])"
    )
