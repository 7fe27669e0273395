"""Who the visitor is, for the host's own routes."""

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
"""Under which the identity stands in the scope."""


class Identity(Value):
    """All None: nobody is known, whether there was no session, one that is no longer good, or no store to ask.

    `contact_id` and `standing` stay None until the visitor is identified. A claim to be somebody who was erased has a
    standing and no contact (P2). Only `Standing.PROVEN` says that
    somebody else than the browser vouches for it: grant nothing that is worth having for less.
    """

    visitor_id: VisitorId | None = None
    contact_id: ContactId | None = None
    standing: Standing | None = None
    app_id: AppId | None = None
    """Whose visitor it is: in a store with several apps, a proof for one of them is none for another."""
    workspace_id: WorkspaceId | None = None

    @property
    def is_identified(self) -> bool:
        """Whether the visitor has said who it is, however far that is believed."""
        return self.standing is not None


ANONYMOUS: Final = Identity()


def identity_of(connection: Any) -> Identity:
    """Who is calling: `connection` is a request or WebSocket of Starlette, FastAPI, Litestar or Django, or a scope.

    Raises `MiddlewareMissing`, which is a `RuntimeError`, where `IdentityMiddleware` is not in front.
    """
    scope: object = getattr(connection, "scope", connection)
    identity = scope.get(IDENTITY_KEY) if isinstance(scope, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(identity, Identity):
        return identity
    raise MiddlewareMissing(
        "there is no identity here: wrap the application in IdentityMiddleware, such as "
        "Starlette(middleware=[Middleware(IdentityMiddleware, hullo=hullo)])"
    )
