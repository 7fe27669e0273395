"""What goes over the wire to a database: counted, and cut at will.

    with counting(url) as wire:
        store = open_store(wire.url)
        wire.reset()
        store.find_session(digest)
        assert (wire.statements, wire.trips) == (1, 1)

A proxy in a thread stands between client and server and takes the client's bytes apart, message by message, wherever
TCP happened to break them. A message is counted before it is passed on, so whoever has an answer finds it counted.
Encryption is declined on behalf of the server.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from servers.private import PATIENCE, free_port

ABRUPTLY = struct.pack("ii", 1, 0)
"""SO_LINGER by which closing a socket resets the connection: the client learns of it, and of nothing else."""

Result = TypeVar("Result")


@contextmanager
def counting(url: str) -> Iterator[Wire]:
    """The same database through a proxy, at `wire.url`."""
    wire = Wire(url)
    try:
        yield wire
    finally:
        wire.close()


@dataclass(frozen=True)
class Message:
    """One message of the client. `text` is the SQL if it executes something, `trip` whether it waits for an answer."""

    data: bytes
    text: str | None = None
    trip: bool = False
    reply: bytes = b""
    """What the proxy answers by itself; the server then never hears of the message."""


class Dialect(ABC):
    """Reads what goes over one connection."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def heard(self, data: bytes) -> Iterator[Message]:
        """The client's messages that are complete by now."""
        self._pending += data
        while (size := self._size()) is not None and len(self._pending) >= size:
            message = bytes(self._pending[:size])
            del self._pending[:size]
            yield self._read(message)

    def told(self, data: bytes) -> bytes:
        """What the client is given of what the server says."""
        return data

    @abstractmethod
    def _size(self) -> int | None:
        """Of the message at the beginning of what is pending, once that can be known."""

    @abstractmethod
    def _read(self, message: bytes) -> Message: ...


class PostgresDialect(Dialect):
    """Executing is Query or Execute; waiting is Query or Sync. What was parsed once may be executed often."""

    ENCRYPTION = (80877103, 80877104)  # asked for with TLS and with GSSAPI
    STARTUP = 3  # the protocol's major version

    def __init__(self) -> None:
        super().__init__()
        self._begun = False
        self._parsed: dict[bytes, str] = {}
        self._bound: dict[bytes, str] = {}

    def _size(self) -> int | None:
        kind = 1 if self._begun else 0
        if len(self._pending) < kind + 4:
            return None
        return kind + int.from_bytes(self._pending[kind : kind + 4], "big")

    def _read(self, message: bytes) -> Message:
        if not self._begun:
            code = int.from_bytes(message[4:8], "big")
            self._begun = code >> 16 == self.STARTUP
            return Message(message, reply=b"N" if code in self.ENCRYPTION else b"")
        kind, body = message[:1], message[5:]
        if kind == b"Q":
            return Message(message, text=_text(body.partition(b"\0")[0]), trip=True)
        if kind == b"P":
            name, query, _ = body.split(b"\0", 2)
            self._parsed[name] = _text(query)
        elif kind == b"B":
            portal, name, _ = body.split(b"\0", 2)
            self._bound[portal] = self._parsed.get(name, "")
        elif kind == b"E":
            return Message(message, text=self._bound.get(body.partition(b"\0")[0], ""))
        return Message(message, trip=kind == b"S")


class MySQLDialect(Dialect):
    """A command is a packet with the sequence number 0; it waits for an answer unless it is one of `UNANSWERED`."""

    QUERY, EXECUTE, BULK_EXECUTE = 0x03, 0x17, 0xFA
    UNANSWERED = (0x01, 0x18, 0x19)  # QUIT, STMT_SEND_LONG_DATA, STMT_CLOSE
    TLS = 0x0800

    def __init__(self) -> None:
        super().__init__()
        self._greeting: bytearray | None = bytearray()

    def told(self, data: bytes) -> bytes:
        """The greeting, which comes first, offers encryption in a bit that follows the version and 13 bytes more."""
        if self._greeting is None:
            return data
        self._greeting += data
        if len(self._greeting) < 4 or len(self._greeting) < 4 + int.from_bytes(self._greeting[:3], "little"):
            return b""
        greeting, self._greeting = self._greeting, None
        if greeting[4] == 10:  # and not an error
            at = greeting.index(0, 5) + 14
            offers = int.from_bytes(greeting[at : at + 2], "little") & ~self.TLS
            greeting[at : at + 2] = offers.to_bytes(2, "little")
        return bytes(greeting)

    def _size(self) -> int | None:
        return 4 + int.from_bytes(self._pending[:3], "little") if len(self._pending) >= 4 else None

    def _read(self, message: bytes) -> Message:
        if message[3] != 0 or len(message) == 4:
            return Message(message)
        command, text = message[4], None
        if command == self.QUERY:
            text = _text(message[5:])
        elif command in (self.EXECUTE, self.BULK_EXECUTE):
            text = f"(prepared statement {int.from_bytes(message[5:9], 'little')})"
        return Message(message, text=text, trip=command not in self.UNANSWERED)


