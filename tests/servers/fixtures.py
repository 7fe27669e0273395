"""What turns a missing server into a skipped test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest

from servers.mariadb import PrivateMariaDB, mariadb_server
from servers.postgres import PrivatePostgres, postgres_server
from servers.protocol import RestartableServer, Server, Unavailable
from servers.redis_server import PrivateRedis

Kind = Literal["postgresql", "mysql"]
"""As in the scheme of the URL."""


def require(kind: Kind) -> Server:
    """The server that the whole session shares, or the test is skipped."""
    find: Callable[[], Server] = postgres_server if kind == "postgresql" else mariadb_server
    try:
        return find()
    except Unavailable as reason:
        pytest.skip(str(reason))


def require_private(kind: Kind) -> RestartableServer:
    """A server of the test's own, not started yet, or the test is skipped: `with require_private(kind) as server`."""
    make: Callable[[], RestartableServer] = PrivatePostgres if kind == "postgresql" else PrivateMariaDB
    try:
        return make()
    except Unavailable as reason:
        pytest.skip(str(reason))


def require_private_redis() -> PrivateRedis:
    """The same for a Redis."""
    try:
        return PrivateRedis()
    except Unavailable as reason:
        pytest.skip(str(reason))
