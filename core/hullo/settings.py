"""Settings of one `hullo.toml`: the values, their defaults, reading and validation."""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, cast

import msgspec
from msgspec import field
from msgspec.structs import fields, replace

from hullo.errors import SettingsError
from hullo.model.claim import CUSTOM_KEY, KNOWN_FIELDS, UNSAFE_KEYS, attribute_hash_field
from hullo.model.limits import Limits
from hullo.value import Value

DEFAULT_STORE: Final = "sqlite:///hullo.db"
DEFAULT_PREFIX: Final = "/hullo"
DEFAULT_FILE: Final = "hullo.toml"

SECRET_VARIABLES: Final = ("HULLO_DB", "HULLO_REDIS", "HULLO_BUS", "HULLO_MASTER_KEY")
"""Variables that may hold a secret, and so may be given as a file."""
UNIX_SOCKET: Final = "unix"
"""In `trusted_proxies`: callers through a Unix socket."""
REDIS_SCHEMES: Final = ("redis://", "rediss://", "unix://")


class RateLimits(Value):
    """Maximum number of calls per minute. Calls beyond it get 429.

    Raises `SettingsError` for a value that is no whole number, or under 1.
    """

    on: bool = True
    """`HULLO_LIMITS=off` in the environment turns them off, for load tests."""
    identifies_per_session: int = 60
    """Free: proven calls that change nothing, and repeats of the previous call."""
    calls_per_address: int = 600
    """For browsers and other callers without an API key."""
    sessions_per_address: int = 120
    """New sessions."""
    contacts_per_address: int = 120
    """Identify calls that may make a contact: without proof, with an identifier that the session did not claim before.
    Whether one did make a contact is not asked: the limit would tell who is known (H2)."""
    messages_per_session: int = 60
    """A visitor's messages. Repeats with the same `client_id` are free."""
    sockets_per_address: int = 1000
    """Open sockets, in each process."""
    sockets_per_visitor: int = 20
    """Open sockets of one visitor, in each process: a message goes to all of them."""
    frames_per_socket: int = 30
    """In ten seconds. A socket that sends more is closed."""

    def __post_init__(self) -> None:
        for name in (limit.name for limit in fields(self) if limit.name != "on"):
            value: object = getattr(self, name)
            # `type() is`: True is an int to `isinstance`, and `calls_per_address = true` is a mistake.
            if type(value) is not int or value < 1:
                raise SettingsError(
                    f"rate_limits.{name} must be a whole number from 1 on, not {value!r}; rate_limits.on = false, or "
                    "HULLO_LIMITS=off in the environment, takes all rate limits away"
                )


class ServerLimits(Value):
    """Limits of `hullo serve` on connections, before any request is read from them. Other servers have their own.

    Raises `SettingsError` for a value that is not a number of at least 1.
    """

    connections: int | None = None
    """Open connections of one process, sockets included. None: as many as the process may have open files, less a
    reserve for the database."""
    connections_per_address: int = 256
    """Of them, those of one address that is no trusted proxy; at most a quarter of all."""
    head_bytes: int = 64 * 1024
    """Request line, headers and trailers of one request; 32 bytes are added for each header. Beyond it: 431."""
    pipelined_requests: int = 8
    """Requests of one connection that wait for an answer before the server reads on."""
    first_byte_seconds: int = 10
    """A connection that sends nothing for so long is closed."""
    head_seconds: int = 10
    """From the first byte of a request to the end of its headers. Beyond it: 408."""
    body_seconds: int = 30
    """From the end of the headers to the end of the body."""

    def __post_init__(self) -> None:
        for name in (limit.name for limit in fields(self)):
            value: object = getattr(self, name)
            if value is None and name == "connections":
                continue
            if type(value) is not int or value < 1:
                raise SettingsError(f"server.{name} must be a whole number from 1 on, not {value!r}")


class SessionCookie(Value):
    """Session cookie that scripts cannot read, for pages on hullo's own host."""

    on: bool = False
    """Join, identify and reset keep the session token in a cookie, and out of their responses."""
    same_site: Literal["lax", "strict"] = "lax"
    insecure: bool = False
    """Send it without TLS too. Loopback hosts, used in development, always allow that."""


