"""What the local file system cannot give, or take, is named and counted; the rest goes on."""

import errno
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitvault.client import drafts
from bitvault.client.client import Client
from bitvault.client.downloads import Downloader
from bitvault.client.errors import BitVaultError, NotAFile, NotText, Problem, SourceChanged
from bitvault.client.names import beside
from bitvault.client.progress import Silent
from bitvault.client.results import TreeResult
from bitvault.client.tree_down import TreeDownload
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Source, Uploader
from bitvault.client.walk import LocalFile, Unreadable, walk
from tests.client.control_plane import ControlPlane

EMPTY = {"size": 1, "hash": "sha256:" + "0" * 64, "version": 1}


class Notes(Silent):
    """Keeps what was left out on purpose."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.told.append(text)


def reasons(result: TreeResult) -> dict[str, object]:
    """Say of each that failed why, by its code or its number."""
    return {
        miss.path: miss.error.code if isinstance(miss.error, BitVaultError) else miss.error.errno
        for miss in result.missed
    }


def put(uploader: Uploader, root: Path, *, follow: bool = False) -> TreeResult:
    """Put a tree."""
    return TreeUpload(uploader, "/t", "fail").run(root, follow=follow)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a tree with one file that nothing is wrong with."""
    root = tmp_path / "tree"
    root.mkdir()
    (root / "fine").write_text("fine")
    return root


def test_names_that_are_not_utf8_are_missed(uploader: Uploader, root: Path) -> None:
    """Of files and of folders; what is in such a folder is not looked into."""
    (root / "d\udcff").mkdir()
    for name in ("f\udcff", "d\udcff/inside"):
        (root / name).write_text("x")
    result = put(uploader, root)
    assert (len(result.nodes), reasons(result)) == (
        1,
        {"f\udcff": "not_utf8", "d\udcff": "not_utf8"},
    )


