"""A fresh daemon with everything embedded, for as long as a measurement lasts."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from attrs import frozen

BIN = Path(sys.executable).parent
_READY = "ready at "


@frozen
class Daemon:
    """A running ``bitvaultd``: where it listens, and the CLI logged in to it."""

    url: str
    data: Path
    home: Path
    pid: int
    token: str

    def cli(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``bitvault`` with a configuration folder of its own."""
        command = [str(BIN / "bitvault"), *map(str, words)]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return done

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment that keeps the CLI's state out of the user's home."""
        places = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME")
        return {**os.environ, **dict.fromkeys(places, str(self.home))}


@contextmanager
def running(**settings: str) -> Iterator[Daemon]:
    """Start a daemon in a new folder, log the CLI in, and stop and remove everything after.

    ``settings`` are environment variables of the daemon.
    """
    with started(settings) as daemon:
        password = daemon.data / "admin-password"
        daemon.cli("login", daemon.url, "--user", "admin", "--password-file", password)
        yield daemon


@contextmanager
def started(
    settings: Mapping[str, str], source: Path | None = None, binaries: Path = BIN
) -> Iterator[Daemon]:
    """Start a daemon without the CLI; ``source`` is the tree that it runs from, if not this one."""
    with tempfile.TemporaryDirectory(prefix="bitvault-") as folder:
        # The embedded PostgreSQL may run as another user, who has to reach its folder.
        Path(folder).chmod(0o711)
        data, home = Path(folder, "data"), Path(folder, "home")
        home.mkdir()
        command = [str(binaries / "bitvaultd"), "serve", "--data", str(data)]
        command += ["--listen", "127.0.0.1:0"]
        environment = {**os.environ, "BITVAULT_OBJECTS_LISTEN": "127.0.0.1:0", **settings}
        if source is not None:
            environment["PYTHONPATH"] = str(source)
        with (
            Path(folder, "daemon.log").open("w") as log,
            subprocess.Popen(
                command, env=environment, cwd=source, stdout=subprocess.PIPE, stderr=log, text=True
            ) as process,
        ):
            try:
                url = _address(process, Path(log.name))
                yield Daemon(url, data, home, process.pid, _token(url, data / "admin-password"))
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(30)


def _token(url: str, password: Path) -> str:
    body = {"login": "admin", "password": password.read_text().strip()}
    token: str = httpx.post(f"{url}/v1/sessions", json=body).raise_for_status().json()["token"]
    return token


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout
    for line in process.stdout:
        if _READY in line:
            return line.split(_READY, 1)[1].split()[0]
    raise SystemExit(f"bitvaultd did not start:\n{log.read_text()}")
