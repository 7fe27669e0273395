"""A `hullo serve` of the browser's tests: on one port for as long as the tests last, however often it is ended."""

from __future__ import annotations

import os
import re
import secrets
import signal
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.serving import Reply, Server
from cli.terminal import HULLO
from hullo import Hullo


@dataclass(frozen=True)
class App:
    """An app, and the key with which its agents read and answer."""

    key: str
    api_key: str
    workspace: str
    server: Serving

    @property
    def widget(self) -> str:
        return f"{self.server.url}/hullo/widget.js"

    @property
    def sources(self) -> str:
        """Of hullo, and of its socket, for a content security policy."""
        return f"{self.server.url} {self.server.url.replace('http', 'ws', 1)}"

    def hash(self, external_id: str) -> str:
        with self.server.beside() as hullo:
            return hullo.user_hash(self.key, external_id)

    def token(self, external_id: str, **person: Any) -> str:
        with self.server.beside() as hullo:
            return hullo.mint_token(self.key, external_id=external_id, **person)

    def call(self, method: str, path: str, body: object = None) -> Reply:
        """Of the server API."""
        return self.server.call(method, f"/hullo/v1{path}", body, Authorization=f"Bearer {self.api_key}")

    def items(self, path: str) -> list[dict[str, Any]]:
        answer = self.call("GET", path)
        assert answer.status == 200, answer.body
        items: list[dict[str, Any]] = answer.json["items"]
        return items

    def contacts(self) -> list[dict[str, Any]]:
        return self.items("/contacts")

    def conversations(self) -> list[dict[str, Any]]:
        return self.items("/conversations")

    def messages(self) -> list[dict[str, Any]]:
        """Of all conversations, each in the order in which they were said."""
        found = [self.items(f"/conversations/{each['id']}/messages?limit=100") for each in self.conversations()]
        return [message for messages in found for message in reversed(messages)]

    def texts(self) -> list[str]:
        return [each["text"] for each in self.messages()]

    def answer(self, text: str) -> dict[str, Any]:
        """What an agent says in the newest conversation."""
        said = self.call("POST", f"/conversations/{self.conversations()[0]['id']}/messages", {"text": text})
        assert said.status == 200, said.body
        message: dict[str, Any] = said.json
        return message


class Serving:
    """`hullo serve` over a SQLite file. What was there before a kill is there after it."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._words = words
        self._file = folder / "hullo.db"
        self.db = f"sqlite:///{self._file}"
        self._folder = folder
        self._started: list[Server] = []

    @property
    def url(self) -> str:
        return self._now.url

    @property
    def port(self) -> int:
        found = re.search(r":(\d+)$", self.url)
        assert found is not None
        return int(found[1])

    @property
    def _now(self) -> Server:
        return self._started[-1]

    def start(self) -> Serving:
        """At a free port; the next time at the same one."""
        port = str(self.port) if self._started else "0"
        log = self._folder / f"server-{len(self._started)}.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [*HULLO, "serve", "--port", port, "--db", self.db, *self._words],
                cwd=self._folder,
                env={**os.environ, "HULLO_LIMITS": "off"},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        self._started.append(Server(process, log))
        self._now.ready()
        return self

    def kill(self) -> None:
        """As a machine that loses its power."""
        self._now.stop(signal.SIGKILL)

    def stop(self) -> None:
        self._now.stop()

    def end(self) -> None:
        for each in self._started:
            each.end()

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        return self._now.call(method, path, body, **headers)

    def told(self) -> str:
        """Everything that it has logged."""
        return "".join(each.told() for each in self._started)

    def beside(self) -> Hullo:
        """Another process on the same database, as the command line is one."""
        return Hullo(self.db)

    def sql(self, statement: str) -> None:
        """Past hullo, in its database: what nobody should do, and somebody does."""
        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute(statement)
            connection.commit()

    def app(self, origins: Iterable[str], workspace: str | None = None, **settings: Any) -> App:
        """In a workspace of its own, where nobody has been, unless one is named."""
        workspace = workspace or f"Workspace {secrets.token_hex(4)}"
        with self.beside() as hullo:
            made = hullo.create_app("Shop", origins=origins, workspace=workspace, **settings)
            key = hullo.create_api_key(workspace=workspace)
        return App(made.app_key, key.secret, workspace, self)
