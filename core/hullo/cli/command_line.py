"""The root command: how `hullo` finds its commands and reports errors."""

from __future__ import annotations

from typing import Any

import click

from hullo.cli.options import COMMON_OPTIONS, CommonOptions, plugin_commands
from hullo.errors import HulloError, Invalid, NoIdentifier

_PLUGIN_COMMANDS = "hullo.cli.plugin_commands"
"""The key in click's context under which the commands of plugins are kept: making them opens all plugins."""


class CommandLine(click.Group):
    """List the built-in commands in the order of their use, then the commands that plugins add.

    A `HulloError` ends a command with one sentence and status 1.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Python decodes bytes that are no UTF-8 to lone surrogates. No store keeps them, and no hash can cover them.
        if any("\udc80" <= letter <= "\udcff" for arg in args for letter in arg):
            raise click.UsageError("an argument is not valid text; write it as UTF-8", ctx)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        built_in = list(self.commands)
        try:
            return [*built_in, *_plugin_commands(ctx)]
        except HulloError as error:
            # Help must work when the settings are wrong: then people need it most.
            click.echo(f"Warning: {error.detail}", err=True)
            return built_in

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # Built-in ones first: to look them up opens no plugins.
        return self.commands.get(cmd_name) or _plugin_commands(ctx).get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            # Only for commands that are not built in: `--config` decides whether a plugin has this one.
            args = [args[0], *_parse_common_options(ctx, args[1:])]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HulloError as error:
            # One sentence and no traceback: a `HulloError` is the operator's to correct.
            raise click.ClickException(_error_message(error)) from error


def _error_message(error: HulloError) -> str:
    rejected = error.rejected if isinstance(error, Invalid | NoIdentifier) else ()
    faults = "; ".join(f"{field.field}: {field.reason}" for field in rejected)
    return f"{error.detail} ({faults})" if faults else error.detail


def _plugin_commands(ctx: click.Context) -> dict[str, click.Command]:
    if ctx.resilient_parsing:  # The shell asks for completions: opening plugins would slow down each key.
        return {}
    if _PLUGIN_COMMANDS not in ctx.meta:
        hullo = ctx.find_root().ensure_object(CommonOptions).build_hullo()
        # A plugin's command may have opened it.
        ctx.call_on_close(hullo.close)
        ctx.meta[_PLUGIN_COMMANDS] = plugin_commands(hullo)
    commands: dict[str, click.Command] = ctx.meta[_PLUGIN_COMMANDS]
    return commands


def _parse_common_options(ctx: click.Context, args: list[str]) -> list[str]:
    """Read the common options of a plugin's command first: the settings that they name decide which plugins exist."""
    reader = click.Command(
        None,
        params=list(COMMON_OPTIONS),
        add_help_option=False,
        # The other options are the plugin's own, which are not known before it is made.
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    with reader.make_context(None, args, parent=ctx) as read:
        return list(read.args)
