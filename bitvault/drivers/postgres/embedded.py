"""Embedded PostgreSQL: a data folder, and how to run a server on it.

The server listens on a Unix socket in its data folder, which only its account may enter; TCP is
off. Whom it runs as, ``account`` says. Where that account may not enter a folder on the way to the
data, the server starts inside them: they are its working folder, and are named as such.
"""

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import trio
from attrs import frozen

from bitvault.drivers.postgres.account import (
    Account,
    EmbeddedError,
    account_for,
    isolate,
    make_folder,
    take_over,
)
from bitvault.drivers.postgres.programs import (
    bundled_programs,
    can_enter,
    major_version,
    programs_for,
)
from supervisors import Command, RunningProcess

_INSIDE = "/proc/self/cwd"
_EARLIER = ("programs", "socket")
"""What earlier versions of BitVault made beside the data."""
_LONGEST_SOCKET_FOLDER = 90  # sun_path holds 107 bytes, and .s.PGSQL.5432.lock goes below it
_ROLE = "bitvault"
_SOCKET_LOCK = ".s.PGSQL.5432.lock"
_POLL_SECONDS = 0.02
_NAMELESS = (
    "; give the account a name in /etc/passwd, or start bitvaultd as one that has a name, "
    "or permit user namespaces"
)
_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_HAS_LOCALE = 17
ROOM_TO_START = 48 << 20
"""Bytes: recovery writes whole WAL segments of 16 MiB, and a checkpoint."""
_ORPHAN_SECONDS = 2.0

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "random_page_cost": "1.1",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
"""For a small machine that must lose nothing; the rest is PostgreSQL's default."""


@frozen
class Embedded:
    """An initialised data folder and the programs that serve it."""

    folder: Path
    programs: Path
    account: Account
    settings: Mapping[str, str]

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        """The folder of the Unix socket."""
        return self.data

    @property
    def pidfile(self) -> Path:
        """Where ``supervisors.process`` notes what it started: beside what the account owns.

        What it names is ended with the rights of the daemon, so the account must not write it.
        """
        return self.folder.with_name(f"{self.folder.name}.pid")

    def dsn(self, database: str = "postgres", role: str = _ROLE) -> str:
        """Return the address of a database on this server, by default as its superuser."""
        return f"postgresql:///{database}?host={self.socket}&user={role}"

    def command(self) -> Command:
        """Say what to run; clears what a killed server left that would stop the next."""
        clear_stale_pidfile(self.data, self.account)
        place = self.seen_from_inside(self.data)
        settings = {**self.settings, "unix_socket_directories": place}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Command(
            [str(self.programs / "bin" / "postgres"), "-D", place, *flags],
            env={"LC_ALL": "C", "PATH": os.defpath},
            cwd=self.data,
            user=self.account.user,
            group=self.account.group,
            before_exec=isolate if self.account.is_isolated else None,
        )

    def seen_from_inside(self, data: Path) -> str:
        """Return the name of its data for a server that works in it."""
        return str(data) if can_enter(self.folder, self.account) else _INSIDE

    async def ready(self, process: RunningProcess) -> str:
        """Wait until this very process accepts connections; return the server's dsn."""
        while not self.serves(process.pid):  # noqa: ASYNC110 - as pg_ctl: a file is all there is
            await trio.sleep(_POLL_SECONDS)
        return self.dsn()

    def serves(self, pid: int) -> bool:
        """Return whether the server with this pid said in its pid file that it is ready."""
        lines = _pid_lines(self.data)
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004 - LOCK_FILE_LINE_PM_STATUS


def prepare(
    folder: Path,
    *,
    programs: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    sync: bool = True,
) -> Embedded:
    """Make ``folder`` servable: account, ownership, programs, initdb. Blocks; safe to repeat.

    Args:
        folder: Holds the data folder.
        programs: An installation of PostgreSQL; the bundled 18 when left out.
        overrides: Server settings that replace ``SETTINGS``.
        sync: Whether initdb waits for the disk; only tests may say no.

    Raises:
        EmbeddedError: with what is missing or wrong, and what to do.
    """
    folder, programs = folder.absolute(), programs or bundled_programs()
    check_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        account = account_for(folder, programs)
        take_over(folder, account)
    except OSError as error:
        raise EmbeddedError(f"{error.filename or folder}: {error.strerror}") from error
    for name in _EARLIER:
        shutil.rmtree(folder / name, ignore_errors=True)
    programs = programs_for(account, programs)
    server = Embedded(folder, programs, account, {**SETTINGS, **(overrides or {})})
    if not (server.data / "PG_VERSION").exists():
        _initialise(server, sync=sync)
    _check_version(server)
    return server


