"""PostgreSQL with Patroni: one primary that takes writes, two replicas, and etcd, where they agree on who is which.

A commit is answered once a replica has it too, and only such a replica may become the next primary.
"""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import Any, Final

from clusters.haproxy import haproxy, start_haproxy
from clusters.patroni_node import Node, Secrets, says_yes
from clusters.processes import Child, Nursery, find_program, free_ports, require, server_user, wait_until

NODES: Final = 3
PACKAGES: Final = "postgresql patroni etcd-server haproxy"
WHERE_DEBIAN_KEEPS_POSTGRESQL: Final = [f"/usr/lib/postgresql/{version}/bin" for version in range(20, 12, -1)]

AGREEMENT: Final[dict[str, Any]] = {
    # A primary that is not heard of for `ttl` seconds is replaced, and this is most of the gap. Newer versions of
    # Patroni take no less than 20.
    "ttl": 10,
    "loop_wait": 1,
    "retry_timeout": 3,
    # A commit waits for a replica, and only that one is ever promoted. Strict: it waits too while there is none,
    # instead of answering for what one machine alone has.
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    # Where only PostgreSQL fails, and Patroni does not: replace the primary, rather than starting it again first.
    "primary_start_timeout": 0,
    "postgresql": {
        "use_pg_rewind": True,
        "parameters": {
            "max_connections": 100,
            "shared_buffers": "32MB",
            # How long a replica that has lost its primary waits before it asks for the next one: 5 seconds unless told.
            "wal_retrieve_retry_interval": "500ms",
            # Shared memory in the data folder, where nothing outlives a kill.
            "dynamic_shared_memory_type": "mmap",
        },
    },
}
DATABASE: Final = """\
CREATE ROLE hullo LOGIN PASSWORD '{password}';
CREATE DATABASE hullo OWNER hullo;
"""


class Patroni:
    """The first node makes the database, the others copy it and follow."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._user = server_user("postgres")
        self._programs = {
            "patroni": find_program("patroni"),
            "etcd": find_program("etcd"),
            # Of PostgreSQL's programs the one that is linked from nowhere: the others are beside it.
            "pg_controldata": find_program("pg_controldata", WHERE_DEBIAN_KEEPS_POSTGRESQL),
            "haproxy": haproxy(),
        }
        require("--cluster patroni", self._programs, PACKAGES)
        self._postgresql = Path(str(self._programs["pg_controldata"])).resolve().parent
        hidden = Secrets(superuser=secrets.token_hex(16), replication=secrets.token_hex(16))
        password = secrets.token_hex(16)
        etcd = self._start_etcd()
        self._nodes = self._make_nodes()
        self._children = [self._start(node, etcd, hidden) for node in self._nodes]
        wait_until(self._is_whole, "a synchronous replica", 60, self._children)
        primary = self._nodes[self._primary()]
        self._sql(DATABASE.format(password=password), primary, hidden)
        # Patroni says which one is the primary, to whoever asks by HTTP. The others are never asked for anything.
        _, port = start_haproxy(
            nursery,
            ["option httpchk OPTIONS /primary", "http-check expect status 200"],
            [f"127.0.0.1:{node.sql} port {node.rest}" for node in self._nodes],
        )
        self.url = f"postgresql://hullo:{password}@127.0.0.1:{port}/hullo"

    def kill_a_node(self) -> str:
        """The primary, with its Patroni: whatever was running on that machine."""
        killed = self._primary()
        self._nodes[killed].kill(self._children[killed])
        return f"{self._nodes[killed].name}, the primary"

    def _make_nodes(self) -> list[Node]:
        ports = free_ports(2 * NODES)
        return [
            Node(name, self._nursery.make_folder(name, self._user), ports[2 * each], ports[2 * each + 1])
            for each, name in enumerate(f"postgres{number}" for number in range(1, NODES + 1))
        ]

    def _start_etcd(self) -> str:
        """One only: it is what this example does without. It belongs on three machines, as the database does."""
        clients, peers = (f"127.0.0.1:{port}" for port in free_ports(2))
        command = {
            "--name": "etcd",
            "--data-dir": str(self._nursery.make_folder("etcd", self._user)),
            "--log-level": "warn",
            "--listen-client-urls": f"http://{clients}",
            "--advertise-client-urls": f"http://{clients}",
            "--listen-peer-urls": f"http://{peers}",
            "--initial-advertise-peer-urls": f"http://{peers}",
            "--initial-cluster": f"etcd=http://{peers}",
        }
        print("starting etcd", flush=True)
        options = [f"{name}={value}" for name, value in command.items()]
        child = self._nursery.start("etcd", [str(self._programs["etcd"]), *options], user=self._user)
        wait_until(partial(says_yes, clients, "/health"), "etcd", 30, [child])
        return clients

    def _start(self, node: Node, etcd: str, hidden: Secrets) -> Child:
        print(f"starting {node.name}", flush=True)
        config = node.write_config(etcd, AGREEMENT, hidden, self._postgresql, self._user)
        # Registered before Patroni is started, and so called after it is killed: else it would start PostgreSQL again.
        self._nursery.callback(node.end_postgres)
        child = self._nursery.start(node.name, [str(self._programs["patroni"]), str(config)], user=self._user)
        path = "/primary" if node is self._nodes[0] else "/replica"
        wait_until(partial(says_yes, node.patroni, path), f"{node.name} to serve", 90, [child])
        return child

    def _primary(self) -> int:
        def found() -> list[int]:
            return [each for each, node in enumerate(self._nodes) if says_yes(node.patroni, "/primary")]

        wait_until(lambda: bool(found()), "a primary", 30)
        return found()[0]

    def _is_whole(self) -> bool:
        return any(says_yes(node.patroni, "/synchronous") for node in self._nodes)

    def _sql(self, statements: str, node: Node, hidden: Secrets) -> None:
        self._nursery.run(
            "psql",
            [
                str(self._postgresql / "psql"),
                f"--dbname=host=127.0.0.1 port={node.sql} user=postgres dbname=postgres",
                "--no-psqlrc",
                "--set=ON_ERROR_STOP=1",
            ],
            variables={"PGPASSWORD": hidden.superuser},
            told=statements,
        )
