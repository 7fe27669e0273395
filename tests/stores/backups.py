"""What tests of backups begin with."""

from __future__ import annotations

from pathlib import Path

from hullo_stores.peewee.engines.sqlite import open_sqlite
from hullo_stores.peewee.store import PeeweeStore
from peopled import fill


def filled(path: Path, people: int, *, answer: bytes = b"answer") -> PeeweeStore:
    """A closed store in a new file."""
    store = open_sqlite(f"sqlite:///{path}")
    store.open()
    fill(store, people, answer=answer)
    store.close()
    return store


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
