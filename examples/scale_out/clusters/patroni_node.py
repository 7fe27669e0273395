"""One node of a Patroni cluster: what its Patroni is told, what it answers, and how its PostgreSQL is ended."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from clusters.processes import Child, descendants, kill_all


@dataclass(frozen=True)
class Secrets:
    """The passwords of PostgreSQL's superuser, and of those who replicate."""

    superuser: str
    replication: str


@dataclass(frozen=True)
class Node:
    """Where it lives and listens: PostgreSQL for clients, Patroni for whoever asks how it is."""

    name: str
    folder: Path
    sql: int
    rest: int

    @property
    def patroni(self) -> str:
        return f"127.0.0.1:{self.rest}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def write_config(
        self, etcd: str, agreement: Mapping[str, Any], hidden: Secrets, programs: Path, user: str | None
    ) -> Path:
        """Patroni's settings. They are YAML, which JSON is too."""
        loopback = "127.0.0.1/32 scram-sha-256"
        config = {
            "scope": "hullo",
            "name": self.name,
            "etcd3": {"hosts": [etcd]},
            "restapi": {"listen": self.patroni, "connect_address": self.patroni},
            "bootstrap": {
                "dcs": agreement,
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, {"auth": "scram-sha-256"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.sql}",
                "connect_address": f"127.0.0.1:{self.sql}",
                "data_dir": str(self.data),
                "bin_dir": str(programs),
                "pgpass": str(self.folder / "pgpass"),
                "pg_hba": [f"host all all {loopback}", f"host replication replicator {loopback}"],
                "parameters": {"unix_socket_directories": ""},
                "authentication": {
                    "superuser": {"username": "postgres", "password": hidden.superuser},
                    "replication": {"username": "replicator", "password": hidden.replication},
                    "rewind": {"username": "postgres", "password": hidden.superuser},
                },
            },
        }
        path = self.folder / "patroni.yml"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config, indent=2))
        if user is not None:
            shutil.chown(path, user)
        return path

    def kill(self, patroni: Child) -> None:
        """SIGKILL for Patroni and PostgreSQL at once."""
        postgres = self._postgres()
        kill_all([*postgres, patroni.pid, *descendants(patroni.pid)])
        patroni.kill()
        # A killed PostgreSQL leaves a few bytes of System V shared memory, and would find them when started again.
        with suppress(OSError, IndexError):
            segment = (self.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
            subprocess.run(["ipcrm", "--shmem-id", segment], check=False, capture_output=True)

    def end_postgres(self) -> None:
        """Ends it without a last checkpoint, as its data is thrown away. Does nothing where it is not running."""
        if running := self._postgres():
            with suppress(ProcessLookupError):
                os.kill(running[0], signal.SIGQUIT)
            late = time.monotonic() + 5
            while self._postgres() and time.monotonic() < late:
                time.sleep(0.05)
            kill_all(running)

    def _postgres(self) -> list[int]:
        """Its processes, the first being the one that started the others.

        Patroni starts it as nobody's child, so that it outlives a Patroni that is being updated.
        """
        with suppress(OSError, ValueError, IndexError):
            first = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            # The file may be older than a process that has got the same number since.
            if Path(f"/proc/{first}/cwd").resolve() == self.data.resolve():
                return [first, *descendants(first)]
        return []


def says_yes(address: str, path: str) -> bool:
    """Whether the answer to `GET path` there is 200."""
    connection = HTTPConnection(address, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
