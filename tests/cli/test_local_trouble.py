"""The command line and a file system that has what it cannot send: counted, named, exit 7."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bitvault.cli.advice import local
from bitvault.cli.context import remote
from bitvault.cli.failures import hint
from bitvault.cli.render import details, when
from bitvault.client.clock import local_time
from bitvault.client.errors import Problem
from bitvault.client.state import write_private
from tests.cli.conftest import Run, program
from tests.client.control_plane import ControlPlane

BAD = "bad\udcff"


def test_a_name_that_is_not_utf8_is_counted_and_named(bitvault: Run, tmp_path: Path) -> None:
    """In a tree, as JSON, and given directly: exit 7, the name escaped, no traceback."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in (BAD, "good"):
        (tree / name).write_text("x")
    answer = bitvault("put", "-r", "tree", "/t", "--json")
    document = json.loads(answer.stdout)
    assert (answer.returncode, document["error"]["code"]) == (7, "partial")
    assert (document["summary"]["transferred"], document["summary"]["failed"]) == (1, 1)
    assert document["warnings"][0].startswith(f"{BAD}: ")
    alone = bitvault("put", f"tree/{BAD}", "/t/")
    assert (alone.returncode, alone.stdout) == (7, b"0 files sent (0 B), 1 failed\n")
    assert rb"bad\udcff" in alone.stderr
    assert b"Traceback" not in alone.stderr


@pytest.mark.parametrize("words", [("-r",), ()])
def test_a_path_that_is_too_long_is_counted_and_named(bitvault: Run, words: tuple[str]) -> None:
    """Of a file or of a folder: the other sources go up."""
    answer = bitvault("put", *words, "/".join(["d" * 200] * 30), "/t/")
    assert (answer.returncode, answer.stdout) == (7, b"0 files sent (0 B), 1 failed\n")
    assert b"File name too long" in answer.stderr


def test_a_remote_path_that_is_not_utf8_is_wrong_usage(bitvault: Run) -> None:
    """For every command that takes one."""
    for words in (("ls", f"/{BAD}"), ("put", "a", f"/{BAD}"), ("mv", "/a", f"/{BAD}")):
        answer = bitvault(*words)
        assert (answer.returncode, b"Traceback" in answer.stderr) == (2, False)


