"""The contract of stores: subclass it, and every claim in it is tested."""

from __future__ import annotations

from hullo.testing.store.agents import AgentTests
from hullo.testing.store.applying import ApplyTests
from hullo.testing.store.deliveries import DeliveryTests
from hullo.testing.store.erasing import ErasureTests
from hullo.testing.store.expiry import ExpiryTests
from hullo.testing.store.histories import HistoryTests
from hullo.testing.store.identities import IdentityTests
from hullo.testing.store.lists import ListTests
from hullo.testing.store.loading import LoadTests
from hullo.testing.store.locking import LockingTests
from hullo.testing.store.merging import MergeTests
from hullo.testing.store.processes import ProcessTests
from hullo.testing.store.searching import SearchTests
from hullo.testing.store.session_revocation import SessionRevocationTests
from hullo.testing.store.sweeping import SweepTests
from hullo.testing.store.threads import ThreadTests


class StoreContract(
    ApplyTests,
    ExpiryTests,
    LoadTests,
    ListTests,
    AgentTests,
    SearchTests,
    IdentityTests,
    HistoryTests,
    MergeTests,
    ErasureTests,
    SessionRevocationTests,
    DeliveryTests,
    SweepTests,
    ThreadTests,
    ProcessTests,
    LockingTests,
):
    """Set `durable`, `shared_between_processes`, `locking` and `concurrent_reads`, and define `make_store`; see
    `hullo.testing`.

    Stores made for one folder hold the same data, when they are durable or shared. Processes are spawned,
    so a subclass stands at the top of its module.
    """
