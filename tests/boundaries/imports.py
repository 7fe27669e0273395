"""Reads what each module of core, plugins and stores imports, from its source and without running it.

Imports for type checkers and imports inside functions count like any other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = {"hullo": "core", "hullo_plugins": "plugins", "hullo_stores": "stores"}


@cache
def files() -> Mapping[str, Path]:
    """Map the name of every module to its file."""
    found: dict[str, Path] = {}
    for package, folder in SOURCES.items():
        for path in sorted((ROOT / folder / package).rglob("*.py")):
            if "node_modules" not in path.parts:
                parts = path.relative_to(ROOT / folder).with_suffix("").parts
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


def syntax(module: str) -> ast.Module:
    return ast.parse(files()[module].read_text("utf-8"))


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """Map every module to the modules that it imports, ours and foreign."""
    return {module: frozenset(_imported_by(module)) - {module} for module in files()}


@cache
def own_imports() -> Mapping[str, frozenset[str]]:
    """Map every module to those of our own that it imports."""
    own = frozenset(files())
    return {module: imported & own for module, imported in imports().items()}


def _imported_by(module: str) -> Iterator[str]:
    package = module if files()[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(syntax(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                name = f"{source}.{alias.name}"
                yield name if name in files() else source


def is_inside(module: str, packages: Iterable[str]) -> bool:
    """Whether the module is one of the packages, or in one of them."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def lines(found: Iterable[object]) -> str:
    """List violations for an assertion message, one a line."""
    return "\n" + "\n".join(sorted(map(str, found)))
