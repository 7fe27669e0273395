"""Text for people: aligned, and safe to show on a terminal."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable, Sequence

import click

from hullo.model.instant import Instant, format_rfc3339

PLACEHOLDER = "-"
WIDEST = 100
"""Longer lines are hard to read."""


def printable(value: object) -> str:
    """The value in one line; what a terminal would obey instead of showing is escaped.

    Names and custom data come from visitors, and an escape sequence in them must not reach an agent's terminal.
    """
    if value is None or value == "":
        return PLACEHOLDER
    if isinstance(value, bool):
        value = str(value).lower()
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode("ascii")
        for each in str(value)
    )


def format_time(instant: Instant | None) -> str:
    """To the second, which is what people read."""
    return PLACEHOLDER if instant is None else format_rfc3339(instant)[:19].replace("T", " ") + " UTC"


def field_lines(pairs: Iterable[tuple[str, object]]) -> str:
    """Labels and values, one pair a line."""
    rows = [(label, printable(value)) for label, value in pairs]
    widest = max(_width(label) for label, _ in rows)
    return "\n".join(f"  {_bold(_padded(label, widest))}  {value}" for label, value in rows)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns under their heads."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(_width(row[column]) for row in [heads, *cells]) for column in range(len(heads))]
    lines = ["  ".join(map(_padded, row, widths)).rstrip() for row in [heads, *cells]]
    return "\n".join([_bold(lines[0]), *lines[1:]])


def title(text: str) -> str:
    """The first line of an answer."""
    return _bold(printable(text))


def paragraph(text: str) -> str:
    """Sentences, in lines that fit the terminal."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return click.wrap_text(printable(text), width, initial_indent="  ", subsequent_indent="  ")


def command_text(text: str) -> str:
    """Something to type."""
    return click.style(text, fg="cyan")


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )
