"""Processes over one database that identify people at the same time, and tell of it.

Usage: tellers.py URL APP_KEY TOLD PROCESSES PEOPLE. Each event that an observer hears of is a line in the file TOLD:
its contact, its id, and which process heard of it.
"""

from __future__ import annotations

import os
import sys

from hullo.application import Hullo
from hullo.hooks.hookspecs import hookimpl
from hullo.model.event import Event


class Observer:
    """Writes down what it is told."""

    name = "observer"

    def __init__(self, file: str) -> None:
        self._file = os.open(file, os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    @hookimpl
    def event_committed(self, event: Event) -> None:
        os.write(self._file, f"{event.contact_id} {event.id} {os.getpid()}\n".encode())


def main(url: str, app_key: str, told: str, processes: int, people: int) -> None:
    starts, start = os.pipe()
    hullos = [Hullo(url, plugins=[Observer(told)]) for _ in range(processes)]
    for number, hullo in enumerate(hullos):
        if os.fork():
            continue
        os.close(start)
        os.read(starts, 1)  # which ends when the last who could write has closed it
        with hullo:
            for person in range(people):
                name = f"user_{number}_{person}"
                hullo.identify({"external_id": name}, app_key=app_key)
                hullo.identify({"external_id": name, "custom_data": {"number": number}}, app_key=app_key)
        os._exit(0)
    os.close(start)
    for _ in hullos:
        assert os.wait()[1] == 0


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
