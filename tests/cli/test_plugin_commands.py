"""`hullo plugins`, and the commands that plugins add."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint

import click
import pytest
from click.shell_completion import BashComplete

from cli.terminal import Terminal
from hullo import Hullo, hookimpl
from hullo.cli import main
from hullo.hooks import entry_points


class Cards:
    """Adds a command."""

    name = "cards"

    @hookimpl
    def commands(self, hullo: Hullo) -> Sequence[click.Command]:
        @click.command("cards")
        @click.argument("words", nargs=-1)
        @click.option("--number", type=int)
        def cards(words: tuple[str, ...], number: int | None):
            """Counts loyalty cards."""
            with hullo:
                click.echo(f"apps={len(hullo.store.list_apps())} number={number} words={words}")

        return [cards]


class Greedy:
    """Adds a command whose name is taken."""

    name = "greedy"

    @hookimpl
    def commands(self) -> Sequence[click.Command]:
        return [click.Command("serve")]


class Nameless:
    """Adds a command that nobody could call."""

    name = "nameless"

    @hookimpl
    def commands(self) -> Sequence[click.Command]:
        return [click.Command(None)]


@pytest.fixture(autouse=True)
def _offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a package were installed that offers these plugins."""
    real = entry_points._offered
    extra = {
        plugin.name: EntryPoint(plugin.name, f"{__name__}:{plugin.__name__}", entry_points.PLUGIN_GROUP)
        for plugin in (Cards, Greedy, Nameless)
    }

    def offered(group: str):
        return {**real(group), **(extra if group == entry_points.PLUGIN_GROUP else {})}

    monkeypatch.setattr(entry_points, "_offered", offered)


def use(terminal: Terminal, *names: str, file: str = "hullo.toml") -> None:
    (terminal.folder / file).write_text(f"plugins = {list(names)}")


def test_plugins_list_in_call_order(terminal: Terminal):
    use(terminal, "cards")
    document = terminal.json("plugins")
    assert [item["name"] for item in document["items"]] == ["cards", *entry_points.BUILT_IN]
    assert document["items"][5] == {"name": "external-id", "hooks": ["name_identifiers", "match_contact"]}
    assert document["unused"] == ["greedy", "nameless"]
    assert "Installed, but not in use: greedy, nameless." in terminal.text("plugins")
    assert not (terminal.folder / "hullo.db").exists()


def test_unused_plugins_are_unmentioned_without_any(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    used = {name: each for name, each in entry_points.installed_plugins().items() if name in entry_points.BUILT_IN}
    monkeypatch.setattr("hullo.cli.plugins.installed_plugins", lambda: used)
    assert terminal.json("plugins")["unused"] == []
    assert "not in use" not in terminal.text("plugins")


def test_excluded_builtin_plugin_shows_as_unused(terminal: Terminal):
    (terminal.folder / "hullo.toml").write_text('without = ["email"]')
    assert "email" in terminal.json("plugins")["unused"]


def test_plugin_adds_a_command(terminal: Terminal):
    use(terminal, "cards")
    terminal.json("app", "create", "Shop")
    assert "Counts loyalty cards." in terminal.text("--help")
    assert terminal.text("cards", "a", "--number", "3", "b") == "apps=1 number=3 words=('a', 'b')\n"


def test_added_command_takes_the_common_options(terminal: Terminal):
    use(terminal, "cards", file="other.toml")
    assert "No such command 'cards'" in terminal.misuse("cards")
    text = terminal.text("cards", "a", "--config", "other.toml", "--number", "3", "--db", "sqlite:///other.db")
    assert text == "apps=0 number=3 words=('a',)\n"
    assert (terminal.folder / "other.db").exists()
    assert terminal.text("--config", "other.toml", "cards") == "apps=0 number=None words=()\n"


def test_shell_completion_of_builtins_reads_no_settings(terminal: Terminal):
    (terminal.folder / "hullo.toml").write_text("what?")
    completed = BashComplete(main, {}, "hullo", "_HULLO_COMPLETE").get_completions([], "ap")
    assert [each.value for each in completed] == ["app", "api-key"]


def test_taken_command_name_is_refused(terminal: Terminal):
    use(terminal, "greedy")
    assert "adds the command 'serve', but that name is taken" in terminal.refusal("app", "list")
    assert "that name is taken" in terminal.type("--help").stderr
    use(terminal, "nameless")
    assert "a command without a name" in terminal.refusal("app", "list")
