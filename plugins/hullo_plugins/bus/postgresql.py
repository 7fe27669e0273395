"""A bus over PostgreSQL, by NOTIFY and LISTEN."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from hullo.errors import SettingsError
from hullo.store.urls import mask_secrets
from hullo_plugins.bus.channel import split_channel
from hullo_plugins.bus.remote_bus import RemoteBus

try:
    import psycopg
    from psycopg import sql
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise SettingsError("PostgreSQL needs a driver: pip install 'hullo[postgres]'") from error

CHANNEL: Final = "hullo_bus"
MAX_FRAME_BYTES: Final = 7_999
"""Bytes: the server refuses a payload of 8,000."""

STORE_PARAMETERS: Final = frozenset({"pool", "statement_timeout_ms", "lock_timeout_ms", "pooler"})
"""Parameters of a store's URL that libpq would not know."""

_DRIVER: Final = {
    "application_name": "hullo bus",
    "client_encoding": "UTF8",
    "connect_timeout": "5",
    # A server that is gone without a word is noticed.
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}


def open_postgresql(url: str) -> RemoteBus:
    """A bus over the database at `postgresql://user:password@host:5432/database`. Not connected yet.

    Takes the URL of a store, whose own parameters say nothing here, and any of libpq's. What is told in one database is
    heard in no other; `?channel=…` keeps apart those who share one. LISTEN needs a connection that stays: behind
    PgBouncer in transaction mode nothing would ever be heard, so the URL names the server itself, or a pooler in
    session mode. Raises `SettingsError`, which never tells the URL, as there is a password in it.
    """
    return RemoteBus(PostgresqlTransport(url))


class PostgresqlTransport:
    """See `Carrier`."""

    max_frame_bytes = MAX_FRAME_BYTES

    def __init__(self, url: str) -> None:
        self.redacted_url = mask_secrets(url)
        rest, channel = split_channel(url)
        self._driver: dict[str, Any] = {**_DRIVER, **_libpq(rest)}
        self._channel = channel or CHANNEL

    def connect_subscription(self) -> PostgresqlSubscription:
        """See `Carrier`."""
        return PostgresqlSubscription(self._connected(), self._channel)

    def connect_publisher(self) -> PostgresqlPublisher:
        """See `Carrier`."""
        return PostgresqlPublisher(self._connected(), self._channel)

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(**self._driver, autocommit=True, prepare_threshold=None)


class PostgresqlSubscription:
    """See `Incoming`."""

    def __init__(self, driver: psycopg.Connection, channel: str) -> None:
        self._driver = driver
        try:
            driver.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        except BaseException:
            driver.close()
            raise

    def fileno(self) -> int:
        """See `Incoming`."""
        return self._driver.fileno()

    def receive(self) -> Iterator[str]:
        """See `Incoming`."""
        for notify in self._driver.notifies(timeout=0):
            yield notify.payload

    def close(self) -> None:
        """See `Incoming`."""
        self._driver.close()


class PostgresqlPublisher:
    """See `Outgoing`."""

    def __init__(self, driver: psycopg.Connection, channel: str) -> None:
        self._driver = driver
        self._channel = channel

    def send(self, frames: Sequence[bytes]) -> None:
        """See `Outgoing`: one statement, which is one transaction, so that the server's lock on its queue of notices is
        taken once."""
        self._driver.execute(
            "SELECT pg_notify(%s, parcel) FROM unnest(%s::text[]) AS parcel",
            (self._channel, [parcel.decode() for parcel in frames]),
        )

    def close(self) -> None:
        """See `Outgoing`."""
        self._driver.close()


def _libpq(url: str) -> dict[str, str]:
    rest, _, query = url.partition("?")
    said = dict(parse_qsl(query, keep_blank_values=True))
    if said.get("pooler") == "transaction":
        raise SettingsError(
            "a bus cannot listen through a pooler in transaction mode: bus names the PostgreSQL server itself, or Redis"
        )
    libpqs = {name: text for name, text in said.items() if name not in STORE_PARAMETERS}
    try:
        found = conninfo_to_dict(f"{rest}?{urlencode(libpqs, quote_via=quote)}")
    except psycopg.Error:
        raise SettingsError(_URL_HINT) from None
    texts = {name: str(value) for name, value in found.items() if value is not None}
    ports = texts.get("port", "").split(",")  # where several hosts are named, some may have none
    # Where a password was not encoded, a piece of it may have become any of these.
    strange = "@" in texts.get("host", "") + texts.get("dbname", "") or not all(map(str.isdecimal, filter(None, ports)))
    if strange:
        raise SettingsError(_URL_HINT)
    return texts


_URL_HINT: Final = (
    "the URL of a bus in PostgreSQL looks like 'postgresql://user:password@host:5432/database', with parameters of "
    "libpq alone; what is not a letter or digit in a password is written as %XX"
)
