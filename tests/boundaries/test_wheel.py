"""What a user installs: three packages and their data, and nothing that is only there to make them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What the browser SDK is made of: pages are served what is built of it.
WIDGET = ROOT / "plugins" / "hullo_plugins" / "widget"
MAKINGS = {
    WIDGET / name
    for name in (
        "source",
        "pictures",
        "node_modules",
        "package.json",
        "package-lock.json",
        "tsconfig.json",
        "build.mjs",
        ".npmrc",
    )
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_only_the_three_packages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"hullo", "hullo_plugins", "hullo_stores"}


def test_wheel_holds_the_data_files_code_reads(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("core/hullo", "plugins/hullo_plugins", "stores/hullo_stores"):
        root = (ROOT / package).parent
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and MAKINGS.isdisjoint([path, *path.parents]):
                assert path.relative_to(root).as_posix() in names


def test_wheel_holds_built_browser_sdk_without_sources(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {name.removeprefix("hullo_plugins/widget/") for name in names if name.startswith("hullo_plugins/widget/")}
    makings = {path.name for path in MAKINGS}
    assert {"built/widget.js", "built/panel.js", "built/hullo.d.ts", "built/manifest.json", "plugin.py"} <= inside
    assert not {name for name in inside if name.partition("/")[0] in makings}


def test_wheel_holds_every_entry_point(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = """
import sys
from importlib.metadata import distribution
offered = [each for each in distribution("hullo").entry_points if each.group.startswith("hullo.")]
assert len(offered) > 7
for each in offered:
    each.load()
import hullo
assert hullo.__file__.startswith(sys.path[0]), hullo.__file__
for module in ("core", "plugins", "stores", "tests"):
    try:
        __import__(module)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"there is a module {module}")
"""
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
