"""What it costs to look for contacts that are there twice, and whether that grows with their number alone.

    python tests/bench/duplicates.py [--contacts 10000 100000 1000000] [--json]

Each number of contacts has an SQLite file and a process of its own. One in twenty contacts is somebody who is there
already, with the same phone, with the same name and company, or with an email that is nearly the same; one in a hundred
has the phone of one switchboard. The machine may be busy with other things, so processor time is told beside the time
on the clock, and the ratio is of the former. Of the memory, what is mapped from the database's file is told apart:
SQLite takes up to 256 MB of that where there are any to spare.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from engines import Sqlite
from people import CHUNK, Engine

from hullo.hooks.entry_points import open_store
from hullo.model.change_set import ChangeSet, insertion
from hullo.model.contact import Contact
from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL, EXTERNAL_ID
from hullo.model.request_context import RequestContext
from hullo.model.standing import Standing
from hullo.testing.builders import APP, NOW, WORKSPACE, WRITER, a_workspace
from hullo_plugins.duplicates.search import find_duplicates
from hullo_stores.peewee.rows.contacts import contact_row
from hullo_stores.peewee.rows.encoding import json_text

SYLLABLES = [a + b for a in "bdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "in", "ol", "us")]
PROVIDERS = ("gmail.com", "yahoo.com", "outlook.com", "gmx.de", "icloud.com")
SWITCHBOARD = "+493090182000"
KILOBYTE, MEGABYTE = 1024, 1024**2


@dataclass
class Measured:
    """What one search took. Phases are in seconds of processor time."""

    contacts: int
    seconds: float
    processor: float
    phases: dict[str, float]
    peak: int
    own: int
    pairs: int
    crowds: int

    @property
    def each(self) -> float:
        return self.processor / self.contacts


class Crowd:
    """People with names that are likely to be two people's only where they are one."""

    def __init__(self, count: int) -> None:
        self._random = random.Random(count)
        self._count = count
        self._emails: set[str] = set()

    def __iter__(self) -> Iterator[Contact]:
        before: dict[str, str] = {}
        for number in range(self._count):
            values = self._somebody(number)
            if number % 20 == 19:
                values = self._twice(before, values)
            if values.get(EMAIL) in self._emails:
                del values[EMAIL]
            self._emails.add(values.get(EMAIL, ""))
            yield _contact(number, values)
            before = values

    def _somebody(self, number: int) -> dict[str, str]:
        first, last = self._word(2), self._word(4)
        company = self._random.randrange(self._count // 10 + 1)
        provider = self._random.choice(PROVIDERS) if number % 5 < 2 else f"{_firm(company)}.example"
        return {
            EMAIL: f"{first}.{last}@{provider}",
            "name": f"{first.title()} {last.title()}",
            "company": f"{_firm(company).title()} Inc",
            "phone": SWITCHBOARD if number % 100 == 0 else f"+49151{number:08}",
        }

    def _twice(self, one: dict[str, str], other: dict[str, str]) -> dict[str, str]:
        """The other, with something that makes it the one's duplicate."""
        name, _, domain = one.get(EMAIL, other[EMAIL]).partition("@")
        slip = self._random.randrange(3, len(name) - 2)
        return {
            **other,
            **self._random.choice(
                [
                    {"phone": one["phone"]},
                    {"name": one["name"].upper(), "company": one["company"].removesuffix(" Inc")},
                    {EMAIL: f"{name.replace('.', '')}+shop@{domain}"},
                    {EMAIL: f"{name[:slip]}{name[slip + 1 :]}@{domain}"},
                ]
            ),
        }

    def _word(self, syllables: int) -> str:
        return "".join(self._random.choices(SYLLABLES, k=syllables))


def _firm(number: int) -> str:
    count = len(SYLLABLES)
    return "".join(SYLLABLES[number // count**place % count] for place in range(4))


def _contact(number: int, values: dict[str, str]) -> Contact:
    at = NOW + number
    facts = {name: Fact(value, Standing.PROVEN, at, WRITER) for name, value in values.items()}
    identifiers = {EXTERNAL_ID: Fact(f"user_{number:08}", Standing.PROVEN, at, WRITER)} if number % 2 else {}
    if EMAIL in facts:
        identifiers[EMAIL] = facts.pop(EMAIL)
    custom = {"plan": Fact("pro", Standing.PROVEN, at, WRITER), "seats": Fact(42, Standing.PROVEN, at, WRITER)}
    return Contact(
        id=RequestContext(now=at, seed=number.to_bytes(32, "big")).new_id("con"),
        workspace_id=WORKSPACE,
        created_at=at,
        updated_at=at,
        last_seen_at=at,
        created_by=WRITER,
        identifiers=identifiers,
        profile=facts,
        custom_data={APP: custom},
    )


def fill(url: str, engine: Engine, count: int) -> None:
    """Makes the tables and the people."""
    with closing(open_store(url)) as store:
        store.open()
        store.apply([ChangeSet(workspaces=(insertion(a_workspace()),))])
    people = iter(Crowd(count))
    with engine.loading(url) as load:
        while chunk := [*islice(people, CHUNK)]:
            load("contact", map(contact_row, chunk))
            load(
                "identifier",
                sorted(
                    (digest, WORKSPACE, identifier.kind, contact.id)
                    for contact in chunk
                    for digest, identifier in contact.identifier_digests().items()
                ),
            )
            load("custom_data", ((each.id, APP, json_text(each.custom_data[APP])) for each in chunk))


class Watch:
    """A `Progress` that notes how long each phase takes, and how much memory is the process's own."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self.own = _own_memory()
        self._last = time.process_time()

    def __call__(self, doing: str, done: int, total: int) -> None:
        now = time.process_time()
        self.phases[doing] = self.phases.get(doing, 0.0) + now - self._last
        self._last = now
        self.own = max(self.own, _own_memory())


def measure(url: str) -> Measured:
    """In this process, which should have done nothing else."""
    with closing(open_store(url)) as store:
        store.open()
        watch, began, processor = Watch(), time.perf_counter(), time.process_time()
        found = find_duplicates(store, a_workspace(), watch)
        pairs = sum(1 for _ in found.suggestions)
        return Measured(
            contacts=found.contact_count,
            seconds=time.perf_counter() - began,
            processor=time.process_time() - processor,
            phases=watch.phases,
            peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE,
            own=watch.own,
            pairs=pairs,
            crowds=len(found.common_values),
        )


def _own_memory() -> int:
    """Without what is mapped from files; 0 where nobody says."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) * KILOBYTE for line in lines if line.startswith("RssAnon:"))


def apart(*words: str) -> bytes:
    """What this program prints in a process of its own. One that has just been started counts for its peak what its
    parent holds, so this one must stay small."""
    return subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE).stdout


def tell(series: list[Measured]) -> None:
    base = series[0]
    print(" contacts  seconds  processor  contacts/s  µs each  ratio  peak MB  own MB    pairs  crowds")
    for each in series:
        rate, ratio, micro = each.contacts / each.processor, each.each / base.each, each.each * 1e6
        print(
            f"{each.contacts:>9,}  {each.seconds:>7.1f}  {each.processor:>9.1f}  {rate:>10,.0f}  {micro:>7.0f}"
            f"  {ratio:>5.2f}  {each.peak / MEGABYTE:>7.0f}  {each.own / MEGABYTE:>6.0f}  {each.pairs:>7,}"
            f"  {each.crowds:>6,}"
        )
    for doing in base.phases:
        shares = "  ".join(f"{each.phases[doing] / each.contacts * 1e6:>6.1f}" for each in series)
        print(f"  {doing}, µs each: {shares}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--fill", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--measure", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with closing(Sqlite()) as engine:
        if options.fill is not None:
            fill(options.fill, engine, options.contacts[0])
        elif options.measure is not None:
            print(json.dumps(asdict(measure(options.measure))))
        else:
            compare(engine, options)


def compare(engine: Sqlite, options: argparse.Namespace) -> None:
    """Each number of contacts after the other, and what more of them cost."""
    series: list[Measured] = []
    for count in options.contacts:
        url = engine.make()
        print(f"filling {url} with {count:,} contacts …", file=sys.stderr)
        apart("--contacts", str(count), "--fill", url)
        series.append(Measured(**json.loads(apart("--measure", url))))
    if options.json:
        print(json.dumps([asdict(each) for each in series], indent=2))
    else:
        tell(series)


if __name__ == "__main__":
    main()
