"""How long word takes from one process to another, and how much of it gets there in a second.

    python tests/bench/bus.py [URL …]

Without URLs: the Redis and the PostgreSQL that tests find. The other process answers each notice with one of its own;
half of the way there and back is what a message waits for. Then it counts what it hears of a flood.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from hullo.bus.notice import Notice
from hullo.bus.protocol import Bus
from hullo.hooks.entry_points import open_bus

sys.path.append(str(Path(__file__).parents[1]))  # for `servers`, of the tests

ROUND_TRIPS = 500
SECONDS = 3.0
PAUSE = 0.01
"""Seconds between bursts of a flood, so that what one process can carry is found, and not what it drops."""
BURSTS = (1, 10, 50, 100, 200, 400)
THERE = Notice(kind="message", visitor_id="vis_there")
BACK = Notice(kind="message", visitor_id="vis_back")


class Ear:
    """Says when it hears, and when it has begun to."""

    def __init__(self) -> None:
        self.heard = 0
        self.ready, self.answered = threading.Event(), threading.Event()
        self.answers: Bus | None = None

    def receive(self, notices: Sequence[Notice]) -> None:
        self.heard += sum(notice.kind == "read" for notice in notices)
        if BACK in notices:
            self.answered.set()
        if self.answers is not None and THERE in notices:
            self.answers.publish([BACK])

    def handle_gap(self) -> None:
        self.ready.set()


def other(url: str, pipe: Connection) -> None:
    bus, ear = open_bus(url), Ear()
    ear.answers = bus
    bus.subscribe(ear)
    ear.ready.wait()
    pipe.send("ready")
    while pipe.recv() == "count":
        pipe.send(ear.heard)
    bus.close()


def measure(url: str) -> None:
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=other, args=(url, theirs))
    process.start()
    bus, ear = open_bus(url), Ear()
    bus.subscribe(ear)
    ear.ready.wait()
    assert ours.recv() == "ready"
    took = sorted(_there_and_back(bus, ear) / 2 * 1e3 for _ in range(ROUND_TRIPS))
    print(f"  one way: median {statistics.median(took):.2f} ms, of 100 the slowest {took[-ROUND_TRIPS // 100]:.2f} ms")
    for burst in BURSTS:
        before, published = _heard(ours), 0
        began = time.perf_counter()
        while time.perf_counter() - began < SECONDS:
            bus.publish([Notice(kind="read", visitor_id=f"vis_{published + each:026}") for each in range(burst)])
            published += burst
            time.sleep(PAUSE)
        _there_and_back(bus, ear)  # behind all that went before
        heard, spent = _heard(ours) - before, time.perf_counter() - began
        print(
            f"  {burst:4} every {PAUSE * 1e3:.0f} ms: {heard / spent:8,.0f} a second heard, {published - heard} dropped"
        )
    ours.send("end")
    process.join()
    bus.close()


def _there_and_back(bus: Bus, ear: Ear) -> float:
    ear.answered.clear()
    began = time.perf_counter()
    bus.publish([THERE])
    assert ear.answered.wait(60)
    return time.perf_counter() - began


def _heard(pipe: Connection) -> int:
    pipe.send("count")
    heard: int = pipe.recv()
    return heard


def main() -> None:
    if sys.argv[1:]:
        for url in sys.argv[1:]:
            print(url.partition(":")[0])
            measure(url)
        return
    from servers.postgres import postgres_server
    from servers.redis_server import redis_url

    print("redis")
    measure(f"{redis_url()}?channel=hullo:bench")
    server = postgres_server()
    database = server.new_database()
    print("postgresql")
    measure(database)
    server.drop(database)


if __name__ == "__main__":
    main()
