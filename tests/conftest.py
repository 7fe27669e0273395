"""Fixtures that every part of the suite may use."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Databases
from hullo.hooks.entry_points import open_store
from hullo.store.protocol import Store
from world import World

# Nobody whom the tests call shows a certificate that is checked. For each connection, though, the driver for MariaDB
# reads all those that the system trusts, which takes longer than to connect and whatever a test does then.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).with_name("nobody.pem"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests go first, then those with many: whoever finds one of them at the end works on alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    count = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in slow, -count[item.path], item.path))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI everything is there that a test could want, so one that is skipped was not run for no good reason."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("tests were skipped, which is a failure in CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    databases = Databases(tmp_path_factory.mktemp("databases"))
    yield databases
    databases.drop()


@pytest.fixture(params=["memory", *ENGINES])
def store(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Store]:
    """Every store that hullo ships, each open and empty."""
    store = open_store("memory:" if request.param == "memory" else databases.shared(request.param))
    store.open()
    yield store
    World.end()
    store.close()


@pytest.fixture(autouse=True)
def _no_world_goes_on() -> Iterator[None]:
    yield
    World.end()


@pytest.fixture
def world(store: Store) -> World:
    return World(store)
