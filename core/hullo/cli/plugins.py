"""`hullo plugins`: who is asked, about what, and in which order."""

from __future__ import annotations

import click

from hullo.cli.options import Given, common, pass_given
from hullo.cli.screen import plain, table
from hullo.hooks.discovery import BUILT_IN, offered_plugins


@click.command("plugins")
@common
@pass_given
def plugins_command(given: Given) -> None:
    """Show the plugins in the order in which they are asked, and those that are installed but not used."""
    hullo = given.hullo()
    settings = hullo.settings
    used = {*settings.plugins, *BUILT_IN} - set(settings.without)
    unused = sorted(set(offered_plugins()) - used)
    asked = [(name, hullo.hooks.hooks_of(name)) for name in hullo.hooks.plugin_names]
    text = table(("PLUGIN", "ANSWERS"), [(name, ", ".join(hooks)) for name, hooks in asked])
    if unused:
        text += (
            f"\n\nInstalled, but not in use: {', '.join(map(plain, unused))}.\n"
            'To use one, name it in hullo.toml:  plugins = ["…"]'
        )
    document = {"items": [{"name": name, "hooks": list(hooks)} for name, hooks in asked], "unused": unused}
    given.show(document, text)
