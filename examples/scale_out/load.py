"""The visitors: they come to either server, are identified, and ask again until they are answered.

Every write is a custom key of its own, so that each can be looked for later whatever became of the others. A write
that was not answered may be there or not, as always when a connection breaks; that it is asked again does no harm.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from serving import Server, Site

CALLERS: Final = 8
PAUSE_SECONDS: Final = 0.03
"""Between two calls of one caller: enough load to be in the middle of something, and not to be a benchmark."""
PATIENCE_SECONDS: Final = 0.2
"""Before a refused call is made again."""
NEW_PEOPLE: Final = 0.6
"""The share of calls that are about somebody new. The others are about one of the last few, whom another caller may be
writing to at the same moment through the other server."""
RECENT_PEOPLE: Final = 30


@dataclass(frozen=True)
class Write:
    """One identify: who it is about, and the custom key that only it writes."""

    person: str
    key: str
    value: int
    signed: bool

    def body(self, site: Site) -> dict[str, Any]:
        """As a page sends it, with the hash that the site's server has handed to it, or without."""
        body = {
            "app_key": site.app_key,
            "external_id": self.person,
            "email": f"{self.person}@example.com",
            "custom_data": {self.key: self.value},
        }
        if self.signed:
            body["user_hash"] = hmac.new(site.identity_key.encode(), self.person.encode(), hashlib.sha256).hexdigest()
        return body


@dataclass
class Ledger:
    """What became of the calls. Shared by all callers."""

    began: float = field(default_factory=time.monotonic)
    answered: list[tuple[float, int, Write]] = field(default_factory=list)
    """When, by which server, and what."""
    refused: int = 0
    broken: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    """Answers that nobody should get, whatever happens to the database."""
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=RECENT_PEOPLE))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> float:
        """Seconds since the load began."""
        return time.monotonic() - self.began

    def note(self, write: Write, server: int, status: int, told: dict[str, Any]) -> bool:
        """Whether the write needs no further try."""
        with self._lock:
            if status == 200:
                self.answered.append((self.now(), server, write))
                self.recent.append(write.person)
                return True
            if status == 503:
                self.refused += 1
            elif status == 0:
                self.broken += 1
            else:
                self.wrong[f"{status} {told.get('code')}"] += 1
                return True
        return False

    def somebody(self) -> str | None:
        """One of those who were answered last."""
        with self._lock:
            return random.choice(self.recent) if self.recent else None

    def answers_between(self, begin: float, end: float) -> int:
        """How many came in that time."""
        with self._lock:
            return sum(begin < when <= end for when, _, _ in self.answered)


class Load:
    """Callers in threads, from `with` until its end."""

    def __init__(self, site: Site, addresses: Sequence[str]) -> None:
        self.ledger = Ledger()
        self._site = site
        self._addresses = addresses
        self._stopped = threading.Event()
        # Distinct in each run, since the database may be one that was used before.
        self._run = f"{time.time_ns():x}"
        self._callers = [
            threading.Thread(target=self._call, args=(number,), daemon=True) for number in range(1, CALLERS + 1)
        ]

    def __enter__(self) -> Load:
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def finish(self) -> None:
        """Lets each caller hear the answer to its last call."""
        self._stopped.set()
        for caller in self._callers:
            caller.join()

    def _call(self, caller: int) -> None:
        servers = [Server(address) for address in self._addresses]
        count = 0
        while not self._stopped.is_set():
            count += 1
            known = None if random.random() < NEW_PEOPLE else self.ledger.somebody()
            write = Write(
                person=known or f"{self._run}-{caller}-{count}",
                key=f"write-{caller}-{count}",
                value=count,
                signed=random.random() < 0.5,
            )
            self._until_answered(write, servers, first=count)
            self._stopped.wait(PAUSE_SECONDS)

    def _until_answered(self, write: Write, servers: Sequence[Server], first: int) -> None:
        """Asks the servers in turn, as a load balancer would."""
        turn = first
        while True:
            server = turn % len(servers)
            status, told = servers[server].call("/hullo/v1/identify", write.body(self._site))
            if self.ledger.note(write, server, status, told) or self._stopped.wait(PATIENCE_SECONDS):
                return
            turn += 1
