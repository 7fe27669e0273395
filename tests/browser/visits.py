"""A visitor's browser, as far as the tests look into it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, WebError

PATIENCE = 20.0
"""Seconds that anything may take on a busy machine; nothing waits for longer than it must."""

Found = TypeVar("Found")


class Console:
    """Everything that the consoles of a visitor's pages were told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._expected: list[str] = []

    def expect(self, *patterns: str) -> None:
        """Errors that belong to what the test does; whatever matches none of them fails the test."""
        self._expected.extend(patterns)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._said)
        context.on("weberror", self._failed)

    def errors(self) -> list[str]:
        """Those that nobody expected."""
        wrong = [text for kind, text in self.lines if kind in {"error", "uncaught"}]
        return [text for text in wrong if not any(re.search(each, text) for each in self._expected)]

    def said(self, pattern: str) -> list[str]:
        return [text for _, text in self.lines if re.search(pattern, text)]

    def _said(self, message: ConsoleMessage) -> None:
        self.lines.append((message.type, f"{message.text} ({message.location.get('url', '')})"))

    def _failed(self, error: WebError) -> None:
        self.lines.append(("uncaught", str(error.error)))


class Visit:
    """One page of a visitor's, with the widget in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.calls: list[str] = []
        """What the page has sent to hullo since it was opened, by verb, over the socket or not."""
        page.on("websocket", lambda socket: socket.on("framesent", self._sent_frame))
        page.on("request", self._sent_request)
        self.answered: list[str] = []
        """Those of them that went over HTTP and have been answered."""
        page.on("requestfinished", self._answered_request)

    def _sent_frame(self, text: str | bytes) -> None:
        frame = json.loads(text)
        self.calls.append(frame["type"])
        if frame.get("identity") and frame["type"] != "identify":
            self.calls.append("identify")

    def _sent_request(self, request: Request) -> None:
        if request.method == "POST" and "/v1/" in request.url:
            self.calls.append(request.url.rpartition("/v1/")[2])

    def _answered_request(self, request: Request) -> None:
        if request.method == "POST" and "/v1/" in request.url:
            self.answered.append(request.url.rpartition("/v1/")[2])

    def go(self, address: str) -> Visit:
        self.page.goto(address)
        return self

    def heard(self, name: str) -> list[Any]:
        """What the page was told of an event, where it listens (`LISTENING`)."""
        told: list[list[Any]] = self.page.evaluate("heard")
        return [detail for heard, detail in told if heard == name]

    def hears(self, name: str, times: int = 1) -> Any:
        """Waits until an event has come that often; what the last one told."""
        return self.until(lambda: (told := self.heard(name)) and len(told) >= times and [told[-1]], name)[0]

    def ready(self) -> Visit:
        self.hears("ready")
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        return self.page.evaluate(script, *arguments)

    def identify(self, **identity: Any) -> Any:
        """What `Hullo.identify` resolves to; `{"refused": code}` where it rejects."""
        return self.page.evaluate(
            "identity => Hullo.identify(identity).catch(refused => ({ refused: refused.code }))", identity
        )

    def near(self, link: Locator) -> None:
        """The pointer comes near a link of the hop, which is when its token is asked for."""
        before = self.answered.count("identity-token")
        link.hover()
        self.until(lambda: self.answered.count("identity-token") > before)

    def until(self, check: Callable[[], Found], what: str = "") -> Found:
        """Waits until it is so, and gives what the check found."""
        deadline = time.monotonic() + PATIENCE
        while not (found := check()):
            assert time.monotonic() < deadline, what or check
            self.page.wait_for_timeout(40)
        return found

    # The widget, which is in a shadow root. Playwright's selectors look into it.

    @property
    def launcher(self) -> Locator:
        return self.page.locator("hullo-widget button[aria-expanded]")

    @property
    def panel(self) -> Locator:
        return self.page.locator("hullo-widget [role=dialog]")

    @property
    def text(self) -> Locator:
        return self.panel.locator("textarea")

    @property
    def prompt(self) -> Locator:
        """Asks an anonymous visitor who has written for their email."""
        return self.panel.locator("input[type=email]")

    @property
    def lines(self) -> Locator:
        return self.panel.locator("[role=log] .line")

    def open(self) -> Visit:
        self.launcher.click()
        self.text.wait_for()
        return self

    def say(self, text: str) -> None:
        self.text.fill(text)
        self.text.press("Enter")

    def shows(self, text: str) -> Locator:
        """Waits until the panel shows a message."""
        found = self.lines.filter(has_text=text)
        found.first.wait_for()
        return found

    # What the browser keeps.

    def kept(self) -> dict[str, str]:
        """All of the origin's storages and cookies that scripts can read."""
        kept: dict[str, str] = self.page.evaluate(
            """() => ({
              ...Object.fromEntries(Object.entries(localStorage).map(([k, v]) => ['local ' + k, v])),
              ...Object.fromEntries(Object.entries(sessionStorage).map(([k, v]) => ['session ' + k, v])),
              cookie: document.cookie,
            })"""
        )
        return kept
