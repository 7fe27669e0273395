"""A database server as a process of our own, in a temporary folder, and never as root."""

from __future__ import annotations

import atexit
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from servers.protocol import Unavailable

Private = TypeVar("Private", bound="PrivateServer")

PATIENCE = 30.0
"""Seconds that anything may take on a busy machine; nothing waits for longer than it must."""

GUARD = 'cat; kill -9 "$1"; rm -rf "$2" || { sleep 1; rm -rf "$2"; }'
"""Its input ends with the test run, so that one that is killed leaves no server and no folder behind."""


def free_port() -> int:
    """A port that stays free while its server is down.

    It is below those that systems give to outgoing connections. One of these could be taken by any client in the
    meantime, even by one that tries to reach the very server: it would be connected to itself.
    """
    while True:
        port = random.randint(10_240, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class PrivateServer:
    """What is the same for all of them. A subclass prepares the folder, knows the command, and tells when it answers.

    `owners` are users that it may run as, should we be root: the first that exists.
    """

    url: str

    def __init__(self, owners: Sequence[str]) -> None:
        owner = _first_user(owners) if os.geteuid() == 0 else None
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="hullo-server-")).resolve()
        atexit.register(self.close)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._as_owner: dict[str, Any] = {}
        if owner is not None:
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def command(self) -> list[str]:
        """What starts it in the foreground."""
        raise NotImplementedError

    def connect(self) -> None:
        """Raises whatever it likes until the server answers."""
        raise NotImplementedError

    stop_signal: signal.Signals

    def run(self, *command: str | Path) -> str:
        """What a command says, run as the server's owner in its folder. What fails is `Unavailable`."""
        try:
            done: subprocess.CompletedProcess[str] = subprocess.run(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=PATIENCE,
                **self._as_owner,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{command[0]} cannot be run: {error}") from error
        if done.returncode:
            raise Unavailable(f"{command[0]} failed: {done.stdout.strip()}")
        return done.stdout

    def start(self) -> None:
        assert self._process is None, "it is running"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests
                **self._as_owner,
            )
        self._guard = subprocess.Popen(
            ["sh", "-c", GUARD, "sh", str(self._process.pid), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.connect()
            except Exception as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise RuntimeError(f"the server does not start: {self.told()}") from error
            time.sleep(0.01)

    @property
    def is_running(self) -> bool:
        """Whether it was started, and neither stopped nor killed since."""
        return self._process is not None

    def told(self) -> str:
        """The last lines of its log."""
        with suppress(FileNotFoundError):
            return "\n".join((self.folder / "log").read_text("utf-8", "replace").splitlines()[-20:])
        return ""

    def stop(self) -> None:
        assert self._process is not None, "it is not running"
        self._process.send_signal(self.stop_signal)
        self._ended(self._process)

    def kill(self) -> None:
        """The process is halted first, so that it can neither tidy up nor replace the children that go before it."""
        assert self._process is not None, "it is not running"
        family = [self._process.pid]
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGSTOP)
            os.waitpid(self._process.pid, os.WUNTRACED)
            family += _children(self._process.pid)
            for pid in reversed(family):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._ended(self._process)
        while any(_lives(pid) for pid in family):
            time.sleep(0.001)

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        process.wait(PATIENCE)
        self._process = None
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.kill()
            self._guard.wait(PATIENCE)
            self._guard.stdin.close()
            self._guard = None

    def close(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def started(server: Private) -> Private:
    """For those who would rather do without than fail."""
    try:
        server.start()
    except RuntimeError as error:
        server.close()
        raise Unavailable(str(error)) from error
    return server


def _first_user(names: Sequence[str]) -> pwd.struct_passwd:
    for name in names:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise Unavailable(f"a database server does not run as root, and there is no user {' or '.join(names)}")


def _children(parent: int) -> list[int]:
    """Where there is no /proc, children are left to notice for themselves that the parent is gone."""
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if _stat(path)[1:2] == [str(parent)]]


def _lives(pid: int) -> bool:
    """A process that has ended but that nobody has waited for holds nothing any more."""
    return _stat(Path(f"/proc/{pid}"))[:1] not in ([], ["Z"], ["X"])


def _stat(process: Path) -> list[str]:
    """State, parent and more; the command before them may hold spaces and brackets."""
    with suppress(OSError):
        return (process / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    return []
