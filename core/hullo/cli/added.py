"""The commands that plugins add to the command line."""

from __future__ import annotations

import click

from hullo.application import Hullo
from hullo.errors import PluginError


def plugin_commands(hullo: Hullo) -> dict[str, click.Command]:
    """By name, in the order of the plugins. Raises `PluginError` for a name that is taken."""
    root = click.get_current_context().find_root().command
    taken = set(root.commands) if isinstance(root, click.Group) else set[str]()
    added: dict[str, click.Command] = {}
    for command in hullo.hooks.commands(hullo):
        if not command.name:
            raise PluginError("a plugin adds a command without a name: give it one")
        if command.name in taken or command.name in added:
            raise PluginError(f"a plugin adds the command {command.name!r}, but that name is taken: rename it")
        added[command.name] = command
    return added
