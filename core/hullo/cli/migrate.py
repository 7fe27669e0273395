"""`hullo migrate`: the database's schema."""

from __future__ import annotations

import click

from hullo.cli.options import Given, common, pass_given


@click.command("migrate")
@common
@pass_given
def migrate_command(given: Given) -> None:
    """Bring the database up to date, making it first where there is none. Harmless to repeat."""
    with given.open() as hullo:
        hullo.store.check()
    given.show({"current": True}, "The database is up to date.")
