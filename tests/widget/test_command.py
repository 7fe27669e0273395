"""`hullo widget`: what to write into a page."""

from __future__ import annotations

import re

import pytest

from cli.terminal import Terminal
from hullo_plugins.widget.files import read_files


@pytest.fixture
def app_key(terminal: Terminal) -> str:
    return str(terminal.json("app", "create", "Shop")["app_key"])


def test_snippet_loads_the_current_version(terminal: Terminal, app_key: str) -> None:
    text = terminal.text("widget", app_key, "--host", "https://chat.example.com/")
    assert "https://chat.example.com/hullo/widget.js" in text
    assert f"hullo('init', {{appKey: \"{app_key}\"}})" in text
    assert "integrity" not in text


def test_pinned_snippet_names_version_and_digest(terminal: Terminal, app_key: str) -> None:
    files = read_files()
    told = terminal.json("widget", app_key, "--pinned", "--host", "https://chat.example.com")
    assert told["src"] == f"https://chat.example.com/hullo/widget/{files.version}/widget.js"
    assert (told["app_key"], told["version"], told["integrity"]) == (app_key, files.version, files.integrity)
    [tag] = re.findall(r"<script ([^>]*)></script>", told["snippet"])
    attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
    assert attributes == {
        "src": told["src"],
        "data-app": app_key,
        "integrity": files.integrity,
        "crossorigin": "anonymous",
    }


def test_snippet_url_comes_from_settings_or_argument(terminal: Terminal, app_key: str) -> None:
    assert terminal.json("widget", app_key)["src"] == "http://127.0.0.1:8000/hullo/widget.js"
    (terminal.folder / "hullo.toml").write_text('prefix = "/chat"')
    assert terminal.json("widget", app_key)["src"] == "http://127.0.0.1:8000/chat/widget.js"
    given = terminal.json("widget", app_key, "--host", "https://example.com/a/b/")
    assert given["src"] == "https://example.com/a/b/widget.js"


@pytest.mark.parametrize("host", ["chat.example.com", "ftp://chat.example.com", "https://", "https://a.test/?b"])
def test_unloadable_host_is_refused(terminal: Terminal, app_key: str, host: str) -> None:
    assert "no browser can load from" in terminal.refusal("widget", app_key, "--host", host)


def test_host_cannot_end_the_script_tag(terminal: Terminal, app_key: str) -> None:
    text = terminal.text("widget", app_key, "--host", "https://a.test/</script><b>'\"")
    assert text.count("</script>") == 1
    pinned = terminal.text("widget", app_key, "--pinned", "--host", "https://a.test/</script><b>'\"")
    assert pinned.count("</script>") == 1


def test_unknown_app_is_refused(terminal: Terminal) -> None:
    assert terminal.type("widget", "app_nobody").exit_code == 1
