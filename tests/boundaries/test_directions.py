"""Which module may import which. Circles between files: `test_circles.py`; plugins: `test_plugin_imports.py`."""

from __future__ import annotations

import ast

from boundaries.imports import files, imports, is_inside, lines, own_imports, syntax

LAYERS = [
    ["hullo.value"],
    ["hullo.errors"],
    ["hullo.model"],
    ["hullo.settings"],
    ["hullo.rules"],
    ["hullo.store"],
    ["hullo.bus", "hullo.redis_client"],
    ["hullo.secrets"],
    ["hullo.hooks"],
    ["hullo.pipeline"],
    ["hullo.operations"],
    ["hullo.engine", "hullo.background"],
    ["hullo.application"],
    ["hullo.asgi"],
    ["hullo.ratelimit"],
    ["hullo.api"],
    ["hullo.realtime"],
    ["hullo.webhooks"],
    ["hullo.middleware"],
    ["hullo.cli", "hullo.testing"],
    ["hullo.plugin", "hullo.webhooks.plugin"],
    ["hullo", "hullo.__main__"],
    ["hullo_plugins", "hullo_stores"],
]
"""The lowest first. A package imports from itself and from the rows above its own, not from its neighbours in a row.

A plugin of core stands above what it offers: only its entry point names it.
"""

KNOWN_ARROWS_UP: set[tuple[str, str]] = set()
"""Imports against the order of the layers that are still there. Only shrinks."""

STORES_MAY_IMPORT = ["hullo.errors", "hullo.value", "hullo.model", "hullo.store", "hullo_stores"]
"""All that a store needs to know of core."""

ASYNCHRONOUS = [
    "hullo.asgi",
    "hullo.api",
    "hullo.realtime",
    "hullo.ratelimit",
    "hullo.webhooks.routes",
    "hullo.middleware",
    "hullo.engine.batch_executor",
    "hullo.cli.stopping",
]
"""All of core that may define an `async def`."""

ROWS = {package: row for row, packages in enumerate(LAYERS) for package in packages}


def package_of(module: str) -> str | None:
    """Find the entry of LAYERS that a module belongs to. `hullo` stands for that file alone, not for what is in it."""
    entries = [entry for entry in ROWS if module == entry or (entry != "hullo" and is_inside(module, [entry]))]
    return max(entries, key=len, default=None)


def arrows_up() -> set[tuple[str, str]]:
    arrows: set[tuple[str, str]] = set()
    for module, imported in own_imports().items():
        for target in imported:
            package, other = package_of(module), package_of(target)
            if package and other and package != other and ROWS[package] <= ROWS[other]:
                arrows.add((module, target))
    return arrows


def test_every_module_has_a_layer() -> None:
    outside = [module for module in files() if package_of(module) is None]
    assert not outside, f"in no row of LAYERS:{lines(outside)}"
    empty = set(ROWS) - {package_of(module) for module in files()}
    assert not empty, f"in LAYERS, without a module:{lines(empty)}"


def test_no_import_runs_up_the_layers() -> None:
    new = arrows_up() - KNOWN_ARROWS_UP
    assert not new, f"imports from its own row or a later one:{lines(new)}"


def test_known_arrows_up_still_exist() -> None:
    gone = KNOWN_ARROWS_UP - arrows_up()
    assert not gone, f"take off KNOWN_ARROWS_UP:{lines(gone)}"


def test_stores_import_only_the_store_protocol() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, imported in own_imports().items()
        if is_inside(module, ["hullo_stores"])
        for target in imported
        if not is_inside(target, STORES_MAY_IMPORT)
    ]
    assert not wrong, lines(wrong)


def test_only_the_edge_of_core_is_async() -> None:
    found = {
        module
        for module in files()
        if is_inside(module, ["hullo"])
        and any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(syntax(module)))
    }
    wrong = [module for module in found if not is_inside(module, ASYNCHRONOUS)]
    assert not wrong, f"`async def` in{lines(wrong)}"
    unused = [entry for entry in ASYNCHRONOUS if not any(is_inside(module, [entry]) for module in found)]
    assert not unused, f"take off ASYNCHRONOUS:{lines(unused)}"


def test_no_module_imports_one_event_loop() -> None:
    wrong = [
        module for module, imported in imports().items() if any(is_inside(n, ["asyncio", "trio"]) for n in imported)
    ]
    assert not wrong, lines(wrong)
