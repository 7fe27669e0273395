"""Define the plugin: a route for servers and a command for operators. Neither merges contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from hullo.plugin import Host, hookimpl

if TYPE_CHECKING:
    import click
    from starlette.routing import BaseRoute


class Duplicates:
    """Suggests pairs of contacts that may be one person, with the reasons."""

    name: ClassVar = "duplicates"

    @hookimpl
    def routes(self) -> Sequence[BaseRoute]:
        from hullo_plugins.duplicates.routes import duplicates_route

        return [duplicates_route()]

    @hookimpl
    def commands(self, hullo: Host) -> Sequence[click.Command]:
        from hullo_plugins.duplicates.commands import duplicates_command

        return [duplicates_command(hullo)]
