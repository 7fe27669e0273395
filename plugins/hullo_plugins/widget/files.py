"""Reads the built files and compresses them, once."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from hullo.plugin import PluginError, Value

BUILD_FOLDER: Final = Path(__file__).parent / "built"
SCRIPT: Final = "widget.js"
MANIFEST: Final = "manifest.json"
TYPES: Final = "hullo.d.ts"

_CONTENT_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".ts": "text/plain; charset=utf-8",  # browsers and servers take .ts for a film
    ".json": "application/json",
}


class ServedFile(
    Value,
    secrets=(
        "body",
        "gzipped",
    ),
):
    """One file with its headers. `etag` is weak, as both encodings share it."""

    name: str
    content_type: str
    body: bytes
    gzipped: bytes
    etag: str


class ServedFiles(Value):
    """All of one version, by name. `integrity` is what a page may pin its script to."""

    version: str
    integrity: str
    by_name: Mapping[str, ServedFile]


class _ManifestEntry(msgspec.Struct):
    integrity: str


class _Manifest(msgspec.Struct):
    version: str
    files: dict[str, _ManifestEntry]


def read_files(folder: Path = BUILD_FOLDER) -> ServedFiles:
    """Read all files of the build. Raises `PluginError` when nothing was built."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=_Manifest)
        by_name = {name: _read_file(folder / name) for name in (*manifest.files, MANIFEST)}
        integrity = manifest.files[SCRIPT].integrity
    except (OSError, msgspec.MsgspecError, KeyError) as error:
        raise PluginError("the browser SDK is not built: run make widget, or leave the plugin 'widget' out") from error
    return ServedFiles(version=manifest.version, integrity=integrity, by_name=by_name)


def _read_file(path: Path) -> ServedFile:
    body = path.read_bytes()
    return ServedFile(
        name=path.name,
        content_type=_CONTENT_TYPES[path.suffix],
        body=body,
        gzipped=gzip.compress(body, compresslevel=9, mtime=0),
        etag=f'W/"{hashlib.sha256(body).hexdigest()[:32]}"',
    )
