"""`hullo identity-key`: what sites sign with, secrets and public keys, and their rotation (V4, V5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import IO

import click

from hullo.cli.apps import get_app, key_document, key_table
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.screen import command_text, field_lines, format_time, printable, title
from hullo.errors import Invalid
from hullo.model.app import IdentityKey
from hullo.model.instant import Instant, to_instant
from hullo.model.public_key import MAX_TEXT_LENGTH, PublicKey


@click.group("identity-key")
@common_options
def identity_key() -> None:
    """The keys that a site's server signs with: add, list and retire them."""


@identity_key.command()
@click.argument("app_key")
@click.option(
    "--public-key",
    metavar="FILE",
    type=click.File("rb"),
    help="Take the public half of your own key instead, from a PEM or JWK file; - reads standard input.",
)
@common_options
@pass_options
def add(options: CommonOptions, app_key: str, public_key: IO[bytes] | None) -> None:
    """Make one more key, which is shown this once. The others go on verifying.

    With --public-key nothing secret is shared: your server signs tokens (EdDSA, ES256 or RS256) with a key that never
    leaves it, and hullo verifies them. Such a key does not verify a user_hash.
    """
    text = _read_key_file(public_key) if public_key is not None else None
    with options.open_hullo() as hullo:
        if text is not None:
            key = hullo.register.add_public_key(app_key, text)
        else:
            key = hullo.register.add_identity_key(app_key)
    options.print_result(
        *(
            _secret_key_result(key)
            if key.public_key is None
            else _public_key_result(key, PublicKey.from_jwk(key.public_key))
        )
    )


def _secret_key_result(key: IdentityKey) -> tuple[dict[str, object], str]:
    about = field_lines([("identity key", key.secret), ("identity key id", key.id)])
    text = (
        f"{title('One more identity key.')}\n{about}\n\n"
        f"Sign with it on your site's server. It is not shown again. {_retire_hint(key)}"
    )
    return {"identity_key_id": key.id, "identity_key": key.secret}, text


def _public_key_result(key: IdentityKey, public: PublicKey) -> tuple[dict[str, object], str]:
    about = field_lines([("identity key id", key.id), ("algorithm", public.algorithm), ("kid", public.kid)])
    text = (
        f"{title('One more public key.')}\n{about}\n\n"
        f"Sign tokens with its private half on your site's server, with alg {public.algorithm} and aud {key.app_id};\n"
        f"a kid may be left out. {_retire_hint(key)}"
    )
    return {"identity_key_id": key.id, "algorithm": public.algorithm, "kid": public.kid}, text


def _retire_hint(key: IdentityKey) -> str:
    return (
        "Once no server signs with an older one,\n"
        f"retire that:  {command_text(f'hullo identity-key retire {printable(key.app_id)} ID')}"
    )


def _read_key_file(file: IO[bytes]) -> str:
    try:
        return file.read(MAX_TEXT_LENGTH + 1).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(
            "that file is no text: for a key in DER, 'openssl pkey -pubin -inform DER -in FILE' writes PEM"
        ) from None


@identity_key.command("list")
@click.argument("app_key", required=False)
@common_options
@pass_options
def list_(options: CommonOptions, app_key: str | None) -> None:
    """Show the keys of an app, or of all, the oldest first; never their secrets."""
    with options.open_hullo() as hullo:
        apps = [get_app(hullo, app_key)] if app_key is not None else hullo.store.list_apps()
        keys = [key for app in apps for key in app.identity_keys]
        now = hullo.clock()
    options.print_result({"items": [key_document(key, now) for key in keys]}, key_table(keys, now))


def _parse_instant(context: click.Context, parameter: click.Parameter, text: str | None) -> Instant | None:
    if text is None:
        return None
    try:
        # To UTC here, as a time that is only imaginable with its offset could not be shown later.
        moment = datetime.fromisoformat(text)
        return to_instant(moment if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "write a time with its offset, such as 2030-01-31T12:00:00Z", context, parameter
        ) from None


@identity_key.command()
@click.argument("app_key")
@click.argument("key_id", metavar="ID")
@click.option("--at", metavar="TIME", callback=_parse_instant, help="When, as RFC 3339 writes it.  [default: now]")
@common_options
@pass_options
def retire(options: CommonOptions, app_key: str, key_id: str, at: Instant | None) -> None:
    """Say when a key stops verifying. May be said again, to move the time."""
    with options.open_hullo() as hullo:
        key = hullo.register.retire_identity_key(app_key, key_id, at)
        now = hullo.clock()
        rest = [each for each in get_app(hullo, app_key).identity_keys if each.is_active(now)]
    if not rest:
        click.echo("No active key is left: until you add one, signed calls to this app are refused.", err=True)
    retires = key.retires_at
    text = (
        f"{key.id} verifies until {format_time(retires)}."
        if key.is_active(now)
        else f"{key.id} is retired since {format_time(retires)}."
    )
    options.print_result(key_document(key, now), text)
