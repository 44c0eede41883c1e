"""The embedded server: refusals before it starts, and what a kill -9 leaves behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import trio

from bitvault.drivers import aio
from bitvault.drivers.postgres import programs
from bitvault.drivers.postgres.account import Account, EmbeddedError
from bitvault.drivers.postgres.embedded import clear_stale_pidfile, prepare
from supervisors import ChildStarted, Command, Flags, process, run_tree, supervisor
from supervisors.testing import RecordingObserver
from tests.support.postgres import PostgresServer

_SETTINGS = """
    SELECT current_setting('fsync') AS fsync, current_setting('data_checksums') AS sums,
           current_setting('synchronous_commit') AS sync, current_setting('server_encoding') AS enc,
           current_setting('listen_addresses') AS listen
"""
_SAFE = {"fsync": "on", "sums": "on", "sync": "on", "enc": "UTF8", "listen": ""}
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="about dropping root")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that an unprivileged account can reach, with a short name."""
    with tempfile.TemporaryDirectory(prefix="bv-pg-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_it_starts_again_after_a_kill(folder: Path) -> None:
    """A killed postmaster leaves its pid file; the next start serves the same data."""
    server = await trio.to_thread.run_sync(lambda: prepare(folder / "pg", sync=False))
    pidfile, found = server.data / "postmaster.pid", []
    observer, stop = RecordingObserver(), trio.Event()

    def command() -> Command:
        found.append(pidfile.exists())
        return server.command()

    root = supervisor("root", Flags(), [process("postgres", command, ready=server.ready)])
    async with trio.open_nursery() as nursery, aio.open_loop():
        nursery.start_soon(partial(run_tree, root, observer=observer, stop=stop))
        with trio.fail_after(30):
            await observer.wait_for(ChildStarted, "root/postgres")
            await _query(server.dsn(), "CREATE TABLE kept AS SELECT 1 AS one")
            assert await _query(server.dsn(), _SETTINGS) == _SAFE
            os.killpg(int(pidfile.read_text().split()[0]), signal.SIGKILL)
            await observer.wait_for(ChildStarted, "root/postgres", 2)
            assert await _query(server.dsn(), "SELECT one FROM kept") == {"one": 1}
            assert await _query(server.dsn(), _SETTINGS) == _SAFE
        stop.set()
    assert found == [False, True]


async def _query(dsn: str, sql: str) -> dict[str, Any]:
    connection = await aio.call(asyncpg.connect, dsn)
    row = await aio.call(connection.fetchrow, sql)
    await aio.call(connection.close)
    return dict(row or {})


def test_preparing_twice_keeps_the_data(folder: Path) -> None:
    """A second start does not run initdb again."""
    first = prepare(folder / "pg", sync=False)
    marker = (first.data / "PG_VERSION").stat().st_ino
    assert (prepare(folder / "pg", sync=False).data / "PG_VERSION").stat().st_ino == marker


def test_the_socket_is_private(postgres_server: PostgresServer) -> None:
    """Only the server's account may enter the socket's folder; there is no TCP."""
    assert postgres_server.embedded.socket.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def installed(folder: Path) -> Path:
    """Have programs that were installed in a folder of root's own."""
    package = programs.bundled_programs().parent
    site = folder / "site"
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), site / name, symlinks=True)
    return site / package.name / programs.bundled_programs().name


