"""What the README says is so: its walk is walked, its code runs, its tables are complete."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hullo.hooks.hookspecs import HOOK_NAMES
from hullo.model.limits import Limits

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MASKS = [
    (re.compile(r"\b(app|vis|con|cnv|msg|req|ws|cfl)_[0-9a-z]{26}"), r"\1_"),
    (re.compile(r"\bhvs_[0-9a-f]+"), "hvs_"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "TIME"),
]
END = "-- end of one command --"


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(README) if kind == language]


def masked(text: str) -> str:
    for pattern, replacement in MASKS:
        text = pattern.sub(replacement, text)
    return text.strip()


@pytest.fixture
def folder_with_a_server(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """An empty folder in which `hullo serve` runs, and the port that it serves on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    serve = [sys.executable, "-m", "hullo", "serve", "--port", str(port)]
    with subprocess.Popen(serve, cwd=tmp_path, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 30
            while not healthy(port):
                assert server.poll() is None, "the server stopped"
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.05)
            yield tmp_path, port
        finally:
            server.terminate()


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/hullo/readyz", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


@pytest.mark.slow
def test_walkthrough_gives_the_shown_answers(folder_with_a_server: tuple[Path, int]) -> None:
    for tool in ("bash", "curl", "grep"):
        if shutil.which(tool) is None:
            pytest.skip(f"the walk is written for a shell with {tool}, which is not here")
    folder, port = folder_with_a_server
    commands: list[str] = []
    shown: list[str] = []
    for line in "".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            commands.append(line[2:].replace("localhost:8000", f"127.0.0.1:{port}"))
            shown.append("")
        else:
            shown[-1] += line + "\n"
    hullo = f'hullo() {{ "{sys.executable}" -m hullo "$@"; }}\n'
    script = hullo + "".join(f"{command}\necho; echo '{END}'\n" for command in commands)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HULLO_")}
    run = subprocess.run(
        ["bash", "-e"], input=script, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    answers = run.stdout.split(END)[:-1]
    assert len(commands) > 10
    for command, expected, answer in zip(commands, shown, answers, strict=True):
        assert masked(answer) == masked(expected), command


@pytest.mark.parametrize("code", blocks("python"))
def test_readme_code_runs(code: str, tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr


def test_hook_table_lists_exactly_all_hooks() -> None:
    table = README.split("### The hooks")[1].split("Plugins are asked")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(HOOK_NAMES)


def test_every_hook_is_called_in_a_test() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    for hook in HOOK_NAMES:
        assert re.search(rf"@hookimpl\s+def {hook}\(", tests), f"no test answers {hook}"


def test_stated_limits_are_in_force() -> None:
    table, limits = README.split("## The limits")[1], Limits()
    for number in (
        limits.body_bytes // 1024,
        limits.custom_keys_per_call,
        limits.custom_keys,
        limits.custom_key_length,
        limits.custom_value_length,
        limits.external_id_length,
        limits.email_length,
        limits.phone_length,
        limits.url_length,
        limits.message_length,
        limits.emails,
        limits.tags,
        limits.tag_length,
        limits.event_name_length,
        limits.event_properties_bytes // 1024,
        limits.event_properties_depth,
    ):
        assert f"{number:,}" in table
    assert limits.message_length == limits.note_length
    assert limits.emails == limits.phones
    assert limits.name_length == limits.company_length == limits.external_id_length


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_leads_somewhere(link: str) -> None:
    assert link.startswith("https://") or (ROOT / link).exists()