class Settings(
    Value,
    # Each may hold a password or a key, so `repr` leaves them out (P4).
    secrets=(
        "redis",
        "bus",
        "master_keys",
    ),
):
    """Contents of a `hullo.toml`. Every default is safe to run with.

    Raises `SettingsError` for a trusted proxy that is no address, and for a Redis or a bus that is no URL of one.

    ```toml
    store = "sqlite:///hullo.db"
    prefix = "/hullo"
    plugins = ["loyalty-card"]        # entry points of installed packages, asked before the built-in ones
    without = ["email"]               # built-in plugins to leave out
    trusted_proxies = ["10.0.0.0/8"]  # whose X-Forwarded-For is believed
    redis = "redis://localhost/0"     # shares the rate limits between processes
    bus = "redis://localhost/0"       # carries word of new messages between processes

    [limits]
    custom_keys = 250
    signed_attributes = ["shop"]      # fields of a call that may come with a hash of their own

    [rate_limits]
    calls_per_address = 600

    [server]                          # limits of hullo serve on connections
    connections_per_address = 256

    [cookie]
    on = true

    [plugin.loyalty-card]             # handed to that plugin's __init__
    prefix = "LC-"
    ```
    """

    store: str = DEFAULT_STORE
    prefix: str = DEFAULT_PREFIX
    plugins: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    server: ServerLimits = field(default_factory=ServerLimits)
    cookie: SessionCookie = field(default_factory=SessionCookie)
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks whose `X-Forwarded-For` is believed, and `unix` for callers through a Unix socket. Empty:
    none."""
    redis: str | None = None
    """Redis that counts the rate limits of all processes. None: each process counts its own."""
    bus: str | None = None
    """Bus that notifies all processes of committed changes, as each has its own sockets: a URL of Redis or PostgreSQL;
    `memory:` for none. None: the store's database if it is PostgreSQL, else `redis`, else none."""
    hop_parameter: str = "hullo_identity"
    """Query parameter that carries an identity from another site (T2)."""
    development: bool = False
    """No real data: weak secrets are accepted, and webhooks may call this machine."""
    master_keys: tuple[str, ...] = ()
    """Keys that seal the secrets in the database; the first seals, all open. From `HULLO_MASTER_KEY`, separated by
    commas, never from the file. To rotate with several processes, add the new key behind the old one everywhere, then
    move it to the front, then remove the old one: each start reseals what the first key does not seal."""
    plugin: Mapping[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def __post_init__(self) -> None:
        _validate_proxies(self.trusted_proxies)
        _validate_attributes(self.limits.signed_attributes)
        # The parameter stands in addresses, where other characters would have to be escaped.
        if not CUSTOM_KEY.fullmatch(self.hop_parameter):
            raise SettingsError("hop_parameter is made of letters A to Z, digits, and _ . -, such as hullo_identity")
        # The messages quote no URL: it may hold a password.
        if self.redis is not None and not str(self.redis).startswith(REDIS_SCHEMES):
            raise SettingsError(
                f"redis must be a URL that begins with {', '.join(REDIS_SCHEMES[:-1])} or {REDIS_SCHEMES[-1]}, such as "
                "redis://localhost:6379/0"
            )
        # Only the shape is checked: an installed package may add a bus with a scheme of its own.
        if self.bus is not None and ":" not in str(self.bus):
            raise SettingsError("bus must be a URL, such as redis://localhost:6379/0 or postgresql://host/database")


def read_settings(file: str | Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of a file, overridden by the environment (`apply_environment`).

    The file is `file`, else `HULLO_CONFIG`, else `hullo.toml` in the working folder if it exists. Raises
    `SettingsError`, which names the file and the setting.
    """
    path = settings_path(file, environment)
    return apply_environment(environment, Settings() if path is None else _settings(_read_toml(path), path))


def settings_path(file: str | Path | None = None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file that `read_settings` reads; None where none is named and there is no `hullo.toml`."""
    # An empty `HULLO_CONFIG` counts as unset, as every empty variable does.
    named = file if file is not None else environment.get("HULLO_CONFIG") or None
    # A file that is named must exist; the default one need not.
    path = Path(named) if named is not None else Path(DEFAULT_FILE)
    return path if named is not None or path.exists() else None


def apply_environment(environment: Mapping[str, str] = os.environ, defaults: Settings | None = None) -> Settings:
    """Override settings, or the defaults, by the environment.

    `HULLO_DB` names the store, `HULLO_REDIS` the Redis, `HULLO_BUS` the bus, `HULLO_MASTER_KEY` the master keys;
    `HULLO_LIMITS=off` turns the rate limits off; `HULLO_DEVELOPMENT=1` turns development on. An empty variable counts
    as unset. The first four may stand in a file instead, which `HULLO_DB_FILE` and so on name: other users of the
    machine see no password then. Raises `SettingsError`, also for both at once and for a file that cannot be read.
    """
    settings = defaults if defaults is not None else Settings()
    # Stripped: a secret that comes from a file often ends in a newline.
    variables = {name: text.strip() for name, text in environment.items() if name.startswith("HULLO_") and text.strip()}
    for name in SECRET_VARIABLES:
        if (file := variables.get(f"{name}_FILE")) is not None:
            if name in variables:
                raise SettingsError(f"{name} and {name}_FILE are both set; remove one of them")
            variables[name] = _read_secret(Path(file), f"{name}_FILE")
    keys = tuple(key for part in variables.get("HULLO_MASTER_KEY", "").split(",") if (key := part.strip()))
    limited = _read_boolean("HULLO_LIMITS", variables, settings.rate_limits.on)
    return replace(
        settings,
        store=variables.get("HULLO_DB", settings.store),
        redis=variables.get("HULLO_REDIS", settings.redis),
        bus=variables.get("HULLO_BUS", settings.bus),
        master_keys=keys or settings.master_keys,
        rate_limits=replace(settings.rate_limits, on=limited),
        development=_read_boolean("HULLO_DEVELOPMENT", variables, settings.development),
    )


def _read_secret(file: Path, variable: str) -> str:
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or "it is not text").lower()
        raise SettingsError(f"{variable} names {file}, which cannot be read: {reason}") from error
    if not text:
        raise SettingsError(f"{variable} names {file}, which is empty")
    return text


def _read_boolean(name: str, variables: Mapping[str, str], default: bool) -> bool:
    text = variables.get(name)
    if text is None:
        return default
    value = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}.get(text.lower())
    # Refused and not guessed: a typing error would turn the rate limits on or off without a word.
    if value is None:
        raise SettingsError(f"{name} is on or off, not {text!r}")
    return value


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"no settings file {path}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error