def test_another_argument_that_is_not_utf8_is_no_traceback(bitvault: Run) -> None:
    """It is told, whatever it would have been."""
    answer = bitvault("groups", "create", BAD)
    assert (answer.returncode, b"Traceback" in answer.stderr) == (7, False)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_tree_gives_up_what_it_began(
    environment: Mapping[str, str],
    control: ControlPlane,
    tmp_path: Path,
    number: signal.Signals,
    code: int,
) -> None:
    """Interrupted between the beginning and the bytes: no file of a batch keeps room."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for one in range(120):
        (tree / f"f{one}").write_text(str(one))
    begin = control.begin

    def holding(draft: dict[str, object]) -> object:
        begun = begin(draft)
        if len(control.uploads) == 30:
            control.held.set()
            control.release.wait(30)
        return begun

    control.begin = holding
    command = [*program(), "put", "-r", str(tree), "/t"]
    with subprocess.Popen(command, env=dict(environment), stderr=subprocess.PIPE) as process:
        assert control.held.wait(30)
        process.send_signal(number)
        control.release.set()
        _, told = process.communicate(timeout=30)
    assert process.returncode == code
    assert told.decode().splitlines()[-2] == "bitvault: interrupted"
    assert control.open_uploads() == []
    assert len(control.uploads) >= 30


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("/x", "bitvault trash empty;"),
        ("Team:/x", "bitvault trash empty --space Team;"),
        ("Our Team:/x", "bitvault trash empty --space 'Our Team';"),
        ("0193a5b2-7c31-7d2e-9f40-1b6a2c3d4e5f:/x", "its owner, or a manager of it"),
    ],
)
def test_a_full_space_is_told_how_to_make_room_in_it(path: str, step: str) -> None:
    """Not in another one: an emptied trash is gone for good."""
    said = hint(Problem(413, {"code": "quota_exceeded"}), "put", remote(path))
    assert step in said
    assert ("bitvault trash empty;" in said) == (path == "/x")


def _capped(environment: Mapping[str, str], size: int, *arguments: object) -> tuple[int, list[str]]:
    """Run the command line where no file can grow above ``size``, as on a full disk."""
    answer = subprocess.run(
        [*program(), *map(str, arguments)],
        env=dict(environment),
        capture_output=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    return answer.returncode, answer.stderr.decode().splitlines()


@pytest.mark.parametrize("home", ["a-file", "x" * 300, "full"])
def test_an_upload_needs_no_state(
    environment: Mapping[str, str], control: ControlPlane, large: Path, home: str
) -> None:
    """Where it cannot be kept, that is one warning that names the folder, and all is sent."""
    state = large.parent / home
    (large.parent / "a-file").touch()
    (large.parent / "small").write_text("x")
    size = 0 if home == "full" else 1 << 30
    there = {**environment, "XDG_STATE_HOME": str(state)}
    code, told = _capped(there, size, "put", large, large.parent / "small", "/t/")
    assert (code, control.nodes["/t/small"]["size"]) == (0, 1)
    assert control.nodes["/t/large.bin"]["size"] == large.stat().st_size
    assert len(told) == 1
    assert told[0].startswith(f"bitvault: {state}/bitvault/uploads: ")
    assert not [path for path in large.parent.rglob("*") if path.name.endswith((".new", ".json"))]


@pytest.mark.parametrize(("name", "size"), [("small", 1000), ("large.bin", 20 << 20)])
def test_a_disk_that_gets_full_is_told_of_the_file(
    bitvault: Run, environment: Mapping[str, str], large: Path, name: str, size: int
) -> None:
    """Which one was not written, and what to do; nothing half written is left that is of no use."""
    (large.parent / "small").write_bytes(bytes(5000))
    assert bitvault("put", large.parent / name, f"/{name}").returncode == 0
    target = large.parent / "to" / "back"
    code, told = _capped(environment, size, "get", "-j", "4", f"/{name}", target)
    assert (code, told[0]) == (7, f"bitvault: {target}: File too large")
    assert "Make room there" in told[1]
    noted = target.parent / ".back.bv-part.json"
    allowed = {".back.bv-part", ".back.bv-part.json"} if noted.exists() else set()
    assert {path.name for path in target.parent.iterdir()} == allowed
    assert bitvault("get", f"/{name}", target).returncode == 0
    assert target.read_bytes() == (large.parent / name).read_bytes()


def test_a_login_that_cannot_be_kept_names_its_file(tmp_path: Path) -> None:
    """And leaves no draft of it."""
    path = tmp_path / "login.json"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as failed:
            write_private(path, "{}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (failed.value.filename, list(tmp_path.iterdir())) == (str(path), [])


def test_a_place_that_cannot_be_written_to_is_named(bitvault: Run, tmp_path: Path) -> None:
    """It is no internal failure."""
    (tmp_path / "file").touch()
    bitvault("put", "-", "/a", stdin=b"a")
    answer = bitvault("get", "/a", "file/deeper/a")
    assert (answer.returncode, answer.stderr) == (7, b"bitvault: file/deeper: Not a directory\n")
    for number in (errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT):
        assert local(OSError(number, ""))


def test_times_are_local_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the offset; what cannot be read, or has no local time, stays as it came."""
    code = (
        "from bitvault.client.clock import local_time\n"
        "print(local_time('2026-07-01T22:30:00.5Z'), local_time('2026-12-01T22:30:00Z'))"
    )
    env = {**os.environ, "TZ": "Europe/Berlin"}
    shown = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert shown.stdout == b"2026-07-02 00:30:00 +0200 2026-12-01 23:30:00 +0100\n"
    assert local_time("infinity") == "infinity"
    assert local_time("9999-12-31T23:59:59.999999-01:00").startswith("9999-12-31 23:59:59")
    assert when(None) == "-"
    assert details({"name": "2026-07-01T22:30:00Z"}) == ["name  2026-07-01T22:30:00Z"]
    assert "T" not in details({"createdAt": "2026-07-01T22:30:00Z"})[0].split("  ")[1]
