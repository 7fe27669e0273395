"""The contract of stores: subclass it, and every claim in it is tested."""

from __future__ import annotations

from hullo.testing.store.applying import ApplyingClaims
from hullo.testing.store.erasing import ErasingClaims
from hullo.testing.store.histories import HistoryClaims
from hullo.testing.store.identities import IdentityClaims
from hullo.testing.store.keeping import KeepingClaims
from hullo.testing.store.lists import ListClaims
from hullo.testing.store.loading import LoadingClaims
from hullo.testing.store.locking import LockingClaims
from hullo.testing.store.log_outs import LogOutClaims
from hullo.testing.store.merging import MergingClaims
from hullo.testing.store.processes import ProcessClaims
from hullo.testing.store.sweeping import SweepingClaims
from hullo.testing.store.telling import TellingClaims
from hullo.testing.store.threads import ThreadClaims


class StoreContract(
    ApplyingClaims,
    KeepingClaims,
    LoadingClaims,
    ListClaims,
    IdentityClaims,
    HistoryClaims,
    MergingClaims,
    ErasingClaims,
    LogOutClaims,
    TellingClaims,
    SweepingClaims,
    ThreadClaims,
    ProcessClaims,
    LockingClaims,
):
    """Set `durable`, `shared_between_processes` and `locking`, and define `make_store`; see `hullo.testing`.

    Stores made for one folder hold the same data, when they are durable or shared. Processes are spawned,
    so a subclass stands at the top of its module.
    """
