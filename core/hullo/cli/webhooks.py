"""`hullo webhooks`: manage webhooks and their deliveries."""

from __future__ import annotations

import click

from hullo.application import Hullo
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.screen import command_text, field_lines, format_time, table, title
from hullo.errors import Invalid, NotFound
from hullo.model.event import EVENT_NAMES
from hullo.model.instant import HOUR
from hullo.model.webhook import Webhook
from hullo.operations.admin.audit_log import COMMAND_LINE
from hullo.operations.admin.register import DEFAULT_WORKSPACE
from hullo.store.protocol import PageRequest
from hullo.value import Value
from hullo.webhooks.admin import DEFAULT_OVERLAP, NewSecret, OpenAdmin, WebhookAdmin
from hullo.webhooks.schemas import DeliveryResponse, NewWebhookSecretResponse, WebhookResponse


class _Environment(Value, kw_only=False):
    """What all commands of the group use."""

    open_admin: OpenAdmin
    hullo: Hullo

    def admin(self) -> WebhookAdmin:
        """Open the admin of all workspaces."""
        # Late: `hullo webhooks --help` needs no database.
        self.hullo.open()
        return self.open_admin(by=COMMAND_LINE)


_pass_environment = click.make_pass_decorator(_Environment)


def webhook_commands(open_admin: OpenAdmin, hullo: Hullo) -> click.Command:
    """Make the group of commands."""

    @click.group("webhooks")
    @common_options
    @click.pass_context
    def webhooks(context: click.Context) -> None:
        """URLs that events are posted to: create, test and delete them, and look at their deliveries."""
        context.obj = _Environment(open_admin, hullo)

    for command in (_list, _create, _test, _deliveries, _replay, _rotate, _delete):
        webhooks.add_command(command)
    return webhooks


@click.command("list")
@common_options
@pass_options
@_pass_environment
def _list(environment: _Environment, options: CommonOptions) -> None:
    """Show every webhook, the newest first; never their secrets."""
    webhooks = environment.admin().list_webhooks()
    text = table(
        ("WEBHOOK ID", "URL", "EVENTS", "APP", "WORKSPACE", "MADE"),
        [
            (
                webhook.id,
                webhook.url,
                ", ".join(webhook.events) or "all",
                webhook.app_id,
                webhook.workspace_id,
                format_time(webhook.created_at),
            )
            for webhook in webhooks
        ],
    )
    empty = f"There is no webhook yet. Make one:  {command_text('hullo webhooks create URL')}"
    options.print_result({"items": WebhookResponse.of_each(webhooks)}, text if webhooks else empty)


@click.command("create")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(EVENT_NAMES),
    metavar="NAME",
    help=f"Tell of this one; may be said several times: {', '.join(EVENT_NAMES)}.  [default: all]",
)
@click.option("--app", "app_key", metavar="APP_KEY", help="Tell of this app's events alone.")
@click.option("--workspace", metavar="NAME|ID", help="Whose events.  [default: the only one there is]")
@common_options
@pass_options
@_pass_environment
def _create(
    environment: _Environment,
    options: CommonOptions,
    url: str,
    events: tuple[str, ...],
    app_key: str | None,
    workspace: str | None,
) -> None:
    """Have events posted to a URL, with a signature whose secret is shown this once."""
    new = environment.admin().create(_workspace_id(environment.hullo, app_key, workspace), url, events, app_key)
    options.print_result(NewWebhookSecretResponse.of_new(new), _secret_text("A new webhook.", new))


@click.command("rotate")
@click.argument("webhook_id")
@click.option(
    "--overlap",
    metavar="HOURS",
    type=click.IntRange(0, 24 * 30),
    default=DEFAULT_OVERLAP // HOUR,
    show_default=True,
    help="How long the old secrets sign as well; 0 after a leak.",
)
@common_options
@pass_options
@_pass_environment
def _rotate(environment: _Environment, options: CommonOptions, webhook_id: str, overlap: int) -> None:
    """Sign with a new secret, which is shown this once."""
    new = environment.admin().rotate_secret(webhook_id, overlap * HOUR)
    options.print_result(NewWebhookSecretResponse.of_new(new), _secret_text("A new secret.", new))


