"""How much of a hand-written identify's rate hullo keeps on each database, and what more people in it cost.

    python tests/bench/stores.py [--engines sqlite postgresql mysql] [--contacts 0 10000 1000000] [--rounds 12]
                                 [--calls 200] [--connections 64] [--seconds 0.7] [--database-url URL ...] [--json]

The call is a signed identify of a browser that has a session, with an external id, an email, a name and three custom
values: `unchanged` says what is stored, `write` changes one custom value, `new` is the first of somebody new. It is
made

- by hullo, and told at two levels: its `store` alone, which loads and applies what the pipeline gives it, and the
  whole `pipeline` beneath HTTP,
- by hand (`handwritten/`), on the same driver, tables and settings, without hullo. Its transaction is what the store
  is compared with, and the whole of it what the pipeline is. On PostgreSQL there are two: as people write it, a
  statement for each thing, and as people tune it, one joined SELECT and a pipeline.

Both are seen to leave the same rows behind before anything is measured. One thread makes one call at a time, in blocks
that take turns. The machine may be busy with other things, so look at the ratios: each is of two blocks of one round.

Then, on PostgreSQL, many callers at once: hullo's groups beside trips of its own for each call, by hullo and by hand.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import uvloop
from callers import CALLED_WHEN_EMPTY, Bench, ByHullo
from engines import engine_of
from handwritten.calls import identify
from people import Engine, People, the_application
from together import IN_GROUPS, WAYS, crowd

from hullo.cli.site import freeze_gc
from hullo.model.request_context import RequestContext
from hullo.testing.builders import NOW

KNOWN = ("unchanged", "write")
NEW = ("new",)
LEVELS = ("store", "pipeline")
CHECKED = ("write", "unchanged", "new", "write", "new") * 4
COMPARED_WITH = 10_000
"""What more people cost is told beside so many."""


@dataclass
class Series:
    """Seconds a call, in each round, of one caller with one kind of call at one level.

    With `connections`, many callers at once; `caller` is then how they are served.
    """

    engine: str
    contacts: int
    kind: str
    level: str
    caller: str
    connections: int = 1
    seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return 1 / statistics.median(self.seconds)

    @property
    def subject(self) -> tuple[Any, ...]:
        return (self.engine, self.contacts, self.kind, self.level, self.connections)


class Results:
    def __init__(self) -> None:
        self._series: dict[tuple[Any, ...], Series] = {}

    def add(self, made: Series, seconds: float) -> None:
        self._series.setdefault((*made.subject, made.caller), made).seconds.append(seconds)

    def __iter__(self) -> Iterator[Series]:
        return iter(self._series.values())

    def find(self, **wanted: Any) -> Iterator[Series]:
        return (each for each in self if all(getattr(each, name) == value for name, value in wanted.items()))


def measure(engine: Engine, options: argparse.Namespace, results: Results) -> None:
    """Everything about one kind of database."""
    check(engine)
    with ExitStack() as stack:
        benches = [stack.enter_context(closing(_filled(engine, contacts))) for contacts in options.contacts]
        base = next((bench for bench in benches if bench.contacts == COMPARED_WITH), benches[-1])
        stack.callback(freeze_gc())
        alone(engine.name, benches, KNOWN, options, results)
        # Last, and of one database only: it does not stay as small as it is called.
        alone(engine.name, [base], NEW, options, results)
        if engine.name == "postgresql" and options.connections:
            together(engine.name, base, options, results)


def check(engine: Engine) -> None:
    """Makes the same calls by hullo and by hand, on databases of their own: the same rows must be there afterwards."""
    wanted: dict[str, list[Any]] = {}
    for caller in ("hullo", *engine.hands):
        people, url = People(CALLED_WHEN_EMPTY), engine.make()
        people.fill(url, engine, lambda done: None)
        calls = [(number, people.asked(kind, number)) for number, kind in enumerate(CHECKED)]
        if caller == "hullo":
            with closing(ByHullo(url, people)) as by_hullo:
                for number, asked in calls:
                    by_hullo.hullo.executor.run(by_hullo.ready(asked)(_moment(people, number)))
            wanted = engine.rows(url)
        else:
            with closing(engine.by_hand(caller, url, the_application())) as by_hand:
                for number, asked in calls:
                    identify(by_hand, asked, _moment(people, number))
            left = engine.rows(url)
            if different := [table for table in wanted if wanted[table] != left[table]]:
                raise SystemExit(f"{engine.name}, {caller}: not the same rows as hullo's in {', '.join(different)}")
    counted = ", ".join(f"{len(rows)} {table}" for table, rows in wanted.items() if rows)
    tell(f"{engine.name}: the same rows by hullo and by hand: {counted}")


def alone(
    engine: str, benches: Sequence[Bench], kinds: Sequence[str], options: argparse.Namespace, results: Results
) -> None:
    """One call at a time. Databases and callers take turns; the first round warms up."""
    for number in range(options.rounds + 1):
        for bench in random.sample(benches, len(benches)):
            for kind in kinds:
                for caller in random.sample(sorted(bench.callers), len(bench.callers)):
                    seconds = bench.block(caller, kind, options.calls)
                    for level in LEVELS if number else ():
                        results.add(Series(engine, bench.contacts, kind, level, caller), seconds[level])
        _tell_round(f"{engine}: {' and '.join(kinds)}", number, options.rounds)


def together(engine: str, bench: Bench, options: argparse.Namespace, results: Results) -> None:
    """Many callers at once. The ways of serving them take turns; the first round warms up."""
    many = options.connections
    for number in range(options.crowd_rounds + 1):
        for level in LEVELS:
            for kind in KNOWN:
                for way in random.sample(list(WAYS), len(WAYS)):
                    rate = uvloop.run(crowd(bench, level, kind, way, many, options.seconds))
                    if number:
                        results.add(Series(engine, bench.contacts, kind, level, way, many), 1 / rate)
        _tell_round(f"{engine}: {many} at once", number, options.crowd_rounds)


def report(results: Results) -> None:
    """Everything beside what it is compared with."""
    alone_by_hullo = list(results.find(caller="hullo"))
    report_beside("one call at a time", alone_by_hullo, results)
    report_growth(results)
    for many in dict.fromkeys(each.connections for each in results.find(caller=IN_GROUPS)):
        print()
        report_beside(f"{many} callers at once", results.find(caller=IN_GROUPS, connections=many), results)


def report_beside(title: str, ours: Iterable[Series], results: Results) -> None:
    """hullo's rate, the others', and what hullo's is of theirs."""
    print(f"{title:<46} {'hullo/s':>9} {'beside':>14} {'/s':>7} {'ratio':>6}   lowest to highest")
    for our in sorted(ours, key=_order):
        for their in results:
            if their.subject == our.subject and their is not our:
                ratios = [other / one for other, one in zip(their.seconds, our.seconds, strict=True)]
                print(f"{_what(our)} {our.rate:>9.0f} {their.caller:>14} {their.rate:>7.0f} {_spread(ratios)}")


