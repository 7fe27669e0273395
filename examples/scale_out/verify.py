"""Looks for every write that was answered, and says what the visitors saw of the failure."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote

from clusters.processes import Failed
from load import Ledger, Write
from serving import Server, Site

READERS: Final = 8
PATIENCE_SECONDS: Final = 30


@dataclass(frozen=True)
class Verdict:
    """What is not there although it was answered, and who is there more than once."""

    lost: Sequence[Write]
    doubled: Sequence[str]


def verify(site: Site, addresses: Sequence[str], ledger: Ledger) -> Verdict:
    """Reads everybody back, each through the server that did not answer the person's last write."""
    writes: dict[str, list[Write]] = defaultdict(list)
    last: dict[str, int] = {}
    for _, server, write in ledger.answered:
        writes[write.person].append(write)
        last[write.person] = server
    people = list(writes)

    def read(part: int) -> dict[str, list[dict[str, Any]]]:
        servers = [Server(address) for address in addresses]
        return {
            person: _contacts(servers[(last[person] + 1) % len(servers)], site, person)
            for person in people[part::READERS]
        }

    found: dict[str, list[dict[str, Any]]] = {}
    with ThreadPoolExecutor(READERS) as pool:
        for part in pool.map(read, range(READERS)):
            found |= part
    return Verdict(
        lost=[
            write
            for person in people
            for write in writes[person]
            if not any(_holds(contact, site, write) for contact in found[person])
        ],
        doubled=[person for person in people if len(found[person]) > 1],
    )


def longest_gap(ledger: Ledger, end: float) -> tuple[float, float]:
    """The longest time without an answer: from when to when."""
    moments = [0.0, *sorted(when for when, _, _ in ledger.answered), end]
    return max(pairwise(moments), key=lambda pair: pair[1] - pair[0])


def report(ledger: Ledger, verdict: Verdict, end: float, killed: tuple[float, str] | None) -> Iterable[str]:
    """The table, line by line."""
    signed = sum(write.signed for _, _, write in ledger.answered)
    people = len({write.person for _, _, write in ledger.answered})
    begins, ends = longest_gap(ledger, end)
    wrong = ", ".join(f"{count} × {answer}" for answer, count in ledger.wrong.items())
    yield from (
        f"answered     {len(ledger.answered):7,}   of them signed {signed:,}; about {people:,} people",
        f"refused      {ledger.refused:7,}   503, and asked again",
        f"unanswered   {ledger.broken:7,}   the connection broke, and asked again",
        f"wrong        {ledger.wrong.total():7,}   {wrong or 'any other answer'}",
        f"lost         {len(verdict.lost):7,}   answered, and not there",
        f"doubled      {len(verdict.doubled):7,}   one person, two contacts",
        f"longest gap  {ends - begins:7.1f} s   without an answer, from second {begins:.1f} to {ends:.1f}",
    )
    if killed:
        yield f"killed       {killed[0]:7.1f} s   {killed[1]}"


def _contacts(server: Server, site: Site, person: str) -> list[dict[str, Any]]:
    late = time.monotonic() + PATIENCE_SECONDS
    while True:
        status, told = server.call(f"/hullo/v1/contacts?external_id={quote(person)}", api_key=site.api_key)
        if status == 200:
            items: list[dict[str, Any]] = told["items"]
            return items
        if status not in {0, 503} or time.monotonic() > late:
            raise Failed(f"nobody can be read back: status {status}, code {told.get('code')}")
        time.sleep(0.2)


def _holds(contact: dict[str, Any], site: Site, write: Write) -> bool:
    data: dict[str, Any] = contact["custom_data"].get(site.app_id, {})
    return data.get(write.key) == write.value
