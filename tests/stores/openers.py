"""Many processes that open one database at the same moment.

Usage: openers.py URL COUNT. Each prints `opened`, or what stopped it.
"""

from __future__ import annotations

import os
import sys

from hullo.hooks.entry_points import open_store


def main(url: str, processes: int) -> None:
    stores = [open_store(url) for _ in range(processes)]  # whose drivers are imported once, and connect to nothing yet
    starts, start = os.pipe()
    for store in stores:
        if os.fork():
            continue
        os.close(start)
        os.read(starts, 1)  # which ends when the last who could write has closed it
        try:
            store.open()
            store.check()
            store.close()
            said = "opened"
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        os.write(1, f"{said}\n".encode())
        os._exit(0)
    os.close(start)
    for _ in stores:
        os.wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
