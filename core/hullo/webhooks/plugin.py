"""The plugin `webhooks`: a delivery worker while hullo is open, with routes and commands to manage webhooks."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from hullo.errors import Unavailable
from hullo.hooks.hookspecs import hookimpl
from hullo.webhooks.addresses import Resolver, system_resolver
from hullo.webhooks.admin import WebhookAdmin
from hullo.webhooks.delivery_worker import DeliveryWorker
from hullo.webhooks.sender import TIMEOUT, Sender

if TYPE_CHECKING:
    import click
    from starlette.routing import BaseRoute

    from hullo.application import Hullo


class Webhooks:
    """Post events to webhooks, and offer routes and commands to manage them.

    `timeout` is in seconds, for one attempt. `resolver` finds the addresses of a host. `ssl_context` decides which
    certificates are good; None: those that the system trusts.
    """

    name: ClassVar = "webhooks"

    def __init__(
        self, timeout: float = TIMEOUT, resolver: Resolver = system_resolver, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._timeout = timeout
        self._resolver = resolver
        self._ssl_context = ssl_context
        # Not made here: a worker needs the store, which is open only from `startup` on.
        self.worker: DeliveryWorker | None = None
        """None while hullo is closed."""

    @hookimpl
    def startup(self, hullo: Hullo) -> None:
        sender = Sender(
            development=hullo.settings.development,
            timeout=self._timeout,
            resolver=self._resolver,
            ssl_context=self._ssl_context,
        )
        self.worker = DeliveryWorker(hullo, sender)
        # Woken by the commit in this process; deliveries of other processes are found by the idle runs.
        hullo.outbox_worker.on_deliveries(self.name, self.worker.wake)

    @hookimpl
    def shutdown(self) -> None:
        # First without a worker, then closed: a call meanwhile is refused instead of using a closed pool.
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.close()

    @hookimpl
    def routes(self) -> Sequence[BaseRoute]:
        # Inside the hook: it brings the whole API with it, which a program without a server does not need.
        from hullo.webhooks.routes import webhook_routes

        return webhook_routes(self.admin)

    @hookimpl
    def commands(self, hullo: Hullo) -> Sequence[click.Command]:
        # Inside the hook: it brings the command line with it.
        from hullo.cli.webhooks import webhook_commands

        return [webhook_commands(self.admin, hullo)]

    def admin(self, *, by: str, workspace_id: str | None = None, app_id: str | None = None) -> WebhookAdmin:
        """Open the admin of a workspace, or of one app of it. Raises `Unavailable` while hullo is closed."""
        if self.worker is None:
            raise Unavailable("hullo is closed")
        return WebhookAdmin(self.worker, by=by, workspace_id=workspace_id, app_id=app_id)
