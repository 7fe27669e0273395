"""`hullo duplicates`: who may be there twice, for somebody to look at."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from heapq import nsmallest
from tempfile import gettempdir
from typing import Final

import click

from hullo.asgi.duplicates import suggestion_shape
from hullo.asgi.shapes import Shape
from hullo.cli.options import Given, common, pass_given
from hullo.cli.people import called, meant_workspace
from hullo.cli.progress import shown
from hullo.cli.screen import command, plain, table, title
from hullo.pipeline.duplicates.comparing import Suggestion
from hullo.pipeline.duplicates.finding import Crowd, find_duplicates
from hullo.pipeline.duplicates.traits import Kind

CROWDS_SHOWN: Final = 10
"""The largest; all of them with `--json`."""

_SHARED: Final[dict[Kind, str]] = {
    "phone": "phone",
    "name_and_company": "name and company",
    "email": "email, or nearly",
}


@click.command("duplicates")
@click.option("--workspace", metavar="NAME|ID", help="Whose contacts.  [default: the only one there is]")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many pairs, at most."
)
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="No pairs that are less likely."
)
@common
@pass_given
def duplicates_command(given: Given, workspace: str | None, limit: int, min_score: float) -> None:
    """Suggest pairs of contacts that may be one person, the likeliest first, and say why. Nothing is merged.

    They have the same phone, the same name and company, or nearly the same email. Pairs with an open conflict are left
    out, and those that were kept apart.
    """
    with given.open() as hullo:
        home = meant_workspace(hullo, workspace)
        with _said_when_full(), shown() as progress:
            found = find_duplicates(hullo.store, home, progress)
            likely = _Likely(found.suggestions, min_score)
            told = nsmallest(limit, likely, key=lambda each: (-each.score, each.first.id, each.second.id))
    document = {
        "workspace_id": home.id,
        "contacts": found.contacts,
        "pairs": likely.count,
        "items": [_pair_shape(each) for each in told],
        "crowds": [{"kind": each.kind, "shared": each.shared, "contacts": each.contacts} for each in found.crowds],
    }
    summary = f"{found.contacts:,} contacts, and {_pairs(likely.count)} that may be one person each."
    more = f"The likeliest {len(told):,} are shown; --limit shows more." if len(told) < likely.count else ""
    parts = (title(summary), *map(_pair_text, told), more, _crowds_text(found.crowds))
    given.show(document, "\n\n".join(part for part in parts if part))


@contextmanager
def _said_when_full() -> Generator[None]:
    try:
        yield
    except OSError as error:
        folder = gettempdir()
        raise click.ClickException(f"{folder} cannot hold the keys of all contacts: {error.strerror}") from error


class _Likely:
    """Those of a score, counted while they are read."""

    def __init__(self, suggestions: Iterable[Suggestion], score: float) -> None:
        self._suggestions, self._score = suggestions, score
        self.count = 0

    def __iter__(self) -> Iterator[Suggestion]:
        for each in self._suggestions:
            if each.score >= self._score:
                self.count += 1
                yield each


def _pair_shape(suggestion: Suggestion) -> Shape:
    return {
        "first": {"id": suggestion.first.id, "called": called(suggestion.first)},
        "second": {"id": suggestion.second.id, "called": called(suggestion.second)},
        **suggestion_shape(suggestion),
        "merge": _merging(suggestion),
    }


def _pair_text(suggestion: Suggestion) -> str:
    first, second = (f"{called(each)} ({each.id})" for each in (suggestion.first, suggestion.second))
    lines = [title(f"{suggestion.score:.2f}  {first} and {second}")]
    lines += [f"      {plain(each.words)}" for each in suggestion.reasons]
    if suggestion.remark is not None:
        lines.append(f"      but {plain(suggestion.remark)}")
    return "\n".join([*lines, f"      {command(_merging(suggestion))}"])


def _merging(suggestion: Suggestion) -> str:
    return f"hullo contacts merge {suggestion.first.id} {suggestion.second.id}"


def _crowds_text(crowds: Sequence[Crowd]) -> str:
    if not crowds:
        return ""
    rows = [(f"{each.contacts:,}", _SHARED[each.kind], each.shared) for each in crowds[:CROWDS_SHOWN]]
    left = len(crowds) - len(rows)
    more = f"\n… and {left:,} more." if left else ""
    return f"{title('Shared by too many to say anything:')}\n{table(('CONTACTS', 'SHARE', 'WHICH IS'), rows)}{more}"


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count:,} pairs"
