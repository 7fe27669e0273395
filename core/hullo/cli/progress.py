"""The progress of a long command, on standard error: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import click

from hullo.store.maintenance import Progress

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

PAUSE_SECONDS: Final = 5.0
"""The shortest time between two lines."""


@contextmanager
def show_progress() -> Generator[Progress]:
    """Give a `Progress` that shows itself. Its `doing` may change any number of times."""
    # A bar rewrites its line, which fills the log of a cron job with control characters.
    if not sys.stderr.isatty():
        yield _ProgressLines()
        return
    with ExitStack() as bars:
        yield _ProgressBars(bars)


class _ProgressBars:
    """Show one bar for each `doing`."""

    def __init__(self, bars: ExitStack) -> None:
        self._bars = bars
        self._doing = ""
        self._bar: ProgressBar[int] | None = None

    def __call__(self, doing: str, done: int, total: int) -> None:
        if self._bar is None or doing != self._doing:
            # The bar before it ends first: two bars would write into one line.
            self._bars.close()
            self._doing = doing
            self._bar = self._bars.enter_context(
                click.progressbar(length=max(total, 1), label=doing.capitalize(), file=sys.stderr)
            )
        # At least 1: click divides by the length. The total may grow while the work goes on.
        self._bar.length = max(total, 1)
        self._bar.update((done if total else 1) - self._bar.pos)


class _ProgressLines:
    """Print a line every few seconds, and one at the end of each `doing`."""

    def __init__(self) -> None:
        # Monotonic: a clock that is set back would silence the lines.
        self._printed_at = time.monotonic()
        self._last = ""

    def __call__(self, doing: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done < total and now - self._printed_at < PAUSE_SECONDS:
            return
        line = f"{doing.capitalize()}: {100 * done // total if total else 100} %"
        # The call at the end may repeat the line that was just printed.
        if line != self._last:
            click.echo(line, err=True)
        self._printed_at = now
        self._last = line
