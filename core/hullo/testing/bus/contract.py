"""The contracts of buses: subclass one, and every claim in it is tested."""

from __future__ import annotations

from hullo.testing.bus.cuts import CutClaims
from hullo.testing.bus.processes import ProcessClaims
from hullo.testing.bus.speaking import SpeakingClaims
from hullo.testing.bus.travelling import TravellingClaims


class BusContract(SpeakingClaims):
    """Of every bus. Define `make_bus`; see `hullo.testing`."""


class SharedBusContract(BusContract, TravellingClaims, CutClaims, ProcessClaims):
    """Of one between processes. Define `make_bus`, `say`, `cut` and `mend`.

    Processes are spawned, so a subclass stands at the top of its module.
    """
