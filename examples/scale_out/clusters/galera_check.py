"""Can this Galera node take a write? Asked in MySQL's own protocol, by HAProxy each second and here while it starts.

HAProxy's `option mysql-check` only logs in, and a node that has lost the others still lets everybody in: it then
answers each statement with error 1047. So the check logs in, asks for the node's state, and wants to hear "synced".
"""

from __future__ import annotations

import socket
from typing import Final

USER: Final = "haproxy"
CREATE_USER: Final = f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED VIA mysql_native_password"
"""Without a password: it may see how the node is, which everybody may, and nothing else."""

_QUESTION: Final = (
    # Without waiting for the others: while the cluster finds out that a node is gone, a read that waits is not
    # answered, the check would fail everywhere, and HAProxy would cut off commits that are about to succeed.
    "SET STATEMENT wsrep_sync_wait = 0 FOR "
    "SELECT CONCAT('state ', variable_value) FROM information_schema.global_status "
    "WHERE variable_name = 'wsrep_local_state'"
)
_SYNCED: Final = "state 4"
# Protocol 4.1, a secure connection and a plugin that authenticates; packets up to 16 MiB; utf8; no password.
_LOGIN: Final = (
    (0x200 | 0x8000 | 0x80000).to_bytes(4, "little")
    + (1 << 24).to_bytes(4, "little")
    + bytes([33])
    + bytes(23)
    + USER.encode()
    + b"\0\0mysql_native_password\0"
)


def _packet(number: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "little") + bytes([number]) + content


# A query is command 3, to leave is command 1. The greeting was packet 0, so the login is packet 1.
_CONVERSATION: Final = (_packet(1, _LOGIN), _packet(0, b"\x03" + _QUESTION.encode()), _packet(0, b"\x01"))


def haproxy_lines() -> list[str]:
    """The same for HAProxy."""
    login, question, leave = (each.hex() for each in _CONVERSATION)
    return [
        "option tcp-check",
        "tcp-check connect",
        "tcp-check expect string mysql_native_password",
        f"tcp-check send-binary {login}",
        f"tcp-check send-binary {question}",
        f'tcp-check expect string "{_SYNCED}"',
        f"tcp-check send-binary {leave}",
    ]


def is_synced(port: int) -> bool:
    """Whether the node there, or the one that HAProxy leads to, takes writes."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as node, node.makefile("rb") as heard:
            if not node.recv(1024):
                return False
            node.sendall(b"".join(_CONVERSATION))
            return _SYNCED.encode() in heard.read()
    except OSError:
        return False
