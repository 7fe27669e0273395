"""The people of a benchmark's database: known by their numbers, with everything that hullo would have stored."""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from operator import itemgetter
from typing import Any, Protocol

from handwritten.calls import Application, Asked, HandWritten, Row, names_of, newcomer
from msgspec.structs import replace

from hullo.hooks.entry_points import open_store
from hullo.model.app import App
from hullo.model.change_set import ChangeSet, insertion
from hullo.model.request_context import RequestContext
from hullo.testing.builders import NOW, a_workspace, an_app, an_identity_key

CHUNK = 5_000
FIRST_NEW = 50_000_000
"""The numbers of those who are not there yet begin here."""

Load = Callable[[str, Iterable[Row]], None]
"""Adds rows of `handwritten.tables` to a table."""


class Engine(Protocol):
    """A kind of database, and where the benchmark may make some."""

    name: str
    hands: Sequence[str]
    """What was written by hand for it, as the report calls it."""

    def make(self) -> str:
        """The URL of a new, empty database."""
        ...

    def loading(self, url: str) -> AbstractContextManager[Load]:
        """The fastest way in. Nobody else uses the database meanwhile."""
        ...

    def apart(self, url: str) -> str:
        """The same database again for another caller; a copy, where nobody would have one together with others."""
        ...

    def rows(self, url: str) -> dict[str, list[Row]]:
        """All there is, by table."""
        ...

    def by_hand(self, name: str, url: str, app: Application) -> HandWritten:
        """One of `hands`, connected."""
        ...

    def close(self) -> None:
        """Removes what was made."""
        ...


def the_app() -> App:
    """The one that calls. Its key was used a moment ago, so that no call has to write that."""
    return replace(an_app(), identity_keys=(replace(an_identity_key(), last_used_at=NOW),))


@cache
def the_application() -> Application:
    """The same, as it is known by hand."""
    app = the_app()
    (key,) = app.identity_keys
    return Application(
        id=app.id,
        workspace_id=app.workspace_id,
        version=app.version,
        key_id=key.id,
        key=key.secret.encode(),
        key_used_at=NOW,
    )


class People:
    """`count` of them, numbered from 0. What was last said of each is remembered, to say it again or something else."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.now = NOW + count
        self._app = the_application()
        self._orders: dict[int, int] = {}
        self._newest = FIRST_NEW

    def clock(self) -> int:
        """A microsecond later each time, so that nothing ever is an hour old."""
        self.now += 1
        return self.now

    def asked(self, kind: str, number: int | None = None) -> Asked:
        """A call about somebody, anybody unless they are named: `unchanged`, `write` or `new`."""
        if kind == "new":
            self._newest += 1
            return self._call(self._newest, token=None)
        who = random.randrange(self.count) if number is None else number
        if kind == "write":
            self._orders[who] = self._orders.get(who, 42) + 1
        return self._call(who, token=_moment(who).new_secret("hvs"))

    def fill(self, url: str, engine: Engine, tell: Callable[[int], None]) -> None:
        """Makes the tables, the app and the people."""
        store = open_store(url)
        store.open()
        # With a salt, or hullo would make one when it is opened.
        workspace = replace(a_workspace(), salt="00" * 32)
        try:
            store.apply([ChangeSet(workspaces=(insertion(workspace),), apps=(insertion(the_app()),))])
        finally:
            store.close()
        with engine.loading(url) as load:
            for first in range(0, self.count, CHUNK):
                for table, rows in self._rows(range(first, min(first + CHUNK, self.count))).items():
                    load(table, sorted(rows, key=itemgetter(0)))
                tell(min(first + CHUNK, self.count))

    def _rows(self, numbers: Iterable[int]) -> dict[str, list[Row]]:
        tables = (
            "contact",
            "identifier",
            "custom_data",
            "visitor",
            "session",
            "decision",
            "timeline",
            "contact_search",
        )
        rows: dict[str, list[Row]] = {table: [] for table in tables}
        for number in numbers:
            asked = self._call(number, token=None)
            new = newcomer(self._app, asked, names_of(self._app.workspace_id, asked), _moment(number))
            rows["contact"].append(new.contact)
            rows["identifier"] += new.identifiers
            rows["custom_data"].append(new.block)
            rows["visitor"].append(new.visitor)
            rows["session"].append(new.session)
            rows["decision"].append(new.decision)
            rows["timeline"] += new.timeline
            rows["contact_search"].append(new.search)
        return rows

    def _call(self, number: int, token: str | None) -> Asked:
        external_id = f"user_{number:08}"
        return Asked(
            external_id=external_id,
            email=f"user{number}@example.com",
            name="Jane Doe",
            custom_data={"plan": "pro", "order_count": self._orders.get(number, 42), "trial": False},
            user_hash=hmac.digest(self._app.key, external_id.encode(), "sha256").hex(),
            token=token,
        )


def body_of(asked: Asked) -> dict[str, Any]:
    """As a page sends it."""
    return {
        "external_id": asked.external_id,
        "email": asked.email,
        "name": asked.name,
        "custom_data": asked.custom_data,
        "user_hash": asked.user_hash,
    }


def _moment(number: int) -> RequestContext:
    """When the person first came."""
    return RequestContext(now=NOW + number, seed=number.to_bytes(32, "big"))
