"""`hullo plugins`: the plugins in use, their order and their hooks."""

from __future__ import annotations

import click

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.screen import printable, table
from hullo.hooks.entry_points import BUILT_IN, installed_plugins


@click.command("plugins")
@common_options
@pass_options
def plugins_command(options: CommonOptions) -> None:
    """List the plugins in the order of their calls.

    Names the plugins that are installed but not in use, too.
    """
    # Not opened: the list needs no database, and must work when it cannot be reached.
    hullo = options.build_hullo()
    settings = hullo.settings
    # By the names in the settings: a plugin's own name may differ from its entry point's.
    used = {*settings.plugins, *BUILT_IN} - set(settings.without)
    unused = sorted(set(installed_plugins()) - used)
    in_order = [(name, hullo.hooks.implemented_hooks(name)) for name in hullo.hooks.plugin_names]
    text = table(("PLUGIN", "HOOKS"), [(name, ", ".join(hooks)) for name, hooks in in_order])
    if unused:
        text += (
            f"\n\nInstalled, but not in use: {', '.join(map(printable, unused))}.\n"
            'To use one, add it to hullo.toml:  plugins = ["…"]'
        )
    document = {"items": [{"name": name, "hooks": list(hooks)} for name, hooks in in_order], "unused": unused}
    options.print_result(document, text)
