"""What an agent does, over the server API with an API key. Stands in for hullo's own inbox, which is not built yet."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

SHOWN = 10
SECONDS = 10


class Desk:
    """Any program in any language could do the same, from anywhere. Its calls block: they belong into a thread."""

    def __init__(self, api: str, api_key: str) -> None:
        self._api = api
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

    def conversations(self) -> list[dict[str, Any]]:
        """The newest, each with its messages in the order in which they were written, and whose it is."""
        return [
            {
                **each,
                "messages": self._items(f"/conversations/{each['id']}/messages?limit=50")[::-1],
                "contact": self.contact(each["contact_id"]) if each["contact_id"] else None,
            }
            for each in self._items(f"/conversations?limit={SHOWN}")
        ]

    def answer(self, conversation_id: str, text: str) -> bool:
        """Whether there is such a conversation, and the text could be said."""
        path = f"/conversations/{quote(conversation_id, safe='')}/messages"
        return self._call(path, {"text": text}) is not None

    def contact(self, contact_id: str) -> dict[str, Any] | None:
        """With whom every value is from, and how far that is believed."""
        return self._call(f"/contacts/{contact_id}?provenance=1")

    def decisions(self, contact_id: str) -> list[dict[str, Any]]:
        """Why the contact is as it is."""
        return self._items(f"/contacts/{contact_id}/decisions?limit={SHOWN}")

    def _items(self, path: str) -> list[dict[str, Any]]:
        page = self._call(path) or {"items": []}
        return list(page["items"])

    def _call(self, path: str, body: object = None) -> dict[str, Any] | None:
        """POST where there is a body, else GET. None: it was refused."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(self._api + path, data, self._headers), timeout=SECONDS) as answer:
                return dict(json.load(answer))
        except HTTPError as refused:
            refused.close()
            return None
