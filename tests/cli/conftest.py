"""The command line as a process, against the transfer contract and against the real daemon."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.client.conftest import control, large, store
from tests.client.control_plane import ControlPlane
from tests.support.commands import Result, commands
from tests.support.postgres import data_root

__all__ = ["control", "large", "store"]

Run = Callable[..., Result]


@pytest.fixture
def environment(control: ControlPlane, tmp_path: Path) -> Mapping[str, str]:
    """Point configuration and state at the test's own folder."""
    return {
        **os.environ,
        "BITVAULT_SERVER": control.url,
        "BITVAULT_TOKEN": "bv_test",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


@pytest.fixture
def bitvault(environment: Mapping[str, str], tmp_path: Path) -> Run:
    """Run ``bitvault`` with arguments; ``env`` changes the environment, ``stdin`` is bytes."""

    def run(*arguments: object, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Result:
        return run_in({**environment, **(env or {})}, tmp_path, *arguments, stdin=stdin)

    return run


def program() -> list[str]:
    """Return the command that starts the command line, open to Ctrl-C even in a background job."""
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return [sys.executable, "-c", f"{heed}; from bitvault.cli.main import main; main()"]


@pytest.fixture(scope="package")
def daemon() -> Iterator[tuple[str, Path]]:
    """Run ``bitvaultd serve`` with everything embedded; yield its URL and data folder.

    It ends with the folder's tests: its finalizer has a turn each second. Its data is not below
    ``tmp_path``: PostgreSQL runs unprivileged and could not enter there.
    """
    folder = Path(tempfile.mkdtemp(prefix="bitvault-cli-", dir=data_root()))
    folder.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    code = "from bitvault.daemon import main; raise SystemExit(main())"
    command = [sys.executable, "-c", code, "serve", "--data", str(folder), "--listen", listen]
    settings = {"BITVAULT_OBJECTS_LISTEN": "127.0.0.1:0", "BITVAULT_GARBAGE_INTERVAL": "1"}
    environment = {**os.environ, **settings}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            seen.append(line)
            if b"is ready at" in line:
                break
        else:
            raise AssertionError(b"".join(seen).decode())
        log = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        yield f"http://{listen}", folder
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.wait(10)
    shutil.rmtree(folder)


@pytest.fixture
def logged_in(daemon: tuple[str, Path], tmp_path: Path) -> Mapping[str, str]:
    """Log in as the admin of the first start; return the environment to go on with."""
    url, folder = daemon
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("BITVAULT_")
    } | {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_STATE_HOME": str(tmp_path / "state")}
    password = folder / "admin-password"
    done = run(environment, "login", url, "--user", "admin", "--password-file", password)
    assert done.returncode == 0, done.stderr
    return environment


def run(environment: Mapping[str, str], *arguments: object, stdin: bytes = b"") -> Result:
    """Run the command line to its end."""
    return run_in(environment, Path.cwd(), *arguments, stdin=stdin)


def run_in(
    environment: Mapping[str, str], folder: Path, *arguments: object, stdin: bytes = b""
) -> Result:
    """Run the command line to its end, in a folder."""
    return commands().run([*map(str, arguments)], environment, folder, stdin)


def enter(
    environment: Mapping[str, str], url: str, folder: Path, login: str, *more: str
) -> Mapping[str, str]:
    """Log in with the password in ``folder / "password"``; return the environment to go on with."""
    entered = {**environment, "XDG_CONFIG_HOME": str(folder / login)}
    words = ("--user", login, "--password-file", folder / "password", *more)
    done = run(entered, "login", url, *words)
    assert done.returncode == 0, done.stderr
    return entered


def found_tenant(
    operator: Mapping[str, str], url: str, folder: Path, tenant: str, login: str
) -> Mapping[str, str]:
    """Create a tenant as an operator; return the environment of its admin, who is logged in."""
    password = folder / "password"
    password.write_text("a password of theirs")
    words = ("create", tenant, "--admin", login, "--password-file", password)
    made = run(operator, "admin", "tenants", *words)
    assert made.returncode == 0, made.stderr
    return enter(operator, url, folder, login, "--tenant", tenant)
