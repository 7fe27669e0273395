"""`hullo identity-key`: the secrets that sites sign with, and their rotation (V4)."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from hullo.cli.apps import found_app, key_document, key_table
from hullo.cli.options import Given, common, pass_given
from hullo.cli.screen import command, plain, record, title, when
from hullo.model.instant import Instant, instant_of


@click.group("identity-key")
@common
def identity_key() -> None:
    """The keys that a site's server signs with: add, list and retire them."""


@identity_key.command()
@click.argument("app_key")
@common
@pass_given
def add(given: Given, app_key: str) -> None:
    """Make one more key, which is shown this once. The others go on verifying."""
    with given.open() as hullo:
        key = hullo.register.add_identity_key(app_key)
    about = record([("identity key", key.secret), ("identity key id", key.id)])
    text = (
        f"{title('One more identity key.')}\n{about}\n\n"
        "Sign with it on your site's server. It is not shown again. Once no server signs with an older one,\n"
        f"retire that:  {command(f'hullo identity-key retire {plain(app_key)} ID')}"
    )
    given.show({"identity_key_id": key.id, "identity_key": key.secret}, text)


@identity_key.command("list")
@click.argument("app_key", required=False)
@common
@pass_given
def list_(given: Given, app_key: str | None) -> None:
    """Show the keys of an app, or of all, the oldest first; never their secrets."""
    with given.open() as hullo:
        apps = [found_app(hullo, app_key)] if app_key is not None else hullo.store.list_apps()
        keys = [key for app in apps for key in app.identity_keys]
        now = hullo.clock()
    given.show({"items": [key_document(key, now) for key in keys]}, key_table(keys, now))


def _instant(context: click.Context, parameter: click.Parameter, text: str | None) -> Instant | None:
    if text is None:
        return None
    try:
        # To UTC here, as a time that is only imaginable with its offset could not be shown later.
        moment = datetime.fromisoformat(text)
        return instant_of(moment if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "write a time with its offset, such as 2030-01-31T12:00:00Z", context, parameter
        ) from None


@identity_key.command()
@click.argument("app_key")
@click.argument("key_id", metavar="ID")
@click.option("--at", metavar="TIME", callback=_instant, help="When, as RFC 3339 writes it.  [default: now]")
@common
@pass_given
def retire(given: Given, app_key: str, key_id: str, at: Instant | None) -> None:
    """Say when a key stops verifying. May be said again, to move the time."""
    with given.open() as hullo:
        key = hullo.register.retire_identity_key(app_key, key_id, at)
        now = hullo.clock()
        rest = [each for each in found_app(hullo, app_key).identity_keys if each.active(now)]
    if not rest:
        click.echo("No active key is left: until you add one, signed calls to this app are refused.", err=True)
    retires = key.retires_at
    text = (
        f"{key.id} verifies until {when(retires)}."
        if key.active(now)
        else f"{key.id} is retired since {when(retires)}."
    )
    given.show(key_document(key, now), text)
