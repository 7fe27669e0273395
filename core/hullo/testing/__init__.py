"""Importable tests for whoever writes a store or a bus: subclass a contract and say how yours is made.

    class TestMyStore(StoreContract):
        durable = True
        shared_between_processes = True
        locking = True
        concurrent_reads = True

        def make_store(self, folder: Path) -> Store:
            return MyStore(folder / "my.db")

Claims that need a capability are put to stores that declare it, and to no others. `BusContract` is that of every bus,
`SharedBusContract` that of one between processes.
`hullo.testing.builders` makes nouns for tests of any kind.
"""

import pytest

# Only test modules get assertions that explain themselves, unless pytest is told before the import.
# Before the imports below: pytest rewrites a module only while it is imported.
pytest.register_assert_rewrite("hullo.testing.bus", "hullo.testing.store")

from hullo.testing.bus.contract import BusContract, SharedBusContract  # noqa: E402
from hullo.testing.store.contract import StoreContract  # noqa: E402

__all__ = ["BusContract", "SharedBusContract", "StoreContract"]
