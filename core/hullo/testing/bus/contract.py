"""The contracts of buses: subclass one, and every claim in it is tested."""

from __future__ import annotations

from hullo.testing.bus.cross_process import CrossProcessTests
from hullo.testing.bus.disconnects import DisconnectTests
from hullo.testing.bus.in_process import InProcessTests
from hullo.testing.bus.processes import ProcessTests


class BusContract(InProcessTests):
    """Of every bus. Define `make_bus`; see `hullo.testing`."""


class SharedBusContract(BusContract, CrossProcessTests, DisconnectTests, ProcessTests):
    """Of one between processes. Define `make_bus`, `say`, `cut` and `mend`.

    Processes are spawned, so a subclass stands at the top of its module.
    """
