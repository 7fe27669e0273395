"""The agent's work, over the server API with an API key. It stands in for hullo's own inbox, which is not built yet."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from hullo import Identity

LIMIT: Final = 10
"""Conversations and decisions that a page shows."""
TIMEOUT_SECONDS: Final = 10


class Desk:
    """A client of the server API: any program could do the same, from anywhere.

    Its methods block, so a coroutine must run them in a thread.
    """

    def __init__(self, api_url: str, api_key: str) -> None:
        self._api_url = api_url
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

    def conversations(self) -> list[dict[str, Any]]:
        """Return the newest conversations, each with its contact, and its messages from the first to the last."""
        return [
            {
                **conversation,
                "messages": self._items(f"/conversations/{conversation['id']}/messages?limit=50")[::-1],
                "contact": self.contact(conversation["contact_id"]) if conversation["contact_id"] else None,
            }
            for conversation in self._items(f"/conversations?limit={LIMIT}")
        ]

    def conversations_of(self, visitor: Identity) -> list[dict[str, Any]]:
        """Return the visitor's conversations, and those of the visitor's contact."""
        return [
            conversation
            for conversation in self._items(f"/conversations?limit={LIMIT}")
            if visitor.visitor_id == conversation["visitor_id"]
            or (visitor.contact_id is not None and visitor.contact_id == conversation["contact_id"])
        ]

    def answer(self, conversation_id: str, text: str) -> bool:
        """Send the agent's answer. False if hullo refuses it: no such conversation, or no such text."""
        path = f"/conversations/{quote(conversation_id, safe='')}/messages"
        return self._call(path, {"text": text}) is not None

    def contact(self, contact_id: str) -> dict[str, Any] | None:
        """Return the contact; its `provenance` holds the writer and the standing of each value."""
        return self._call(f"/contacts/{contact_id}?provenance=1")

    def decisions(self, contact_id: str) -> list[dict[str, Any]]:
        """Return why the contact is as it is, the newest reason first."""
        return self._items(f"/contacts/{contact_id}/decisions?limit={LIMIT}")

    def _items(self, path: str) -> list[dict[str, Any]]:
        page = self._call(path) or {"items": []}
        return list(page["items"])

    def _call(self, path: str, body: object = None) -> dict[str, Any] | None:
        """POST with a body, else GET. None if hullo refuses the call."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(self._api_url + path, data, self._headers), timeout=TIMEOUT_SECONDS) as response:
                return dict(json.load(response))
        except HTTPError as refusal:
            refusal.close()
            return None
