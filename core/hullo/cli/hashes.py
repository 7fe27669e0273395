"""`hullo hash`: what a site's server would send as `user_hash` (V1)."""

from __future__ import annotations

import click

from hullo.cli.options import Given, common, pass_given


@click.command("hash")
@click.argument("app_key")
@click.argument("value")
@common
@pass_given
def hash_(given: Given, app_key: str, value: str) -> None:
    """Show the user_hash of VALUE: an external id or, for people without one, the email as it is sent.

    It is made with the app's newest active identity key.
    """
    with given.open() as hullo:
        computed = hullo.user_hash(app_key, value)
    given.show({"user_hash": computed}, computed)
