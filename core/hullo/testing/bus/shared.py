"""How a bus between processes is tried: several at one place, which can be cut off from each other."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hullo.bus.protocol import Bus
from hullo.testing.bus.case import BusCase, Ear


class SharedBusCase(BusCase):
    """Says what else the claims need of the place."""

    def say(self, place: Path, text: str) -> None:
        """Says it to all that listen there, as anybody could who is no bus."""
        raise NotImplementedError("say how something else than a notice gets there")

    def cut(self, place: Path) -> None:
        """Returns once every bus there has lost its connections. None finds a new one until `mend`."""
        raise NotImplementedError("say how all are cut off")

    def mend(self, place: Path) -> None:
        """Whoever tries to connect can do so again."""
        raise NotImplementedError("say how a cut ends")

    @contextmanager
    def another(self, place: Path) -> Generator[tuple[Bus, Ear]]:
        """A second bus there, as another process has one, with a listener that hears already."""
        bus = self.make_bus(place)
        try:
            yield bus, listening(bus)
        finally:
            bus.close()


def listening(bus: Bus) -> Ear:
    """A listener, the first one there, that hears others already."""
    ear = Ear()
    bus.listen(ear)
    assert ear.has_missed(), "it is not told that it hears others"
    return ear
