"""`hullo token`: what a site's server would send as `token`, or put into an address (V5, T4)."""

from __future__ import annotations

import click

from hullo.cli.options import CommonOptions, common_options, pass_options


@click.command("token")
@click.argument("app_key")
@click.option("--external-id", metavar="ID", help="Your own id of the person.")
@click.option("--email", metavar="EMAIL", help="The person's email.")
@click.option("--name", metavar="NAME", help="The person's name.")
@click.option("--ttl", metavar="SECONDS", type=int, default=300, show_default=True, help="For how long it is good.")
@common_options
@pass_options
def token_command(
    options: CommonOptions, app_key: str, external_id: str | None, email: str | None, name: str | None, ttl: int
) -> None:
    """Show a signed token about a person, which is good for one time.

    It is made with the app's newest active identity key. What it says is proven to the app.
    """
    with options.open_hullo() as hullo:
        token = hullo.mint_token(app_key, external_id=external_id, email=email, name=name, ttl=ttl)
    options.print_result({"token": token, "expires_in": ttl}, token)