@root_only
@pytest.mark.parametrize("closed", ["../..", "bin", "lib"])
def test_programs_out_of_reach_are_copied(
    folder: Path, installed: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    """Whatever folder of theirs is closed, the account gets a copy that it can run, once."""
    place = folder / "place"
    place.mkdir(mode=0o755)
    (installed / closed).chmod(0o700)
    monkeypatch.setattr(programs, "_OPEN_TO_ALL", (place,))
    server = prepare(folder / "pg", programs=installed, sync=False)
    (copy,) = place.iterdir()
    assert server.programs.is_relative_to(copy)
    assert copy.stat().st_mode & 0o777 == 0o755
    assert prepare(folder / "pg", programs=installed, sync=False).programs == server.programs
    assert [*place.iterdir()] == [copy]


@root_only
@pytest.mark.parametrize(
    "changed", ["bin/initdb", "lib/libpq.so.5", "share/postgresql/postgresql.conf.sample"]
)
def test_other_programs_are_another_copy(
    folder: Path, installed: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    """Whichever file an upgrade replaces, what was copied before is not run with it."""
    place = folder / "place"
    place.mkdir(mode=0o755)
    installed.chmod(0o700)
    monkeypatch.setattr(programs, "_OPEN_TO_ALL", (place,))
    account = Account(65534, 65534)
    before = programs.programs_for(account, installed)
    with (installed / changed).open("ab") as file:
        file.write(b"\n")
    after = programs.programs_for(account, installed)
    assert after != before
    assert (after / changed).read_bytes() == (installed / changed).read_bytes()


@root_only
def test_a_strangers_programs_are_not_run(
    folder: Path, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that somebody made under the name of the copy is passed over for the next place."""
    place, other = folder / "place", folder / "other"
    for one in (place, other):
        one.mkdir(mode=0o755)
    installed.chmod(0o700)
    monkeypatch.setattr(programs, "_OPEN_TO_ALL", (place, other))
    account = Account(65534, 65534)
    assert programs.programs_for(account, installed).is_relative_to(place)
    (copy,) = place.iterdir()
    os.chown(copy, 65534, 65534)
    assert programs.programs_for(account, installed).is_relative_to(other)


@root_only
@pytest.mark.parametrize(
    ("mode", "owner"), [(0o777, 0), (0o755, 65534)], ids=["open to all", "the account's"]
)
def test_programs_are_not_copied_where_others_write(
    folder: Path, installed: Path, monkeypatch: pytest.MonkeyPatch, mode: int, owner: int
) -> None:
    """A copy that the account can replace would be run in its stead: there is none, in one line."""
    place = folder / "place"
    place.mkdir()
    place.chmod(mode)
    os.chown(place, owner, owner)
    installed.chmod(0o700)
    monkeypatch.setattr(programs, "_OPEN_TO_ALL", (place,))
    with pytest.raises(EmbeddedError, match="no folder takes a copy"):
        prepare(folder / "pg", programs=installed, sync=False)
    assert [*place.iterdir()] == []
    assert not (folder / "pg" / "data").exists()


@root_only
def test_the_version_is_asked_as_the_account(folder: Path) -> None:
    """Whatever replaced the programs gets no right of root from being asked its version."""
    (folder / "bin").mkdir()
    (folder / "bin" / "postgres").write_text('#!/bin/sh\necho "as user $(id -u).0"\n')
    (folder / "bin" / "postgres").chmod(0o755)
    assert programs.major_version(folder, Account(65534, 65534)) == 65534


def test_a_path_too_long_for_a_socket_is_refused(folder: Path) -> None:
    """sun_path is short; better said at once than by PostgreSQL."""
    with pytest.raises(EmbeddedError, match="too long"):
        prepare(folder / ("x" * 100))


def test_a_file_in_the_way_is_refused(folder: Path) -> None:
    """The operating system's reason reaches the user."""
    (folder / "pg").touch()
    with pytest.raises(EmbeddedError, match="pg: File exists"):
        prepare(folder / "pg")


@pytest.mark.parametrize(
    "pid", [str(os.getpid()), "999999999", "nonsense"], ids=["running", "gone", "nonsense"]
)
def test_a_pid_file_of_a_stranger_is_removed(tmp_path: Path, pid: str) -> None:
    """A pid that is no PostgreSQL any more does not stop the next start."""
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (tmp_path / name).write_text(f"{pid}\n")
    clear_stale_pidfile(tmp_path, Account())
    assert list(tmp_path.iterdir()) == []


def test_a_running_server_keeps_its_pid_file(postgres_server: PostgresServer) -> None:
    """Two servers on one folder would destroy it."""
    clear_stale_pidfile(postgres_server.embedded.data, Account())
    assert (postgres_server.embedded.data / "postmaster.pid").exists()


@root_only
def test_orphans_are_ended_without_the_right_to_look_at_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container: those of the account in its data; whatever that says, no others."""
    data, program = folder / "data", folder / "postgres"
    data.mkdir(mode=0o700)
    os.chown(data, 65534, 65534)
    shutil.copy(shutil.which("sleep") or "", program)
    (data / "postmaster.pid").write_text("999999999\n")
    orphan, elsewhere, strangers = [
        subprocess.Popen([program, "100"], user=user, group=user, extra_groups=[], cwd=place)
        for user, place in ((65534, data), (65534, folder), (65533, data))
    ]
    script = """
import sys
from pathlib import Path
from bitvault.drivers.postgres.account import Account
from bitvault.drivers.postgres.embedded import clear_stale_pidfile
clear_stale_pidfile(Path(sys.argv[1]), Account(65534, 65534))
"""
    try:
        command = ["setpriv", "--bounding-set=-sys_ptrace", sys.executable, "-c", script, data]
        subprocess.run(command, check=True)
        assert orphan.wait(5) == -signal.SIGKILL
        assert (elsewhere.poll(), strangers.poll()) == (None, None)
        assert not (data / "postmaster.pid").exists()

        # What runs as the account may be made to say anything.
        (folder / "readlink").write_text(f"#!/bin/sh\nprintf %s {data}\n")
        (folder / "readlink").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
        (data / "postmaster.pid").write_text("999999999\n")
        subprocess.run(command, check=True)
        assert elsewhere.wait(5) == -signal.SIGKILL
        assert strangers.poll() is None
    finally:
        for one in (orphan, elsewhere, strangers):
            one.kill()
            one.wait()
