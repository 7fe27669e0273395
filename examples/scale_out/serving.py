"""Two hullos over one database, started as anybody would start them: `hullo serve`, twice."""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from clusters.processes import Child, Nursery, wait_until

HULLO: Final = (sys.executable, "-m", "hullo")
SERVERS: Final = 2
LAST_ANSWERS_SECONDS: Final = 5
IDLE_SECONDS: Final = 2
"""A server closes a connection that was idle for five seconds. Who uses one that long after takes a chance."""


@dataclass(frozen=True)
class Site:
    """What both serve: an app, the key its server signs with, and the key that may read everybody."""

    app_id: str
    app_key: str
    identity_key: str
    api_key: str


class Server:
    """One connection to one hullo, kept open. It belongs to one thread."""

    def __init__(self, address: str, seconds: float = 30) -> None:
        self._connection = HTTPConnection(address, timeout=seconds)
        self._used = time.monotonic()

    def call(self, path: str, body: object = None, api_key: str | None = None) -> tuple[int, dict[str, Any]]:
        """POST where there is a body, else GET; the answer's status and document. Status 0: there was no answer."""
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        if time.monotonic() - self._used > IDLE_SECONDS:
            self._connection.close()  # and opened again by itself
        try:
            method = "GET" if body is None else "POST"
            self._connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, HTTPException, ValueError):
            self._connection.close()
            return 0, {}
        finally:
            self._used = time.monotonic()


def make_site(nursery: Nursery, db: str) -> Site:
    """Makes the schema too: after it, both servers can start at the same time."""
    app = _hullo(nursery, db, "app", "create", "Scale out")
    key = _hullo(nursery, db, "api-key", "create", "--workspace", app["workspace_id"])
    return Site(app["app_id"], app["app_key"], app["identity_key"], key["key"])


def start_servers(nursery: Nursery, db: str) -> list[str]:
    """Their addresses, once both are ready."""
    command = (*HULLO, "serve", "--port", "0")
    started = [
        nursery.start(f"hullo{number}", command, variables=_on(db), polite=LAST_ANSWERS_SECONDS)
        for number in range(1, SERVERS + 1)
    ]
    addresses = [_address(child) for child in started]
    for child, address in zip(started, addresses, strict=True):
        wait_until(partial(_is_ready, address), f"the database of {child.name}", 30, [child])
        print(f"{child.name} is serving on http://{address}", flush=True)
    return addresses


def _hullo(nursery: Nursery, db: str, *arguments: str) -> dict[str, Any]:
    """What `hullo … --json` prints."""
    printed = nursery.run("-".join(["hullo", *arguments[:2]]), (*HULLO, *arguments, "--json"), variables=_on(db))
    document: dict[str, Any] = json.loads(printed)
    return document


def _on(db: str) -> dict[str, str]:
    # As a variable and not as --db, since everybody on a machine can list its command lines, passwords and all.
    return {"HULLO_DB": db, "HULLO_LIMITS": "off"}


def _address(child: Child) -> str:
    """Where it serves, once it has said so."""

    def announced() -> re.Match[str] | None:
        return re.search(r"serving on http://(\S+)", child.output())

    wait_until(lambda: announced() is not None, f"{child.name} to serve", 30, [child])
    found = announced()
    assert found is not None
    return found[1]


def _is_ready(address: str) -> bool:
    return Server(address).call("/hullo/readyz")[0] == 200
