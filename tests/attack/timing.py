"""Whether the time that an answer takes tells a known person from an unknown one (H2, V7).

No test: time is nobody's promise. From the folder `tests`:

    python -m attack.timing [--pairs 2000] [--engine postgresql]

Prints, for each way of asking, the median times, and how often an answer about a known person took longer than one
about an unknown one: 50 % says nothing about anybody. An attacker asks once about each person, as asking makes them
known, and sees these times through a network.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any

from attack.serving import Target, begin
from attack.site import V1, Site
from servers.postgres import postgres_server

Person = dict[str, str]


@dataclass(frozen=True)
class Compared:
    """Two lots of times, in seconds."""

    known: Sequence[float]
    unknown: Sequence[float]

    @property
    def longer(self) -> float:
        """How often a known person's takes longer than an unknown one's (the statistic of Mann and Whitney)."""
        return self._rank_sum() / (len(self.known) * len(self.unknown))

    @property
    def chance(self) -> float:
        """How probable a difference as large is, or a larger, if there is none."""
        known, unknown = len(self.known), len(self.unknown)
        spread = math.sqrt(known * unknown * (known + unknown + 1) / 12)
        return math.erfc(abs(self._rank_sum() - known * unknown / 2) / spread / math.sqrt(2))

    def _rank_sum(self) -> float:
        ranked = sorted([(each, True) for each in self.known] + [(each, False) for each in self.unknown])
        ranks = sum(rank for rank, (_, is_known) in enumerate(ranked, start=1) if is_known)
        return ranks - len(self.known) * (len(self.known) + 1) / 2


class Stopwatch:
    """One connection that is kept, as an attacker would."""

    def __init__(self, target: Target) -> None:
        self._connection = HTTPConnection(target.host, timeout=30)

    def post(self, path: str, body: dict[str, Any], token: str | None = None) -> tuple[float, int, Any]:
        """Seconds, status and answer."""
        headers = {"authorization": f"Bearer {token}"} if token is not None else {}
        encoded = json.dumps(body)
        try:
            began = time.perf_counter()
            self._connection.request("POST", V1 + path, encoded, headers)
            answer = self._connection.getresponse()
            raw = answer.read()
            return time.perf_counter() - began, answer.status, json.loads(raw)
        except RemoteDisconnected:  # it was idle for too long, on a machine that is busy with something else
            self._connection.close()
            return self.post(path, body, token)


def first_claim(watch: Stopwatch, site: Site, person: Person) -> float:
    """An email, by a caller who has no session."""
    seconds, status, _ = watch.post("/identify", {"app_key": site.app_key, "email": person["email"]})
    assert status == 200
    return seconds


def claim_in_a_session(watch: Stopwatch, site: Site, person: Person) -> float:
    """An email and an external id with values beside them, by a visitor who is here already."""
    app = {"app_key": site.app_key}
    token = watch.post("/join", app)[2]["session_token"]
    said = {**app, **person, "name": "Somebody Else", "custom_data": {"plan": "free"}}
    seconds, status, _ = watch.post("/identify", said, token)
    assert status == 200
    return seconds


def second_claim(watch: Stopwatch, site: Site, person: Person) -> float:
    """The same again: by now everybody is known, and the first time is not looked at."""
    app = {"app_key": site.app_key, **person}
    token = watch.post("/identify", app)[2]["session_token"]
    seconds, status, _ = watch.post("/identify", app, token)
    assert status == 200
    return seconds


def wrong_proof(watch: Stopwatch, site: Site, person: Person) -> float:
    """A hash that is wrong."""
    seconds, status, _ = watch.post("/identify", {"app_key": site.app_key, **person, "user_hash": "0" * 64})
    assert status == 401
    return seconds


WAYS: tuple[Callable[[Stopwatch, Site, Person], float], ...] = (
    first_claim,
    claim_in_a_session,
    second_claim,
    wrong_proof,
)


def measured(target: Target, way: Callable[[Stopwatch, Site, Person], float], pairs: int) -> Compared:
    """Known and unknown people in random order, so that whatever else the machine does strikes both alike."""
    site, watch, chance = Site(target), Stopwatch(target), random.Random(1)
    people = [
        {"external_id": name, "email": f"{name}@example.com"} for name in map(target.name, ["person"] * pairs * 2)
    ]
    chance.shuffle(people)
    known, unknown = people[:pairs], people[pairs:]
    for person in known:
        written = {**person, "name": "Jane Doe", "custom_data": {"plan": "gold"}, "app_id": site.app_key}
        status = watch.post("/contacts", written, site.api_key)[1]
        assert status == 200
    asked = [(person, True) for person in known] + [(person, False) for person in unknown]
    chance.shuffle(asked)
    times: dict[bool, list[float]] = {True: [], False: []}
    gc.disable()
    for person, is_known in asked:
        times[is_known].append(way(watch, site, person))
    gc.enable()
    return Compared(known=times[True], unknown=times[False])


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--pairs", type=int, default=2000, help="people of each kind")
    options.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    given = options.parse_args()
    shared = postgres_server() if given.engine == "postgresql" else None
    with tempfile.TemporaryDirectory() as folder:
        url = shared.new_database() if shared is not None else f"sqlite:///{folder}/hullo.db"
        target = begin(Path(folder), url, HULLO_LIMITS="off")
        try:
            print(f"{'':22}{'known':>10}{'unknown':>10}{'difference':>12}{'known longer':>14}{'by chance':>11}")
            for way in WAYS:
                compared = measured(target, way, given.pairs)
                medians = [statistics.median(times) * 1e6 for times in (compared.known, compared.unknown)]
                difference = medians[0] - medians[1]
                name = way.__name__.replace("_", " ")
                print(
                    f"{name:22}{medians[0]:7.0f} µs{medians[1]:7.0f} µs{difference:+9.0f} µs"
                    f"{compared.longer:13.1%} {compared.chance:10.2g}",
                    flush=True,
                )
        finally:
            target.close()
            if shared is not None:
                shared.drop(url)


if __name__ == "__main__":
    main()
