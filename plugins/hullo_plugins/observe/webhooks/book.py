"""Webhooks made, changed, rotated and deleted, each with its line in the audit log, and what was delivered to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hullo.errors import Invalid, NotFound, TooContended
from hullo.model.change_set import ChangeSet, changed, created
from hullo.model.claim import Rejection
from hullo.model.event import EVENT_NAMES
from hullo.model.instant import HOUR, Instant
from hullo.model.moment import Moment
from hullo.model.webhook import Delivery, DeliveryId, Webhook, WebhookId, WebhookSecret
from hullo.pipeline.audit.ledger import Ledger
from hullo.pipeline.outbox.fan_out import delivery_id, message_text
from hullo.pipeline.retry import tries
from hullo.pipeline.secrets.webhook_secrets import with_webhook_secrets
from hullo.store.protocol import Applied, Page, PageRequest
from hullo_plugins.observe.webhooks.addresses import Unfit
from hullo_plugins.observe.webhooks.poster import Poster
from hullo_plugins.observe.webhooks.schedule import recorded
from hullo_plugins.observe.webhooks.signing import new_secret

MOST: Final = 50
"""Webhooks of a workspace, as every event is held against each of them. Several people who make one at once may make
one more."""
MOST_SECRETS: Final = 5
"""Of one webhook, that sign at the same time."""
OVERLAP: Final[Instant] = 24 * HOUR
"""For how long an old secret signs beside a new one, unless somebody says otherwise."""
TEST: Final = "webhook.test"
"""The type of the message that tells of nothing."""

Edit = Callable[[Webhook, Moment], Webhook]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A webhook with its newest secret, which is shown this once."""

    webhook: Webhook
    secret: str = field(repr=False)


