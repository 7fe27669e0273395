"""Who makes the calls: hullo, what was written by hand, and the seconds that each spends where a store is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from handwritten.calls import Asked, HandWritten, identify
from people import Engine, People, body_of, the_application

from hullo import Hullo
from hullo.hooks.entry_points import open_store
from hullo.model.claim import Claim
from hullo.model.request_context import RequestContext, secret_digest
from hullo.pipeline.claim import Identify

CALLED_WHEN_EMPTY = 64
"""An empty database is one of these few people."""


class Watched:
    """A store, or what was written by hand instead, and the seconds that were spent in it."""

    def __init__(self, within: Any, *methods: str) -> None:
        self._within = within
        self.seconds = 0.0
        for method in methods:
            setattr(self, method, self._timed(getattr(within, method)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._within, name)

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        now = time.perf_counter

        def timed(*given: Any) -> Any:
            began = now()
            answer = call(*given)
            self.seconds += now() - began
            return answer

        return timed


class ByHullo:
    """One hullo, as a benchmark calls it."""

    def __init__(self, url: str, people: People) -> None:
        self.people = people
        self.watched = Watched(open_store(url), "load", "apply")
        self.hullo = Hullo(self.watched, clock=people.clock).open()

    def ready(self, asked: Asked) -> Callable[..., Identify]:
        """Makes the work of a call that is decoded. What it does is part of the call."""
        hullo, token, app_key = self.hullo, asked.token, the_application().id
        claim = Claim.from_body(body_of(asked))

        def work(moment: RequestContext | None = None) -> Identify:
            moment = moment or hullo.new_context()
            return Identify(
                claim=claim,
                app_key=app_key,
                session_digest=secret_digest(token) if token is not None else None,
                origin=None,
                context=moment,
                request_id=moment.new_id("req"),
                hooks=hullo.hooks,
                limits=hullo.settings.limits,
            )

        return work

    def call(self, asked: Asked) -> Callable[[], Any]:
        """All that a call is, beneath HTTP."""
        run, work = self.hullo.executor.run, self.ready(asked)
        return lambda: run(work())

    def close(self) -> None:
        self.hullo.close()


class ByHand:
    """One that was written by hand, as a benchmark calls it."""

    def __init__(self, written: HandWritten, people: People) -> None:
        self.people = people
        self.watched = Watched(written, "transact")

    def call(self, asked: Asked) -> Callable[[], Any]:
        """All that a call is, beneath HTTP."""
        by_hand: Any = self.watched
        clock = self.people.clock
        return lambda: identify(by_hand, asked, RequestContext.at(clock()))

    def close(self) -> None:
        self.watched.close()


class Bench:
    """A database with so many people, and everybody who calls it."""

    def __init__(self, engine: Engine, contacts: int, tell: Callable[[int], None]) -> None:
        self.contacts = contacts
        self.people = People(contacts or CALLED_WHEN_EMPTY)
        self.url = engine.make()
        self.people.fill(self.url, engine, tell)
        self.callers: dict[str, ByHullo | ByHand] = {}
        for name in engine.hands:
            url = engine.apart(self.url)
            people = self.people if url == self.url else People(self.people.count)
            self.callers[name] = ByHand(engine.by_hand(name, url, the_application()), people)
        self.hullo = self.callers["hullo"] = ByHullo(self.url, self.people)

    def block(self, caller: str, kind: str, calls: int) -> dict[str, float]:
        """Seconds a call: in the `store`, or what stands for it, and in the whole `pipeline`."""
        who = self.callers[caller]
        ready = [who.call(who.people.asked(kind)) for _ in range(calls)]
        who.watched.seconds = 0.0
        began = time.perf_counter()
        for call in ready:
            call()
        whole = time.perf_counter() - began
        return {"store": who.watched.seconds / calls, "pipeline": whole / calls}

    def close(self) -> None:
        for caller in self.callers.values():
            caller.close()