DIALECTS: dict[str, type[Dialect]] = {
    "postgresql": PostgresDialect,
    "postgres": PostgresDialect,
    "mysql": MySQLDialect,
    "mariadb": MySQLDialect,
}
PORTS = {PostgresDialect: 5432, MySQLDialect: 3306}


class Wire:
    """The counts are of all connections together, since the last `reset`.

    A statement is what is sent as one: several in one text, with semicolons in between, count once.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._dialect = DIALECTS[parts.scheme]
        options = dict(parse_qsl(parts.query))
        self._server = (
            options.pop("host", "") or unquote(parts.hostname or "127.0.0.1"),
            int(options.pop("port", "") or parts.port or PORTS[self._dialect]),
        )
        self._port = free_port()
        user, at, _ = parts.netloc.rpartition("@")
        query = f"?{urlencode(options)}" if options else ""
        self.url = f"{parts.scheme}://{user}{at}127.0.0.1:{self._port}{parts.path}{query}"
        self.texts: list[str] = []
        """The SQL of each statement, in the order of execution."""
        self.trips = 0
        """How often a client waited for an answer; connecting is not counted."""
        self._break: tuple[re.Pattern[str], bool] | None = None
        self._listener: asyncio.Server | None = None
        self._links: dict[_Link, asyncio.Task[None]] = {}
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._listen())

    @property
    def statements(self) -> int:
        return len(self.texts)

    def reset(self) -> None:
        self.texts.clear()
        self.trips = 0

    def cut(self) -> None:
        """Ends all connections at once. New ones are refused until `mend`, as if no server were there."""
        self._do(self._cut())

    def mend(self) -> None:
        self._do(self._listen())

    def break_before(self, text: str) -> None:
        """Ends one connection, once: that which next sends a statement in which `text`, a regular expression, is
        found. The server never gets it."""
        self._break = (re.compile(text), False)

    def break_after(self, text: str) -> None:
        """The same, but the server executes it. What is lost is what the server says next."""
        self._break = (re.compile(text), True)

    def close(self) -> None:
        self._do(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self._port)

    async def _cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for link in self._links:
            link.end()
        while self._links:
            await asyncio.wait(self._links.values())

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(self._count, self._dialect(), reader, writer)
        if self._listener is None:  # it was cut between the kernel's accepting and ours
            link.end()
            return
        task = asyncio.current_task()
        assert task is not None
        self._links[link] = task
        try:
            await link.carry(*self._server)
        finally:
            link.close()
            del self._links[link]

    def _count(self, message: Message) -> bool | None:
        """Whether the connection is to break here, and then whether the server is to execute this first."""
        self.trips += message.trip
        if message.text is None:
            return None
        self.texts.append(message.text)
        if self._break is None or not self._break[0].search(message.text):
            return None
        (_, executed), self._break = self._break, None
        return executed


class _Link:
    """One client's connection, and the proxy's own to the server."""

    def __init__(
        self,
        count: Callable[[Message], bool | None],
        dialect: Dialect,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._count = count
        self._dialect = dialect
        self._from_client, self._to_client = reader, writer
        self._to_server: asyncio.StreamWriter | None = None
        self._deaf = False

    async def carry(self, host: str, port: int) -> None:
        """Until either side has ended, and the other has been told."""
        try:
            if host.startswith("/"):
                from_server, to_server = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
            else:
                from_server, to_server = await asyncio.open_connection(host, port)
        except OSError:
            return self.end()
        self._to_server = to_server
        if not self._to_client.is_closing():
            await asyncio.gather(self._upwards(to_server), self._downwards(from_server))

    async def _upwards(self, to_server: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await self._from_client.read(65536):
                if not self._pass_on(data, to_server):
                    return self.end()
                await to_server.drain()
        to_server.close()

    def _pass_on(self, data: bytes, to_server: asyncio.StreamWriter) -> bool:
        """False where the connection is to break, and then what came before has been passed on."""
        passed: list[bytes] = []
        breaks: bool | None = None
        for message in self._dialect.heard(data):
            if message.reply:
                self._to_client.write(message.reply)
                continue
            breaks = self._count(message)
            if breaks is False:
                break
            self._deaf |= breaks is True
            passed.append(message.data)
        to_server.write(b"".join(passed))
        return breaks is not False

    async def _downwards(self, from_server: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await from_server.read(65536):
                if self._deaf:
                    return self.end()
                self._to_client.write(self._dialect.told(data))
                await self._to_client.drain()
        self._to_client.close()

    def end(self) -> None:
        """The client's side is reset. The server finds that the client is gone, without a farewell."""
        with suppress(OSError):
            self._to_client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPTLY)
        self._to_client.transport.abort()
        if self._to_server is not None:
            self._to_server.transport.abort()

    def close(self) -> None:
        self._to_client.close()
        if self._to_server is not None:
            self._to_server.close()


def _text(sql: bytes) -> str:
    return sql.decode("utf-8", "replace")
