"""Plugins that count: what happens often is written seldom."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, TypeVar

from hullo.plugin import CountBuffer, Host, hookimpl

Key = TypeVar("Key", bound=Hashable)


class BufferedCounter(CountBuffer[Key]):
    """A plugin that counts while hullo is open, and writes what it holds when hullo closes."""

    waits: ClassVar = False

    @hookimpl
    def startup(self, hullo: Host) -> None:
        """Begin to count."""
        self.open(hullo)

    @hookimpl
    def shutdown(self) -> None:
        """Write what is counted, and wait for a write that is under way."""
        self.close()
