"""A daemon that other machines can reach, and what it tells them about the object store."""

import subprocess
import sys

from tests.support.daemon import Daemon
from tests.support.uploads import init, upload


def everywhere(address: str) -> str:
    """Return the same port on every address."""
    return f"0.0.0.0:{address.rpartition(':')[2]}"


def test_a_store_out_of_reach_is_told_at_the_start(daemon: Daemon) -> None:
    """The warning names what to set; once it is set, clients are sent there, and it is gone."""
    daemon.addresses = (everywhere(daemon.addresses[0]), everywhere(daemon.addresses[1]))
    daemon.start()
    assert "warning: other machines" in daemon.output
    assert "BITVAULT_OBJECTS_PUBLIC_ENDPOINT" in daemon.output
    with daemon.client() as client:
        upload(client, "/from-here.txt", b"reached over loopback")
    daemon.stop()

    port = daemon.addresses[1].rpartition(":")[2]
    public = f"http://files.example.org:{port}"
    daemon.environment = {"BITVAULT_OBJECTS_PUBLIC_ENDPOINT": public}
    daemon.start()
    assert "warning" not in daemon.output
    with daemon.client() as client:
        assert init(client, "/elsewhere.txt", b"x")["url"].startswith(public)


def test_loopback_needs_no_warning(daemon: Daemon) -> None:
    """The usual start says nothing of the kind."""
    daemon.start()
    assert "warning" not in daemon.output


def test_an_unknown_flag_shows_the_flags_there_are() -> None:
    """The usage is that of the command, not of the program."""
    program = "from bitvault.daemon import main; main()"
    command = [sys.executable, "-c", program, "serve", "--nope"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: bitvaultd serve" in done.stderr
    assert "unrecognized arguments: --nope" in done.stderr
