"""A bus over PostgreSQL, by NOTIFY and LISTEN."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from hullo.plugin import SettingsError, mask_secrets
from hullo_plugins.bus.remote_bus import RemoteBus
from hullo_plugins.bus.transport import Send, split_channel

try:
    import psycopg
    from psycopg import sql
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise SettingsError("PostgreSQL needs a driver: pip install 'hullo[postgres]'") from error

CHANNEL: Final = "hullo_bus"
MAX_FRAME_BYTES: Final = 7_999
"""The server refuses a payload of 8,000 bytes."""

STORE_PARAMETERS: Final = frozenset({"pool", "statement_timeout_ms", "lock_timeout_ms", "pooler"})
"""Parameters of a store's URL that libpq does not know."""

_PARAMETERS: Final = {
    "application_name": "hullo bus",
    "client_encoding": "UTF8",
    "connect_timeout": "5",
    # So that a server which vanished without closing is noticed.
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}


def open_postgresql(url: str) -> RemoteBus:
    """Make a bus over the database at `postgresql://user:password@host:5432/database`. Connects later.

    Takes the URL of a store, whose own parameters are ignored, and every parameter of libpq. Notices stay inside one
    database; `?channel=…` separates installations that share one. LISTEN needs a connection that stays: behind
    PgBouncer in transaction mode nothing would ever arrive, so the URL names the server itself, or a pooler in session
    mode. Raises `SettingsError`, which never shows the URL, as it may hold a password.
    """
    return RemoteBus(PostgresqlTransport(url))


class PostgresqlTransport:
    """Carry frames over one channel of a PostgreSQL database. See `Transport`."""

    max_frame_bytes = MAX_FRAME_BYTES

    def __init__(self, url: str) -> None:
        self.redacted_url = mask_secrets(url)
        rest, channel = split_channel(url)
        self._parameters: dict[str, Any] = {**_PARAMETERS, **_libpq_parameters(rest)}
        self._channel = channel or CHANNEL

    @contextmanager
    def publish(self) -> Generator[Send]:
        """See `Transport.publish`."""
        with closing(self._connect()) as connection:
            # One statement is one transaction, so the server's lock on its queue of notifications is taken once.
            yield lambda frames: connection.execute(
                "SELECT pg_notify(%s, frame) FROM unnest(%s::text[]) AS frame",
                (self._channel, [frame.decode() for frame in frames]),
            )

    @contextmanager
    def subscribe(self) -> Generator[PostgresqlSubscription]:
        """See `Transport.subscribe`."""
        with closing(self._connect()) as connection:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
            yield PostgresqlSubscription(connection)

    def _connect(self) -> psycopg.Connection:
        # `autocommit`: LISTEN takes effect at commit, and notifications arrive between transactions only.
        return psycopg.connect(**self._parameters, autocommit=True, prepare_threshold=None)


class PostgresqlSubscription:
    """Receive the notifications of a connection. See `Subscription`."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def fileno(self) -> int:
        """See `Subscription.fileno`."""
        return self._connection.fileno()

    def receive(self) -> Iterator[str]:
        """See `Subscription.receive`."""
        for notification in self._connection.notifies(timeout=0):
            yield notification.payload


def _libpq_parameters(url: str) -> dict[str, str]:
    """Read the parameters for libpq off a URL. Raises `SettingsError`."""
    rest, _, query = url.partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    if given.get("pooler") == "transaction":
        raise SettingsError(
            "a bus cannot listen through a pooler in transaction mode: bus names the PostgreSQL server itself, or Redis"
        )
    parameters = {name: text for name, text in given.items() if name not in STORE_PARAMETERS}
    try:
        found = conninfo_to_dict(f"{rest}?{urlencode(parameters, quote_via=quote)}")
    except psycopg.Error:
        raise SettingsError(_URL_HINT) from None
    texts = {name: str(value) for name, value in found.items() if value is not None}
    ports = texts.get("port", "").split(",")  # where several hosts are named, some may have none
    # A password with an unencoded / or @ ends up in one of these in part, and must not reach a log.
    strange = "@" in texts.get("host", "") + texts.get("dbname", "") or not all(map(str.isdecimal, filter(None, ports)))
    if strange:
        raise SettingsError(_URL_HINT)
    return texts


_URL_HINT: Final = (
    "the URL of a bus in PostgreSQL looks like 'postgresql://user:password@host:5432/database', with parameters of "
    "libpq alone; what is not a letter or digit in a password is written as %XX"
)
