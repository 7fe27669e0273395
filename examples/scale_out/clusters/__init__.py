"""Databases of three nodes on one machine, each behind one address, and each with a node that can be killed."""

from __future__ import annotations

from typing import Protocol

from clusters.processes import Nursery


class Cluster(Protocol):
    """Three nodes, and one address that leads to those that can take a write."""

    url: str
    """For `hullo serve --db`."""

    def kill_a_node(self) -> str:
        """Kills one with SIGKILL, and says which."""
        ...


def start_cluster(name: str, nursery: Nursery) -> Cluster:
    """Returns when it takes writes. Raises `Failed`."""
    if name == "galera":
        from clusters.galera import Galera

        return Galera(nursery)
    from clusters.patroni import Patroni

    return Patroni(nursery)
