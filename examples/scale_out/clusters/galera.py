"""MariaDB with Galera: three nodes that all take writes. A commit is answered once every node has it.

Two writers that meet, each on a node of its own, find out at COMMIT: one of them gets error 1213, a deadlock, and
has to do its transaction again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from clusters.galera_check import CREATE_USER, haproxy_lines, is_synced
from clusters.haproxy import haproxy, start_haproxy
from clusters.processes import Child, Nursery, find_program, free_ports, require, server_user, wait_until

NODES: Final = 3
PACKAGES: Final = "mariadb-server galera-4 rsync haproxy"
PROVIDERS: Final = (
    "/usr/lib/galera/libgalera_smm.so",
    "/usr/lib64/galera-4/libgalera_smm.so",
    "/usr/lib64/galera/libgalera_smm.so",
)
OPTIONS: Final = (
    # What Galera requires.
    "--binlog-format=ROW",
    "--default-storage-engine=InnoDB",
    "--innodb-autoinc-lock-mode=2",
    # A read waits for what other nodes have answered before it. Without this, a person who was created through one
    # node may not be found through the next, for some milliseconds.
    "--wsrep-sync-wait=1",
    # A new node copies the files of another one. rsync comes with the server; mariabackup would be a package more.
    "--wsrep-sst-method=rsync",
    # Three of them fit beside everything else.
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=32M",
    "--skip-name-resolve",
    "--bind-address=127.0.0.1",
)
USERS: Final = """\
FLUSH PRIVILEGES;
CREATE DATABASE hullo CHARACTER SET utf8mb4;
CREATE USER hullo@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL ON hullo.* TO hullo@'127.0.0.1';
{check};
"""


@dataclass(frozen=True)
class Node:
    """Where one of them listens: for clients, for the other nodes, and for what it missed or has to copy."""

    name: str
    folder: Path
    sql: int
    group: int
    missed: int
    copy: int


class Galera:
    """The first node begins a cluster, the others join it one by one."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._user = server_user("mysql")
        self._server = find_program("mariadbd")
        self._install = find_program("mariadb-install-db")
        self._provider = next((each for each in PROVIDERS if Path(each).exists()), None)
        found = {
            "mariadbd": self._server,
            "mariadb-install-db": self._install,
            "libgalera_smm.so": self._provider,
            "rsync": find_program("rsync"),
            "haproxy": haproxy(),
        }
        require("--cluster galera", found, PACKAGES)
        password = secrets.token_hex(16)
        ports = free_ports(4 * NODES)
        self._nodes = [
            Node(f"galera{each + 1}", nursery.make_folder(f"galera{each + 1}", self._user), *ports[4 * each :][:4])
            for each in range(NODES)
        ]
        self._install_first(password)
        self._children = [self._start(node) for node in self._nodes]
        # Every node takes writes, so every one gets its share: when one dies, only a third of the connections do.
        # With one writer at a time (`balance first`) nobody would meet anybody at COMMIT, and all would have to move.
        _, port = start_haproxy(
            nursery,
            ["balance leastconn", *haproxy_lines()],
            [f"127.0.0.1:{node.sql}" for node in self._nodes],
        )
        self.url = f"mysql://hullo:{password}@127.0.0.1:{port}/hullo"
        wait_until(partial(is_synced, port), "HAProxy to find a node", 20, self._children)

    def kill_a_node(self) -> str:
        """The one that began the cluster: it is nothing special."""
        self._children[0].kill()
        return f"{self._nodes[0].name}, one of {NODES} that take writes"

    def _install_first(self, password: str) -> None:
        first = self._nodes[0]
        print(f"installing {first.name}", flush=True)
        users = self._nursery.folder / "users.sql"
        users.touch(mode=0o600)
        users.write_text(USERS.format(password=password, check=CREATE_USER))
        self._nursery.run(
            "mariadb-install-db",
            [
                str(self._install),
                "--no-defaults",
                f"--datadir={first.folder}",
                "--skip-test-db",
                f"--extra-file={users}",
                *([f"--user={self._user}"] if self._user else []),
            ],
        )

    def _start(self, node: Node) -> Child:
        print(f"starting {node.name}", flush=True)
        begins = node is self._nodes[0]
        others = ",".join(f"127.0.0.1:{each.group}" for each in self._nodes)
        provider_options = {
            "gmcast.listen_addr": f"tcp://127.0.0.1:{node.group}",
            "ist.recv_addr": f"127.0.0.1:{node.missed}",
            "gcache.size": "32M",
            # How long nobody may have heard of a node until the others go on without it (PT5S unless told). This is
            # the gap: until then no commit is answered. Where machines pause for longer than this, leave it.
            "evs.suspect_timeout": "PT3S",
        }
        child = self._nursery.start(
            node.name,
            [
                str(self._server),
                "--no-defaults",
                *OPTIONS,
                f"--datadir={node.folder}",
                f"--socket={node.folder}/mysqld.sock",
                f"--pid-file={node.folder}/mysqld.pid",
                f"--port={node.sql}",
                "--wsrep-on=ON",
                f"--wsrep-provider={self._provider}",
                "--wsrep-provider-options=" + ";".join(f"{name}={value}" for name, value in provider_options.items()),
                "--wsrep-cluster-name=hullo",
                f"--wsrep-cluster-address=gcomm://{others}",
                f"--wsrep-node-name={node.name}",
                f"--wsrep-node-address=127.0.0.1:{node.group}",
                f"--wsrep-sst-receive-address=127.0.0.1:{node.copy}",
                *(["--wsrep-new-cluster"] if begins else []),
            ],
            user=self._user,
        )
        wait_until(partial(is_synced, node.sql), f"{node.name} to join", 90, [child])
        return child
