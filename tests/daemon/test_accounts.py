"""Whose daemon it is: root's anywhere, root's without capabilities, anybody's, and in turn."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bitvault.drivers.postgres.account import _ACCOUNTS
from tests.support.daemon import PROGRAM, Daemon, child_named
from tests.support.uploads import download, upload

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as everybody"),
]
_NAMELESS = 64017
_ACCOUNT = next(one.pw_uid for name in _ACCOUNTS for one in pwd.getpwall() if one.pw_name == name)
_ROOT = ("--reuid=0",)
_CONTAINERS = (
    "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,"
    "+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap"
)
_AS_IN_A_CONTAINER = (f"--bounding-set={_CONTAINERS}",)
_WITHOUT_CAPABILITIES = ("--bounding-set=-all",)
# The interpreter of the tests may lie in the home of root, so the user gets to read that; and
# PostgreSQL looks for its programs by access(2), which needs the securebit to heed that.
_USER = (
    *(f"--reuid={_NAMELESS}", f"--regid={_NAMELESS}", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
    "--securebits=+no_setuid_fixup",
)


_IS_SHUT_IN = any(not place.stat().st_mode & 0o001 for place in Path(sys.prefix).parents)
"""Whether the programs lie in a folder that only some may enter, such as the home of root."""


def run_as(daemon: Daemon, privileges: tuple[str, ...]) -> Daemon:
    """Have the next starts be those of another account, or of root with less."""
    daemon.program = ("setpriv", *privileges, *PROGRAM)
    return daemon


def server_user(daemon: Daemon) -> int:
    """Return the user id that PostgreSQL has outside of any namespace."""
    return Path(f"/proc/{child_named(daemon.pid, 'bin/postgres')}").stat().st_uid


def give(daemon: Daemon, user: int) -> None:
    """Say the command that a refusal names."""
    subprocess.run(["chown", "-R", f"{user}:{user}", daemon.data], check=True)


@pytest.mark.parametrize(
    ("privileges", "user"),
    [(_ROOT, _ACCOUNT), (_AS_IN_A_CONTAINER, _ACCOUNT), (_WITHOUT_CAPABILITIES, 0)],
    ids=["root", "container", "no capabilities"],
)
def test_it_runs_in_roots_home(daemon: Daemon, privileges: tuple[str, ...], user: int) -> None:
    """Nobody else may enter the folder, and PostgreSQL is no root where it need not be."""
    daemon.folder.chmod(0o700)
    run_as(daemon, privileges)
    with daemon.start().client() as client:
        node = upload(client, "/kept.txt", b"kept")["id"]
        assert server_user(daemon) == user
    daemon.kill()
    with daemon.start().client() as client:
        assert download(client, node) == b"kept"
    assert daemon.stop() == 0


def test_a_folder_goes_from_root_to_a_user_and_back(daemon: Daemon) -> None:
    """What one of them wrote the other reads; who may not is told what to do, in one line."""
    run_as(daemon, _WITHOUT_CAPABILITIES)
    with daemon.start().client() as client:
        node = upload(client, "/kept.txt", b"kept")["id"]
    assert daemon.stop() == 0
    for turn in range(2):
        run_as(daemon, _USER)
        assert daemon.launch().wait(60) == 2
        (line,) = daemon.log.splitlines()
        assert "belongs to root" in line
        assert f"chown -R {_NAMELESS} {daemon.data}" in line
        give(daemon, _NAMELESS)
        with daemon.start().client() as client:
            assert server_user(daemon) == _NAMELESS
            assert download(client, node) == b"kept"
        assert daemon.stop() == 0
        run_as(daemon, _ROOT)
        with daemon.start().client() as client:
            assert server_user(daemon) == _NAMELESS
            assert download(client, node) == b"kept"
            upload(client, f"/roots-{turn}.txt", b"%d" % turn)
        assert daemon.stop() == 0


@pytest.mark.skipif(_IS_SHUT_IN, reason="in a namespace of its own the user could not enter there")
def test_a_user_without_a_name_starts_a_new_folder(daemon: Daemon) -> None:
    """A container may run as a number that no file knows; initdb insists on a name."""
    daemon.folder.chmod(0o777)
    run_as(daemon, _USER).start()
    assert server_user(daemon) == _NAMELESS
    assert daemon.data.stat().st_uid == _NAMELESS


@pytest.mark.parametrize("mode", [0o022, 0o000], ids=["usual", "open"])
def test_roots_copy_of_a_folder_is_served(daemon: Daemon, mode: int) -> None:
    """`cp -r` makes everything root's, and may widen modes: PostgreSQL would refuse both."""
    run_as(daemon, _ROOT)
    with daemon.start().client() as client:
        node = upload(client, "/kept.txt", b"kept")["id"]
    daemon.stop()
    original = daemon.folder / "original"
    daemon.data.rename(original)
    shell = f"umask {mode:03o}; cp -r --no-preserve=mode {original} {daemon.data}"
    subprocess.run(["sh", "-c", shell], check=True)
    shutil.rmtree(original)
    with daemon.start().client() as client:
        assert server_user(daemon) != 0
        assert download(client, node) == b"kept"
        assert (daemon.data / "postgres" / "data").stat().st_mode & 0o077 == 0


def test_without_any_way_it_says_so(daemon: Daemon) -> None:
    """Root that may neither be somebody else nor make a namespace gets one line."""
    shut = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    daemon.program = ("unshare", "-Ur", "sh", "-c", shut, "sh", *PROGRAM)
    assert daemon.launch().wait(60) == 1
    (line,) = [line for line in daemon.log.splitlines() if not line.startswith("{")]
    assert "does not run as root" in line
    assert "docker run --user" in line
