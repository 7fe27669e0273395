"""One server of hullo for each database, for all attacks of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attack.serving import ENGINES, Target, begin
from attack.site import Site, Victim
from servers.fixtures import require
from servers.postgres import commit_without_waiting

AT_THE_EDGE = {"test_bodies", "test_checks", "test_cookies", "test_origins", "test_schema", "test_wires"}
"""Files whose attacks are over before a database has anything to say."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both databases, where they matter; a forgery that is tried on a bystander is refused before either is asked."""
    if "serving" in metafunc.fixturenames:
        edge = metafunc.module.__name__.rpartition(".")[2] in AT_THE_EDGE or "bystander" in metafunc.fixturenames
        metafunc.parametrize("serving", ENGINES[:1] if edge else ENGINES, indirect=True, scope="session")


@pytest.fixture(scope="session")
def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Over a database of its own, which no other test empties, with no limit on how often anything is tried.

    It need not survive a power cut, which saves most of the time.
    """
    folder = tmp_path_factory.mktemp(request.param)
    shared = None if request.param == "sqlite" else require("postgresql")
    url = f"sqlite:///{folder}/hullo.db?synchronous=normal"
    if shared is not None:
        url = shared.new_database()
        commit_without_waiting(url)
    target = begin(folder, url, HULLO_LIMITS="off")
    yield target
    target.close()
    if shared is not None:
        shared.drop(url)


@pytest.fixture
def target(serving: Target) -> Iterator[Target]:
    """The server, which must come through whatever the test does to it without an error of its own."""
    with serving.undisturbed():
        yield serving


@pytest.fixture
def site(target: Target) -> Site:
    """A site of an owner of its own."""
    return Site(target)


@pytest.fixture
def victim(site: Site) -> Victim:
    """Of a site of the test's own."""
    return site.victim()


@pytest.fixture(scope="module")
def _known(serving: Target) -> Victim:
    return Site(serving).victim()


@pytest.fixture
def bystander(_known: Victim, target: Target) -> Victim:
    """A victim of a site that all tests of a file share: for attacks that, if they fail, change nothing of it."""
    return _known
