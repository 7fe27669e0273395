"""A page of a visitor's in a browser that Playwright does not drive, as far as the tests look into it."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from browser.visits import PATIENCE

Found = TypeVar("Found")
Actions = Sequence[dict[str, Any]]
"""Of pointers and keys: a list that both protocols understand."""

ENTER = "\ue007"

# Looks into open shadow roots, as the widget's is.
DEEP = """
const deep = (selector, root = document) => root.querySelector(selector)
  ?? [...root.querySelectorAll('*')].map(each => each.shadowRoot && deep(selector, each.shadowRoot)).find(Boolean);
const where = selector => {
  const place = deep(selector)?.getBoundingClientRect();
  return place?.width ? [place.x + place.width / 2, place.y + place.height / 2].map(Math.round) : null;
};
"""


class Failed(AssertionError):
    """The browser has not done it: the page may have gone meanwhile."""


class Engine(ABC):
    """A browser. Its tabs go by the names that it gives them."""

    @abstractmethod
    def new_tab(self) -> str: ...

    @abstractmethod
    def navigate(self, tab: str, address: str) -> None: ...

    @abstractmethod
    def evaluate(self, tab: str, body: str) -> str:
        """What the body of an async function returns, which is a string."""

    @abstractmethod
    def act(self, tab: str, actions: Actions) -> None: ...


class Tab:
    """A page of a visitor's, with the widget in it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._name = engine.new_tab()

    def go(self, address: str) -> Tab:
        self._engine.navigate(self._name, address)
        return self

    def run(self, expression: str) -> Any:
        """What the page says; promises are waited for."""
        body = f"{DEEP} return JSON.stringify((await ({expression})) ?? null)"
        return json.loads(self._engine.evaluate(self._name, body))

    def until(self, check: Callable[[], Found], what: str = "") -> Found:
        deadline = time.monotonic() + PATIENCE
        while not (found := check()):
            assert time.monotonic() < deadline, what or check
            time.sleep(0.04)
        return found

    def sees(self, expression: str) -> Any:
        """Waits until it is true of the page, which may be about to be another one."""

        def seen() -> Any:
            try:
                return self.run(expression)
            except Failed:
                return None

        return self.until(seen, expression)

    def hears(self, event: str) -> Any:
        """What the page was last told of an event, once it has come."""
        return self.sees(f"window.heard?.filter(([name]) => name === {event!r}).at(-1)")[1]

    def shows(self, text: str) -> None:
        """Waits until the panel shows a message."""
        self.sees(f"deep('hullo-widget [role=log], [role=log]')?.textContent.includes({json.dumps(text)})")

    def near(self, selector: str) -> None:
        """The pointer comes near a link of the hop, which is when its token is asked for."""
        self._point(selector)
        self.sees("performance.getEntriesByType('resource').some(each => each.name.endsWith('/identity-token'))")

    def click(self, selector: str, button: int = 0) -> None:
        """With a mouse, whose middle button is 1."""
        self._point(selector, *({"type": kind, "button": button} for kind in ("pointerDown", "pointerUp")))

    def type(self, text: str) -> None:
        keys = [{"type": kind, "value": letter} for letter in text for kind in ("keyDown", "keyUp")]
        self._engine.act(self._name, [{"type": "key", "id": "keys", "actions": keys}])

    def open_chat(self) -> Tab:
        self.click("button[aria-expanded]")
        self.sees("where('[role=dialog] textarea')")
        return self

    def say(self, text: str) -> None:
        self.click("[role=dialog] textarea")
        self.type(text + ENTER)

    def _point(self, selector: str, *then: dict[str, Any]) -> None:
        """Once it is there and has stopped moving."""
        place = f"where({json.dumps(selector)})"
        seen = self.sees(place)
        while (now := self.sees(place)) != seen:
            seen = now
        move = {"type": "pointerMove", "x": seen[0], "y": seen[1]}
        self._engine.act(self._name, [{"type": "pointer", "id": "mouse", "actions": [move, *then]}])
