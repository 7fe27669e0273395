"""The bodies of responses about webhooks and deliveries."""

from __future__ import annotations

from typing import Annotated, Self, get_args

from msgspec import Meta

from hullo.api.field_types import AppId, ContactId, Count, Time, const, id_schema, named, one_of
from hullo.api.schemas import ResponseBody
from hullo.model.event import EVENT_NAMES
from hullo.model.webhook import Delivery, DeliveryState
from hullo.webhooks.addresses import MAX_URL_LENGTH
from hullo.webhooks.admin import NewSecret

WebhookId = Annotated[str, named("WebhookId")]
EventNames = Annotated[list[Annotated[str, one_of(EVENT_NAMES)]], Meta(description="None: all of them.")]
Url = Annotated[
    str,
    Meta(
        description="Where events are posted.",
        max_length=MAX_URL_LENGTH,
        pattern="^https?://",
        extra_json_schema={"format": "uri"},
    ),
]


class WebhookSecretResponse(ResponseBody):
    """When a secret was made. The newest is the first."""

    created_at: Time
    expires_at: Annotated[Time | None, Meta(description="From when on it signs no more.")]


class WebhookResponse(ResponseBody):
    """A webhook, without what it signs with."""

    id: WebhookId
    workspace_id: Annotated[str, Meta(extra_json_schema=id_schema("ws", "The workspace whose events it receives."))]
    app_id: Annotated[AppId | None, Meta(description="Of which app alone; null: of every one.")]
    url: Url
    events: EventNames
    created_at: Time
    secrets: Annotated[list[WebhookSecretResponse], Meta(description="The newest first.")]


class NewWebhookSecretResponse(WebhookResponse, secrets=("secret",)):
    """A webhook with a secret that was just made."""

    secret: Annotated[
        str, Meta(description="Shown this once: a message that is signed with it is ours.", pattern="^whsec_")
    ]

    @classmethod
    def of_new(cls, new: NewSecret) -> Self:
        """Describe a webhook with its new secret, this once."""
        return cls.of_same(new.webhook, secret=new.secret)


class DeletedWebhookResponse(ResponseBody):
    """A webhook that is no more."""

    id: WebhookId
    deleted: Annotated[bool, const(True), Meta(description="It is gone for good.")]


class DeliveryResponse(ResponseBody):
    """One event on its way to one webhook, or what came of it."""

    id: Annotated[str, named("DeliveryId")]
    webhook_id: WebhookId
    event_id: Annotated[str, Meta(description="As the header `webhook-id` has it, at every try.", pattern="^evt_")]
    type: Annotated[str, Meta(description="Of the event; `webhook.test` for a message without an event.")]
    contact_id: Annotated[ContactId | None, Meta(description="null where the event is about no contact.")]
    body: Annotated[str, Meta(description="What is posted: ids and names of fields, nothing personal.")]
    created_at: Time
    state: Annotated[str, one_of(get_args(DeliveryState), "What became of it.")]
    tries: Annotated[Count, Meta(description="Since it was made, or replayed.")]
    next_at: Annotated[Time | None, Meta(description="When it is tried next, while it is pending.")]
    last_at: Annotated[Time | None, Meta(description="null where it was not tried yet.")]
    last_status: Annotated[int | None, Meta(description="What was answered; null where nothing was.")]
    last_error: Annotated[str | None, Meta(description="Why the last try failed.")]

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Describe a delivery."""
        return cls.of_same(
            delivery,
            type=delivery.event_name,
            # The store keeps the last value, which means nothing once the delivery is done.
            next_at=delivery.next_at if delivery.state == "pending" else None,
        )
