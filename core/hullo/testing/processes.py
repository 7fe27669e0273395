"""How a contract is put to several processes."""

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
    """Makes processes that know nothing of this one. Where a system can fork, they are forks of one that has done
    nothing but import what this one has imported of hullo, as that takes longer than what they are for."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload([name for name in sys.modules if name.partition(".")[0] in PRELOADED_PACKAGES])
    return forking


class ContractReference(Value, Generic[Contract], kw_only=False):
    """A contract that another process is to make for itself.

    It is named by its file, as the names that pytest gives to test modules need not be importable.
    """

    file: str
    name: str

    def instantiate(self) -> Contract:
        """One of its own, which makes the same as that of the process that named it."""
        spec = importlib.util.spec_from_file_location("contract_in_another_process", self.file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        contract: type[Contract] = getattr(module, self.name)
        return contract()


def reference_to(contract: type[Contract]) -> ContractReference[Contract]:
    """For a class at the top of its module."""
    return ContractReference(inspect.getfile(contract), contract.__name__)
