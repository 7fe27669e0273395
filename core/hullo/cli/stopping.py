"""The end of `hullo serve`: a connection is refused before it is accepted, or it is answered."""

from __future__ import annotations

import signal
import socket
from types import FrameType
from typing import Any

import anyio
import uvicorn
from uvicorn.supervisors import Multiprocess, multiprocess


class DrainingServer(uvicorn.Server):
    """A server that serves what has connected before it takes no more."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, answer every connection that waits, then end as uvicorn does."""
        # uvicorn closes the listeners with connections in their backlog, and the system resets those.
        listeners = [listener.dup() for listener in sockets or ()]
        loop = self.servers[0].get_loop() if self.servers else None
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        # The loop gives up its own handle of a listener a moment later.
        await anyio.sleep(0)
        for connection in [connection for listener in listeners for connection in _accept_waiting(listener)]:
            assert loop is not None, "a listener has a server"
            await loop.connect_accepted_socket(self._make_protocol, connection)
        await super().shutdown(sockets)

    def _make_protocol(self) -> Any:
        protocol: Any = self.config.http_protocol_class
        return protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _accept_waiting(listener: socket.socket) -> list[socket.socket]:
    """Accept the connections that wait, and close the listener at once: there is no better moment."""
    accepted: list[socket.socket] = []
    with listener:
        listener.setblocking(False)
        while True:
            try:
                connection, _ = listener.accept()
            except ConnectionAbortedError:
                continue  # its client has left
            except OSError:
                return accepted  # none waits, or no descriptor is free
            connection.setblocking(False)
            accepted.append(connection)


class _Worker(multiprocess.Process):
    """A worker process."""

    @property
    def server(self) -> uvicorn.Server:
        """The server that runs in the worker."""
        if self._server is None:
            self._server = DrainingServer(config=self.config)
        return self._server


class Supervisor(Multiprocess):
    """uvicorn's supervisor, which lets go of the listeners with the first signal to stop."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self._is_stopping = False
        # uvicorn's methods name the class of a worker by this name alone.
        setattr(multiprocess, multiprocess.Process.__name__, _Worker)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def keep_subprocess_alive(self) -> None:
        """Replace a worker that has ended, unless all are to end."""
        try:
            super().keep_subprocess_alive()
        except (OSError, ValueError):
            # Race: the signal came in between, and a new worker found the listeners closed.
            if not self._is_stopping:
                raise

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - Python passes it
        self._is_stopping = True
        self.signal_queue.append(number)
        # Now and not at the end: clients could connect as long as this process listens, and no worker would answer. A
        # worker that is not started yet still needs the listeners.
        if len(self.processes) >= self.processes_num:
            for listener in self.sockets:
                listener.close()
