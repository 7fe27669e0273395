"""The processes that the example starts: in a folder of their own, and gone when it ends, however it ends."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

SYSTEM_FOLDERS: Final = "/usr/sbin:/sbin:/usr/local/sbin"
"""Where Debian keeps servers, and what the PATH of an ordinary user leaves out."""
PORTS: Final = range(20_000, 32_000)
"""Not those that outgoing connections take: one of them might be taken before its server has started."""
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""How a person, a supervisor and a terminal that is closed say that it is enough."""


class Failed(Exception):
    """The example cannot go on; the sentence says why, and what to do."""


class Child:
    """One process, leading a group and a session of its own: Ctrl-C is for run.py, which then ends them in order."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, log_start: int) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._log_start = log_start

    @property
    def pid(self) -> int:
        return self._process.pid

    def output(self) -> str:
        """What it has written to its log, without what an earlier process of this name wrote there."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def must_run(self) -> None:
        """Raises `Failed` when it has ended."""
        if self._process.poll() is not None:
            raise Failed(f"{self.name} ended with status {self._process.returncode}; see {self.log}")

    def kill(self) -> None:
        """SIGKILL for it and for all that it started, which may have left its group. Nothing where it has ended."""
        if self._process.poll() is None:  # until somebody has asked, its number is nobody else's
            kill_all([self.pid, *descendants(self.pid)])
            self._process.wait()

    def stop(self, seconds: float) -> None:
        """Asks it to end, and kills it where it has not after that time."""
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()


class Nursery(ExitStack):
    """The folder of this run, and the processes that live in it. Leaving it ends them, the youngest first."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._busy = False

    def __exit__(self, *details: Any) -> bool:
        # Whoever is impatient and presses Ctrl-C twice should not keep three databases.
        before = {each: signal.signal(each, signal.SIG_IGN) for each in ENDING}
        try:
            if self._busy:
                print("ending everything", flush=True)
            return bool(super().__exit__(*details))
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        user: str | None = None,
        variables: Mapping[str, str] | None = None,
        polite: float = 0,
    ) -> Child:
        """Starts `command`; what it says goes into NAME.log. `polite` are the seconds that it has to end by itself."""
        self._busy = True
        log = self.folder / f"{name}.log"
        with log.open("ab") as said:
            log_start = said.tell()
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                group=group_of(user),
                extra_groups=None if user is None else [],
            )
        child = Child(name, process, log, log_start)
        self.callback(child.stop, polite) if polite else self.callback(child.kill)
        return child

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        variables: Mapping[str, str] | None = None,
        told: str = "",
    ) -> str:
        """Runs `command` to its end and gives what it printed. `told` is its standard input. Raises `Failed`."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **(variables or {})},
            input=told,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            log = self.folder / f"{name}.log"
            log.write_text(done.stdout + done.stderr)
            last_words = "".join(done.stderr.strip().splitlines()[-1:])
            raise Failed(f"{name} ended with status {done.returncode}: {last_words}\nsee {log}")
        return done.stdout

    def make_folder(self, name: str, user: str | None) -> Path:
        """A folder that is `user`'s alone."""
        made = self.folder / name
        made.mkdir(mode=0o700)
        if user is not None:
            shutil.chown(made, user, group_of(user))
        return made


def server_user(name: str) -> str | None:
    """As whom to run a database server: they refuse to be root, and are whoever starts them otherwise."""
    return name if os.geteuid() == 0 else None


def group_of(user: str | None) -> int | None:
    """The user's own group."""
    return None if user is None else pwd.getpwnam(user).pw_gid


def find_program(name: str, also_in: Iterable[str] = ()) -> str | None:
    """Where a program is, or None."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), SYSTEM_FOLDERS, *also_in]))


def require(purpose: str, found: Mapping[str, object], packages: str) -> None:
    """Raises `Failed` with what to type when anything of `found` is missing."""
    missing = [name for name, where in found.items() if not where]
    if missing:
        raise Failed(f"{purpose} needs {', '.join(missing)}. On Debian:  apt-get install {packages}")


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has."""
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            found.append(port)
            if len(found) == count:
                return found
    raise Failed("no ports are free")


def wait_until(done: Callable[[], bool], what: str, seconds: float, children: Iterable[Child] = ()) -> None:
    """Raises `Failed` when it takes longer, or as soon as one of `children` has ended."""
    late = time.monotonic() + seconds
    while not done():
        for child in children:
            child.must_run()
        if time.monotonic() > late:
            raise Failed(f"waited {seconds:.0f} seconds for {what}, in vain")
        time.sleep(0.2)


def descendants(pid: int) -> list[int]:
    """All processes that `pid` started, and those that these started."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            # pid (name) state ppid …, and the name may hold anything.
            child, parent = int(stat.parent.name), int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(child)
    found = list(parents.get(pid, ()))
    for each in found:
        found += parents.get(each, ())
    return found


def kill_all(pids: Iterable[int]) -> None:
    """SIGKILL, as a machine that loses power would end them: none has time to say goodbye."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
