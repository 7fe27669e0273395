"""What a test may ask of a database server, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from types import TracebackType
from typing import Protocol, Self, TypeVar

Found = TypeVar("Found")


class Unavailable(Exception):
    """There is no such server here. The message says what was looked for, and is a reason to skip a test."""


class Server(Protocol):
    """A running server that the whole test run shares, and that nobody may restart."""

    url: str

    def new_database(self, options: str = "") -> str:
        """The URL of a fresh, empty database with a random name. `options` end the CREATE DATABASE statement."""
        ...

    def drop(self, url: str) -> None:
        """Drops a database that `new_database` made, whoever is still connected to it."""
        ...

    def empty(self, url: str) -> None:
        """Deletes every row of every table but the migrations': much cheaper than a new database."""
        ...


class RestartableServer(Protocol):
    """A server of the test's own. Its URL, data and port stay the same until it is closed."""

    url: str

    def start(self) -> None:
        """Returns once it answers."""
        ...

    def stop(self) -> None:
        """Shuts it down in good order, without waiting for its clients."""
        ...

    def kill(self) -> None:
        """Ends it with all its processes on the spot, as a power cut would."""
        ...

    def close(self) -> None:
        """Ends it, and removes its data."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def once(find: Callable[[], Found]) -> Callable[[], Found]:
    """A search that is made once a session, whether it finds something or not."""

    @cache
    def outcome() -> Found | Unavailable:
        try:
            return find()
        except Unavailable as reason:
            return reason

    @wraps(find)
    def search() -> Found:
        found = outcome()
        if isinstance(found, Unavailable):
            raise Unavailable(*found.args)
        return found

    return search
