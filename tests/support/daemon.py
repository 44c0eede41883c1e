"""The real daemon as a process of its own, in a folder that every account may enter."""

import asyncio  # noqa: TID251 - the database is read outside any Trio run
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
from attrs import define, field

from bitvault.drivers.postgres.embedded import prepare
from tests.support.postgres import data_root

START_SECONDS = 60.0
STOP_SECONDS = 30.0
_STEP_SECONDS = 0.02
_READY = "ready at "
CLEAR = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For servers without TLS: no authorities, which take 30 ms to load for each client."""
PROGRAM = (sys.executable, "-c", "from bitvault.daemon import main; main()", "serve")

T = TypeVar("T")


def eventually(check: Callable[[], T], seconds: float = START_SECONDS) -> T:
    """Ask until the answer is true, and return it; what another process does has no event."""
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {seconds} seconds")
        time.sleep(_STEP_SECONDS)
    return answer


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that an unprivileged PostgreSQL can pass through; removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="bv-daemon-", dir=data_root()))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@define(eq=False)
class Daemon:
    """One data folder, and the daemon that runs on it now."""

    folder: Path
    environment: Mapping[str, str] = field(factory=dict)
    url: str = ""
    seconds_to_ready: float = 0.0
    lives: int = 0
    addresses: tuple[str, str] = field(factory=lambda: (free_address(), free_address()))
    """Of REST and the object store; the same in every life, as clients expect."""
    program: Sequence[str] = PROGRAM
    _process: "subprocess.Popen[bytes] | None" = None
    _dsn: str = ""

    @property
    def data(self) -> Path:
        """Return the data folder."""
        return self.folder / "data"

    @property
    def output(self) -> str:
        """Return what this life wrote for people."""
        return self._file("out").read_text()

    @property
    def log(self) -> str:
        """Return what this life logged."""
        return self._file("log").read_text()

    @property
    def pid(self) -> int:
        """Return the daemon's process id."""
        assert self._process
        return self._process.pid

    def start(self) -> "Daemon":
        """Start it and wait until it says that it is ready."""
        began = time.monotonic()
        self.launch()
        eventually(lambda: _READY in self.output or self._ended())
        assert _READY in self.output, self.log
        self.seconds_to_ready = time.monotonic() - began
        self.url = self.output.split(_READY, 1)[1].split()[0]
        return self

    def launch(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start it without waiting."""
        self.lives += 1
        command = [*self.program, "--data", str(self.data), *arguments]
        environment = {
            "BITVAULT_SERVER_LISTEN": self.addresses[0],
            "BITVAULT_OBJECTS_LISTEN": self.addresses[1],
            "BITVAULT_OUTGOING_ALLOW": "127.0.0.1",  # where identity providers of tests are
            **self.environment,
        }
        if "BITVAULT_MAIL_HOST" in environment:
            environment.setdefault("BITVAULT_SERVER_PUBLIC_URL", f"http://{self.addresses[0]}")
        with self._file("out").open("wb") as out, self._file("log").open("wb") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=out, stderr=log
            )
        return self._process

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        code = self._process.wait(STOP_SECONDS)
        self._process = None
        return code

    def kill(self) -> None:
        """Take the power away."""
        self.stop(signal.SIGKILL)

    def client(self, login: str = "admin", tenant: str = "default") -> httpx.Client:
        """Log in, and return a client that says so."""
        password = (self.data / "admin-password").read_text().strip()
        body = {"tenant": tenant, "login": login, "password": password}
        url = f"{self.url}/v1/sessions"
        reply = httpx.post(url, json=body, timeout=30, verify=CLEAR).raise_for_status()
        headers = {"Authorization": f"Bearer {reply.json()['token']}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, verify=CLEAR)

    def dsn(self) -> str:
        """Return the address of the embedded database."""
        if not self._dsn:
            self._dsn = prepare(self.data / "postgres").dsn()
        return self._dsn

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement on the embedded database, past the daemon."""
        # A loop by hand: trio-asyncio would run a Trio of its own for ``asyncio.run``.
        with closing(asyncio.SelectorEventLoop()) as loop:
            return loop.run_until_complete(_fetch(self.dsn(), sql, *values))

    def _file(self, name: str) -> Path:
        return self.folder / f"{self.lives}.{name}"

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None


async def _fetch(dsn: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


@contextmanager
def running_daemon(*, program: Sequence[str] = PROGRAM, **environment: str) -> Iterator[Daemon]:
    """Run a daemon with everything embedded until the block ends."""
    with open_folder() as folder:
        daemon = Daemon(folder, environment, program=program)
        try:
            yield daemon.start()
        finally:
            daemon.stop()


def free_address() -> str:
    """Return an address nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


# Processes


def processes_in(folder: Path) -> Sequence[str]:
    """Return the command lines of living processes that work in the folder or name it."""
    found = (_command(entry, str(folder)) for entry in Path("/proc").iterdir())
    return sorted(command for command in found if command)


def _command(entry: Path, folder: str) -> str:
    if not entry.name.isdecimal() or int(entry.name) == os.getpid():
        return ""
    try:
        command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        place = str((entry / "cwd").readlink())
    except OSError:
        return ""
    return f"{entry.name} {command}" if command and (folder in command + place) else ""


def child_named(parent: int, word: str) -> int:
    """Return the process id of the parent's child whose command line has the word."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for pid in children:
        if word in Path(f"/proc/{pid}/cmdline").read_bytes().decode():
            return int(pid)
    raise LookupError(f"{parent} has no child {word}")


def kill_and_wait(pid: int) -> None:
    """Kill a process that is not ours, and return when it has gone."""
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], STOP_SECONDS)
    finally:
        os.close(handle)
