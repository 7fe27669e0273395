"""What a search takes in a large database, and what identifies take beside searches.

    python tests/bench/search.py [--engines sqlite postgresql mysql] [--contacts 1000000] [--repeats 15]
                                 [--searchers 0 1 4] [--callers 4] [--seconds 5] [--rounds 3] [--database-url URL ...]

The database is filled by SQL, with names, companies, emails and phones as they come: a few are common, most are rare.
Then hullo fills its index, as it does for the database of an older version, and the time is told.

- `searches`: the store's list of contacts, its first page and a later one, for hits, misses, common and rare text,
- `identify`: signed identifies that change nothing or one value, over HTTP, alone and beside callers that search. The
  ratio is that of the p50 beside searchers and the p50 alone, in one round.
- `new`: the first identify of a person, in the pipeline, which adds to the index; beside the same without an index.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvloop
from engines import engine_of
from identify import Figures, Person, free_port, load, requests_of, wait_for
from msgspec.structs import replace

from hullo import Hullo
from hullo.errors import StoreUnavailable
from hullo.hooks.entry_points import open_store
from hullo.model.app import ALL_SCOPES
from hullo.model.contact import Contact
from hullo.model.request_context import RequestContext
from hullo.store.protocol import ContactFilter, PageRequest, Store
from hullo.testing.builders import NOW, a_contact, a_fact
from hullo_stores.peewee.rows.contacts import contact_row
from hullo_stores.peewee.schema import migrate
from hullo_stores.peewee.search import finding
from hullo_stores.peewee.store import PeeweeStore

CHUNK = 20_000
UNFILLED = (
    "INSERT INTO hullo_migration (name, applied) VALUES ('unfinished search index', CURRENT_TIMESTAMP)",
    "DELETE FROM contact_search",
)
WITHOUT_INDEX = {
    "sqlite": (
        "DROP TRIGGER contact_fts_added",
        "DROP TRIGGER contact_fts_removed",
        "DROP TRIGGER contact_fts_replaced",
        "DROP TABLE contact_fts",
    ),
    "postgresql": ("DROP INDEX contact_search_trigrams",),
    "mysql": ("TRUNCATE contact_gram",),
}
FIRST = "Anna Ben Carla David Emma Felix Greta Hans Ida Jonas Klara Léon Mia Noah Olga Paul Rosa Sven Tina Uwe"
LAST = (
    "Schneider Müller Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Richter Klein Wolf Schröder Neumann "
    "Schwarz Braun Zimmermann Krüger Hartmann Lange Werner Krause Lehmann Köhler Maier König Huber Fuchs Vogel"
)
SYLLABLES = "ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu ra re ri"
COMPANIES = ("Acme Inc", "Globex", "Initech", "Umbrella", "Stark Industries", "Hooli", "Pied Piper", "Soylent")
OLD_SHARE = 10
"""One in so many contacts, the oldest ones, is of a company that no later one is of."""


def person(number: int, total: int, workspace_id: str) -> Contact:
    """The contact with this number. Half of the last names are made up, so that most names are rare."""
    chance = random.Random(number)
    first = chance.choice(FIRST.split())
    last = chance.choice(LAST.split()) if number % 2 else "".join(chance.choices(SYLLABLES.split(), k=4)).title()
    company = "Oldbury Ltd" if number < total // OLD_SHARE else chance.choice(COMPANIES)
    digits = chance.randrange(10**9, 10**10)
    moment = RequestContext(now=NOW + number, seed=number.to_bytes(32, "big"))
    contact = a_contact(
        moment.new_id("con"),
        workspace_id=workspace_id,
        external_id=f"user_{number:08}",
        email=f"{first}.{last}{number}@example.com".lower(),
        name=f"{first} {last}",
    )
    more = {"company": a_fact(company), "phone": a_fact(f"+49{digits}")}
    return replace(contact, profile={**contact.profile, **more})


def fill(url: str, engine: Any, workspace_id: str, total: int) -> None:
    with engine.loading(url) as add:
        for start in range(0, total, CHUNK):
            people = [person(number, total, workspace_id) for number in range(start, min(start + CHUNK, total))]
            add("contact", [contact_row(contact) for contact in people])
            add(
                "identifier",
                sorted(
                    (digest, workspace_id, name.kind, contact.id)
                    for contact in people
                    for digest, name in contact.identifier_digests().items()
                ),
            )
            tell(f"{min(start + CHUNK, total):,} of {total:,} contacts")


def build_index(url: str, name: str) -> float:
    """As for a database of an older version. Returns seconds."""
    store = peewee_store(url)
    engine: Any = store._engine
    engine.open()
    with closing(engine):
        with engine.write_transaction() as transaction:
            for text in (*UNFILLED, *WITHOUT_INDEX[name]):
                transaction.execute(text)
        started = time.perf_counter()
        migrate(engine, lambda label, done, total: tell(f"{label}: {100 * done // total} %"))
    return time.perf_counter() - started


def queries(total: int, workspace_id: str) -> dict[str, str]:
    """What is searched for, by what it stands for."""
    old, middle = (person(number, total, workspace_id) for number in (total // 3, total // 2))
    phone = str(middle.profile["phone"].value)
    return {
        "everybody": "example.com",
        "common name": "müller",
        "common, two words": "anna schneider",
        "1 in 240": "sven muller hooli",
        "the oldest tenth": "oldbury",
        "one, by email": str(old.email),
        "one, by id": str(middle.external_id),
        "one, by phone": f"0{phone[3:6]} {phone[6:]}",
        "part of a phone": phone[5:10],
        "rare name": str(old.profile["name"].value).split()[1],
        "miss": "zzqqxxjj",
        "miss of known parts": "schnellermann",
        "two letters": "mü",
    }


def time_searches(store: Store, total: int, workspace_id: str, repeats: int) -> None:
    print(f"\n{'ms, median':<22} {'found':>6} {'first page':>11} {'later page':>11} {'one by one':>11}")
    for what, query in queries(total, workspace_id).items():
        wanted = ContactFilter(workspace_id=workspace_id, query=query)
        first = store.list_contacts(wanted, PageRequest())
        cells = [page_ms(store, wanted, None, repeats), "-", one_by_one_ms(store, wanted)]
        cursor = first.next
        for _ in range(3):
            cursor = store.list_contacts(wanted, PageRequest(cursor=cursor)).next if cursor else None
        if cursor is not None:
            cells[1] = page_ms(store, wanted, cursor, repeats)
        found = f"{len(first.items)}{'+' if first.next else ''}"
        print(f"{what:<22} {found:>6} {cells[0]:>11} {cells[1]:>11} {cells[2]:>11}")


def page_ms(store: Store, wanted: ContactFilter, cursor: str | None, repeats: int) -> str:
    try:
        return f"{median_ms(lambda: store.list_contacts(wanted, PageRequest(cursor=cursor)), repeats):.1f}"
    except StoreUnavailable:
        return "given up"


def one_by_one_ms(store: Store, wanted: ContactFilter) -> str:
    """As if there were no index: all texts are compared, newest first, until the page is full."""
    walked, finding.WALKED = finding.WALKED, 100_000_000
    try:
        return page_ms(store, wanted, None, 3)
    finally:
        finding.WALKED = walked


def median_ms(call: Callable[[], object], repeats: int) -> float:
    def once() -> float:
        started = time.perf_counter()
        call()
        return (time.perf_counter() - started) * 1000

    return statistics.median(once() for _ in range(repeats))


def newcomers(url: str, count: int = 1_000) -> float:
    """Milliseconds that the first identify of a person takes, without HTTP."""
    with Hullo(url) as hullo:
        app = hullo.create_app("New", workspace="Bench")
        start = time.time_ns()
        bodies = [
            {"app_key": app.app_key, "email": f"ann{start + n}@shop.example", "name": "Ann Newcomer", "company": "Acme"}
            for n in range(count)
        ]
        steps = iter(bodies)
        return median_ms(lambda: hullo.identify(next(steps)), count)


def search_requests(key: str, texts: list[str], searchers: int) -> list[Callable[[], bytes]]:
    def searching() -> Callable[[], bytes]:
        def request() -> bytes:
            return (
                f"GET /hullo/v1/contacts?query={quote(random.choice(texts))} HTTP/1.1\r\nHost: bench\r\n"
                f"Authorization: Bearer {key}\r\n\r\n"
            ).encode()

        return request

    return [searching() for _ in range(searchers)]


async def together(
    port: int, identifies: list[Callable[[], bytes]], searches: list[Callable[[], bytes]], seconds: float
) -> tuple[Figures, Figures]:
    both = await asyncio.gather(load(port, identifies, seconds), load(port, searches, seconds))
    return both[0], both[1]


def beside_searchers(url: str, key: str, texts: list[str], people: list[Person], options: argparse.Namespace) -> None:
    port = free_port()
    program = str(Path(__file__).with_name("identify.py"))
    unlimited = {**os.environ, "HULLO_LIMITS": "off"}
    server = subprocess.Popen([sys.executable, program, "--serve", str(port), "--db", url], env=unlimited)
    rounds: dict[tuple[str, int], list[tuple[Figures, Figures]]] = {}
    try:
        wait_for(port)
        for number in range(options.rounds + 1):
            for kind in ("unchanged", "write"):
                for searchers in options.searchers:
                    asked = search_requests(key, texts, searchers)
                    figures = uvloop.run(together(port, requests_of(kind, people), asked, options.seconds))
                    if number:  # the first round warms up
                        rounds.setdefault((kind, searchers), []).append(figures)
            tell(f"round {number} of {options.rounds}")
    finally:
        server.terminate()
        server.wait()
    median = statistics.median
    print(f"\n{'identify':<10} {'searchers':>9} {'p50 ms':>7} {'p99 ms':>7} {'to alone':>8} {'searches/s':>10}")
    for (kind, searchers), both in rounds.items():
        alone = rounds[kind, options.searchers[0]]
        ratios = [one.percentile(0.5) / base.percentile(0.5) for (one, _), (base, _) in zip(both, alone, strict=True)]
        print(
            f"{kind:<10} {searchers:>9} {median(one.percentile(0.5) for one, _ in both):>7.2f} "
            f"{median(one.percentile(0.99) for one, _ in both):>7.2f} {median(ratios):>8.2f}",
            end="",
        )
        if searchers:
            print(f" {median(found.rate for _, found in both):>10.0f}", end="")
        failed = sum(one.failures + found.failures for one, found in both)
        print(f"  {failed} answers were not 200" if failed else "")


def callers_of(url: str, count: int) -> tuple[str, str, list[Person]]:
    """The workspace of a new app, the secret of an API key, and people with a session each."""
    with Hullo(url) as hullo:
        app = hullo.create_app("Bench", workspace="Bench")
        secret = hullo.create_api_key(workspace="Bench", scopes=ALL_SCOPES).secret
        people: list[Person] = []
        for number in range(count):
            external_id = f"caller_{number}"
            body = {
                "app_key": app.app_key,
                "external_id": external_id,
                "email": f"caller{number}@example.com",
                "name": "Jane Doe",
                "user_hash": hullo.user_hash(app.app_key, external_id),
                "custom_data": {"plan": "pro", "order_count": 42, "trial": False},
            }
            token = hullo.identify(body).result.session_token
            assert token is not None
            people.append(Person(number=42, token=token, body=body))
        return app.workspace_id, secret, people


def peewee_store(url: str) -> PeeweeStore:
    store = open_store(url)
    assert isinstance(store, PeeweeStore)
    return store


def tell(text: str) -> None:
    print(f"\r{text:<60}", end="", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--searchers", type=int, nargs="+", default=[0, 1, 4])
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database-url", nargs="*", default=[])
    options = parser.parse_args()
    for name in options.engines:
        with closing(engine_of(name, options.database_url)) as engine:
            measure(name, engine, options)


def measure(name: str, engine: Any, options: argparse.Namespace) -> None:
    url = engine.make()
    workspace_id, key, people = callers_of(url, options.callers)
    fill(url, engine, workspace_id, options.contacts)
    bare = newcomers(url)
    seconds = build_index(url, name)
    print(f"\n{name}, {options.contacts:,} contacts, indexed in {seconds:.0f} s")
    print(f"new: {newcomers(url):.2f} ms, {bare:.2f} before the index was filled")
    store = peewee_store(url)
    store.open()
    with closing(store):
        time_searches(store, options.contacts, workspace_id, options.repeats)
    texts = list(queries(options.contacts, workspace_id).values())
    beside_searchers(url, key, texts, people, options)


if __name__ == "__main__":
    main()
