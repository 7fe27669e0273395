"""`hullo identity-key`: the keys that sites sign with, secret and public ones, and their rotation (V4, V5)."""

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
    """Add, list and retire a site's signing keys."""


@identity_key.command()
@click.argument("app_key")
@click.option(
    "--public-key",
    metavar="FILE",
    type=click.File("rb"),
    help="Add your own public key from a PEM or JWK file; - reads standard input.",
)
@common_options
@pass_options
def add(options: CommonOptions, app_key: str, public_key: IO[bytes] | None) -> None:
    """Create another identity key, and print it once. The other keys stay valid.

    With --public-key, hullo holds no secret: your server signs tokens (EdDSA, ES256 or RS256) with its private key, and
    hullo verifies them. A public key does not verify a user_hash.
    """
    # Before the database is opened: a wrong file should change nothing.
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
        f"{title('A new identity key.')}\n{about}\n\n"
        f"Sign with it on your site's server. hullo does not show it again. {_retire_hint(key)}"
    )
    return {"identity_key_id": key.id, "identity_key": key.secret}, text


def _public_key_result(key: IdentityKey, public: PublicKey) -> tuple[dict[str, object], str]:
    about = field_lines([("identity key id", key.id), ("algorithm", public.algorithm), ("kid", public.kid)])
    text = (
        f"{title('A new public key.')}\n{about}\n\n"
        f"Sign tokens on your site's server with the private key, with alg {public.algorithm} and aud {key.app_id}.\n"
        f"The kid is optional. {_retire_hint(key)}"
    )
    return {"identity_key_id": key.id, "algorithm": public.algorithm, "kid": public.kid}, text


def _retire_hint(key: IdentityKey) -> str:
    return (
        "When no server signs with an older key any more,\n"
        f"retire it:  {command_text(f'hullo identity-key retire {printable(key.app_id)} ID')}"
    )


def _read_key_file(file: IO[bytes]) -> str:
    try:
        # One character too many is refused later as too long. `utf-8-sig`: editors on Windows write a byte order mark.
        return file.read(MAX_TEXT_LENGTH + 1).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(
            "this file is not text; convert a DER key to PEM with 'openssl pkey -pubin -inform DER -in FILE'"
        ) from None


@identity_key.command("list")
@click.argument("app_key", required=False)
@common_options
@pass_options
def list_(options: CommonOptions, app_key: str | None) -> None:
    """List the keys of one app or of all apps without their secrets, the oldest first."""
    with options.read_hullo() as hullo:
        apps = [get_app(hullo, app_key)] if app_key is not None else hullo.store.list_apps()
        keys = [key for app in apps for key in app.identity_keys]
        now = hullo.clock()
    options.print_result({"items": [key_document(key, now) for key in keys]}, key_table(keys, now))


def _parse_instant(context: click.Context, parameter: click.Parameter, text: str | None) -> Instant | None:
    if text is None:
        return None
    try:
        # To UTC here: a time near the year 1 or 9999 may leave the calendar, and would fail where it is printed.
        moment = datetime.fromisoformat(text)
        return to_instant(moment if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "write a time with its offset, for example 2030-01-31T12:00:00Z", context, parameter
        ) from None


@identity_key.command()
@click.argument("app_key")
@click.argument("key_id", metavar="ID")
@click.option(
    "--at", metavar="TIME", callback=_parse_instant, help="The time, in the format of RFC 3339.  [default: now]"
)
@common_options
@pass_options
def retire(options: CommonOptions, app_key: str, key_id: str, at: Instant | None) -> None:
    """Retire a key now or at a given time: then hullo no longer accepts its signatures. Repeat it to move the time."""
    with options.open_hullo() as hullo:
        # V4: a time in the future lets every signer change over before the key ends.
        key = hullo.register.retire_identity_key(app_key, key_id, at)
        now = hullo.clock()
        active_keys = [key for key in get_app(hullo, app_key).identity_keys if key.is_active(now)]
    # A warning and no refusal: after a leak the last key must go too.
    if not active_keys:
        click.echo("No active key is left. hullo refuses signed calls to this app until you add a key.", err=True)
    retires = key.retires_at
    text = (
        f"{key.id} is valid until {format_time(retires)}."
        if key.is_active(now)
        else f"{key.id} was retired at {format_time(retires)}."
    )
    options.print_result(key_document(key, now), text)
