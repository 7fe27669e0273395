"""One attempt: an HTTP request to an address that was checked, and its result."""

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
"""Seconds for one attempt in all: name lookup, connect, request and response."""
MAX_RESPONSE_BYTES: Final = 4096
"""Bytes of a response's body that are read and ignored, so that the receiver is not cut off while it writes."""
MAX_RETRY_AFTER: Final = 24 * 3600
"""Seconds that a receiver may ask for with `Retry-After`."""
GONE: Final = 410


class Attempt(Value):
    """The result of one attempt."""

    status: int | None
    """The HTTP status. None: there was no response."""
    reason: str | None = None
    """None: it was delivered. Else why not, without personal data and without text of the response."""
    is_retryable: bool = True
    """Whether another attempt may succeed."""
    retry_after: int = 0
    """Seconds to wait that the receiver asked for; 0: none."""


class Sender:
    """Post to URLs that users choose, but never to an address that is not public.

    Each attempt resolves the name once, and connects to an address that was checked then, so that a name which points
    elsewhere a moment later (DNS rebinding) gains nothing. Redirects are not followed, and proxies of the environment
    are not used. Safe to use from several threads.
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
        """Check a URL now. Raises `UnusableUrl` when it may not be posted to."""
        resolve_public(parse_url(url, development=self._development), self._resolver, development=self._development)

    def post(self, url: str, headers: Mapping[str, str], body: str) -> Attempt:
        """Post a body. Never raises for a network or HTTP error; that becomes `Attempt.reason`."""
        # Monotonic: an attempt must not last longer because the wall clock was set back.
        deadline = time.monotonic() + self._timeout
        try:
            target = parse_url(url, development=self._development)
            # Checked at each attempt: the name may lead elsewhere than when the webhook was made (SSRF).
            addresses = resolve_public(target, self._resolver, development=self._development)
        except UnusableUrl as error:
            return Attempt(status=None, reason=f"its URL {error}")
        try:
            with _DeadlineSocket(deadline) as sock:
                sock.connect(target, addresses, self._tls_context if target.secure else None)
                return _send_request(target, sock, headers, body.encode())
        # Timeouts and TLS errors are `OSError` too; `HTTPException` is an answer that is no HTTP.
        except (OSError, HTTPException) as failed:
            return Attempt(status=None, reason=self._failure_reason(failed))

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        # Made once, with the first request: it reads the system's certificates from disk.
        return self._ssl_context if self._ssl_context is not None else ssl.create_default_context()

    def _failure_reason(self, failed: Exception) -> str:
        # The reasons are our own words: the text of an error may quote what the receiver sent (P4).
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


def _send_request(target: Target, sock: _DeadlineSocket, headers: Mapping[str, str], body: bytes) -> Attempt:
    # Of ours last: they win over headers of the caller. One request a connection, as the next attempt resolves anew.
    own = {"content-type": "application/json", "user-agent": _USER_AGENT, "connection": "close"}
    connection = _PinnedConnection(target, sock)
    # `http.client` calls `connect` itself, which finds the socket that is checked and connected.
    connection.request("POST", target.path, body, {**headers, **own})
    with connection.getresponse() as response:
        # The status is known: a body that breaks off changes nothing about it.
        with suppress(OSError, HTTPException):
            response.read(MAX_RESPONSE_BYTES)
        return _attempt_from(response)


def _attempt_from(response: HTTPResponse) -> Attempt:
    status = response.status
    if 200 <= status < 300:
        return Attempt(status=status)
    # A redirect could lead to an address that was not checked. It is retried, as the receiver may be mended.
    if 300 <= status < 400:
        return Attempt(status=status, reason=f"it answered {status}, and redirects are not followed")
    # Standard Webhooks: 410 asks the sender to stop.
    if status == GONE:
        return Attempt(
            status=status, reason=f"it answered {status}: it does not want to be told of this", is_retryable=False
        )
    asked = response.headers.get("retry-after", "")
    # RFC 9110, section 10.2.3, allows a date too; the seconds alone are read. The length bounds the work of `int`.
    wait = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 0
    return Attempt(status=status, reason=f"it answered {status}", retry_after=min(wait, MAX_RETRY_AFTER))


class _DeadlineSocket:
    """A socket for `http.client` on which all calls together end at one deadline.

    A timeout of a plain socket begins anew with every byte, so that a slow receiver could hold a thread for hours.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._socket: socket.socket | None = None

    def __enter__(self) -> _DeadlineSocket:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()

    def connect(self, target: Target, addresses: Sequence[str], context: ssl.SSLContext | None) -> None:
        """Connect to the first address that accepts, in an equal share of the time for each. Checks the certificate."""
        for number, address in enumerate(addresses):
            others = len(addresses) - number - 1
            # A share of what remains: one dead address must not use up the time of the others.
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
            # The certificate is checked for the name, although the connection goes to an address.
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
        """Do nothing: `http.client` closes its connection before the response is read. `__exit__` closes the socket."""

    def _remaining(self) -> float:
        left = self._deadline - time.monotonic()
        # A timeout of 0 would mean non-blocking, and a negative one is an error.
        if left <= 0:
            raise TimeoutError
        return left


class _SocketReader(io.RawIOBase):
    """Reads from a socket, for a buffer."""

    def __init__(self, sock: _DeadlineSocket) -> None:
        self._socket = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        return self._socket.recv_into(buffer)


class _PinnedConnection(HTTPConnection):
    """An HTTP connection under the target's name, over a socket that is connected already."""

    def __init__(self, target: Target, sock: _DeadlineSocket) -> None:
        self.default_port = 443 if target.secure else 80  # so that the header `Host` leaves it out
        super().__init__(target.host, target.port)
        # Kept beside `sock`, which `http.client` sets to None until it connects.
        self._connected: Any = sock

    def connect(self) -> None:
        self.sock = self._connected
