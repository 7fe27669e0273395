"""A store of somebody else's, for `odd:` URLs, that offers nothing beside what every store does."""

from __future__ import annotations

from pathlib import Path

import pytest


def offer_a_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an installed package would."""
    package = folder / "odd_store-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-store\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[hullo.stores]\nodd = odd_store:open_odd\n")
    (folder / "odd_store.py").write_text(
        "from hullo_stores.memory.store import MemoryStore\ndef open_odd(url):\n    return MemoryStore()\n"
    )
    monkeypatch.syspath_prepend(folder)
