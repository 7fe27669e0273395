"""The command line: `hullo`, its commands, and the commands that plugins add."""

from __future__ import annotations

import click

from hullo.cli.api_keys import api_key
from hullo.cli.apps import app
from hullo.cli.audit import audit_group
from hullo.cli.backup import backup_command, restore_command
from hullo.cli.blocks import block_command, unblock_command
from hullo.cli.check import check_command
from hullo.cli.command_line import CommandLine
from hullo.cli.conflicts import conflicts_group
from hullo.cli.contact_export import export_command
from hullo.cli.contact_search import find_command, list_command
from hullo.cli.contacts import contacts_group
from hullo.cli.conversations import conversations_group
from hullo.cli.doctor import doctor_command
from hullo.cli.identity_keys import identity_key
from hullo.cli.merges import erase_command, merge_command, merges_group
from hullo.cli.migrate import migrate_command
from hullo.cli.options import common_options
from hullo.cli.plugins import plugins_command
from hullo.cli.retention import retention_group
from hullo.cli.serve import serve_command
from hullo.cli.signing import hash_command, token_command
from hullo.cli.store import store_group


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hullo", message="hullo %(version)s")
@common_options
def main() -> None:
    """Identify the visitors of your sites: anonymous visitors become named contacts.

    To see a demo:  hullo serve --demo

    For your own site:  hullo app create "My shop", then  hullo serve
    """


# Added here and not in their modules: `contacts` would otherwise have to import all that belongs to it.
for command in (
    list_command,
    find_command,
    export_command,
    merge_command,
    block_command,
    unblock_command,
    erase_command,
):
    contacts_group.add_command(command)

# This order is the order of `hullo --help`: what a new site needs comes first.
for command in (
    serve_command,
    app,
    identity_key,
    api_key,
    hash_command,
    token_command,
    check_command,
    contacts_group,
    conversations_group,
    merges_group,
    conflicts_group,
    retention_group,
    audit_group,
    migrate_command,
    doctor_command,
    backup_command,
    restore_command,
    store_group,
    plugins_command,
):
    main.add_command(command)
