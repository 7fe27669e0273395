"""Processes that are killed, each a step further than the one before, while they write, tell and post.

Usage: killed.py URL APP_KEY OBSERVED. After each kill another process goes on with what is left, unharmed. Prints how
many were killed, once one came to its end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any, NoReturn

from hullo.application import Hullo
from hullo.background.lease import LIFETIME
from hullo.background.worker import BackgroundWorker
from hullo.engine.retry import Job
from hullo.hooks.hookspecs import hookimpl
from hullo.model.claim import Claim
from hullo.model.event import Event
from hullo.model.request_context import system_clock
from hullo.settings import Settings
from hullo.webhooks.plugin import Webhooks
from hullo.webhooks.sender import Sender
from hullo_stores.peewee.engines.mysql import MysqlConnection
from hullo_stores.peewee.engines.postgresql import PostgresqlConnection
from hullo_stores.peewee.engines.sqlite import SqliteConnection
from hullo_stores.peewee.store import PeeweeStore


class Fate:
    """Ends the process at the step with this number; None: never."""

    def __init__(self, last: int | None) -> None:
        self._last = last
        self._steps = 0

    def step(self, *_: object) -> None:
        self._steps += 1
        if self._steps == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def foretell(self, kind: Any, *names: str, after: bool = False) -> None:
        """Calling any of these is a step, and coming back from it another."""
        for name in names:
            setattr(kind, name, self._stepping(getattr(kind, name), after))

    def _stepping(self, plainly: Callable[..., Any], after: bool) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.step()
            answer = plainly(*given, **named)
            if after:
                self.step()
            return answer

        return call


class Observer:
    """Writes down what it is told: before that is a step, and after it."""

    name = "observer"

    def __init__(self, file: str) -> None:
        self.file = os.open(file, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
        self.fate = Fate(None)

    @hookimpl
    def event_committed(self, event: Event) -> None:
        self.fate.step()
        os.write(self.file, f"{event.contact_id} {event.id}\n".encode())
        self.fate.step()


class Victims:
    """One process after the other, each a copy of this one, which has neither threads nor connections yet."""

    def __init__(self, url: str, app_key: str, observed: str) -> None:
        self._app_key = app_key
        self._observer, self._webhooks = Observer(observed), Webhooks()
        self._later = 0
        self._hullo = Hullo(
            url,
            plugins=[self._observer, self._webhooks],
            without=["webhooks"],
            settings=Settings(development=True),
            clock=lambda: system_clock() + self._later,
        )
        BackgroundWorker.wake = lambda rounds: None  # type: ignore[method-assign]

    def kill(self, number: int) -> bool:
        """Whether the process that was to be killed at this step came so far."""
        return in_a_process(lambda: self._work(number))

    def go_on(self) -> None:
        """With what that one left."""
        assert not in_a_process(self._clear)

    def _work(self, number: int) -> None:
        with self._hullo:
            self._observer.fate = Fate(number)
            await_it(self._hullo, self._observer.fate)
            for body in ({"email": f"user_{number}@example.com"}, {"custom_data": {"number": number}}):
                identify(self._hullo, self._app_key, {"external_id": f"user_{number}", **body})
            self._deliver()

    def _clear(self) -> None:
        with self._hullo:
            self._deliver()
            assert not self._hullo.store.list_outbox(1)
            assert self._hullo.store.next_delivery_at() is None

    def _deliver(self) -> None:
        assert self._webhooks.worker is not None
        self._hullo.outbox_worker.drain()
        self._webhooks.worker.drain()

    def wait(self) -> None:
        """Until the leases of whoever was killed have run out."""
        self._later += 2 * LIFETIME


def main(url: str, app_key: str, observed: str) -> None:
    victims = Victims(url, app_key, observed)
    for number in count(1):
        killed = victims.kill(number)
        victims.wait()
        victims.go_on()
        if not killed:
            print(number - 1)
            return


def await_it(hullo: Hullo, fate: Fate) -> None:
    """Every statement is a step, and to post is one before and one after."""
    assert isinstance(hullo.store, PeeweeStore)
    connection = getattr(hullo.store._engine, "_connection", None)
    if isinstance(connection, SqliteConnection):
        connection._driver.set_trace_callback(fate.step)  # of which COMMIT is one too, and each row of many
    for kind in (PostgresqlConnection, MysqlConnection):
        fate.foretell(kind, "rows", "execute", "write", "commit")
    fate.foretell(Sender, "post", after=True)


def identify(hullo: Hullo, app_key: str, body: dict[str, object]) -> None:
    unit = Job(
        hullo.identify_operation(
            Claim.from_body(body), app_key=app_key, session_digest=None, context=hullo.new_context()
        )
    )
    hullo.executor.run_batch([unit])
    assert not isinstance(unit.result, Exception), unit.result


def in_a_process(act: Callable[[], None]) -> bool:
    """Whether it was killed. This process has neither threads nor connections that it could not be copied with."""
    child = os.fork()
    if child == 0:
        end_with(act)
    _, status = os.waitpid(child, 0)
    assert status in {0, signal.SIGKILL}, status
    return status == signal.SIGKILL


def end_with(act: Callable[[], None]) -> NoReturn:
    try:
        act()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