class Book:
    """The webhooks of one workspace, or of one app of it; of all with neither. `by` is who looks after them.

    The webhooks that it gives are as they are stored, sealed where there is a master key. Raises `NotFound` for those
    of others, and for deleted ones.
    """

    def __init__(self, poster: Poster, *, by: str, workspace_id: str | None = None, app_id: str | None = None) -> None:
        hullo = poster.hullo
        self._store = hullo.store
        self._vault = hullo.pipeline.vault
        self._ledger = Ledger(hullo.store, hullo.clock, by)
        self._poster = poster
        self._workspace_id = workspace_id
        self._app_id = app_id

    def webhooks(self) -> Sequence[Webhook]:
        """The newest first."""
        return tuple(filter(self._is_theirs, self._store.list_webhooks(self._workspace_id)))

    def webhook(self, webhook_id: WebhookId) -> Webhook:
        """By its id."""
        found = self._store.find_webhook(webhook_id)
        if found is None or not self._is_theirs(found):
            raise NotFound("no such webhook")
        return found

    def create(self, workspace_id: str, url: str, events: Sequence[str], app_id: str | None) -> NewSecret:
        """Of the workspace, or of one app of it, which somebody has looked after. Without events: of all.

        Raises `Invalid` for a URL that may not be posted to, for an event that there is not, and for one too many.
        """
        self._require_fit(url)
        moment = self._ledger.moment()
        secret = new_secret(moment)
        webhook = Webhook(
            id=moment.new_id("whk"),
            workspace_id=workspace_id,
            url=url,
            created_at=moment.now,
            app_id=app_id,
            events=known_events(events),
            secrets=(WebhookSecret(secret=secret, created_at=moment.now),),
        )
        sealed = with_webhook_secrets(webhook, self._vault.seal)
        changes = ChangeSet(webhooks=(created(sealed),))
        data = {"app_id": app_id, "events": list(webhook.events)}
        for _ in tries():
            if len(self._store.list_webhooks(workspace_id)) >= MOST:
                raise Invalid(f"the workspace has {MOST} webhooks; delete one first")
            if self._ledger.written(changes, moment, workspace_id, "webhook.created", webhook.id, data):
                return NewSecret(webhook=sealed, secret=secret)
        raise TooContended

    def change(self, webhook_id: WebhookId, url: str | None = None, events: Sequence[str] | None = None) -> Webhook:
        """None: as it is. Raises `Invalid` as `create` does."""
        if url is not None:
            self._require_fit(url)
        known = known_events(events) if events is not None else None

        def edited(webhook: Webhook, _: Moment) -> Webhook:
            wanted = webhook.events if known is None else known
            return replace(webhook, url=webhook.url if url is None else url, events=wanted)

        fields = [name for name, said in (("url", url), ("events", events)) if said is not None]
        return self._rewritten(webhook_id, edited, "webhook.changed", {"fields": fields})

    def rotate(self, webhook_id: WebhookId, overlap: Instant = OVERLAP) -> NewSecret:
        """A new secret signs from now on, and for so long the older ones beside it; with 0 they are gone at once.

        Raises `Invalid` when too many would sign.
        """
        secret = ""

        def rotated(webhook: Webhook, moment: Moment) -> Webhook:
            nonlocal secret
            secret = new_secret(moment)
            last = moment.now + overlap
            older = tuple(
                replace(each, expires_at=last if each.expires_at is None else min(each.expires_at, last))
                for each in with_webhook_secrets(webhook, self._vault.open).secrets
            )
            signing = tuple(each for each in older if each.signs(moment.now))
            if len(signing) >= MOST_SECRETS:
                raise Invalid(f"{MOST_SECRETS} secrets sign already; wait until one expires, or leave none to overlap")
            newest = WebhookSecret(secret=secret, created_at=moment.now)
            return with_webhook_secrets(replace(webhook, secrets=(newest, *signing)), self._vault.seal)

        webhook = self._rewritten(webhook_id, rotated, "webhook.rotated", {"overlap_seconds": overlap // 1_000_000})
        return NewSecret(webhook=webhook, secret=secret)

    def delete(self, webhook_id: WebhookId) -> Webhook:
        """It is told nothing any more, of what happened before neither, and its secrets are forgotten."""
        deleted = self._rewritten(
            webhook_id,
            lambda webhook, moment: replace(webhook, deleted_at=moment.now, secrets=()),
            "webhook.deleted",
            {},
        )
        self._poster.nudge()
        return deleted

    def test(self, webhook_id: WebhookId) -> Delivery:
        """Posts a message that tells of nothing, once, and says in its delivery what came of that."""
        webhook, moment = self.webhook(webhook_id), self._ledger.moment()
        event_id = moment.new_id("evt")
        data = {"workspace_id": webhook.workspace_id, "app_id": webhook.app_id, "webhook_id": webhook.id}
        message = Delivery(
            id=delivery_id(webhook.id, event_id),
            webhook_id=webhook.id,
            workspace_id=webhook.workspace_id,
            event_id=event_id,
            event_name=TEST,
            contact_id=None,
            body=message_text(TEST, moment.now, data),
            created_at=moment.now,
        )
        attempt = replace(self._poster.post(webhook, message), again=False)
        told = recorded(message, attempt, self._ledger.moment().now, 0)
        self._store.apply([ChangeSet(deliveries=(created(told),))])
        return told

    def deliveries(self, webhook_id: WebhookId, page: PageRequest) -> Page[Delivery]:
        """What it was told, and is to be told, the newest first."""
        return self._store.list_deliveries(self.webhook(webhook_id).id, page)

    def replay(self, delivery_id: DeliveryId) -> Delivery:
        """It is posted again, with all its tries; one that is on its way, at once."""
        for _ in tries():
            delivery = self._store.find_delivery(delivery_id)
            if delivery is None:
                raise NotFound("no such delivery")
            self.webhook(delivery.webhook_id)
            again = replace(delivery, state="pending", tries=0, next_at=self._ledger.moment().now)
            change = changed(delivery, again)
            if isinstance(self._store.apply([ChangeSet(deliveries=(change,))])[0], Applied):
                self._poster.nudge()
                return change.after
        raise TooContended

    def _is_theirs(self, webhook: Webhook) -> bool:
        return (
            webhook.deleted_at is None
            and self._workspace_id in {None, webhook.workspace_id}
            and self._app_id in {None, webhook.app_id}
        )

    def _require_fit(self, url: str) -> None:
        try:
            self._poster.sender.require_fit(url)
        except Unfit as unfit:
            raise Invalid(Invalid.wrong_fields, [Rejection(field="url", reason=str(unfit))]) from unfit

    def _rewritten(self, webhook_id: WebhookId, edit: Edit, action: str, data: Mapping[str, object]) -> Webhook:
        for _ in tries():
            webhook, moment = self.webhook(webhook_id), self._ledger.moment()
            change = changed(webhook, edit(webhook, moment))
            changes = ChangeSet(webhooks=(change,))
            if self._ledger.written(changes, moment, webhook.workspace_id, action, webhook.id, data):
                return change.after
        raise TooContended


def known_events(names: Sequence[str]) -> tuple[str, ...]:
    """Each once. Raises `Invalid` for an event that there is not."""
    for name in names:
        if name not in EVENT_NAMES:
            raise Invalid(
                Invalid.wrong_fields, [Rejection(field="events", reason=f"the events are {', '.join(EVENT_NAMES)}")]
            )
    return tuple(dict.fromkeys(names))
