"""`hullo hash`: what a site's server would send as `user_hash` (V1)."""

from __future__ import annotations

import click

from hullo.cli.options import CommonOptions, common_options, pass_options


@click.command("hash")
@click.argument("app_key")
@click.argument("value")
@common_options
@pass_options
def hash_(options: CommonOptions, app_key: str, value: str) -> None:
    """Show the user_hash of VALUE: an external id or, for people without one, the email as it is sent.

    It is made with the app's newest active identity key.
    """
    with options.open_hullo() as hullo:
        computed = hullo.user_hash(app_key, value)
    options.print_result({"user_hash": computed}, computed)
