"""``put``, ``get`` and ``cat`` as a person or a script calls them."""

import json
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Run, program
from tests.cli.gate import Gate
from tests.client.control_plane import ControlPlane
from tests.support.object_store import ObjectStoreServer


def test_a_pipe_goes_up_and_down(bitvault: Run) -> None:
    """Standard input and output carry the bytes and nothing else."""
    sent = bitvault("put", "-", "/pipe", stdin=b"\x00\xffbytes")
    assert (sent.returncode, sent.stderr) == (0, b"")
    for command in (("get", "/pipe", "-"), ("cat", "/pipe")):
        got = bitvault(*command)
        assert (got.returncode, got.stdout, got.stderr) == (0, b"\x00\xffbytes", b"")


def test_an_upload_survives_kill(
    bitvault: Run, environment: Mapping[str, str], control: ControlPlane, large: Path
) -> None:
    """After kill -9 the same command sends only what the store lacks."""
    control.hold_after = 1
    command = [*program(), "put", "-j", "1", str(large), "/large"]
    with subprocess.Popen(command, env=dict(environment)) as process:
        assert control.held.wait(30)
        process.send_signal(signal.SIGKILL)
    control.hold_after, control.signed = None, []
    control.release.set()
    done = bitvault("put", large, "/large")
    assert done.returncode == 0
    assert sorted(control.signed) == [2, 3, 4, 5, 6]
    assert bitvault("get", "/large", "back").returncode == 0
    assert (large.parent / "back").read_bytes() == large.read_bytes()


def test_ctrl_c_in_an_upload_says_how_to_go_on(
    bitvault: Run, environment: Mapping[str, str], control: ControlPlane, large: Path
) -> None:
    """Exit 130, one line and the next step; the same command sends only what the store lacks."""
    control.hold_after = 1
    command = [*program(), "put", "-j", "1", str(large), "/large"]
    with subprocess.Popen(command, env=dict(environment), stderr=subprocess.PIPE) as process:
        assert control.held.wait(30)
        process.send_signal(signal.SIGINT)
        control.release.set()
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.decode().splitlines()[-2:] == [
        "bitvault: interrupted",
        "  The same command goes on where it stopped; or see: bitvault uploads list",
    ]
    control.hold_after, signed = None, set(control.signed)
    control.signed = []
    assert bitvault("put", large, "/large").returncode == 0
    assert set(control.signed) < {1, 2, 3, 4, 5, 6}
    assert set(control.signed) | signed == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("words", [("/t/large.bin",), ("-r", "/t")], ids=["file", "tree"])
def test_ctrl_c_in_a_download_says_how_to_go_on(
    words: tuple[str, ...],
    bitvault: Run,
    environment: Mapping[str, str],
    control: ControlPlane,
    store: ObjectStoreServer,
    large: Path,
) -> None:
    """What has arrived is kept beside the target, and is not fetched again."""
    assert bitvault("put", large, "/t/large.bin").returncode == 0
    gate = Gate(store.address, limit=40 << 20)
    control.connect(gate.url)
    (large.parent / "back").mkdir()
    back = large.parent / "back" / "large.bin"
    target = back.parent if "-r" in words else back
    command = [*program(), "get", "-j", "1", *words, str(target)]
    with subprocess.Popen(command, env=dict(environment), stderr=subprocess.PIPE) as process:
        assert gate.held.wait(30)
        process.send_signal(signal.SIGINT)
        gate.open()
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Go on where it stopped with: the same command\n" in said
    assert not back.exists()
    before = gate.passed
    assert bitvault("get", *words, target).returncode == 0
    assert back.read_bytes() == large.read_bytes()
    assert gate.passed - before < large.stat().st_size
    gate.close()


def test_a_tree_goes_up_and_down(bitvault: Run, tmp_path: Path) -> None:
    """A recursive put and get give the same files."""
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "a").write_text("a")
    (tmp_path / "tree" / "b").write_text("b")
    (tmp_path / "tree" / "link").symlink_to("b")
    sent = bitvault("put", "-r", "tree", "/", "--json")
    assert json.loads(sent.stdout)["warnings"] == ["link: symbolic link; left out"]
    assert bitvault("get", "-r", "/tree", "back").returncode == 0
    assert (tmp_path / "back" / "sub" / "a").read_text() == "a"
    assert (tmp_path / "back" / "b").read_text() == "b"


