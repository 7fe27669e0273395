"""The three options that all commands have, and the commands of plugins, which depend on them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click
import msgspec
from msgspec.structs import replace

from hullo.application import Hullo
from hullo.errors import PluginError
from hullo.hooks.entry_points import open_store, require_store
from hullo.operations.admin.audit_log import COMMAND_LINE
from hullo.settings import DEFAULT_STORE, Settings, read_settings
from hullo.store.maintenance import SupportsCopy
from hullo.store.protocol import Store
from hullo.value import Value

FROM_INPUT: Final = "-"

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass(slots=True)
class CommonOptions:
    """The values of the three options. They may stand before or after the command's name; the last one counts."""

    db: str | None = None
    config: str | None = None
    as_json: bool = False

    def settings(self) -> Settings:
        """Read the settings of the file and the environment, with the database of `--db`. Raises `SettingsError`."""
        settings = read_settings(self.config)
        # `--db` wins over the file and the environment: it is the most deliberate of the three.
        return settings if self.db is None else replace(settings, store=self.db)

    def closed_store(self) -> Store:
        """Return the store without connecting it, for maintenance on a closed store (`hullo.store.maintenance`).

        Raises `SettingsError`.
        """
        return require_store(open_store(self.settings().store))

    def build_hullo(self, settings: Settings | None = None) -> Hullo:
        """Build a hullo that is connected to nothing yet. `settings` None: `self.settings()`.

        Raises `SettingsError` or `PluginError`.
        """
        # The operator's name goes into the audit log for all that the command does.
        hullo = Hullo(settings=settings if settings is not None else self.settings(), operator=COMMAND_LINE)
        # Checked at every start: two plugins with one command name should fail here, and not when one of them is
        # called.
        plugin_commands(hullo)
        return hullo

    @contextmanager
    def open_hullo(self, settings: Settings | None = None) -> Generator[Hullo]:
        """Open a hullo, and bring its database up to date. `settings` None: `self.settings()`."""
        with self.build_hullo(settings) as hullo:
            yield hullo

    @contextmanager
    def read_hullo(self) -> Generator[Hullo]:
        """Open a hullo for a command that only reads: neither creates a database nor changes its schema.

        Raises `StoreUnavailable`, which says what to do, if there is none or its schema is not this version's.
        """
        hullo = self.build_hullo()
        if isinstance(hullo.store, SupportsCopy):
            # Asked before: opening a hullo would create and migrate.
            with hullo.store.as_source():
                pass
        with hullo:
            yield hullo

    def print_result(self, document: Value | Mapping[str, object], text: str) -> None:
        """Print the result on standard output: the document with `--json`, else the text."""
        click.echo(
            json.dumps(document, indent=2, ensure_ascii=False, default=msgspec.to_builtins) if self.as_json else text
        )


pass_options = click.make_pass_decorator(CommonOptions, ensure=True)


def _store_db(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value == FROM_INPUT:
        # Read here and once, as a command may read its settings several times.
        value = sys.stdin.readline().strip()
        if not value:
            raise click.BadParameter("standard input holds no URL", context, parameter)
    _store_option(context, parameter, value)


def _store_option(context: click.Context, parameter: click.Parameter, value: object) -> None:
    # The last one counts, and an option that was not given must not clear one before the command's name.
    if value:
        setattr(context.find_root().ensure_object(CommonOptions), str(parameter.name), value)


# The settings read the environment, and not click: click would prefer a variable to an option that stands before the
# command's name.
COMMON_OPTIONS: Final = (
    click.Option(
        ["--db"],
        metavar="URL",
        help="The URL of the database; - reads it from standard input, where no list of processes shows its password.  "
        f"[env: HULLO_DB, or HULLO_DB_FILE for a file with it; default: {DEFAULT_STORE}]",
        expose_value=False,
        callback=_store_db,
    ),
    click.Option(
        ["--config"],
        metavar="FILE",
        help="The settings file.  [env: HULLO_CONFIG; default: hullo.toml, if it exists]",
        expose_value=False,
        callback=_store_option,
    ),
    click.Option(
        ["--json", "as_json"],
        is_flag=True,
        help="Print one JSON document on standard output.",
        expose_value=False,
        callback=_store_option,
    ),
)


def common_options(function: Decorated) -> Decorated:
    """Add the three options to a command, after its own."""
    # Reversed, as decorators are applied from the last to the first.
    for option in reversed(COMMON_OPTIONS):
        function = _add_option(function, option)
    return function


def _add_option(function: Decorated, option: click.Option) -> Decorated:
    # Like click's own decorator: the list grows from the last parameter to the first.
    parameters: list[click.Parameter] = getattr(function, "__click_params__", [])
    function.__click_params__ = [*parameters, option]  # type: ignore[attr-defined]
    return function


def plugin_commands(hullo: Hullo) -> dict[str, click.Command]:
    """Return the commands of the plugins by name, in their order. Raises `PluginError` for a name that is taken."""
    root = click.get_current_context().find_root().command
    # A plugin must not replace a built-in command, such as `erase`.
    taken = set(root.commands) if isinstance(root, click.Group) else set[str]()
    commands: dict[str, click.Command] = {}
    for command in hullo.hooks.commands(hullo):
        if not command.name:
            raise PluginError("a plugin adds a command without a name: give it one")
        if command.name in taken or command.name in commands:
            raise PluginError(f"a plugin adds the command {command.name!r}, but that name is taken: rename it")
        commands[command.name] = command
    return commands
