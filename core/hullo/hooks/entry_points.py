"""Finds plugins, stores and buses that installed packages offer, by name.

Only what the settings name is ever loaded: installing a package never changes who a visitor is.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Final

from typing_extensions import get_protocol_members

from hullo.bus.protocol import Bus
from hullo.errors import PluginError, SettingsError
from hullo.store.protocol import Store

PLUGIN_GROUP: Final = "hullo.plugins"
STORE_GROUP: Final = "hullo.stores"
BUS_GROUP: Final = "hullo.buses"
SCHEME_ALIASES: Final = {"postgres": "postgresql", "mariadb": "mysql"}
"""Schemes of URLs as hosting services write them, and the schemes that the packages offer."""

BUILT_IN: Final = (
    "user-hash",
    "signed-token",
    "signed-attribute",
    "hop",
    "external-id",
    "email",
    "proven-email",
    "standing",
    "limits",
    "link-orphans",
    "signature-counts",
    "rejections",
    "webhooks",
    "duplicates",
    "widget",
    "retention",
    "log",
)
"""The plugins that run unless they are left out, in the order in which they are asked.

Entry points have no order, so it stands here: it decides for hooks that stop at the first answer (M4).
"""


def build_plugins(
    extra: Sequence[object | str],
    without: Sequence[str] = (),
    options: Mapping[str, Mapping[str, object]] | None = None,
) -> list[object]:
    """Make the plugins to run: `extra` first, in their order, then the built-in ones without those named in `without`.

    An extra plugin is an instance, a class that needs no arguments, or the name of an entry point. `options` are
    the settings of plugins made here, by name, given to their `__init__`. Raises `PluginError`.
    """
    # A copy, from which each plugin takes its own: what is left at the end belongs to none, and is a typing error.
    options = dict(options or {})
    # An error and not ignored: with a misspelt name a rule would go on that the operator believes to be off.
    unknown = [name for name in without if name not in BUILT_IN]
    if unknown:
        raise PluginError(f"without names {unknown[0]!r}, which is not built in{_suggestion(unknown[0], BUILT_IN)}")
    # The site's own plugins first: where the first answer wins, they stand before the built-in ones (M4).
    wanted: list[object | str] = [*extra, *(name for name in BUILT_IN if name not in without)]
    plugins = [_instantiate(plugin, options) for plugin in wanted]
    if options:
        raise PluginError(
            f"there are options for {next(iter(options))!r}, but no such plugin is made from the settings"
        )
    return plugins


def open_store(url: str) -> Store:
    """Find the store for a URL and make it, not yet opened: its scheme names an entry point of `hullo.stores`.

    Raises `SettingsError` when no installed package offers the scheme.
    """
    store: Store = _entry_point_for_url(url, STORE_GROUP, "store", "sqlite:///hullo.db").load()(url)
    return store


def open_bus(url: str) -> Bus:
    """Find the bus for a URL and make it, not yet connected: its scheme names an entry point of `hullo.buses`.

    Raises `SettingsError` when no installed package offers the scheme.
    """
    bus: Bus = _entry_point_for_url(url, BUS_GROUP, "bus", "redis://localhost:6379/0").load()(url)
    return bus


def require_store(store: Store) -> Store:
    """Return the store. Raises `SettingsError`, naming what it lacks, for an object that is no `Store`.

    An object with `__getattr__` is not checked: it may be a wrapper that has every method of the store within.
    """
    _require_members(store, Store, "store")
    return store


def require_bus(bus: Bus) -> Bus:
    """Return the bus. Raises `SettingsError` as `require_store` does."""
    _require_members(bus, Bus, "bus")
    return bus


def installed_plugins() -> Mapping[str, EntryPoint]:
    """Return every plugin that an installed package offers, used or not."""
    # Names only: an entry point that no setting names is never loaded.
    return _offered(PLUGIN_GROUP)


def _instantiate(wanted: object | str, options: dict[str, Mapping[str, object]]) -> object:
    if isinstance(wanted, str):
        offered = installed_plugins()
        if wanted not in offered:
            raise PluginError(f"no installed package offers the plugin {wanted!r}{_suggestion(wanted, offered)}")
        wanted = offered[wanted].load()
    # An instance was made by the program itself, with its settings in it.
    if not inspect.isclass(wanted):
        return wanted
    name = getattr(wanted, "name", wanted.__name__)
    try:
        return wanted(**options.pop(name, {}))
    except TypeError as error:
        # A wrong option is the usual cause, and Python's message does not name the plugin.
        raise PluginError(f"plugin {name!r} cannot be made with its options: {error}") from error


def _entry_point_for_url(url: str, group: str, what: str, example: str) -> EntryPoint:
    # The error below shows the scheme alone: the rest of a URL may hold a password (P4).
    scheme, separator, _ = url.partition(":")
    offered = _offered(group)
    # A package that registers the alias itself comes first.
    if scheme not in offered:
        scheme = SCHEME_ALIASES.get(scheme, scheme)
    if not separator or scheme not in offered:
        raise SettingsError(
            f"no {what} for {scheme + ':' if separator else repr(url)}; installed are {', '.join(sorted(offered))}. "
            f"A URL looks like {example}"
        )
    return offered[scheme]


def _require_members(given: object, protocol: type[object], what: str) -> None:
    # `hasattr` would be true for every name, so there is nothing to check.
    if hasattr(type(given), "__getattr__"):
        return
    # By hand and not by `isinstance`, which does not say what is missing.
    lacking = [name for name in sorted(get_protocol_members(protocol)) if not hasattr(given, name)]
    if lacking:
        raise SettingsError(f"{type(given).__name__} is no {what}: it has no {', no '.join(lacking)}")


def _offered(group: str) -> Mapping[str, EntryPoint]:
    # The path is part of the cache's key: a test or a notebook may change it while it runs.
    return {entry_point.name: entry_point for entry_point in _installed(group, tuple(sys.path))}


@lru_cache(maxsize=8)
def _installed(group: str, _path: tuple[str, ...]) -> EntryPoints:
    # Kept for each search path: reading opens a file of every installed package, and would do so for every plugin.
    return entry_points(group=group)


def _suggestion(name: str, known: Sequence[str] | Mapping[str, EntryPoint]) -> str:
    # One suggestion, or else the whole list: a typing error is the likely cause.
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(known))}"
