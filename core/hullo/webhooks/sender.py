"""One try: a request to an address that was found fit, and what came of it."""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse
from importlib.metadata import version
from typing import Any, Final

from typing_extensions import Buffer

from hullo.value import Value
from hullo.webhooks.addresses import Resolver, Target, UnusableUrl, parse_url, resolve_public, system_resolver

TIMEOUT: Final = 10.0
"""For all of one try: finding the address, connecting, sending, being answered."""
MAX_RESPONSE_BYTES: Final = 4096
"""Bytes of an answer's body that are read, so that the other side is not cut off while it writes. Nobody looks at
them."""
MAX_RETRY_AFTER: Final = 24 * 3600
"""Seconds that the other side may ask for."""
GONE: Final = 410


class Attempt(Value):
    """What came of one try."""

    status: int | None
    """None: there was no answer."""
    reason: str | None = None
    """None: it was taken. Else why not, in words that hold nothing personal and nothing of the answer."""
    is_retryable: bool = True
    """Whether another try makes sense."""
    retry_after: int = 0
    """How many seconds the other side asked to be left alone for."""


class Sender:
    """Posts to whatever its webhook says, and to no address that is not for everybody.

    The name is resolved once for each try, and the connection is made to an address that was looked at then: a name
    that leads elsewhere a moment later (DNS rebinding) leads nowhere. Redirects are not followed, proxies of the
    environment not asked. Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        development: bool,
        resolver: Resolver = system_resolver,
        timeout: float = TIMEOUT,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._development = development
        self._resolver = resolver
        self._timeout = timeout
        self._ssl_context = ssl_context

    def require_usable(self, url: str) -> None:
        """Raises `Unfit` for a URL that may not be posted to now."""
        resolve_public(parse_url(url, development=self._development), self._resolver, development=self._development)

    def post(self, url: str, headers: Mapping[str, str], body: str) -> Attempt:
        """Says what came of it, whatever that is."""
        deadline = time.monotonic() + self._timeout
        try:
            target = parse_url(url, development=self._development)
            addresses = resolve_public(target, self._resolver, development=self._development)
        except UnusableUrl as unfit:
            return Attempt(status=None, reason=f"its URL {unfit}")
        try:
            with _DeadlineSocket(deadline) as line:
                line.connect(target, addresses, self._tls_context if target.secure else None)
                return _send_request(target, line, headers, body.encode())
        except (OSError, HTTPException) as failed:
            return Attempt(status=None, reason=self._failure_reason(failed))

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        return self._ssl_context if self._ssl_context is not None else ssl.create_default_context()

    def _failure_reason(self, failed: Exception) -> str:
        if isinstance(failed, TimeoutError):
            return f"it did not answer within {self._timeout:g} seconds"
        if isinstance(failed, ConnectionRefusedError):
            return "it refused the connection"
        if isinstance(failed, ssl.SSLCertVerificationError):
            return f"its certificate is not good: {failed.verify_message}"
        if isinstance(failed, ssl.SSLError):
            return "it speaks no TLS that is understood here"
        return "the connection broke" if isinstance(failed, OSError) else "what it answered is no HTTP"


_USER_AGENT: Final = f"hullo/{version('hullo')}"


def _send_request(target: Target, line: _DeadlineSocket, headers: Mapping[str, str], body: bytes) -> Attempt:
    about = {"content-type": "application/json", "user-agent": _USER_AGENT, "connection": "close"}
    connection = _PinnedConnection(target, line)
    connection.request("POST", target.path, body, {**headers, **about})
    with connection.getresponse() as answer:
        with suppress(OSError, HTTPException):
            answer.read(MAX_RESPONSE_BYTES)
        return _attempt_from(answer)


def _attempt_from(answer: HTTPResponse) -> Attempt:
    status = answer.status
    if 200 <= status < 300:
        return Attempt(status=status)
    if 300 <= status < 400:
        return Attempt(status=status, reason=f"it answered {status}, and redirects are not followed")
    if status == GONE:
        return Attempt(
            status=status, reason=f"it answered {status}: it does not want to be told of this", is_retryable=False
        )
    asked = answer.headers.get("retry-after", "")
    wait = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 0
    return Attempt(status=status, reason=f"it answered {status}", retry_after=min(wait, MAX_RETRY_AFTER))


class _DeadlineSocket:
    """A socket, as far as `http.client` wants one, on which everything together ends at the deadline: a timeout of
    the socket alone begins anew with every byte."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._socket: socket.socket | None = None

    def __enter__(self) -> _DeadlineSocket:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()

    def connect(self, target: Target, addresses: Sequence[str], context: ssl.SSLContext | None) -> None:
        """To the first address that takes it; each has its share of the time. The certificate must be the name's."""
        for number, address in enumerate(addresses):
            others = len(addresses) - number - 1
            share = self._remaining() / (others + 1)
            try:
                self._socket = socket.create_connection((address, target.port), share)
                break
            except OSError:
                if not others:
                    raise
        assert self._socket is not None
        if context is not None:
            self._socket.settimeout(self._remaining())
            self._socket = context.wrap_socket(self._socket, server_hostname=target.host)

    def sendall(self, data: bytes) -> None:
        assert self._socket is not None
        self._socket.settimeout(self._remaining())
        self._socket.sendall(data)

    def recv_into(self, buffer: Buffer) -> int:
        assert self._socket is not None
        self._socket.settimeout(self._remaining())
        return self._socket.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_SocketReader(self))

    def close(self) -> None:
        """Nothing: the answer is still to be read when `http.client` has done with the connection."""

    def _remaining(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _SocketReader(io.RawIOBase):
    """What comes in, for a buffer."""

    def __init__(self, line: _DeadlineSocket) -> None:
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        return self._line.recv_into(buffer)


class _PinnedConnection(HTTPConnection):
    """A connection that is made already, under the target's name."""

    def __init__(self, target: Target, line: _DeadlineSocket) -> None:
        self.default_port = 443 if target.secure else 80  # which `Host` leaves out
        super().__init__(target.host, target.port)
        self._line: Any = line

    def connect(self) -> None:
        self.sock = self._line