@click.command("delete")
@click.argument("webhook_id")
@common_options
@pass_options
@_pass_environment
def _delete(environment: _Environment, options: CommonOptions, webhook_id: str) -> None:
    """Delete a webhook. Earlier events are not posted any more either."""
    webhook = environment.admin().delete(webhook_id)
    options.print_result({"id": webhook.id, "deleted": True}, f"{webhook.id} is deleted.")


@click.command("test")
@click.argument("webhook_id")
@common_options
@pass_options
@_pass_environment
@click.pass_context
def _test(context: click.Context, environment: _Environment, options: CommonOptions, webhook_id: str) -> None:
    """Post a message without an event, and show the result. Ends with status 1 unless it was delivered."""
    delivery = environment.admin().send_test(webhook_id)
    taken = delivery.state == "delivered"
    outcome = f"It was taken: {delivery.last_status}." if taken else f"It was not taken: {delivery.last_error}."
    options.print_result(DeliveryResponse.of(delivery), outcome)
    # The status tells a script whether the receiver works.
    context.exit(0 if taken else 1)


@click.command("deliveries")
@click.argument("webhook_id")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many, at most.")
@common_options
@pass_options
@_pass_environment
def _deliveries(environment: _Environment, options: CommonOptions, webhook_id: str, limit: int) -> None:
    """Show the deliveries of a webhook, done and pending, the newest first."""
    deliveries = environment.admin().list_deliveries(webhook_id, PageRequest(limit=limit)).items
    text = table(
        ("DELIVERY ID", "TYPE", "STATE", "TRIES", "LAST", "STATUS", "WHY"),
        [
            (
                delivery.id,
                delivery.event_name,
                delivery.state,
                delivery.tries,
                format_time(delivery.last_at),
                delivery.last_status,
                delivery.last_error,
            )
            for delivery in deliveries
        ],
    )
    shown = text if deliveries else "It was told nothing yet."
    options.print_result({"items": [DeliveryResponse.of(delivery) for delivery in deliveries]}, shown)


@click.command("replay")
@click.argument("delivery_id")
@common_options
@pass_options
@_pass_environment
def _replay(environment: _Environment, options: CommonOptions, delivery_id: str) -> None:
    """Post a delivery again, one that was delivered or one that failed."""
    delivery = environment.admin().replay(delivery_id)
    options.print_result(DeliveryResponse.of(delivery), f"{delivery.id} is posted again, by the hullo that serves.")


def _workspace_id(hullo: Hullo, app_key: str | None, workspace: str | None) -> str:
    """Find the workspace of an app, or by its name or id. Raises `NotFound`, and `Invalid` when it is ambiguous."""
    if app_key is not None:
        return hullo.executor.apps.reload(app_key).workspace_id
    known = hullo.store.list_workspaces()
    wanted = workspace if workspace is not None else DEFAULT_WORKSPACE
    matching = [candidate for candidate in known if wanted in {candidate.id, candidate.name}]
    # No workspace has the default's name: the only one there is will do.
    if workspace is None and not matching:
        matching = list(known)
    # Several matches are refused: a webhook of the wrong workspace would give its events away.
    if len(matching) == 1:
        return matching[0].id
    if workspace is not None:
        raise NotFound(f"no workspace is called {workspace!r}; an app makes its own when it is created")
    raise Invalid("say which workspace" if known else "there is no workspace yet: create an app first")


def _secret_text(heading: str, new: NewSecret) -> str:
    webhook: Webhook = new.webhook
    about = field_lines(
        [
            ("secret", new.secret),
            ("webhook id", webhook.id),
            ("url", webhook.url),
            ("events", ", ".join(webhook.events) or "all"),
            ("app", webhook.app_id or "all of the workspace"),
        ]
    )
    return (
        f"{title(heading)}\n{about}\n\n"
        f"Check the signature of every message with it. It is not shown again.\n"
        f"Try it:  {command_text(f'hullo webhooks test {webhook.id}')}"
    )
