"""The plugin: the files that pages load, and the snippet that they load them with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from hullo.plugin import Host, hookimpl

if TYPE_CHECKING:
    import click
    from starlette.routing import BaseRoute


class Widget:
    """Serves the browser SDK under hullo's prefix, and tells what to write into a page."""

    name: ClassVar = "widget"

    @hookimpl
    def routes(self) -> Sequence[BaseRoute]:
        from hullo_plugins.widget.files import read_files
        from hullo_plugins.widget.routes import widget_routes

        return widget_routes(read_files())

    @hookimpl
    def commands(self, hullo: Host) -> Sequence[click.Command]:
        from hullo_plugins.widget.command import widget_command

        return [widget_command(hullo)]