@pytest.fixture
def unreadable(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder that cannot be listed, also where the test runs as root."""
    folder = root / "closed"
    folder.mkdir()
    scandir = os.scandir

    def refusing(path: object) -> object:
        if path == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return scandir(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refusing)
    return folder


def test_an_unreadable_folder_is_missed(uploader: Uploader, root: Path, unreadable: Path) -> None:
    """And nothing else is."""
    result = put(uploader, root)
    assert (len(result.nodes), reasons(result)) == (1, {unreadable.name: errno.EACCES})


@pytest.fixture
def deep(root: Path) -> Iterator[Path]:
    """Make a tree that is deeper than a path may be long; no recursion could remove it."""
    here = os.open(root, os.O_RDONLY)
    try:
        for _ in range(2100):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)
    yield root
    subprocess.run(["rm", "-rf", root], check=True)


def test_a_tree_deeper_than_paths_may_be_long_goes_up_as_far_as_they_reach(deep: Path) -> None:
    """The folder that is too deep is missed; no limit of the interpreter is met first."""
    entries = list(walk(deep, lambda _: None))
    told = [one.error for one in entries if isinstance(one, Unreadable)]
    assert [getattr(error, "errno", None) for error in told] == [errno.ENAMETOOLONG]
    assert len(entries) > 1000
    assert [one.relative for one in entries if isinstance(one, LocalFile)] == ["fine"]


def test_what_is_no_file_is_left_out_with_a_note(client: Client, root: Path) -> None:
    """Links and special files are not what a tree is put for; a broken link is, if followed."""
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket"))
    (root / "broken").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    notes = Notes()
    result = put(Uploader(client, progress=notes), root)
    assert (len(result.nodes), result.missed, len(notes.told)) == (1, [], 4)
    followed = put(Uploader(client), root, follow=True)
    assert reasons(followed) == {
        "broken": errno.ENOENT,
        "loop": errno.ELOOP,
        "fine": "name_taken",
    }


def test_a_fifo_is_not_waited_for(uploader: Uploader, root: Path) -> None:
    """Named by itself, or put where a file was when the tree was looked at."""
    os.mkfifo(root / "fifo")
    with pytest.raises(NotAFile):
        Source.of(root / "fifo")
    source = Source.of(root / "fine")
    (root / "fine").unlink()
    os.mkfifo(root / "fine")
    with pytest.raises(SourceChanged):
        uploader.put(source, "/fine")


def test_a_place_that_is_not_utf8_is_told(uploader: Uploader, root: Path) -> None:
    """Before anything is asked of the server."""
    with pytest.raises(NotText):
        uploader.put(Source.of(root / "fine"), "/f\udcff")


def test_an_item_that_a_whole_batch_is_refused_for_is_found(
    uploader: Uploader, control: ControlPlane, root: Path
) -> None:
    """The others of the batch go up."""
    for number in range(5):
        (root / f"f{number}").write_text(str(number))
    begin = uploader.client.begin_all

    def refusing(drafts: list[dict[str, object]]) -> object:
        if any(draft["path"] == "/t/f3" for draft in drafts):
            raise Problem(400, {"code": "invalid", "detail": "items[3].path: must not be"})
        return begin(drafts)

    uploader.client.begin_all = refusing  # type: ignore[method-assign,assignment]
    result = put(uploader, root)
    assert (len(result.nodes), reasons(result)) == (5, {"f3": "invalid"})


def get(client: Client, target: Path, if_exists: str = "fail") -> TreeResult:
    """Get the tree."""
    return TreeDownload(Downloader(client), if_exists).run(client.node("/t"), target)


def test_what_the_file_system_cannot_hold_is_missed(
    uploader: Uploader, client: Client, control: ControlPlane, root: Path, tmp_path: Path
) -> None:
    """A name too long, a folder where a file is, two of one name: the rest comes, no draft."""
    put(uploader, root)
    for name in ("x" * 300, "d", "Twin", "twin"):
        control.add(f"/t/{name}", "file", {**EMPTY, "key": control.nodes["/t/fine"]["key"]})
        control.nodes[f"/t/{name}"] |= {
            key: control.nodes["/t/fine"][key] for key in ("size", "hash")
        }
    back = tmp_path / "back"
    (back / "d").mkdir(parents=True)
    result = get(client, back, "replace")
    assert reasons(result) == {
        f"/t/{'x' * 300}": errno.ENAMETOOLONG,
        "/t/d": errno.EISDIR,
        "/t/Twin": "names_collide",
        "/t/twin": "names_collide",
    }
    assert sorted(one.name for one in back.iterdir()) == ["d", "fine"]


def test_a_full_disk_leaves_nothing_behind(
    uploader: Uploader,
    client: Client,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The draft goes, and the file is named."""
    put(uploader, root)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("bitvault.client.downloads._write_all", full)
    result = get(client, tmp_path / "back")
    assert reasons(result) == {"/t/fine": errno.ENOSPC}
    assert list((tmp_path / "back").iterdir()) == []


def test_what_a_killed_download_left_goes_with_the_next(
    uploader: Uploader, client: Client, root: Path, tmp_path: Path
) -> None:
    """Whether the file is fetched, or was there already."""
    put(uploader, root)
    back = tmp_path / "back"
    back.mkdir()
    for _ in range(2):
        beside(back / "fine", ".bv-part").write_text("half")
        assert get(client, back, "replace").missed == []
        assert [one.name for one in back.iterdir()] == ["fine"]


def test_an_interrupted_tree_leaves_no_drafts(tmp_path: Path) -> None:
    """What threads still write goes, and they begin nothing."""
    open_ones = drafts.Drafts()
    with pytest.raises(FileNotFoundError), open_ones.replacing(tmp_path / "a"):
        open_ones.end()
    with pytest.raises(BitVaultError), open_ones.replacing(tmp_path / "b"):
        pytest.fail("it began")
    assert list(tmp_path.iterdir()) == []
