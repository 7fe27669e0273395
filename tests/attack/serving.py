"""A real `hullo serve`, and what an attacker may send to it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2

from cli.serving import PATIENCE, Reply, Server
from cli.terminal import HULLO
from hullo.application import Hullo

ENGINES = ("sqlite", "postgresql")

CROWD = 16
"""How many callers try the same thing at the same moment."""

Done = TypeVar("Done")
Headers = Sequence[tuple[str, str]]

_ID = re.compile(rb"\b(vis|con|req|cnv|msg|dec|cfl|app|evt)_[0-9a-z]{26}\b")
_SESSION = re.compile(rb"\bhvs_[0-9a-f]{64}\b")
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_COMPACT = re.compile(rb"\b[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{43}\b")
_TROUBLE = re.compile(r"level=(error|critical)|Traceback|Exception")


class Target:
    """A server process over one database; `hullo` is its operator, who makes apps and keys in the same database."""

    def __init__(self, server: Server, stdout: Path, hullo: Hullo) -> None:
        self.server, self.hullo = server, hullo
        self.url = server.url
        self.host = urlsplit(server.url).netloc
        self._streams = (server.log, stdout)
        self._http = httpx2.Client(base_url=server.url, trust_env=False, timeout=PATIENCE)
        self._places = iter(range(1_000_000))

    def call(
        self, method: str, path: str, *, json: Any = None, content: bytes | None = None, headers: Headers = ()
    ) -> httpx2.Response:
        """One request, exactly as said: nothing is remembered from call to call, and no redirect is followed."""
        self._http.cookies.clear()
        return self._http.request(method, path, json=json, content=content, headers=list(headers))

    def raw(self, sent: bytes, *, source: str = "127.0.0.1") -> bytes:
        """All that is answered until the server hangs up, to bytes that no polite client would send."""
        address = (urlsplit(self.url).hostname or "", urlsplit(self.url).port or 0)
        answered = b""
        with socket.create_connection(address, timeout=PATIENCE, source_address=(source, 0)) as connection:
            try:
                connection.sendall(sent)
                while chunk := connection.recv(65536):
                    answered += chunk
            except ConnectionError:
                pass  # it did not wait for the end
        return answered

    def name(self, stem: str) -> str:
        """A name that nobody else in this database has, always as long as any other of this stem."""
        return f"{stem}-{next(self._places):06}"

    def answer_to(
        self, request: str | bytes, body: bytes = b"", *, headers: Headers = (), source: str = "127.0.0.1"
    ) -> Reply:
        """What is answered to this request line and these headers, sent byte by byte as they are."""
        line = request.encode("latin-1") if isinstance(request, str) else request
        sent = [("Host", self.host), ("Connection", "close"), ("Content-Length", str(len(body)))]
        named = {name.lower() for name, _ in headers}
        lines = [
            f"{name}: {value}" for name, value in (*(each for each in sent if each[0].lower() not in named), *headers)
        ]
        return reply_in(
            self.raw(b"\r\n".join([line, *(each.encode("latin-1") for each in lines), b"", body]), source=source)
        )

    def printed(self) -> list[int]:
        """How many bytes the process has printed so far, on each stream."""
        return [path.stat().st_size for path in self._streams]

    def told(self, since: Sequence[int] = (0, 0)) -> str:
        """Everything that the process has printed, on either stream, since it had printed so much."""
        texts: list[str] = []
        for path, already in zip(self._streams, since, strict=True):
            with path.open("rb") as stream:
                stream.seek(already)
                texts.append(stream.read().decode())
        return "".join(texts)

    @property
    def memory(self) -> int:
        """The most memory that the process has held so far, in bytes."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert peak is not None
        return int(peak[1]) * 1024

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Whatever is tried meanwhile, the process logs no error and is there afterwards."""
        before = self.printed()
        yield
        assert self.server.process.poll() is None
        told = self.told(before)
        assert not _TROUBLE.search(told), told

    def close(self) -> None:
        self._http.close()
        self.hullo.close()
        self.server.end()


def begin(folder: Path, url: str, **environment: str) -> Target:
    """Starts a server over that database, with the settings of a `hullo.toml` in the folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HULLO_")}
    log, stdout = folder / "stderr.log", folder / "stdout.log"
    with log.open("wb") as to_log, stdout.open("wb") as to_stdout:
        process = subprocess.Popen(
            [*HULLO, "serve", "--port", "0", "--db", url],
            cwd=folder,
            env={**kept, **environment},
            stdout=to_stdout,
            stderr=to_log,
        )
    server = Server(process, log)
    try:
        return Target(server.ready(), stdout, Hullo(url).open())
    except BaseException:
        server.end()
        raise


def at_once(attempt: Callable[[], Done], times: int = CROWD) -> list[Done]:
    """What comes of the same attempt by so many callers who all begin together."""
    together = threading.Barrier(times)

    def one(_: int) -> Done:
        together.wait(PATIENCE)
        return attempt()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def reply_in(answered: bytes) -> Reply:
    """The first answer in what a server sent. Status 0: there is none, and the connection was just closed."""
    head, _, body = answered.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        return Reply(0, {}, answered)
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Reply(int(status.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, body)


def masked(text: bytes) -> bytes:
    """The same without what is random, each replaced by as many characters."""
    text = _ID.sub(lambda found: found[1] + b"_" + b"x" * 26, text)
    text = _SESSION.sub(b"hvs_" + b"x" * 64, text)
    text = _COMPACT.sub(lambda found: b"t" * len(found[0]), text)
    return _TIME.sub(b"0000-00-00T00:00:00.000Z", text)


def seen(answer: httpx2.Response) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Everything that a caller can tell two answers apart by, but for what is random and for when it came."""
    headers = [(name.lower(), masked(value)) for name, value in answer.headers.raw if name.lower() != b"date"]
    return answer.status_code, headers, masked(answer.content)
