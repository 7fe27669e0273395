"""How `hullo` finds its commands and reports what went wrong."""

from __future__ import annotations

from typing import Any

import click

from hullo.cli.added import plugin_commands
from hullo.cli.options import COMMON_OPTIONS, CommonOptions
from hullo.errors import HulloError, Invalid, NoIdentifier

_ADDED = "hullo.cli.added"


class CommandLine(click.Group):
    """The built-in commands in the order in which one needs them, then those that plugins add.

    An error of hullo ends any command with one sentence and status 1.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # What is no text could be neither stored nor signed.
        if any("\udc80" <= letter <= "\udcff" for arg in args for letter in arg):
            raise click.UsageError("an argument is not in this terminal's encoding; write it as UTF-8", ctx)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        built_in = list(self.commands)
        try:
            return [*built_in, *_plugin_commands(ctx)]
        except HulloError as error:
            # Somebody who asks for help gets it, above all when the settings are wrong.
            click.echo(f"Warning: {error.detail}", err=True)
            return built_in

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.commands.get(cmd_name) or _plugin_commands(ctx).get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = [args[0], *_parse_common_options(ctx, args[1:])]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HulloError as error:
            raise click.ClickException(_error_message(error)) from error


def _error_message(error: HulloError) -> str:
    rejected = error.rejected if isinstance(error, Invalid | NoIdentifier) else ()
    faults = "; ".join(f"{each.field}: {each.reason}" for each in rejected)
    return f"{error.detail} ({faults})" if faults else error.detail


def _plugin_commands(ctx: click.Context) -> dict[str, click.Command]:
    if ctx.resilient_parsing:  # the shell asks for completions
        return {}
    if _ADDED not in ctx.meta:
        hullo = ctx.find_root().ensure_object(CommonOptions).build_hullo()
        ctx.call_on_close(hullo.close)
        ctx.meta[_ADDED] = plugin_commands(hullo)
    added: dict[str, click.Command] = ctx.meta[_ADDED]
    return added


def _parse_common_options(ctx: click.Context, args: list[str]) -> list[str]:
    """Reads the common options of a plugin's command: which plugins there are depends on them."""
    reader = click.Command(
        None,
        params=list(COMMON_OPTIONS),
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    with reader.make_context(None, args, parent=ctx) as read:
        return list(read.args)
