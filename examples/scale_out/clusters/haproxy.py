"""One address for several nodes. HAProxy asks every node each second whether it can take a write, and knows no SQL.

Outside an example it runs beside every hullo, so that it is no single point of failure itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from clusters.processes import Child, Failed, Nursery, find_program, free_ports, server_user

FIRST_CHECKS_SECONDS: Final = 1.5
"""Until its first check a node counts as well, and for that long a write might be sent to a replica."""
_CONFIG: Final = """\
global
    maxconn 1000

defaults
    mode tcp
    timeout connect 1s
    # Pooled connections are silent at night; nothing but the database should end them.
    timeout client 1h
    timeout server 1h
    # The node that was chosen is gone, and the next check has not found out yet: choose another.
    retries 3
    option redispatch 1

listen database
    bind 127.0.0.1:{port}
{balance}
    # Whoever talks to a node that has failed its check is cut off, and connects again to one that has not.
    default-server check inter 1s fastinter 250ms downinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
{nodes}
"""


def haproxy() -> str | None:
    """Where it is, or None."""
    return find_program("haproxy")


def start_haproxy(nursery: Nursery, balance: Sequence[str], nodes: Sequence[str]) -> tuple[Child, int]:
    """Starts it with the given lines on how to choose, and a line a node: `127.0.0.1:3306`, and options.

    Gives its port too.
    """
    program = haproxy()
    if program is None:
        raise Failed("haproxy is missing")
    (port,) = free_ports(1)
    config = Path(nursery.folder, "haproxy.cfg")
    config.write_text(
        _CONFIG.format(
            port=port,
            balance="\n".join(f"    {line}" for line in balance),
            nodes="\n".join(f"    server node{number} {node}" for number, node in enumerate(nodes, 1)),
        )
    )
    child = nursery.start("haproxy", [program, "-db", "-f", str(config)], user=server_user("haproxy"))
    time.sleep(FIRST_CHECKS_SECONDS)
    child.must_run()
    return child, port
