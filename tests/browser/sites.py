"""Sites on origins of their own: small servers that remember who asked them for what."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 30.0
"""Seconds for which something slow may be held back."""


@dataclass(frozen=True)
class Asked:
    """A line of a site's log."""

    method: str
    target: str
    """Path and query."""
    headers: dict[str, str]
    """By lower-case name."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


@dataclass(frozen=True)
class Part:
    """What a path answers with."""

    text: str
    kind: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    held: threading.Event | None = None
    """Not answered before it is set."""


class Site:
    """Answers at 127.0.0.1, under every name that leads there."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        # What browsers ask every site for.
        self.parts: dict[str, Part] = {"/favicon.ico": Part("", "image/x-icon")}
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.origin = f"{'http' if tls is None else 'https'}://{host}:{self._server.server_port}"

    def put(self, path: str, text: str, kind: str = "text/html; charset=utf-8", **options: Any) -> str:
        """The address at which it is from now on."""
        self.parts[path] = Part(text, kind, **options)
        return self.origin + path

    def script(self, path: str, text: str, **options: Any) -> str:
        return self.put(path, text, "text/javascript; charset=utf-8", **options)

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                site.asked.append(Asked(self.command, self.path, headers))
                part = site.parts.get(urlsplit(self.path).path)
                if part is None:
                    self.send_error(404)
                    return
                if part.held is not None:
                    part.held.wait(PATIENCE)
                body = part.text.encode()
                self.send_response(200)
                for name, value in {"Content-Type": part.kind, "Cache-Control": "no-store", **part.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                """What a link pings."""
                headers = {name.lower(): value for name, value in self.headers.items()}
                site.asked.append(Asked(self.command, self.path, headers))
                self.rfile.read(int(headers.get("content-length", 0)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing: `asked` is the log."""

        return Handler
