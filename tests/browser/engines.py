"""Browsers that Playwright does not drive, by the W3C's two protocols.

Firefox speaks WebDriver BiDi by itself; a driver of WebKit's, which is the engine of Safari, speaks WebDriver.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from websockets.sync.client import ClientConnection, connect

from browser.tabs import Actions, Engine, Failed
from browser.visits import PATIENCE

Found = TypeVar("Found")

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
WEBKIT = shutil.which("WebKitWebDriver")
XVFB = shutil.which("Xvfb")

# Nothing is asked of Mozilla's servers, and no page of its own is opened.
FIREFOX_SETTINGS = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Firefox(Engine):
    """https://www.w3.org/TR/webdriver-bidi/"""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self._ask("session.new", capabilities={})

    def new_tab(self) -> str:
        return str(self._ask("browsingContext.create", type="tab")["context"])

    def navigate(self, tab: str, address: str) -> None:
        self._ask("browsingContext.navigate", context=tab, url=address, wait="complete")

    def evaluate(self, tab: str, body: str) -> str:
        told = self._ask(
            "script.callFunction",
            functionDeclaration=f"async () => {{ {body} }}",
            awaitPromise=True,
            target={"context": tab},
        )
        if told["type"] != "success":
            raise Failed(told)
        return str(told["result"]["value"])

    def act(self, tab: str, actions: Actions) -> None:
        self._ask("browsingContext.activate", context=tab)
        self._ask("input.performActions", context=tab, actions=actions)

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (told := json.loads(self._connection.recv(PATIENCE))).get("id") != self._number:
            pass
        if told["type"] != "success":
            raise Failed(told)
        return told["result"]


class WebKit(Engine):
    """https://www.w3.org/TR/webdriver2/"""

    def __init__(self, driver: httpx2.Client) -> None:
        self._driver = driver
        self._session = "/session"
        self._session += "/" + self._ask("POST", "", capabilities={})["sessionId"]
        self._first: str | None = str(self._ask("GET", "/window"))

    def new_tab(self) -> str:
        first, self._first = self._first, None
        return first or str(self._ask("POST", "/window/new", type="window")["handle"])

    def navigate(self, tab: str, address: str) -> None:
        self._ask("POST", "/window", handle=tab)
        self._ask("POST", "/url", url=address)

    def evaluate(self, tab: str, body: str) -> str:
        self._ask("POST", "/window", handle=tab)
        script = (
            f"(async () => {{ {body} }})().then(told => arguments[0]([told]), no => arguments[0]([null, `${{no}}`]))"
        )
        told, *failed = self._ask("POST", "/execute/async", script=script, args=[])
        if failed:
            raise Failed(failed)
        return str(told)

    def act(self, tab: str, actions: Actions) -> None:
        self._ask("POST", "/window", handle=tab)
        self._ask("POST", "/actions", actions=actions)

    def close(self) -> None:
        self._ask("DELETE", "")

    def _ask(self, method: str, path: str, **body: Any) -> Any:
        sent = body if method == "POST" else None
        answer = self._driver.request(method, self._session + path, json=sent, timeout=PATIENCE)
        if answer.status_code != 200:
            raise Failed(answer.text)
        return answer.json()["value"]


@contextmanager
def firefox(folder: Path) -> Iterator[Engine]:
    """With a profile in `folder`."""
    assert FIREFOX is not None
    settings = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in FIREFOX_SETTINGS.items()]
    (folder / "user.js").write_text("\n".join(settings))
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"]
    with _running(command, folder, HOME=str(folder)):
        listening = folder / "WebDriverBiDiServer.json"
        port = _once_there(lambda: json.loads(listening.read_text())["ws_port"])
        address = f"ws://127.0.0.1:{port}/session"
        with connect(address, proxy=None, compression=None, max_size=None) as connection:
            yield Firefox(connection)


@contextmanager
def webkit(folder: Path) -> Iterator[Engine]:
    """On a screen that nobody sees."""
    assert WEBKIT is not None
    assert XVFB is not None
    with ExitStack() as running:
        told, number = os.pipe()
        screen = [XVFB, "-displayfd", str(number), "-nolisten", "tcp", "-screen", "0", "1000x800x24"]
        running.enter_context(_running(screen, folder, pass_fds=[number]))
        os.close(number)
        with os.fdopen(told) as display:
            name = f":{display.readline().strip()}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [WEBKIT, "--host=127.0.0.1", f"--port={port}"]
        running.enter_context(_running(command, folder, DISPLAY=name, HOME=str(folder)))
        driver = running.enter_context(httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False))
        engine = _once_there(lambda: WebKit(driver))
        yield engine
        engine.close()


@contextmanager
def _running(command: Sequence[str], folder: Path, pass_fds: Sequence[int] = (), **environment: str) -> Iterator[None]:
    env = {**os.environ, **environment}
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, pass_fds=pass_fds, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # a driver has started a browser
        process.wait(PATIENCE)


def _once_there(open_it: Callable[[], Found]) -> Found:
    """As soon as what was just started answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return open_it()
        except (OSError, httpx2.TransportError, ValueError):
            assert time.monotonic() < deadline, "it did not start"
            time.sleep(0.05)
