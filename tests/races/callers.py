"""Those who call servers over HTTP while things go wrong, and who remember what they were answered."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from hullo.application import Hullo
from hullo.model.standing import Standing
from hullo.model.user_hash import user_hash
from hullo.operations.admin.register import NewApp
from hullo.store.protocol import ContactFilter, ConversationFilter, PageRequest, Store

PAUSE = 0.02
"""Seconds for which a caller who was told to come back later stays away."""


class Caller:
    """One connection to one server, for one thread."""

    def __init__(self, url: str, app: NewApp) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._app = app

    def post(self, path: str, body: dict[str, Any], token: str | None = None) -> tuple[int, dict[str, Any]]:
        """Status 0: there was no answer."""
        headers = {"authorization": f"Bearer {token}"} if token is not None else {}
        try:
            self._connection.request("POST", f"/hullo/v1{path}", json.dumps(body), headers)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, HTTPException, ValueError):
            self._connection.close()
            return 0, {}

    def identify(self, external_id: str, token: str | None = None, **fields: Any) -> tuple[int, dict[str, Any]]:
        """Signed, so that the answer names the contact."""
        signature = user_hash(self._app.identity_key, external_id)
        said = {"app_key": self._app.app_key, "external_id": external_id, "user_hash": signature, **fields}
        return self.post("/identify", said, token)

    def close(self) -> None:
        self._connection.close()


@dataclass
class Answered:
    """What callers were told, all of them together."""

    people: list[tuple[int, str, str]] = field(default_factory=list)
    """Number, contact and conversation of each whose every call was answered with 200 or 201."""
    refused: set[int] = field(default_factory=set)
    """What else was answered; 0 where a connection broke."""
    last: float = 0.0


class Crowd:
    """Callers in threads of their own: each brings one new person after the other, until they are told to stop."""

    def __init__(self, urls: list[str], app: NewApp, callers: int = 8) -> None:
        self.answered = Answered()
        self._urls, self._app = urls, app
        self._numbers = iter(range(1_000_000))
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(callers)]
        for each in self._threads:
            each.start()

    def wait_for(self, more: int, seconds: float = 60) -> None:
        """Until so many more people have come than had before."""
        with self._changed:
            wanted = len(self.answered.people) + more
            assert self._changed.wait_for(lambda: len(self.answered.people) >= wanted, seconds), self.answered.refused

    def stop(self) -> Answered:
        self._stopped.set()
        for each in self._threads:
            each.join()
        return self.answered

    def _call(self, number: int) -> None:
        caller = Caller(self._urls[number % len(self._urls)], self._app)
        while not self._stopped.is_set():
            with self._lock:
                person = next(self._numbers)
            self._bring(caller, person)
        caller.close()

    def _bring(self, caller: Caller, number: int) -> None:
        joined = self._insisting(lambda: caller.post("/join", {"app_key": self._app.app_key}))
        if joined is None:
            return
        token = joined["session_token"]
        said = self._insisting(lambda: caller.post("/conversations", {"text": f"I am {number}"}, token))
        if said is None:
            return
        known = self._insisting(
            lambda: caller.identify(
                f"user{number}",
                token,
                email=f"user{number}@shop.example",
                name=f"User {number}",
                custom_data={"number": number},
            )
        )
        if known is not None:
            with self._changed:
                self.answered.people.append((number, known["contact_id"], said["id"]))
                self.answered.last = time.monotonic()
                self._changed.notify_all()

    def _insisting(self, call: Callable[[], tuple[int, dict[str, Any]]]) -> dict[str, Any] | None:
        """Calls again, as a client does, until it is answered or everybody goes home."""
        while not self._stopped.is_set():
            status, answer = call()
            if status in (200, 201):
                return answer
            with self._lock:
                self.answered.refused.add(status)
            time.sleep(PAUSE)
        return None


def check(store: Store, app: NewApp, answered: Answered) -> None:
    """Everything that was answered is there, and nothing is half written."""
    for number, contact_id, conversation_id in answered.people:
        contact = store.find_contact(app.workspace_id, contact_id)
        conversation = store.find_conversation(app.workspace_id, conversation_id)
        assert contact is not None, f"user{number} was answered and is not there"
        assert conversation is not None, f"the conversation of user{number} was answered and is not there"
        assert contact.external_id == f"user{number}"
        assert conversation.contact_id == contact_id
    names: list[str | None] = []
    cursor: str | None = None
    while True:
        page = store.list_contacts(ContactFilter(workspace_id=app.workspace_id), PageRequest(limit=200, cursor=cursor))
        for contact in page.items:
            number = contact.custom_data[app.app_id]["number"].value
            assert contact.external_id == f"user{number}"
            assert contact.email == f"user{number}@shop.example"
            assert contact.profile["name"].value == f"User {number}"
            names.append(contact.external_id)
        cursor = page.next
        if cursor is None:
            break
    assert len(names) == len(set(names)), "somebody is there twice"
    for conversation in store.list_conversations(
        ConversationFilter(workspace_id=app.workspace_id), PageRequest(limit=200)
    ).items:
        assert (conversation.contact_id is None) == (conversation.link_standing is None)
        assert conversation.link_standing in {None, Standing.PROVEN, Standing.OWNED}
        assert store.list_messages(conversation.id, PageRequest()).items


def new_app(url: str) -> NewApp:
    with Hullo(url) as hullo:
        return hullo.create_app("Races")
