"""`hullo hash` and `hullo token`: what a site's server signs for a user (V1, V5, T4)."""

from __future__ import annotations

import click

from hullo.cli.options import CommonOptions, common_options, pass_options


@click.command("hash")
@click.argument("app_key")
@click.argument("value")
@common_options
@pass_options
def hash_command(options: CommonOptions, app_key: str, value: str) -> None:
    """Compute the user_hash of VALUE.

    VALUE is a user's external id. For users without one, it is the email exactly as the page sends it. The command
    signs with the app's newest active identity key.
    """
    with options.open_hullo() as hullo:
        # V1: signed as typed. Trimming or lower case would give a hash that the page's value does not match.
        computed = hullo.user_hash(app_key, value)
    options.print_result({"user_hash": computed}, computed)


@click.command("token")
@click.argument("app_key")
@click.option("--external-id", metavar="ID", help="Your own id of the user.")
@click.option("--email", metavar="EMAIL", help="The user's email.")
@click.option("--name", metavar="NAME", help="The user's name.")
@click.option("--ttl", metavar="SECONDS", type=int, default=300, show_default=True, help="How long the token is valid.")
@common_options
@pass_options
def token_command(
    options: CommonOptions, app_key: str, external_id: str | None, email: str | None, name: str | None, ttl: int
) -> None:
    """Create a signed token about a user. It works once.

    The command signs with the app's newest active identity key. hullo takes everything in the token as proven.
    """
    with options.open_hullo() as hullo:
        token = hullo.mint_token(app_key, external_id=external_id, email=email, name=name, ttl=ttl)
    options.print_result({"token": token, "expires_in": ttl}, token)