def test_a_dry_run_sends_nothing(bitvault: Run, control: ControlPlane, tmp_path: Path) -> None:
    """It says what would go where, and changes nothing."""
    (tmp_path / "a").write_text("a")
    planned = bitvault("put", "a", "/folder/", "--dry-run")
    assert planned.stdout == b"would put a to /folder/a\n"
    assert {call.split()[0] for call in control.calls} == {"GET"}


def test_a_dry_run_of_a_tree_tells_what_would_be(bitvault: Run, tmp_path: Path) -> None:
    """New, changed, unchanged: the sum is that of the run itself."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("a", "b", "c"):
        (tree / name).write_text(name)
    assert bitvault("put", "-r", "tree", "/tree").returncode == 0
    (tree / "a").write_text("longer")
    (tree / "new").write_text("new")
    planned = bitvault("put", "-r", "tree", "/tree", "--dry-run")
    assert planned.stdout.decode().splitlines() == [
        "would put tree/a to /tree/a, after its version 1",
        "would put tree/new to /tree/new",
        "would send 2 files (9 B), 2 unchanged",
    ]
    again = bitvault("put", "-r", "tree", "/tree")
    assert again.stdout == b"2 files sent (9 B), 2 unchanged\n"
    assert bitvault("put", "-r", "tree", "/tree").stdout == b"0 files sent (0 B), 4 unchanged\n"
    refused = bitvault("put", "-r", "tree", "/tree", "--dry-run", "--if-exists", "fail")
    assert (refused.returncode, b"4 failed" in refused.stdout) == (7, True)


def test_one_file_is_compared_when_told_so(
    bitvault: Run, control: ControlPlane, tmp_path: Path
) -> None:
    """``update`` is for single files too; without it a second put is a conflict."""
    (tmp_path / "a").write_text("a")
    update = ("put", "a", "/a", "--if-exists", "update")
    assert bitvault(*update).stdout == b"1 file sent (1 B)\n"
    assert bitvault(*update).stdout == b"0 files sent (0 B), 1 unchanged\n"
    (tmp_path / "a").write_text("ab")
    assert bitvault(*update).returncode == 0
    assert control.nodes["/a"]["version"] == 2
    assert bitvault("put", "a", "/a").returncode == 5


def test_a_taken_name_is_a_conflict(bitvault: Run, tmp_path: Path) -> None:
    """Exit 5 and the way out; ``skip`` is exit 0."""
    (tmp_path / "a").write_text("a")
    bitvault("put", "a", "/a")
    refused = bitvault("put", "a", "/a")
    assert refused.returncode == 5
    assert b"--if-exists" in refused.stderr
    assert bitvault("put", "a", "/a", "--if-exists", "skip").returncode == 0


def test_a_partly_failed_tree_is_partial(
    bitvault: Run, control: ControlPlane, tmp_path: Path
) -> None:
    """Exit 7, and the envelope says which file failed."""
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a").write_text("a")
    control.add("/t/a", "file", {"size": 1, "hash": "sha256:" + "0" * 64})
    answer = bitvault("put", "-r", "t", "/t", "--if-exists", "fail", "--json")
    document = json.loads(answer.stdout)
    assert (answer.returncode, document["ok"], document["error"]["code"]) == (7, False, "partial")
    assert document["error"]["requestId"] == "r1"
    assert document["warnings"] == ["a: name_taken"]
    assert document["summary"]["failed"] == 1


def test_sources_that_are_one_name_there_are_not_sent(
    bitvault: Run, control: ControlPlane, tmp_path: Path
) -> None:
    """Given one by one, whatever is to be done when a name exists: exit 7, both are named."""
    for name in ("FAQ.html", "faq.html", "other"):
        (tmp_path / name).write_text(name)
    sources = ("FAQ.html", "faq.html", "other")
    answer = bitvault("put", *sources, "/pages/", "--if-exists", "replace")
    assert answer.returncode == 7
    assert b"FAQ.html: the same name as 'faq.html'" in answer.stderr
    assert b"faq.html: the same name as 'FAQ.html'" in answer.stderr
    assert [path for path in control.nodes if path.startswith("/pages/")] == ["/pages/other"]


def test_aborting_all_uploads_forgets_them_here_too(
    bitvault: Run, control: ControlPlane, large: Path, tmp_path: Path
) -> None:
    """What the server does not hold, no later run can go on with."""
    control.refuse_commit = True
    assert bitvault("put", large, "/large").returncode == 5
    states = tmp_path / "state" / "bitvault" / "uploads"
    assert len(list(states.iterdir())) == 1
    assert bitvault("uploads", "abort", "--all", "--yes").returncode == 0
    assert (list(states.iterdir()), control.open_uploads()) == ([], [])
