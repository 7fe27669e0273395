"""A real Chromium, real servers, and origins that are really others. Nothing is intercepted.

Playwright's synchronous interface keeps an event loop in its thread for as long as it lives, and other tests run loops
of their own: it lives for one file of tests, and a file stays in one process.
"""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

playwright_sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, BrowserContext, Page  # noqa: E402

from browser.serving import App, Serving  # noqa: E402
from browser.sites import Site  # noqa: E402
from browser.visits import PATIENCE, Console, Visit  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: apt install chromium")
    with playwright_sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def console() -> Iterator[Console]:
    """Fails the test at its end if a visitor's console has an error that the test does not expect."""
    console = Console()
    yield console
    assert console.errors() == []


Context = Callable[..., BrowserContext]


@pytest.fixture
def new_context(browser: Browser, console: Console) -> Iterator[Context]:
    """Further visitors, each with a browser that knows nothing yet."""
    contexts: list[BrowserContext] = []

    def new(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 900, "height": 700}, **options})
        context.set_default_timeout(PATIENCE * 1000)
        console.watch(context)
        contexts.append(context)
        return context

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def context(new_context: Context) -> BrowserContext:
    return new_context()


@pytest.fixture
def visit(context: BrowserContext) -> Visit:
    """A visitor's first tab."""
    return Visit(context.new_page())


@pytest.fixture
def another_tab(context: BrowserContext) -> Callable[[], Visit]:
    return lambda: Visit(context.new_page())


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Whoever ends it takes `own_server`."""
    server = Serving(tmp_path_factory.mktemp("hullo"))
    yield server.start()
    server.end()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Serving]:
    """One that the test may stop and kill."""
    server = Serving(tmp_path)
    yield server.start()
    server.end()


@pytest.fixture
def new_site() -> Iterator[Callable[..., Site]]:
    """A site on an origin that no other has."""
    sites: list[Site] = []

    def new(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Site:
        sites.append(Site(host, tls))
        return sites[-1]

    yield new
    for each in sites:
        each.end()


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()


@pytest.fixture
def app(shared_server: Serving, site: Site) -> App:
    """Listed for `site` alone."""
    return shared_server.app([site.origin])


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: into the folder that `HULLO_PICTURES` names, or one of this run's."""
    named = os.environ.get("HULLO_PICTURES")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def take(pictures: Path) -> Callable[..., Path]:
    """A small picture of a page."""

    def picture(page: Page, name: str) -> Path:
        path = pictures / f"{name}.png"
        page.screenshot(path=path, scale="css", animations="disabled")
        return path

    return picture
