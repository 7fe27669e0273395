"""Every bus that hullo ships, by its contract."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from hullo.bus.in_process import InProcessBus
from hullo.bus.protocol import Bus
from hullo.hooks.entry_points import open_bus
from hullo.testing import BusContract, SharedBusContract
from servers.fixtures import require, require_private_redis
from servers.postgres import connect
from servers.redis_server import PrivateRedis
from servers.wire import Wire


@pytest.fixture(scope="module")
def redis_server() -> Iterator[PrivateRedis]:
    with require_private_redis() as server:
        yield server


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    server = require("postgresql")
    url = server.new_database()
    yield url
    server.drop(url)


class TestInProcess(BusContract):
    def make_bus(self, place: Path) -> Bus:
        return InProcessBus()


class OnServer(SharedBusContract):
    """A folder stands for a channel, which processes find by the URL in it."""

    def make_bus(self, place: Path) -> Bus:
        return open_bus((place / "url").read_text())


class TestRedis(OnServer):
    """A server that is cut off is killed."""

    server: PrivateRedis
    channel: str

    @pytest.fixture
    def tmp_path(self, tmp_path: Path, redis_server: PrivateRedis) -> Iterator[Path]:
        self.server, self.channel = redis_server, f"test:{secrets.token_hex(8)}"
        (tmp_path / "url").write_text(f"{redis_server.url}?channel={self.channel}")
        yield tmp_path
        if not redis_server.is_running:
            redis_server.start()

    def send_raw(self, place: Path, text: str) -> None:
        with closing(redis.Redis.from_url(self.server.url)) as client:
            client.publish(self.channel, text)

    def disconnect(self, place: Path) -> None:
        self.server.kill()

    def reconnect(self, place: Path) -> None:
        self.server.start()


class TestPostgresql(OnServer):
    """A server that is cut off is behind a proxy that ends all connections."""

    wire: Wire
    channel: str

    @pytest.fixture
    def tmp_path(self, tmp_path: Path, database: str) -> Iterator[Path]:
        self.wire, self.channel, self.database_url = Wire(database), f"test_{secrets.token_hex(8)}", database
        joint = "&" if "?" in self.wire.url else "?"
        (tmp_path / "url").write_text(f"{self.wire.url}{joint}channel={self.channel}")
        yield tmp_path
        self.wire.close()

    def send_raw(self, place: Path, text: str) -> None:
        with connect(self.database_url) as connection:
            connection.execute("SELECT pg_notify(%s, %s)", (self.channel, text))

    def disconnect(self, place: Path) -> None:
        self.wire.cut()

    def reconnect(self, place: Path) -> None:
        self.wire.mend()
