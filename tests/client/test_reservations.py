"""What a process begins and does not end is given up: by itself, or by the next one."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from bitvault.client.client import Client
from bitvault.client.errors import Problem, Stopped
from bitvault.client.reservations import Reservations
from bitvault.client.shapes import Begun
from bitvault.client.state import UploadStates
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Source, Uploader
from tests.client.control_plane import ControlPlane, Refuse
from tests.client.test_sabotage import tree_of

_SERVER = "http://server"
A, B, C = (str(UUID(int=number)) for number in (1, 2, 3))


class Given(list[str]):
    """Takes what is given up, for as long as the server can be reached."""

    is_reached = True

    def up(self, upload_ids: Sequence[str]) -> Sequence[str]:
        """Take some."""
        taken = upload_ids if self.is_reached else []
        self += taken
        return taken


def test_what_is_held_is_given_up_at_the_end(tmp_path: Path) -> None:
    """But for what was committed; and its file goes."""
    gone = Given()
    held = Reservations(tmp_path, _SERVER, gone.up)
    held.hold([A, B, C])
    held.free([B])
    held.end()
    assert (sorted(gone), list(tmp_path.iterdir())) == ([A, C], [])


def test_nothing_begins_after_the_end(tmp_path: Path) -> None:
    """Threads that are still at work are stopped where they would."""
    held = Reservations(tmp_path, _SERVER, list)
    held.end()
    with pytest.raises(Stopped), held.beginning():
        pytest.fail("it began")


def test_a_process_that_lives_keeps_what_it_holds(tmp_path: Path) -> None:
    """Another one, on the same machine, gives up nothing of it."""
    gone = Given()
    living = Reservations(tmp_path, _SERVER, gone.up)
    living.hold([A])
    Reservations(tmp_path, _SERVER, gone.up).recover()
    assert gone == []
    living.free([A])


def test_what_a_killed_process_left_is_given_up_by_the_next(tmp_path: Path) -> None:
    """At the same server alone, and once."""
    code = (
        "import sys; from pathlib import Path\n"
        "from bitvault.client.reservations import Reservations\n"
        "held = Reservations(Path(sys.argv[1]), sys.argv[2], list)\n"
        "held.hold(sys.argv[3:]); held.free([sys.argv[4]]); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), _SERVER, A, B],
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
    assert (gone, list(tmp_path.iterdir())) == ([A], [])


def test_what_cannot_be_given_up_now_is_left_to_the_next(tmp_path: Path) -> None:
    """Where the server is gone, or the time is up; and so on, until one reaches it."""
    gone = Given()
    gone.is_reached = False
    cut_off, late = (Reservations(tmp_path, _SERVER, gone.up) for _ in range(2))
    cut_off.hold([A])
    late.hold([B])
    cut_off.end()
    gone.is_reached = True
    late.end(0)
    assert gone == []
    gone.is_reached = False
    Reservations(tmp_path, _SERVER, gone.up).recover()
    gone.is_reached = True
    Reservations(tmp_path, _SERVER, gone.up).recover()
    assert (sorted(gone), list(tmp_path.iterdir())) == ([A, B], [])


def test_a_line_that_a_kill_cut_short_keeps_nothing_else(tmp_path: Path) -> None:
    """The server would refuse the whole request for it."""
    gone = Given()
    killed = Reservations(tmp_path, _SERVER, gone.up)
    killed.hold([A, B])
    (file,) = tmp_path.iterdir()
    file.write_text(f"{file.read_text()}+{C[:20]}")
    killed.leave()
    Reservations(tmp_path, _SERVER, gone.up).recover()
    assert (sorted(gone), list(tmp_path.iterdir())) == ([A, B], [])


def test_many_are_given_up_in_few_requests(client: Client, control: ControlPlane) -> None:
    """A thousand are three requests; one that was committed meanwhile is over as well."""
    file = {"size": 1, "ifExists": "fail", "hash": f"sha256:{'0' * 64}"}
    drafts = [{"path": f"/f{number}", **file} for number in range(1001)]
    begun = [str(one.upload_id) for one in client.begin_all(drafts) if isinstance(one, Begun)]
    control.uploads[begun[0]]["state"] = "committed"
    held = Reservations(Path(os.devnull), _SERVER, client.give_up_all)
    held.hold(begun)
    control.calls.clear()
    held.end()
    assert control.calls == ["POST /v1/files/aborts"] * 2 + ["DELETE /v1/files/uploads/*"]
    assert control.open_uploads() == []
    assert control.uploads[begun[0]]["state"] == "committed"


@pytest.mark.parametrize(("status", "code"), [(401, "unauthenticated"), (403, "tenant_suspended")])
def test_what_is_not_over_stays_noted(
    client: Client,
    control: ControlPlane,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
) -> None:
    """Whose session has ended gives up nothing; one or two of them, the next process does it."""
    draft = {"path": "/f", "size": 1, "ifExists": "fail", "hash": f"sha256:{'0' * 64}"}
    begun = [str(client.begin(draft).upload_id) for _ in range(3)]

    def refuse(_item: object) -> None:
        raise Refuse(status, code)

    with monkeypatch.context() as refusing:
        refusing.setattr(control, "abort", refuse)
        for some in (begun[:1], begun[1:]):
            held = Reservations(tmp_path, control.url, client.give_up_all)
            held.hold(some)
            held.end()
    assert control.open_uploads() == ["/f"] * 3
    Reservations(tmp_path, control.url, client.give_up_all).recover()
    assert (control.open_uploads(), list(tmp_path.iterdir())) == ([], [])


def test_too_few_answers_give_up_nothing(
    client: Client, control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose answer is missing is not known: all are tried again by the next process."""
    monkeypatch.setattr(control, "many", lambda *_: {"items": [{"status": 200}]})
    assert client.give_up_all([A, B]) == []


def test_the_failures_of_a_tree_are_given_up_together(
    uploader: Uploader, control: ControlPlane, tmp_path: Path
) -> None:
    """Each commit is refused: its files cost one request more, not one each."""
    control.refuse_commit = True
    result = TreeUpload(uploader, "/t", "update").run(tree_of(tmp_path / "tree", 20))
    assert len(result.missed) == 20
    assert control.open_uploads() == []
    assert [call for call in control.calls if "abort" in call or "DELETE" in call] == [
        "POST /v1/files/aborts"
    ]


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
