"""Whoever follows the examples: where they are, and what processes are started in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"

Environment = Mapping[str, str]


def environment(*folders: Path) -> Environment:
    """This process's own, with further folders to import from and a port that is free."""
    path = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    named = {name: value for name, value in os.environ.items() if not name.startswith(("HULLO_", "PYTEST_"))}
    return {**named, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PORT": "0"}
