"""What `routes` offers, in the words of the server's own document (OpenAPI)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hullo.api.field_types import id_schema
from hullo.api.openapi.notation import Schema
from hullo.api.openapi.operation import by_key, operation
from hullo.api.parameters import PAGE
from hullo.api.schemas import PageResponse
from hullo.errors import UnknownApp
from hullo.model.app import Scope
from hullo.webhooks.bodies import RotateBody, WebhookBody, WebhookChanges
from hullo.webhooks.schemas import DeletedWebhookResponse, DeliveryResponse, NewWebhookSecretResponse, WebhookResponse

SCHEMAS: Final[Mapping[str, Schema]] = {
    "WebhookId": id_schema("whk", "Somebody who is told of events."),
    "DeliveryId": id_schema("dlv", "One event, told to one webhook."),
}
"""By their names in the document."""

LIST_WEBHOOKS: Final = operation(
    "List webhooks",
    security=by_key(Scope.READ),
    answers=PageResponse[WebhookResponse],
)

CREATE_WEBHOOK: Final = operation(
    "Be told of events",
    description="Signed messages (Standard Webhooks) are posted there whenever something happens, at least once, "
    "those of one contact in their order. The answer is the only one that holds the secret.",
    security=by_key(Scope.WRITE),
    body=WebhookBody,
    answers=NewWebhookSecretResponse,
    refusals=(UnknownApp,),
    leads_to=(
        "read_webhook",
        "change_webhook",
        "delete_webhook",
        "rotate_webhook",
        "test_webhook",
        "list_deliveries",
    ),
)

READ_WEBHOOK: Final = operation(
    "Read a webhook",
    security=by_key(Scope.READ),
    answers=WebhookResponse,
)

CHANGE_WEBHOOK: Final = operation(
    "Change a webhook",
    security=by_key(Scope.WRITE),
    body=WebhookChanges,
    answers=WebhookResponse,
)

DELETE_WEBHOOK: Final = operation(
    "Delete a webhook",
    description="It is told nothing any more, of what happened before neither.",
    security=by_key(Scope.WRITE),
    answers=DeletedWebhookResponse,
)

ROTATE_WEBHOOK: Final = operation(
    "Sign with a new secret",
    description="The older ones sign beside it for a while, so that nobody has to change at one moment.",
    security=by_key(Scope.WRITE),
    body=RotateBody,
    needs_body=False,
    answers=NewWebhookSecretResponse,
)

TEST_WEBHOOK: Final = operation(
    "Try a webhook",
    description="Posts a message that tells of nothing, once, and says what came of it.",
    security=by_key(Scope.WRITE),
    answers=DeliveryResponse,
    leads_to=("replay_delivery",),
)

LIST_DELIVERIES: Final = operation(
    "List what a webhook was told",
    security=by_key(Scope.READ),
    query=PAGE,
    answers=PageResponse[DeliveryResponse],
)

REPLAY_DELIVERY: Final = operation(
    "Tell a webhook again",
    description="With all its tries, and under the same `webhook-id`.",
    security=by_key(Scope.WRITE),
    answers=DeliveryResponse,
)
