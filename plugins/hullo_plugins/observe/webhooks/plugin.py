"""The plugin: one poster while hullo is open, and whatever people manage webhooks with."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from hullo.errors import Unavailable
from hullo.hooks.specs import hookimpl
from hullo_plugins.observe.webhooks.addresses import Resolve, resolved
from hullo_plugins.observe.webhooks.book import Book
from hullo_plugins.observe.webhooks.poster import Poster
from hullo_plugins.observe.webhooks.sending import SECONDS, Sender

if TYPE_CHECKING:
    import click
    from starlette.routing import BaseRoute

    from hullo.app import Hullo


class Webhooks:
    """Posts what webhooks are to be told, and lets API keys and the command line manage them.

    `seconds` is how long one try may take; `resolve` finds the addresses of a host; `trusted` says whose certificates
    are good, None: those that the system trusts.
    """

    name: ClassVar = "webhooks"

    def __init__(
        self, seconds: float = SECONDS, resolve: Resolve = resolved, trusted: ssl.SSLContext | None = None
    ) -> None:
        self._seconds = seconds
        self._resolve = resolve
        self._trusted = trusted
        self.poster: Poster | None = None
        """While hullo is open."""

    @hookimpl
    def startup(self, hullo: Hullo) -> None:
        sender = Sender(
            development=hullo.settings.development,
            seconds=self._seconds,
            resolve=self._resolve,
            trusted=self._trusted,
        )
        self.poster = Poster(hullo, sender)
        hullo.courier.after_deliveries(self.name, self.poster.nudge)

    @hookimpl
    def shutdown(self) -> None:
        poster, self.poster = self.poster, None
        if poster is not None:
            poster.close()

    @hookimpl
    def routes(self) -> Sequence[BaseRoute]:
        from hullo_plugins.observe.webhooks.routes import routes_of

        return routes_of(self)

    @hookimpl
    def commands(self, hullo: Hullo) -> Sequence[click.Command]:
        from hullo_plugins.observe.webhooks.commands import commands_of

        return [commands_of(self, hullo)]

    def book(self, *, by: str, workspace_id: str | None = None, app_id: str | None = None) -> Book:
        """Raises `Unavailable` while hullo is closed."""
        if self.poster is None:
            raise Unavailable("hullo is closed")
        return Book(self.poster, by=by, workspace_id=workspace_id, app_id=app_id)
