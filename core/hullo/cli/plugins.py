"""`hullo plugins`: who is asked, about what, and in which order."""

from __future__ import annotations

import click

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.screen import printable, table
from hullo.hooks.entry_points import BUILT_IN, installed_plugins


@click.command("plugins")
@common_options
@pass_options
def plugins_command(options: CommonOptions) -> None:
    """Show the plugins in the order in which they are asked, and those that are installed but not used."""
    hullo = options.build_hullo()
    settings = hullo.settings
    used = {*settings.plugins, *BUILT_IN} - set(settings.without)
    unused = sorted(set(installed_plugins()) - used)
    asked = [(name, hullo.hooks.implemented_hooks(name)) for name in hullo.hooks.plugin_names]
    text = table(("PLUGIN", "ANSWERS"), [(name, ", ".join(hooks)) for name, hooks in asked])
    if unused:
        text += (
            f"\n\nInstalled, but not in use: {', '.join(map(printable, unused))}.\n"
            'To use one, name it in hullo.toml:  plugins = ["…"]'
        )
    document = {"items": [{"name": name, "hooks": list(hooks)} for name, hooks in asked], "unused": unused}
    options.print_result(document, text)
