"""What a cross-process bus is tested with: several buses at one place, which can be disconnected."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hullo.bus.protocol import Bus
from hullo.testing.bus.case import BusCase, RecordingSubscriber


class SharedBusCase(BusCase):
    """Says what else the claims need of the place."""

    def send_raw(self, place: Path, text: str) -> None:
        """Says it to all that listen there, as anybody could who is no bus."""
        raise NotImplementedError("say how something else than a notice gets there")

    def disconnect(self, place: Path) -> None:
        """Returns once every bus there has lost its connections. None finds a new one until `mend`."""
        raise NotImplementedError("say how all are cut off")

    def reconnect(self, place: Path) -> None:
        """Whoever tries to connect can do so again."""
        raise NotImplementedError("say how a cut ends")

    @contextmanager
    def second_bus(self, place: Path) -> Generator[tuple[Bus, RecordingSubscriber]]:
        """A second bus there, as another process has one, with a listener that hears already."""
        bus = self.make_bus(place)
        try:
            yield bus, subscribe_and_wait(bus)
        finally:
            bus.close()


def subscribe_and_wait(bus: Bus) -> RecordingSubscriber:
    """A listener, the first one there, that hears others already."""
    ear = RecordingSubscriber()
    bus.subscribe(ear)
    # A bus connects in the background: before `handle_gap` a notice of another bus may be missed without fault.
    assert ear.wait_for_gap(), "it is not told that it hears others"
    return ear
