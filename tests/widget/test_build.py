"""What is served is what the source makes, and the source is sound."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

WIDGET = Path(__file__).parents[2] / "plugins" / "hullo_plugins" / "widget"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("npm") is None, reason="no npm, which the browser SDK is built with"),
]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    assert (WIDGET / "node_modules").is_dir(), "make test installs what this needs"
    return subprocess.run(["npm", "run", "--silent", *words], cwd=WIDGET, capture_output=True, text=True, check=False)


def test_build_output_matches_the_source() -> None:
    checked = run("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_widget_types_are_sound() -> None:
    checked = run("types")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_lock_file_names_no_registry() -> None:
    assert "://" not in (WIDGET / "package-lock.json").read_text("utf-8")
