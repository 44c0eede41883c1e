"""What a process begins and does not end is given up: by itself, or by the next one."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bitvault.client.client import Client
from bitvault.client.errors import Problem, Stopped
from bitvault.client.reservations import Reservations
from bitvault.client.state import UploadStates
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Source, Uploader
from tests.client.control_plane import ControlPlane
from tests.client.test_sabotage import tree_of

_SERVER = "http://server"


class Given(list[str]):
    """Takes what is given up, for as long as the server can be reached."""

    is_reached = True

    def up(self, upload_id: str) -> bool:
        """Take one."""
        if self.is_reached:
            self.append(upload_id)
        return self.is_reached


def test_what_is_held_is_given_up_at_the_end(tmp_path: Path) -> None:
    """But for what was committed; and its file goes."""
    gone = Given()
    held = Reservations(tmp_path, _SERVER, gone.up)
    held.hold(["a", "b", "c"])
    held.free(["b"])
    held.end()
    assert (sorted(gone), list(tmp_path.iterdir())) == (["a", "c"], [])


def test_nothing_begins_after_the_end(tmp_path: Path) -> None:
    """Threads that are still at work are stopped where they would."""
    held = Reservations(tmp_path, _SERVER, lambda _: True)
    held.end()
    with pytest.raises(Stopped), held.beginning():
        pytest.fail("it began")


def test_a_process_that_lives_keeps_what_it_holds(tmp_path: Path) -> None:
    """Another one, on the same machine, gives up nothing of it."""
    gone = Given()
    living = Reservations(tmp_path, _SERVER, gone.up)
    living.hold(["a"])
    Reservations(tmp_path, _SERVER, gone.up).recover()
    assert gone == []
    living.free(["a"])


def test_what_a_killed_process_left_is_given_up_by_the_next(tmp_path: Path) -> None:
    """At the same server alone, and once."""
    code = (
        "import sys; from pathlib import Path\n"
        "from bitvault.client.reservations import Reservations\n"
        "held = Reservations(Path(sys.argv[1]), sys.argv[2], print)\n"
        "held.hold(['a', 'b']); held.free(['b']); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        process.send_signal(signal.SIGKILL)
    gone = Given()
    Reservations(tmp_path, "http://another", gone.up).recover()
    assert gone == []
    for _ in range(2):
        Reservations(tmp_path, _SERVER, gone.up).recover()
    assert (gone, list(tmp_path.iterdir())) == (["a"], [])


def test_what_cannot_be_given_up_now_is_left_to_the_next(tmp_path: Path) -> None:
    """Where the server is gone, or the time is up."""
    gone = Given()
    gone.is_reached = False
    cut_off, late = (Reservations(tmp_path, _SERVER, gone.up) for _ in range(2))
    cut_off.hold(["a"])
    late.hold(["b"])
    cut_off.end()
    gone.is_reached = True
    late.end(0)
    assert gone == []
    Reservations(tmp_path, _SERVER, gone.up).recover()
    assert (sorted(gone), list(tmp_path.iterdir())) == (["a", "b"], [])


def test_a_failure_that_ends_an_upload_gives_it_up(
    uploader: Uploader, control: ControlPlane, tmp_path: Path
) -> None:
    """Also one that might pass later: a file in one PUT always starts over."""
    (tmp_path / "a").write_bytes(b"hello")
    control.break_commit = 99
    with pytest.raises(Problem, match="unavailable"):
        uploader.put(Source.of(tmp_path / "a"), "/a")
    result = TreeUpload(uploader, "/t", "fail").run(tree_of(tmp_path / "tree", 3))
    assert len(result.missed) == 3
    assert control.open_uploads() == []


def test_a_large_file_that_came_otherwise_frees_what_was_begun(
    uploader: Uploader, control: ControlPlane, client: Client, tmp_path: Path
) -> None:
    """A rerun that finds it there has nothing to resume."""
    root = tmp_path / "tree"
    root.mkdir()
    with (root / "large").open("wb") as file:
        file.truncate(65 << 20)
    control.break_commit = 99
    result = TreeUpload(uploader, "/t", "update").run(root)
    assert [miss.path for miss in result.missed] == ["large"]
    assert control.open_uploads() == ["/t/large"]
    control.break_commit = 0
    other = Uploader(client, states=UploadStates(tmp_path / "elsewhere"))
    other.put(Source.of(root / "large"), "/t/large")
    assert control.open_uploads() == ["/t/large"]
    assert TreeUpload(uploader, "/t", "update").run(root).unchanged == 1
    assert control.open_uploads() == []
