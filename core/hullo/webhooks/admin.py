"""Management of webhooks, with a line in the audit log for every change, and of their deliveries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from msgspec.structs import replace

from hullo.background.webhook_fan_out import delivery_id, message_text
from hullo.errors import Invalid, NotFound, Rejection, TooContended
from hullo.model.change_set import ChangeSet, insertion, replacement
from hullo.model.event import EVENT_NAMES
from hullo.model.instant import HOUR, Instant
from hullo.model.request_context import RequestContext
from hullo.model.webhook import Delivery, DeliveryId, Webhook, WebhookId, WebhookSecret
from hullo.operations.admin.audit_log import AuditLog
from hullo.secrets.webhook_secrets import map_webhook_secrets
from hullo.store.backoff import attempts
from hullo.store.protocol import Applied, Page, PageRequest
from hullo.value import Value
from hullo.webhooks.addresses import UnusableUrl
from hullo.webhooks.delivery_worker import DeliveryWorker
from hullo.webhooks.schedule import after_attempt
from hullo.webhooks.signing import new_secret

MAX_WEBHOOKS: Final = 50
"""Webhooks of a workspace, as every event is matched with all of them. Concurrent calls may exceed it by one each."""
MAX_SECRETS: Final = 5
"""Secrets of one webhook that sign at the same time."""
DEFAULT_OVERLAP: Final[Instant] = 24 * HOUR
"""How long an old secret signs beside a new one by default."""
TEST_EVENT: Final = "webhook.test"
"""The type of a message that reports no event."""

Edit = Callable[[Webhook, RequestContext], Webhook]


class NewSecret(Value, secrets=("secret",)):
    """A webhook with its newest secret, which is shown only here."""

    webhook: Webhook
    secret: str


class WebhookAdmin:
    """Manage the webhooks of one workspace, or of one app of it; of all workspaces with neither.

    `by` goes into the audit log. Returned webhooks are as stored: their secrets are sealed where there is a master key.
    Every method raises `NotFound` for a webhook outside of this scope, and for a deleted one.
    """

    def __init__(
        self, worker: DeliveryWorker, *, by: str, workspace_id: str | None = None, app_id: str | None = None
    ) -> None:
        hullo = worker.hullo
        self._store = hullo.store
        self._vault = hullo.executor.vault
        self._audit_log = AuditLog(hullo.store, hullo.clock, by)
        self._worker = worker
        self._workspace_id = workspace_id
        self._app_id = app_id

    def list_webhooks(self) -> Sequence[Webhook]:
        """List webhooks, the newest first."""
        # The store knows workspaces only, so an app's own webhooks are chosen here.
        return tuple(filter(self._is_accessible, self._store.list_webhooks(self._workspace_id)))

    def find(self, webhook_id: WebhookId) -> Webhook:
        """Find a webhook by its id."""
        found = self._store.find_webhook(webhook_id)
        # One answer for both: a key must not learn which webhooks other workspaces have.
        if found is None or not self._is_accessible(found):
            raise NotFound("no such webhook")
        return found

    def create(self, workspace_id: str, url: str, events: Sequence[str], app_id: str | None) -> NewSecret:
        """Create a webhook for a workspace, or for one app of it, which must exist. Without events: for all events.

        Raises `Invalid` for a URL that may not be posted to, an unknown event, and one webhook too many.
        """
        self._require_usable(url)
        moment = self._audit_log.new_context()
        secret = new_secret(moment)
        webhook = Webhook(
            id=moment.new_id("whk"),
            workspace_id=workspace_id,
            url=url,
            created_at=moment.now,
            app_id=app_id,
            events=unique_events(events),
            secrets=(WebhookSecret(secret=secret, created_at=moment.now),),
        )
        # Sealed before the change set is made: plain secrets never reach the store.
        sealed = map_webhook_secrets(webhook, self._vault.seal)
        changes = ChangeSet(webhooks=(insertion(sealed),))
        data = {"app_id": app_id, "events": list(webhook.events)}
        for _ in attempts():
            # Counted on each attempt, as a rival may have created one meanwhile.
            if len(self._store.list_webhooks(workspace_id)) >= MAX_WEBHOOKS:
                raise Invalid(f"the workspace has {MAX_WEBHOOKS} webhooks; delete one first")
            if self._audit_log.commit(changes, moment, workspace_id, "webhook.created", webhook.id, data):
                return NewSecret(webhook=sealed, secret=secret)
        raise TooContended

    def change(self, webhook_id: WebhookId, url: str | None = None, events: Sequence[str] | None = None) -> Webhook:
        """Change the URL or the events; None leaves them. Raises `Invalid` as `create` does."""
        if url is not None:
            self._require_usable(url)
        known = unique_events(events) if events is not None else None

        def edited(webhook: Webhook, _: RequestContext) -> Webhook:
            wanted = webhook.events if known is None else known
            return replace(webhook, url=webhook.url if url is None else url, events=wanted)

        # The audit log gets the names of fields: a URL may hold a secret of the receiver (P4).
        fields = [name for name, value in (("url", url), ("events", events)) if value is not None]
        return self._update(webhook_id, edited, "webhook.changed", {"fields": fields})

    def rotate_secret(self, webhook_id: WebhookId, overlap: Instant = DEFAULT_OVERLAP) -> NewSecret:
        """Add a secret. Older ones sign beside it for `overlap` microseconds; with 0 they are removed at once.

        Raises `Invalid` when too many would sign.
        """
        new = ""

        # Runs again after a conflict, with another secret: only the last one is stored and shown.
        def rotated(webhook: Webhook, moment: RequestContext) -> Webhook:
            nonlocal new
            new = new_secret(moment)
            last = moment.now + overlap
            older = tuple(
                # Never later than before: a second rotation must not prolong a secret that was on its way out.
                replace(secret, expires_at=last if secret.expires_at is None else min(secret.expires_at, last))
                for secret in map_webhook_secrets(webhook, self._vault.open).secrets
            )
            signing = tuple(old for old in older if old.is_active(moment.now))
            if len(signing) >= MAX_SECRETS:
                raise Invalid(f"{MAX_SECRETS} secrets sign already; wait until one expires, or leave none to overlap")
            newest = WebhookSecret(secret=new, created_at=moment.now)
            return map_webhook_secrets(replace(webhook, secrets=(newest, *signing)), self._vault.seal)

        webhook = self._update(webhook_id, rotated, "webhook.rotated", {"overlap_seconds": overlap // 1_000_000})
        return NewSecret(webhook=webhook, secret=new)

    def delete(self, webhook_id: WebhookId) -> Webhook:
        """Delete a webhook and its secrets. Events from before are not posted any more either."""
        deleted = self._update(
            webhook_id,
            # Kept as a row without secrets: its deliveries still name it.
            lambda webhook, moment: replace(webhook, deleted_at=moment.now, secrets=()),
            "webhook.deleted",
            {},
        )
        self._worker.wake()
        return deleted

    def send_test(self, webhook_id: WebhookId) -> Delivery:
        """Post a message without an event, once, in this thread. The returned delivery holds the result."""
        webhook, moment = self.find(webhook_id), self._audit_log.new_context()
        event_id = moment.new_id("evt")
        data = {"workspace_id": webhook.workspace_id, "app_id": webhook.app_id, "webhook_id": webhook.id}
        message = Delivery(
            id=delivery_id(webhook.id, event_id),
            webhook_id=webhook.id,
            workspace_id=webhook.workspace_id,
            event_id=event_id,
            event_name=TEST_EVENT,
            contact_id=None,
            body=message_text(TEST_EVENT, moment.now, data),
            created_at=moment.now,
        )
        # Not retried: the person who waits for the result may correct the receiver and test again.
        attempt = replace(self._worker.attempt(webhook, message), is_retryable=False)
        # A new moment: the attempt may have lasted as long as the timeout.
        attempted = after_attempt(message, attempt, self._audit_log.new_context().now, 0)
        self._store.apply([ChangeSet(deliveries=(insertion(attempted),))])
        return attempted

    def list_deliveries(self, webhook_id: WebhookId, page: PageRequest) -> Page[Delivery]:
        """List the deliveries of a webhook, done and pending, the newest first."""
        return self._store.list_deliveries(self.find(webhook_id).id, page)

    def replay(self, delivery_id: DeliveryId) -> Delivery:
        """Post a delivery again, with a full set of attempts; a pending one at once."""
        for _ in attempts():
            delivery = self._store.find_delivery(delivery_id)
            if delivery is None:
                raise NotFound("no such delivery")
            # Checks the scope: a delivery belongs to the workspace of its webhook.
            self.find(delivery.webhook_id)
            # The event's id stays, and with it `webhook-id`: a receiver can tell that it is a repeat.
            again = replace(delivery, state="pending", tries=0, next_at=self._audit_log.new_context().now)
            change = replacement(delivery, again)
            if isinstance(self._store.apply([ChangeSet(deliveries=(change,))])[0], Applied):
                self._worker.wake()
                return change.after
        raise TooContended

    def _is_accessible(self, webhook: Webhook) -> bool:
        return (
            webhook.deleted_at is None
            and self._workspace_id in {None, webhook.workspace_id}
            and self._app_id in {None, webhook.app_id}
        )

    def _require_usable(self, url: str) -> None:
        try:
            self._worker.sender.require_usable(url)
        except UnusableUrl as error:
            # Named as a field: the caller sees which one to correct.
            raise Invalid(Invalid.invalid_fields_detail, [Rejection(field="url", reason=str(error))]) from error

    def _update(self, webhook_id: WebhookId, edit: Edit, action: str, data: Mapping[str, object]) -> Webhook:
        # Read again on each attempt: the commit fails when another change came first, and must not undo that one.
        for _ in attempts():
            webhook, moment = self.find(webhook_id), self._audit_log.new_context()
            change = replacement(webhook, edit(webhook, moment))
            changes = ChangeSet(webhooks=(change,))
            if self._audit_log.commit(changes, moment, webhook.workspace_id, action, webhook.id, data):
                return change.after
        raise TooContended


class OpenAdmin(Protocol):
    """Give the admin of one workspace, or of one app of it. Raises `Unavailable` while hullo is closed."""

    def __call__(self, *, by: str, workspace_id: str | None = None, app_id: str | None = None) -> WebhookAdmin: ...


def unique_events(names: Sequence[str]) -> tuple[str, ...]:
    """Remove repeated names. Raises `Invalid` for an unknown event."""
    for name in names:
        if name not in EVENT_NAMES:
            raise Invalid(
                Invalid.invalid_fields_detail,
                [Rejection(field="events", reason=f"the events are {', '.join(EVENT_NAMES)}")],
            )
    # Not a set: the order of the caller is kept in what is shown.
    return tuple(dict.fromkeys(names))
