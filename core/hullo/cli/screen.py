"""Text for a terminal: aligned columns, and no value that could control the terminal."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable, Sequence

import click

from hullo.model.instant import Instant, format_rfc3339

PLACEHOLDER = "-"
WIDEST = 100
"""The most columns of a paragraph: longer lines are hard to read."""


def printable(value: object) -> str:
    """Return the value in one line, with control characters escaped.

    Names and custom data come from visitors, and an escape sequence in them must not reach an agent's terminal.
    """
    if value is None or value == "":
        return PLACEHOLDER
    # As JSON writes it, since that is how sites send custom data.
    if isinstance(value, bool):
        value = str(value).lower()
    return "".join(
        # Half an emoji is not printable either, and is escaped like a control character.
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
        for letter in str(value)
    )


def format_time(instant: Instant | None) -> str:
    """Format a time to the second, in UTC."""
    return PLACEHOLDER if instant is None else format_rfc3339(instant)[:19].replace("T", " ") + " UTC"


def field_lines(pairs: Iterable[tuple[str, object]]) -> str:
    """Format labels and values, one pair per line."""
    rows = [(label, printable(value)) for label, value in pairs]
    widest = max(_width(label) for label, _ in rows)
    return "\n".join(f"  {_bold(_padded(label, widest))}  {value}" for label, value in rows)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format rows as columns under their heads."""
    # Escaped before the widths are measured: an escape sequence is longer than its character.
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(_width(row[column]) for row in [heads, *cells]) for column in range(len(heads))]
    lines = ["  ".join(map(_padded, row, widths)).rstrip() for row in [heads, *cells]]
    # Bold last: its control characters have no width on the screen.
    return "\n".join([_bold(lines[0]), *lines[1:]])


def title(text: str) -> str:
    """Format the first line of a result."""
    return _bold(printable(text))


def paragraph(text: str) -> str:
    """Wrap sentences into lines that fit the terminal."""
    # Asked each time, as a terminal can be resized.
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return click.wrap_text(printable(text), width, initial_indent="  ", subsequent_indent="  ")


def command_text(text: str) -> str:
    """Highlight a command that the reader can type."""
    return click.style(text, fg="cyan")


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    return sum(
        # Chinese, Japanese and Korean characters take two columns, and combining marks none.
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
