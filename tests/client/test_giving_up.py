"""An upload that can't be of use any more frees its room at once."""

import os
from pathlib import Path

import pytest

from bitvault.client.client import Client
from bitvault.client.errors import Problem, SourceChanged
from bitvault.client.progress import Silent
from bitvault.client.state import UploadStates
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Source, Uploader
from tests.client.control_plane import ControlPlane, Refuse


class _Meddling(Silent):
    """Does something once bytes are under way."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def advance(self, size: int) -> None:
        """Make the file another one."""
        if size > 0:
            os.utime(self._path, (1, 1))


def test_a_name_that_was_taken_meanwhile(
    uploader: Uploader, control: ControlPlane, tmp_path: Path
) -> None:
    """Alone or in a tree: the commit is refused, and nothing is held."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_text("a")
    control.refuse_commit = True
    with pytest.raises(Problem):
        uploader.put(Source.of(tree / "a"), "/a")
    assert len(TreeUpload(uploader, "/t", "update").run(tree).missed) == 1
    assert control.open_uploads() == []


def test_a_file_that_vanishes_from_a_tree(
    uploader: Uploader, control: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between hashing and sending."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_text("a")
    begin = uploader.client.begin_all

    def vanish(drafts: object) -> object:
        (tree / "a").unlink()
        return begin(drafts)  # type: ignore[arg-type]

    monkeypatch.setattr(uploader.client, "begin_all", vanish)
    assert len(TreeUpload(uploader, "/t", "update").run(tree).missed) == 1
    assert control.open_uploads() == []


def test_a_large_file_that_changes_under_way(
    client: Client, control: ControlPlane, large: Path, tmp_path: Path
) -> None:
    """Its parts are of a file that is no more; the state file goes too."""
    states = UploadStates(tmp_path / "state")
    with pytest.raises(SourceChanged):
        Uploader(client, 2, _Meddling(large), states).put(Source.of(large), "/large")
    assert control.open_uploads() == []
    assert list((tmp_path / "state").iterdir()) == []


def test_a_large_file_that_was_edited_since(
    uploader: Uploader, control: ControlPlane, large: Path
) -> None:
    """The interrupted upload of what it was is given up when what it is goes up."""
    control.break_commit = 99
    with pytest.raises(Problem):
        uploader.put(Source.of(large), "/large")
    assert control.open_uploads() == ["/large"]
    control.break_commit = 0
    os.utime(large, (1, 1))
    uploader.put(Source.of(large), "/large")
    assert control.open_uploads() == []


def test_what_cannot_be_given_up_is_noted_still(
    uploader: Uploader, control: ControlPlane, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session has ended: the next run finds what was begun of the file, edited or not."""
    control.break_commit = 99

    def refuse(_item: object) -> None:
        raise Refuse(401, "unauthenticated")

    with monkeypatch.context() as ended:
        ended.setattr(control, "abort", refuse)
        with pytest.raises(Problem):
            uploader.put(Source.of(large), "/large")
        uploader.forsake(Source.of(large), "/large")
        os.utime(large, (1, 1))
        with pytest.raises(Problem):
            uploader.put(Source.of(large), "/large")
    assert control.open_uploads() == ["/large", "/large"]
    control.break_commit = 0
    uploader.put(Source.of(large), "/large")
    assert control.open_uploads() == []
    assert list(uploader.states.folder.iterdir()) == []


def test_a_large_file_whose_name_was_taken_is_not_sent_again(
    uploader: Uploader, control: ControlPlane, large: Path
) -> None:
    """It is of use still: told to replace, the same bytes are committed."""
    control.refuse_commit = True
    with pytest.raises(Problem):
        uploader.put(Source.of(large), "/large")
    control.signed = []
    assert uploader.put(Source.of(large), "/large", "replace").size == large.stat().st_size
    assert control.signed == []
