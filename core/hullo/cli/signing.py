"""`hullo hash` and `hullo token`: what a site's server signs for a user (V1, V5, T4)."""

from __future__ import annotations

import click

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.operations.admin.signing import default_lifetime


@click.command("hash")
@click.argument("app_key")
@click.argument("value")
@common_options
@pass_options
def hash_command(options: CommonOptions, app_key: str, value: str) -> None:
    """Compute the user_hash of VALUE.

    VALUE is a user's external id. For users without one, and for an email_hash, it is the email exactly as the page
    sends it. The command signs with the app's newest active identity key.
    """
    with options.read_hullo() as hullo:
        # V1: signed as typed. Trimming or lower case would give a hash that the page's value does not match.
        computed = hullo.user_hash(app_key, value)
    options.print_result({"user_hash": computed}, computed)


@click.command("token")
@click.argument("app_key")
@click.option("--external-id", metavar="ID", help="Your own id of the user.")
@click.option("--email", metavar="EMAIL", help="The user's email.")
@click.option("--name", metavar="NAME", help="The user's name.")
@click.option(
    "--ttl",
    metavar="SECONDS",
    type=int,
    show_default="300, or 86400 with --mail or --uses",
    help="How long the token is valid.",
)
@click.option("--mail", "for_mail", is_flag=True, help="For a link in a mail: it counts after a click on a button.")
@click.option("--uses", metavar="N", type=int, default=1, show_default=True, help="How often the token works.")
@common_options
@pass_options
def token_command(
    options: CommonOptions,
    app_key: str,
    external_id: str | None,
    email: str | None,
    name: str | None,
    ttl: int | None,
    for_mail: bool,
    uses: int,
) -> None:
    """Create a signed token about a user. It works once unless --uses says otherwise.

    The command signs with the app's newest active identity key. hullo takes everything in the token as proven. Programs
    that check mails open each link: with --mail the visitor sees a page with a button first, and only the button uses
    the token.
    """
    ttl = ttl if ttl is not None else default_lifetime(for_mail=for_mail, uses=uses)
    with options.read_hullo() as hullo:
        token = hullo.mint_token(
            app_key, external_id=external_id, email=email, name=name, ttl=ttl, for_mail=for_mail, uses=uses
        )
    options.print_result({"token": token, "expires_in": ttl}, token)