def _check_version(server: Embedded) -> None:
    """Refuse data of another major version, which PostgreSQL neither reads nor converts."""
    ours = major_version(server.programs, server.account)
    theirs = int((server.data / "PG_VERSION").read_text(encoding="ascii"))
    if ours != theirs:
        raise EmbeddedError(
            f"{server.data} is of PostgreSQL {theirs}, and this BitVault comes with {ours}: "
            "start the BitVault that it belongs to"
        )


def clear_stale_pidfile(data: Path, account: Account) -> None:
    """Clear what a killed postmaster left: its pid file, and backends that still hold its memory.

    The pid may belong to a zombie or a stranger by now; a living PostgreSQL keeps everything.
    """
    lines = _pid_lines(data)
    if lines and not _is_postgres(lines[0]):
        _end_orphans(data, account)
        for name in ("postmaster.pid", _SOCKET_LOCK):
            (data / name).unlink(missing_ok=True)


def _end_orphans(data: Path, account: Account) -> None:
    """Kill backends without a postmaster and wait until they are gone; it takes milliseconds.

    They have sessions of their own, so no signal to the postmaster's group reaches them, and
    PostgreSQL does not start while they live. Recovery makes good what they leave.
    """
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            # Held before the look: its number cannot become that of another process meanwhile.
            handle = os.pidfd_open(int(entry.name))
            try:
                if _is_postgres(entry.name) and _works_in(entry, data, account):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    select.select([handle], [], [], _ORPHAN_SECONDS)
            finally:
                os.close(handle)


def _works_in(process: Path, data: Path, account: Account) -> bool:
    link = process / "cwd"
    try:
        place = str(link.readlink())
    except PermissionError:  # of another account, in a container without CAP_SYS_PTRACE
        place = _read_as(account, link)
    except OSError:
        return False
    return place == str(data.resolve())


def _read_as(account: Account, link: Path) -> str:
    """Read a link of a process of the account's as the account, which is always let."""
    command, options = ["readlink", "-n", str(link)], {**account.options(), "cwd": "/"}
    try:
        # What the account says decides about its own processes, and no others.
        if link.parent.stat().st_uid != account.owner:
            return ""
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # noqa: S603 - coreutils
    except (subprocess.SubprocessError, OSError):
        return ""
    return str(done.stdout)


def _pid_lines(data: Path) -> Sequence[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _is_postgres(pid: str) -> bool:
    with suppress(OSError, ValueError):
        process = Path(f"/proc/{int(pid)}")
        try:
            return (process / "exe").readlink().name.startswith("postgres")
        except PermissionError:  # of another account, in a container without CAP_SYS_PTRACE
            return (process / "comm").read_text() == "postgres\n"
    return False


def check_path(folder: Path) -> None:
    """Refuse a folder, there or not yet, whose name leaves no room for that of a Unix socket.

    Raises:
        EmbeddedError: its path is too long.
    """
    if len(os.fsencode(folder / "data")) > _LONGEST_SOCKET_FOLDER:
        raise EmbeddedError(f"{folder} is too long for a Unix socket: use a shorter server.data")


def _initialise(server: Embedded, *, sync: bool) -> None:
    """Run initdb beside the final place and move the result there: whole or not at all."""
    fresh = server.folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    account = server.account
    try:
        make_folder(fresh, account)
    except OSError as error:
        raise EmbeddedError(f"{fresh}: {error.strerror}") from error
    command = [
        str(server.programs / "bin" / "initdb"),
        *("-D", server.seen_from_inside(fresh), "-U", _ROLE, "-E", "UTF8", "--locale=C"),
        *(_LOCALE if major_version(server.programs, account) >= _HAS_LOCALE else ()),
        *(
            "--data-checksums",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--no-instructions",
        ),
        *(() if sync else ("--no-sync",)),
    ]
    done = subprocess.run(  # noqa: S603 - PostgreSQL
        command, capture_output=True, text=True, check=False, cwd=fresh, **account.options()
    )
    if done.returncode:
        said = done.stderr.strip()[-500:].replace("\n", " ")
        hint = _NAMELESS if "user ID" in said else ""
        raise EmbeddedError(f"initdb failed: {said}{hint}")
    fresh.rename(server.data)
