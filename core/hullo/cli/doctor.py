"""`hullo doctor`: checks of the installation, the settings and the database."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import urlopen

import click

from hullo.application import Hullo
from hullo.bus.choice import bus_url
from hullo.cli.connections import address_share, connection_limit
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.refused_origins import MAX_SHOWN, refused_pages
from hullo.cli.screen import table
from hullo.errors import SettingsError
from hullo.secrets.vault import Vault
from hullo.settings import Settings, settings_path
from hullo.store.maintenance import Finding, SupportsMaintenance
from hullo.store.urls import mask_secrets

FEW_CONNECTIONS: Final = 800
SERVER_TIMEOUT: Final = 10.0
"""Seconds."""
CURRENT_SCHEMA: Final = Finding(name="schema", value="current")


@click.command("doctor")
@click.option("--url", metavar="URL", help="The address of a running server, to ask whether it is ready.")
@common_options
@pass_options
def doctor_command(options: CommonOptions, url: str | None) -> None:
    """Find problems, and print their remedies.

    Checks the installation, the settings and the database. Changes neither data nor schema, and may run beside
    servers. Ends with status 1 if there is something to do.
    """
    # Built and not opened: opening would migrate the schema, and a diagnosis changes nothing.
    findings = list(_findings(options.build_hullo(), options.config, url))
    fine = all(finding.is_ok for finding in findings)
    document = {
        "fine": fine,
        "findings": [
            {"name": finding.name, "value": finding.value, "fine": finding.is_ok, "advice": finding.advice}
            for finding in findings
        ],
    }
    rows = [(finding.name, finding.value, finding.advice or "ok") for finding in findings]
    options.print_result(document, table(("CHECK", "FOUND", "RESULT"), rows))
    if not fine:
        click.get_current_context().exit(1)


def _findings(hullo: Hullo, config: str | None, url: str | None) -> Iterator[Finding]:
    """Yield the findings that are the same for all stores, then the findings of this store."""
    yield Finding(name="hullo", value=f"{version('hullo')} on Python {platform.python_version()}")
    yield Finding(name="plugins", value=f"{len(hullo.hooks.plugin_names)} in use")
    yield Finding(name="store", value=mask_secrets(hullo.settings.store))
    yield _bus(hullo)
    yield _master_key(hullo.settings)
    yield from _settings_file(config)
    yield _connections(hullo.settings)
    if isinstance(hullo.store, SupportsMaintenance):
        diagnosed = hullo.store.diagnose()
        yield from diagnosed
        # Opening a store whose schema is current changes nothing.
        if CURRENT_SCHEMA in diagnosed:
            yield from _refused_origins(hullo)
    else:
        yield Finding(name="diagnosis", value="this store has none")
    if url is not None:
        yield _server(url.rstrip("/") + hullo.settings.prefix + "/readyz")


def _refused_origins(hullo: Hullo) -> Iterator[Finding]:
    with closing(hullo.store) as store:
        store.open()
        # No advice: a page that is not the owner's is refused rightly.
        for page in refused_pages(store, hullo.clock(), None)[:MAX_SHOWN]:
            yield Finding(name="refused origin", value=page.text)


def _server(url: str) -> Finding:
    if not url.startswith(("http://", "https://")):
        return Finding(name="server", value=url, advice="--url begins with http:// or https://")
    try:
        with urlopen(url, timeout=SERVER_TIMEOUT):
            return Finding(name="server", value=f"{url} is ready")
    except HTTPError as error:
        return Finding(name="server", value=f"{url} answers {error.code}", advice="look at the log of the server")
    except OSError as error:
        return Finding(name="server", value=f"{url}: {error}", advice="start the server, or correct --url")


def _bus(hullo: Hullo) -> Finding:
    # Not a problem by itself: one process needs no bus, so there is no advice.
    if not hullo.bus.is_cross_process:
        return Finding(
            name="bus",
            value="none between processes: messages reach sockets of other processes up to half a minute late",
        )
    # The same choice as at the start of a server, which may fall back to the store's PostgreSQL.
    url = bus_url(hullo.settings, hullo.settings.store, shared_between_processes=True)
    return Finding(name="bus", value=mask_secrets(url))


def _settings_file(config: str | None) -> Iterator[Finding]:
    """Yield a finding about the file of the settings, if there is one."""
    path = settings_path(config)
    if path is None or os.name != "posix":
        return
    # The file may hold the passwords of the database, of Redis and of the bus.
    is_open = bool(path.stat().st_mode & 0o077)
    yield Finding(
        name="settings file",
        value=f"{path.name}, {'readable by other users' if is_open else 'readable by its owner alone'}",
        advice=f"chmod 600 {path.name}" if is_open and _holds_password(path) else None,
    )


def _holds_password(path: Path) -> bool:
    text = path.read_text("utf-8")
    return any(mask_secrets(word) != word for word in text.replace('"', " ").replace("'", " ").split() if "://" in word)


def _connections(settings: Settings) -> Finding:
    most = connection_limit(settings)
    share = address_share(most, settings.server.connections_per_address)
    return Finding(
        name="connections",
        value=f"{most:,} for each process of hullo serve, {share:,} for each address",
        # Sockets of the widget stay open: a small site has hundreds.
        advice=None
        if most >= FEW_CONNECTIONS
        else "raise the limit of open files: LimitNOFILE=65536 for systemd, or ulimit -n 65536",
    )


def _master_key(settings: Settings) -> Finding:
    name, keys = "master key", settings.master_keys
    try:
        # Only the check: the keys themselves are never printed.
        Vault(keys).check(development=settings.development)
    except SettingsError as error:
        return Finding(name=name, value="cannot be used", advice=error.detail)
    if not keys:
        return Finding(name=name, value="none: the database holds identity keys in plain text")
    older = f", and {len(keys) - 1} older" if len(keys) > 1 else ""
    return Finding(name=name, value=f"set{older}: the database holds identity keys encrypted")
