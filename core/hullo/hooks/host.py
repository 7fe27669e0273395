"""The running hullo as hooks get it: what `startup`, `shutdown`, `routes` and `commands` may use."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from hullo.bus.protocol import Bus
from hullo.model.app import App
from hullo.model.event import Event
from hullo.model.request_context import Clock, RequestContext
from hullo.settings import Settings
from hullo.store.protocol import Store


class Host(Protocol):
    """A running hullo. `Hullo` is the one; a plugin's tests may hand in something smaller.

    Its methods may be called from any thread.
    """

    @property
    def settings(self) -> Settings:
        """The settings, as read at the start."""
        ...

    @property
    def store(self) -> Store:
        """The store. Open from `startup` to `shutdown`; in `routes` and `commands` call `open` first."""
        ...

    @property
    def bus(self) -> Bus:
        """The bus that carries notices to every process with open sockets."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock to use instead of the system's: tests hand in their own."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether the store is open and the plugins have started."""
        ...

    def open(self) -> Self:
        """Open the store and start the plugins. Does nothing on an open hullo. Raises `SettingsError`."""
        ...

    def close(self) -> None:
        """Stop the plugins, then close the bus and the store. May be opened again."""
        ...

    def __enter__(self) -> Self:
        """Open it."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    def new_context(self) -> RequestContext:
        """Return the time by `clock`, with fresh randomness for ids and secrets. Make one for each request."""
        ...

    def load_app(self, app_key: str) -> App:
        """Load an app from the store, opening it first. Raises `UnknownApp`."""
        ...

    def commit_events(self, events: Sequence[Event]) -> None:
        """Commit events of their own, then have `event_committed` called with each soon.

        Not for events of a change: those are committed with it. Raises `StoreUnavailable`.
        """
        ...
