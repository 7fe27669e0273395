"""The journal file: one line an entry, locked while it is open, on the disk when `append` returns."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from hullo.errors import StoreUnavailable

HEADER: Final = b'{"hullo_journal":1}\n'
"""The first line, so that no other file is ever taken for a journal and cut."""


class Journal:
    """Made where it is missing, and nobody else's until `close`. Raises `StoreUnavailable` when it is somebody's.

    Read all of `lines` before the first `append`. Anything may also raise `OSError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end = 0
        """Where the last line ends that is surely on the disk."""
        # Unbuffered: what a failed write left in a buffer would be written with the next one.
        self._file = open(path, "ab+", buffering=0, opener=_owner_only)  # noqa: SIM115 - open until `close`
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            if not isinstance(error, BlockingIOError):
                raise
            raise StoreUnavailable(f"{path} is open already; one process at a time can have a journal") from error

    def close(self) -> None:
        """Lets others have it."""
        self._file.close()

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Every entry with the number of its line. A last line that has no end is what a crash left, and is cut off.

        Raises `StoreUnavailable` when the file is something else than a journal, and leaves it alone.
        """
        end = 0
        self._file.seek(0)
        with open(self._file.fileno(), "rb", closefd=False) as file:
            for number, line in enumerate(file, 1):
                if number == 1 and not HEADER.startswith(line):
                    raise StoreUnavailable(f"{self._path} is no journal of hullo, or of another version")
                if not line.endswith(b"\n"):
                    break
                if number > 1:
                    yield number, line
                end += len(line)
        self._end = end
        self.cut_back()
        if end == 0:
            self.append([HEADER])
            _sync_folder(self._path.parent)

    def append(self, lines: Iterable[bytes]) -> None:
        """All of the lines, under one sync. When it raises, part of them may be there: `cut_back`."""
        rest = written = b"".join(lines)
        while rest:
            rest = rest[self._file.write(rest) :]
        os.fsync(self._file.fileno())
        self._end += len(written)

    def cut_back(self) -> None:
        """Takes away whatever is behind the last line that is surely on the disk."""
        if os.fstat(self._file.fileno()).st_size > self._end:
            self._file.truncate(self._end)
            os.fsync(self._file.fileno())


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    # Until its folder is synced, a new file may be lost in a power cut, even if its data was synced.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