def report_growth(results: Results) -> None:
    """Each round's cost beside the same round's with the usual number of people."""
    lines: list[str] = []
    for their in sorted(results.find(connections=1), key=_order):
        if their.contacts == COMPARED_WITH or (their.caller != "hullo" and their.level != "store"):
            continue
        same = {name: getattr(their, name) for name in ("engine", "kind", "level", "caller")}
        for usual in results.find(contacts=COMPARED_WITH, connections=1, **same):
            ratios = [one / other for one, other in zip(their.seconds, usual.seconds, strict=True)]
            lines.append(f"{_what(their)} {'':>9} {their.caller:>14} {'':>7} {_spread(ratios)}")
    if lines:
        title = f"cost beside {COMPARED_WITH} contacts"
        print(f"\n{title:<46} {'':>9} {'by':>14} {'':>7} {'ratio':>6}   lowest to highest")
        print(*lines, sep="\n")


def tell(what: str, *, over: bool = False) -> None:
    """Progress. `over`: the next line replaces it where somebody is looking, and nobody else is told."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="" if over else "\n", file=sys.stderr, flush=True)
    elif not over:
        print(what, file=sys.stderr, flush=True)


def _filled(engine: Engine, contacts: int) -> Bench:
    began = time.monotonic()
    bench = Bench(engine, contacts, lambda done: tell(f"{engine.name}: {done} of {contacts} people", over=True))
    tell(f"{engine.name}: {bench.people.count} people in {time.monotonic() - began:.0f} s")
    return bench


def _moment(people: People, number: int) -> RequestContext:
    """The same each time, so that the same ids are made: hullo's own threads ask for the time too."""
    return RequestContext(now=NOW + people.count + number, seed=(b"check" + bytes([number])).ljust(32))


def _order(series: Series) -> tuple[Any, ...]:
    return (series.engine, series.contacts, (*KNOWN, *NEW).index(series.kind), LEVELS.index(series.level))


def _what(series: Series) -> str:
    contacts = f"{series.contacts} contacts"
    return f"{series.engine:<10} {contacts:<16} {series.kind:<9} {series.level:<8}"


def _spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):>6.2f}   {min(ratios):.2f} to {max(ratios):.2f}"


def _tell_round(what: str, number: int, rounds: int) -> None:
    tell(f"{what}, round {number} of {rounds}", over=number < rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    engines = ("sqlite", "postgresql", "mysql")
    parser.add_argument("--engines", nargs="+", choices=engines, default=engines[:2])
    parser.add_argument("--contacts", nargs="+", type=int, default=[0, COMPARED_WITH])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--calls", type=int, default=200, help="in each block")
    parser.add_argument("--connections", type=int, default=64, help="callers at once; 0 leaves them out")
    parser.add_argument("--crowd-rounds", type=int, default=4, help="with callers at once")
    parser.add_argument("--seconds", type=float, default=0.7, help="of a block with callers at once")
    parser.add_argument(
        "--database-url", nargs="+", default=[], help="servers to make databases on; else those that the tests find"
    )
    parser.add_argument("--json", action="store_true", help="every figure, in place of the tables")
    options = parser.parse_args()
    results = Results()
    for name in options.engines:
        with closing(engine_of(name, options.database_url)) as engine:
            measure(engine, options, results)
    if options.json:
        print(json.dumps([vars(each) for each in results], indent=1))
    else:
        report(results)


if __name__ == "__main__":
    main()
