"""Define `hullo duplicates`, which lists pairs of contacts that may be one person, for an agent to review."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from heapq import nsmallest
from tempfile import gettempdir
from typing import Final

import click
from msgspec import to_builtins

from hullo.plugin import Host
from hullo.plugin.commands import (
    CommonOptions,
    command_text,
    common_options,
    display_name,
    get_workspace,
    pass_options,
    printable,
    show_progress,
    table,
    title,
)
from hullo_plugins.duplicates.compare import DuplicateSuggestion
from hullo_plugins.duplicates.features import FeatureKind
from hullo_plugins.duplicates.search import CommonValue, find_duplicates

CROWDS_SHOWN: Final = 10
"""The number of common values that the text lists, the largest first. `--json` prints all."""

_KIND_LABELS: Final[dict[FeatureKind, str]] = {
    "phone": "phone",
    "name_and_company": "name and company",
    "email": "email, or nearly",
    "browser": "browser",
}


def duplicates_command(hullo: Host) -> click.Command:
    """Make the `duplicates` command for the contacts of this host."""

    @click.command("duplicates")
    @click.option("--workspace", metavar="NAME|ID", help="The workspace.  [default: the only one]")
    @click.option(
        "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The highest number of pairs."
    )
    @click.option(
        "--min-score",
        type=click.FloatRange(0, 1),
        default=0.5,
        show_default=True,
        help="The lowest score of a pair.",
    )
    @common_options
    @pass_options
    def duplicates(options: CommonOptions, workspace: str | None, limit: int, min_score: float) -> None:
        """Suggest contacts that may be one person.

        Lists pairs with their reasons, the likeliest first, and merges nothing. Such contacts have the same phone, the
        same name and company, or nearly the same email. The command leaves out pairs with an open conflict, and pairs
        that an agent has decided to keep apart.
        """
        with hullo:
            home = get_workspace(hullo, workspace)
            with _report_full_disk(), show_progress() as progress:
                found = find_duplicates(hullo.store, home, progress)
                likely = _MinScoreFilter(found.suggestions, min_score)
                shown = nsmallest(limit, likely, key=lambda pair: (-pair.score, pair.first.id, pair.second.id))
        document = {
            "workspace_id": home.id,
            "contacts": found.contact_count,
            "pairs": likely.count,
            "items": [_pair_json(suggestion) for suggestion in shown],
            "crowds": [
                {"kind": common.kind, "shared": common.value, "contacts": common.contact_count}
                for common in found.common_values
            ],
        }
        summary = f"{found.contact_count:,} contacts, {_pairs(likely.count)} that may be one person."
        more = f"These are the likeliest {len(shown):,}; --limit shows more." if len(shown) < likely.count else ""
        parts = (title(summary), *map(_pair_text, shown), more, _crowds_text(found.common_values))
        options.print_result(document, "\n\n".join(part for part in parts if part))

    return duplicates


@contextmanager
def _report_full_disk() -> Generator[None]:
    try:
        yield
    except OSError as error:
        folder = gettempdir()
        raise click.ClickException(
            f"{folder} cannot hold the keys of all contacts: {error.strerror}; set TMPDIR to a folder with more space"
        ) from error


class _MinScoreFilter:
    """Iterate over the suggestions with at least a score, and count them on the way."""

    def __init__(self, suggestions: Iterable[DuplicateSuggestion], score: float) -> None:
        self._suggestions, self._score = suggestions, score
        self.count = 0

    def __iter__(self) -> Iterator[DuplicateSuggestion]:
        for suggestion in self._suggestions:
            if suggestion.score >= self._score:
                self.count += 1
                yield suggestion


def _pair_json(suggestion: DuplicateSuggestion) -> dict[str, object]:
    return {
        "first": {"id": suggestion.first.id, "called": display_name(suggestion.first)},
        "second": {"id": suggestion.second.id, "called": display_name(suggestion.second)},
        "score": suggestion.score,
        "reasons": to_builtins(suggestion.reasons),
        "remark": suggestion.remark,
        "merge": _merge_command(suggestion),
    }


def _pair_text(suggestion: DuplicateSuggestion) -> str:
    first, second = (f"{display_name(contact)} ({contact.id})" for contact in (suggestion.first, suggestion.second))
    lines = [title(f"{suggestion.score:.2f}  {first} and {second}")]
    lines += [f"      {printable(reason.words)}" for reason in suggestion.reasons]
    if suggestion.remark is not None:
        lines.append(f"      but {printable(suggestion.remark)}")
    return "\n".join([*lines, f"      {command_text(_merge_command(suggestion))}"])


def _merge_command(suggestion: DuplicateSuggestion) -> str:
    return f"hullo contacts merge {suggestion.first.id} {suggestion.second.id}"


def _crowds_text(crowds: Sequence[CommonValue]) -> str:
    if not crowds:
        return ""
    rows = [(f"{crowd.contact_count:,}", _KIND_LABELS[crowd.kind], crowd.value) for crowd in crowds[:CROWDS_SHOWN]]
    left = len(crowds) - len(rows)
    more = f"\n… and {left:,} more." if left else ""
    heading = title("Values of too many contacts to suggest a pair:")
    return f"{heading}\n{table(('CONTACTS', 'FIELD', 'VALUE'), rows)}{more}"


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count:,} pairs"
