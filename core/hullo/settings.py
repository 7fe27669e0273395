"""One file of settings: where they come from, what they are, and what happens to a wrong one."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import msgspec

from hullo.errors import SettingsError
from hullo.model.limits import Limits

DEFAULT_STORE: Final = "sqlite:///hullo.db"
DEFAULT_PREFIX: Final = "/hullo"
DEFAULT_FILE: Final = "hullo.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a `hullo.toml` may say. Every value has a default that is safe to run with.

    ```toml
    store = "sqlite:///hullo.db"
    prefix = "/hullo"
    plugins = ["loyalty-card"]        # entry points of installed packages, asked before the built-in ones
    without = ["email"]               # built-in plugins to leave out

    [limits]
    custom_keys = 250

    [plugin.loyalty-card]             # handed to that plugin's __init__
    prefix = "LC-"
    ```
    """

    store: str = DEFAULT_STORE
    prefix: str = DEFAULT_PREFIX
    plugins: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    plugin: Mapping[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


def read_settings(file: str | Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file, overridden by the environment: `HULLO_DB` for the store, `HULLO_CONFIG` for the file.

    Without either a `hullo.toml` in the working folder is read if there is one. Raises `SettingsError`, which
    names the file and the setting.
    """
    named = file if file is not None else environment.get("HULLO_CONFIG") or None
    path = Path(named) if named is not None else Path(DEFAULT_FILE)
    table: dict[str, object] = {}
    if named is not None or path.exists():
        table = _read_toml(path)
    if database := environment.get("HULLO_DB"):
        table["store"] = database
    return _settings(table, path)


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"no settings file {path}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error


def _settings(table: Mapping[str, object], path: Path) -> Settings:
    _refuse_unknown(table, Settings, "", path)
    limits = table.get("limits")
    if isinstance(limits, Mapping):
        _refuse_unknown(limits, Limits, "limits.", path)  # pyright: ignore[reportUnknownArgumentType]
    try:
        settings = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}") from error
    if not settings.prefix.startswith("/") or settings.prefix.endswith("/"):
        raise SettingsError(f"{path}: prefix begins with / and does not end with it, such as {DEFAULT_PREFIX}")
    return settings


def _refuse_unknown(table: Mapping[str, object], shape: type[Any], where: str, path: Path) -> None:
    known = [each.name for each in fields(shape)]
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {where}{near[0]}?" if near else f"there are {', '.join(known)}"
            raise SettingsError(f"{path}: unknown setting {where}{name}; {meant}")