def _settings(table: Mapping[str, object], path: Path) -> Settings:
    # Before msgspec reads it, which ignores unknown names: a misspelt setting would keep its default in silence.
    _reject_unknown(table, Settings, "", path)
    for name, shape in _TABLES.items():
        inner = table.get(name)
        if isinstance(inner, Mapping):
            _reject_unknown(inner, shape, f"{name}.", path)  # pyright: ignore[reportUnknownArgumentType]
    try:
        settings = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}") from error
    except SettingsError as error:
        raise SettingsError(f"{path}: {error.detail}") from error
    # Checked here as well as in the middleware: only here is the name of the file known.
    if not settings.prefix.startswith("/") or settings.prefix.endswith("/"):
        raise SettingsError(f"{path}: prefix begins with / and does not end with it, such as {DEFAULT_PREFIX}")
    return settings


_TABLES: Final[Mapping[str, type[Any]]] = {
    "limits": Limits,
    "rate_limits": RateLimits,
    "server": ServerLimits,
    "cookie": SessionCookie,
}


def _validate_attributes(names: Sequence[str]) -> None:
    hashes = frozenset(map(attribute_hash_field, names))
    for name in names:
        if not CUSTOM_KEY.fullmatch(name) or name in UNSAFE_KEYS or len(name) > Limits().custom_key_length:
            raise SettingsError(f"limits.signed_attributes: {name!r} cannot be the key of a custom value")
        # A name that is taken would give one field of an identify call two meanings.
        for sent, taken in ((name, KNOWN_FIELDS | hashes), (attribute_hash_field(name), KNOWN_FIELDS)):
            if sent in taken:
                raise SettingsError(f"limits.signed_attributes: {sent} is a field of every identify call already")


def _validate_proxies(listed: object) -> None:
    # A text is a sequence too: without this, "10.0.0.0/8" would be read letter by letter.
    if isinstance(listed, str) or not isinstance(listed, Sequence):
        raise SettingsError('trusted_proxies is a list, such as ["10.0.0.0/8"]')
    for proxy in cast("Sequence[object]", listed):
        if proxy == UNIX_SOCKET:
            continue
        try:
            if not isinstance(proxy, str):
                raise ValueError
            network = ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            raise SettingsError(
                f"trusted_proxies: {proxy!r} is no address or network; write the proxy's address, such as 10.0.0.7, or "
                "the network that proxies alone are in, such as 10.0.0.0/8, or unix for a Unix socket"
            ) from None
        # `strict=False` above would trust the whole network where one address was meant.
        if str(network.network_address) != str(ipaddress.ip_interface(proxy).ip):
            raise SettingsError(
                f"trusted_proxies: {proxy} names one address in a network; write {network} for the network, or "
                f"{ipaddress.ip_interface(proxy).ip} for that address alone"
            )


def _reject_unknown(table: Mapping[str, object], shape: type[Any], where: str, path: Path) -> None:
    # Left out, so that no message offers it as a setting of the file.
    known = [setting.name for setting in fields(shape) if setting.name != "master_keys"]
    for name in table:
        # Files end up in repositories and backups; the environment does not.
        if name == "master_keys":
            raise SettingsError(f"{path}: a master key does not belong in a file; set HULLO_MASTER_KEY")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {where}{near[0]}?" if near else f"there are {', '.join(known)}"
            raise SettingsError(f"{path}: unknown setting {where}{name}; {meant}")
