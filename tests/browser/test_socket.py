"""The live line: what is said arrives at once, and exactly once, whatever becomes of the socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from browser.pages import shop_page
from browser.serving import App, Serving
from browser.sites import Site
from browser.visits import PATIENCE, Console, Visit

GONE = r"ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET|WebSocket"


def test_agent_answer_arrives_over_the_socket(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say("Hello?")
    visit.until(lambda: app.texts() == ["Hello?"])
    before = list(visit.calls)
    app.answer("Hello to you.")
    visit.shows("Hello to you.")
    assert visit.hears("message")["author"] == "agent"
    # Nobody asked: it was told.
    assert [each for each in visit.calls[len(before) :] if each not in {"read", "ping"}] == []
    assert "messages" not in str(visit.calls)


def test_closed_chat_counts_answers_until_read(visit: Visit, site: Site, app: App) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say("Hello?")
    visit.until(lambda: app.texts() == ["Hello?"])
    visit.launcher.click()
    visit.hears("close")
    app.answer("One")
    app.answer("Two")
    visit.until(lambda: {"count": 2} in visit.heard("unread"))
    visit.open().shows("Two")
    visit.until(lambda: visit.heard("unread")[-1] == {"count": 0})
    # Read is read, on the next page too.
    visit.go(site.origin + "/").ready()
    assert all(each["count"] == 0 for each in visit.heard("unread"))


def test_message_in_one_tab_shows_in_another(
    visit: Visit, another_tab: Callable[[], Visit], site: Site, app: App
) -> None:
    visit.go(site.put("/", shop_page(app))).ready().open()
    second = another_tab().go(site.origin + "/").ready().open()
    visit.say("From the first")
    second.shows("From the first")
    second.say("From the second")
    visit.shows("From the second")
    visit.until(lambda: app.texts() == ["From the first", "From the second"])
    assert len(app.conversations()) == 1
    assert visit.lines.count() == second.lines.count() == 2


def test_killed_server_loses_and_doubles_no_message(
    visit: Visit, site: Site, own_server: Serving, console: Console
) -> None:
    console.expect(GONE)
    app = own_server.app([site.origin])
    visit.go(site.put("/", shop_page(app))).ready().open()
    said = [f"Message {number:02}" for number in range(20)]
    for number, text in enumerate(said):
        visit.say(text)
        if number == 10:
            own_server.kill()
    own_server.start()
    visit.until(lambda: len(app.texts()) >= len(said))
    assert app.texts() == said
    assert len(app.conversations()) == 1
    visit.until(lambda: visit.lines.count() == len(said))
    # And on a page that knows of nothing but what the server has.
    visit.go(site.origin + "/").ready().open()
    visit.shows(said[-1])
    assert visit.lines.count() == len(said)


def test_page_polls_where_policy_forbids_sockets(visit: Visit, site: Site, app: App, console: Console) -> None:
    console.expect(r"Content Security Policy", "WebSocket")
    here = app.server.url
    policy = f"default-src 'none'; script-src 'unsafe-inline' {here}; connect-src {here}; img-src data:"
    visit.go(site.put("/", shop_page(app), headers={"Content-Security-Policy": policy})).ready()
    assert visit.identify(email="jane@example.com")["standing"] == "claimed"
    visit.open().say("Hello?")
    visit.until(lambda: app.texts() == ["Hello?"])
    app.answer("Hello to you.")
    visit.shows("Hello to you.")
    assert app.conversations()[0]["contact_id"] == app.contacts()[0]["id"]
    visit.run("Hullo.reset()")
    assert visit.lines.count() == 0


class Crowd:
    """Raw clients in a thread, each of which joins again whenever its socket ends, as the SDK does."""

    def __init__(self, app: App, origin: str, size: int) -> None:
        self.joined: dict[int, list[str]] = {number: [] for number in range(size)}
        """The visitors as whom each has joined, one a time."""
        self._address = app.server.url.replace("http", "ws", 1) + "/hullo/v1/socket"
        self._app, self._origin, self._over = app, origin, asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread.start()

    def end(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE)

    def times(self, number: int) -> bool:
        """Whether all have joined that often."""
        return all(len(visitors) >= number for visitors in self.joined.values())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(self._one(number)) for number in self.joined]
        await self._over.wait()
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, number: int) -> None:
        token: str | None = None
        while True:
            try:
                async with connect(self._address, origin=self._origin, proxy=None) as socket:  # type: ignore[arg-type]
                    token = await self._join(socket, number, token)
                    await socket.wait_closed()
            except (OSError, ConnectionClosed, TimeoutError):
                await asyncio.sleep(0.05 + number / 1000)

    async def _join(self, socket: ClientConnection, number: int, token: str | None) -> str:
        known = {} if token is None else {"session_token": token}
        await socket.send(json.dumps({"type": "join", "app_key": self._app.key, **known}))
        joined = json.loads(await socket.recv())
        assert joined["type"] == "joined", joined
        self.joined[number].append(joined["visitor_id"])
        return str(joined["session_token"])


@pytest.mark.slow
def test_restart_brings_back_two_hundred_sockets(
    visit: Visit, site: Site, own_server: Serving, console: Console
) -> None:
    console.expect(GONE)
    app = own_server.app([site.origin])
    visit.go(site.put("/", shop_page(app))).ready().open()
    visit.say("Hello?")
    visit.until(lambda: app.texts() == ["Hello?"])
    crowd = Crowd(app, site.origin, 200)
    try:
        visit.until(lambda: crowd.times(1))
        own_server.stop()
        own_server.start()
        visit.until(lambda: crowd.times(2))
        assert all(len(set(visitors)) == 1 for visitors in crowd.joined.values())
        app.answer("Back again.")
        visit.shows("Back again.")
    finally:
        crowd.end()
