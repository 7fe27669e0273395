"""The examples do what they say: served, called and installed as their readers would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hullo import Hullo
from reader import EXAMPLES, ROOT, Environment, environment

PACKAGES = (EXAMPLES / "own_matcher", EXAMPLES / "own_store")
HULLO = (sys.executable, "-c", "from hullo.cli import main; main()")


@dataclass(frozen=True)
class Site:
    """A server that answers."""

    url: str
    said: list[str]
    """What it wrote until then."""

    def app_key(self) -> str:
        return next(line.removeprefix("app key: ") for line in self.said if line.startswith("app key: "))

    def identify(self, **body: object) -> dict[str, Any]:
        answer = httpx2.post(f"{self.url}/hullo/v1/identify", json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def front_page(self, token: str | None = None) -> str:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx2.get(f"{self.url}/", headers=headers).text


@contextmanager
def serving(command: tuple[str, ...], folder: Path, variables: Environment) -> Iterator[Site]:
    """Runs a server in a folder, and ends it the hard way."""
    # Whoever neither serves nor ends within a minute never will.
    late = threading.Timer(60, lambda: process.kill())
    with subprocess.Popen(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        late.start()
        try:
            said: list[str] = []
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line.strip())
                if found := re.search(r"(?:running|serving) on (http://\S+)", line):
                    late.cancel()
                    yield Site(found[1], said)
                    return
            pytest.fail("it ended before it served:\n" + "\n".join(said))
        finally:
            late.cancel()
            process.kill()


MINIMAL = {
    "uvicorn": (sys.executable, "-m", "uvicorn", "--port", "0", "examples.minimal:app"),
    "python": (sys.executable, str(EXAMPLES / "minimal.py")),
    "fastapi": (sys.executable, "-m", "uvicorn", "--port", "0", "examples.minimal_fastapi:app"),
}


@pytest.mark.parametrize("command", MINIMAL.values(), ids=MINIMAL)
def test_minimal_site_greets_every_visitor(command: tuple[str, ...], tmp_path: Path) -> None:
    with serving(command, tmp_path, environment(ROOT)) as site:
        app_key = site.app_key()
        assert site.front_page() == "Hello, stranger."

        claimed = site.identify(app_key=app_key, email="jane@example.com")
        assert site.front_page(claimed["session_token"]) == f"Hello, {claimed['visitor_id']}."

        with Hullo(f"sqlite:///{tmp_path}/hullo.db") as beside:
            signed = {"external_id": "user_123", "user_hash": beside.user_hash(app_key, "user_123")}
        proven = site.identify(app_key=app_key, **signed)
        assert site.front_page(proven["session_token"]) == f"Hello, {proven['contact_id']}."


def test_minimal_site_keeps_app_and_visitors(tmp_path: Path) -> None:
    app_keys, greetings = set(), set()
    token = None
    for _ in range(2):
        with serving(MINIMAL["uvicorn"], tmp_path, environment(ROOT)) as site:
            app_keys.add(site.app_key())
            token = token or site.identify(app_key=site.app_key(), email="jane@example.com")["session_token"]
            greetings.add(site.front_page(token))
    assert len(app_keys) == len(greetings) == 1


@pytest.fixture
def installed(tmp_path: Path) -> Environment:
    """An environment in which both packages are installed, as far as anybody who looks for entry points can tell.

    Made by hand from what their pyproject.toml declares, as building a wheel could ask the network for hatchling.
    """
    site_packages = tmp_path / "site-packages"
    for package in PACKAGES:
        project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
        about = site_packages / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        (about / "entry_points.txt").write_text(
            "\n".join(
                f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in offered.items())
                for group, offered in project["entry-points"].items()
            )
        )
    return environment(site_packages, *PACKAGES)


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_example_package_passes_its_own_tests(package: Path, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'its'}")
    tests = subprocess.run(command, cwd=package, env=environment(), check=False, capture_output=True, text=True)
    assert tests.returncode == 0, tests.stdout + tests.stderr


def call(arguments: tuple[str, ...], folder: Path, variables: Environment) -> subprocess.CompletedProcess[str]:
    """`hullo …` in a folder."""
    return subprocess.run((*HULLO, *arguments), cwd=folder, env=variables, check=False, capture_output=True, text=True)


def document_of(arguments: tuple[str, ...], folder: Path, variables: Environment) -> dict[str, Any]:
    """What `hullo … --json` prints."""
    done = call((*arguments, "--json"), folder, variables)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


LOYALTY = """
plugins = ["loyalty-card"]

[plugin.loyalty-card]
key = "card"
prefix = "LC-"
"""


def test_installed_matcher_runs_first_once_named(tmp_path: Path, installed: Environment) -> None:
    before = document_of(("plugins",), tmp_path, installed)
    assert before["unused"] == ["loyalty-card"]

    (tmp_path / "hullo.toml").write_text(LOYALTY)
    after = document_of(("plugins",), tmp_path, installed)
    assert after["items"][0] == {"name": "loyalty-card", "hooks": ["name_identifiers", "match_contact"]}
    assert after["unused"] == []


def test_both_packages_keep_contacts_after_a_kill(tmp_path: Path, installed: Environment) -> None:
    (tmp_path / "hullo.toml").write_text(LOYALTY)
    database = ("--db", "journal:///hullo.journal")
    app_key = document_of((*database, "app", "create", "Shop"), tmp_path, installed)["app_key"]
    command = (*HULLO, *database, "serve", "--port", "0")
    body = {"app_key": app_key, "custom_data": {"card": "LC-4711"}}

    with serving(command, tmp_path, installed) as site:
        site.identify(**body, email="jane@example.com")
        refused = call((*database, "app", "list"), tmp_path, installed)
        assert refused.returncode == 1
        assert "one process at a time" in refused.stderr

    with serving(command, tmp_path, installed) as site:
        site.identify(**body, name="Jane")

    journal = (tmp_path / "hullo.journal").read_text()
    assert journal.count('"matched_by":"created"') == 1
    assert journal.count('"matched_by":"loyalty-card"') == 1
    assert [each["app_key"] for each in document_of((*database, "app", "list"), tmp_path, installed)["items"]] == [
        app_key
    ]
