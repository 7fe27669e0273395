"""Who may import whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ["model", "store", "bus", "hooks", "pipeline", "asgi", "cli"]
"""Each may import those before it, never those after it. `app.py` assembles a hullo from what stands before `asgi`."""

OUTSIDE_THE_ROOMS = {"errors": 0, "settings": 1, "redis_client": 2, "app": 5, "testing": 6, "": 7, "__main__": 7}
"""Modules beside the rooms, by the number of rooms that they may import."""


def imports(path: Path) -> Iterator[str]:
    """What a module imports when it runs; imports for type checkers alone bind nobody."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", modules("core"), ids=lambda path: str(path.relative_to(ROOT)))
def test_core_imports_neither_plugins_nor_stores(path: Path) -> None:
    assert not [name for name in imports(path) if name.startswith(("hullo_plugins", "hullo_stores"))]


@pytest.mark.parametrize("path", modules("plugins"), ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins_import_no_store(path: Path) -> None:
    assert not [name for name in imports(path) if name.startswith("hullo_stores")]


@pytest.mark.parametrize("path", modules("stores"), ids=lambda path: str(path.relative_to(ROOT)))
def test_stores_import_no_plugin_and_nothing_above_the_store_protocol(path: Path) -> None:
    for name in imports(path):
        assert not name.startswith("hullo_plugins"), name
        if name.startswith("hullo."):
            assert name.split(".")[1] in {"model", "store", "errors"}, name


@pytest.mark.parametrize("path", modules("core/hullo"), ids=lambda path: str(path.relative_to(ROOT)))
def test_inside_core_the_direction_is_one(path: Path) -> None:
    place = path.relative_to(ROOT / "core/hullo").parts[0].removesuffix(".py").replace("__init__", "")
    reach = ROOMS.index(place) + 1 if place in ROOMS else OUTSIDE_THE_ROOMS[place]
    for name in imports(path):
        if name.startswith("hullo.") and (room := name.split(".")[1]) in ROOMS:
            assert ROOMS.index(room) < reach, f"{place or 'hullo'} imports {name}"


@pytest.mark.parametrize("path", modules("core/hullo"), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_edge_and_the_lanes_are_asynchronous(path: Path) -> None:
    inside = path.relative_to(ROOT / "core/hullo")
    if inside.parts[0] == "asgi" or str(inside) == "store/lanes.py":
        return
    tree = ast.parse(path.read_text("utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]


@pytest.mark.parametrize(
    "path",
    [*modules("core"), *modules("plugins"), *modules("stores")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nobody_imports_one_event_loop(path: Path) -> None:
    assert not [name for name in imports(path) if name.split(".")[0] in {"asyncio", "trio"}]
