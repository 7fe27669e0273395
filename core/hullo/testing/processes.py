"""Runs a contract in several processes."""

from __future__ import annotations

import importlib.util
import inspect
import multiprocessing
import sys
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar

from hullo.value import Value

if TYPE_CHECKING:  # Windows has no such context
    from multiprocessing.context import ForkServerContext, SpawnContext

PRELOADED_PACKAGES = ("hullo", "hullo_plugins", "hullo_stores")

Contract = TypeVar("Contract")


@cache
def process_context() -> ForkServerContext | SpawnContext:
    """Return a context whose processes share no state with this one.

    Where the system can fork, they are forks of a server that has only imported what this process has imported of
    hullo: importing takes longer than what they are for.
    """
    # Never "fork": a child would inherit locks that a thread of the parent holds, and wait for them for ever.
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    forking = multiprocessing.get_context("forkserver")
    # Only hullo's own packages: a preloaded test module would run its imports in the server.
    forking.set_forkserver_preload([name for name in sys.modules if name.partition(".")[0] in PRELOADED_PACKAGES])
    return forking


class ContractReference(Value, Generic[Contract], kw_only=False):
    """A reference by which another process makes the contract for itself.

    It names the file, as pytest's names for test modules need not be importable.
    """

    file: str
    name: str

    def instantiate(self) -> Contract:
        """Make the contract, equal to that of the process that made the reference."""
        # From the file: a test module of pytest is not importable by its name in a fresh process.
        spec = importlib.util.spec_from_file_location("contract_in_another_process", self.file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # By name, as the class itself cannot be pickled under a module that the other process does not know.
        contract: type[Contract] = getattr(module, self.name)
        return contract()


def reference_to(contract: type[Contract]) -> ContractReference[Contract]:
    """Return a reference to a class at the top level of its module."""
    return ContractReference(inspect.getfile(contract), contract.__name__)
