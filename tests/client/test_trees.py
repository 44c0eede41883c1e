"""Trees go up so that a second run has little to do, and nothing is merged in silence."""

import os
import unicodedata  # noqa: TID251 - a table that is not the one tested
from pathlib import Path

import pytest

from bitvault.actors.files.rules import names as server
from bitvault.client import remote_tree
from bitvault.client.client import Client
from bitvault.client.downloads import Downloader
from bitvault.client.errors import NamesCollide
from bitvault.client.names import name_key, path_key, twins
from bitvault.client.progress import Silent
from bitvault.client.results import TreeResult
from bitvault.client.tree_down import TreeDownload
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Uploader
from tests.client.control_plane import ControlPlane


@pytest.mark.parametrize("name", ["FAQ.html", "Straße", "u\u0308ber", "İ", "\u1e9b\u0323", "ﬁ"])
def test_names_are_compared_as_the_server_does(name: str) -> None:
    """The rule is written twice, because the SDK ships alone; it is one rule."""
    assert name_key(name) == server.name_key(name)


def test_a_path_has_the_key_of_its_names() -> None:
    """Twins know each other; a name alone is nobody's."""
    assert path_key("A/ü") == "a/ü"
    assert twins(["a", "A", "b"]) == {"a": ["A"], "A": ["a"]}


@pytest.mark.parametrize("if_exists", ["fail", "replace", "rename", "skip"])
def test_names_that_are_one_there_are_not_sent(
    uploader: Uploader, control: ControlPlane, tmp_path: Path, if_exists: str
) -> None:
    """Files and folders that differ in case or composition fail, each naming the other."""
    root = tmp_path / "tree"
    (root / "Docs").mkdir(parents=True)
    (root / "docs").mkdir()
    composed, decomposed = (unicodedata.normalize(form, "ü") for form in ("NFC", "NFD"))
    for name in ("FAQ.html", "faq.html", composed, decomposed, "Docs/a", "docs/b", "alone"):
        (root / name).write_text(name)
    done = TreeUpload(uploader, "/t", if_exists).run(root)
    missed = {miss.path: str(miss.error) for miss in done.missed}
    assert set(missed) == {"FAQ.html", "faq.html", composed, decomposed, "Docs", "docs"}
    assert all(isinstance(miss.error, NamesCollide) for miss in done.missed)
    assert "'FAQ.html'" in missed["faq.html"]
    assert [path for path in control.nodes if path.startswith("/t/")] == ["/t/alone"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree of some files, one of them large, in two folders."""
    root = tmp_path / "tree"
    (root / "sub" / "empty").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (root / name).write_text(name)
    with (root / "large").open("wb") as file:
        file.truncate(65 << 20)
    return root


def _age(path: Path, seconds: float) -> None:
    """Move a modification time, into the past when negative."""
    stamp = path.stat().st_mtime + seconds
    os.utime(path, (stamp, stamp))


def _writes(control: ControlPlane) -> list[str]:
    return [call for call in control.calls if not call.startswith("GET ")]


def test_a_tree_put_again_sends_nothing(
    uploader: Uploader, control: ControlPlane, tree: Path
) -> None:
    """Same sizes and times: one listing for each folder, and no other request."""
    first = TreeUpload(uploader, "/t", "update").run(tree)
    control.calls.clear()
    again = TreeUpload(uploader, "/t", "update").run(tree)
    assert (len(first.nodes), first.unchanged, first.folders, first.missed) == (4, 0, 3, [])
    assert (again.nodes, again.unchanged, again.folders, again.missed) == ([], 4, 0, [])
    assert sorted(control.calls) == [
        "GET /v1/files",
        "GET /v1/folders/*/children",
        "GET /v1/folders/*/children",
    ]


def test_what_changed_becomes_a_version(
    uploader: Uploader, control: ControlPlane, tree: Path
) -> None:
    """And what is new goes up; a longer file, and one of the same length with another content."""
    TreeUpload(uploader, "/t", "update").run(tree)
    for name, text in (("a", "longer"), ("sub/c", "c/sub"), ("sub/new", "new")):
        (tree / name).write_text(text)
        _age(tree / name, 5)
    again = TreeUpload(uploader, "/t", "update").run(tree)
    assert (len(again.nodes), again.unchanged, again.missed) == (3, 2, [])
    versions = {path: node["version"] for path, node in control.nodes.items() if node["size"]}
    assert versions == {"/t/a": 2, "/t/b": 1, "/t/large": 1, "/t/sub/c": 2, "/t/sub/new": 1}


def test_another_time_and_the_same_content_is_unchanged(
    uploader: Uploader, control: ControlPlane, tree: Path
) -> None:
    """A touched file is hashed, and not sent; a large one in the form its parts have."""
    TreeUpload(uploader, "/t", "update").run(tree)
    control.calls.clear()
    for name in ("a", "b", "large"):
        _age(tree / name, -100)
    assert TreeUpload(uploader, "/t", "update").run(tree).unchanged == 4
    assert _writes(control) == []


def test_a_tree_fetched_again_fetches_nothing(
    uploader: Uploader, client: Client, control: ControlPlane, tree: Path, tmp_path: Path
) -> None:
    """Same sizes and times: it is listed alone; another time and the same content is hashed."""
    TreeUpload(uploader, "/t", "update").run(tree)
    first = _fetched(client, tmp_path / "back")
    assert (len(first.nodes), first.unchanged, first.missed) == (4, 0, [])
    _age(tmp_path / "back" / "a", 3600)
    _age(tmp_path / "back" / "large", -100)
    control.calls.clear()
    again = _fetched(client, tmp_path / "back")
    assert (again.nodes, again.unchanged, again.folders, again.missed) == ([], 4, 0, [])
    assert set(control.calls) == {"GET /v1/files", "GET /v1/folders/*/children"}


def test_a_tree_fetched_again_goes_on(
    uploader: Uploader, client: Client, tree: Path, tmp_path: Path
) -> None:
    """What is missing or older here comes; what is newer here, or no file, stays and is named."""
    TreeUpload(uploader, "/t", "update").run(tree)
    back = tmp_path / "back"
    _fetched(client, back)
    (back / "a").unlink()
    (back / "b").write_text("older")
    _age(back / "b", -3600)
    (back / "sub" / "c").write_text("newer")
    _age(back / "sub" / "c", 3600)
    (back / "large").unlink()
    (back / "large").symlink_to(tree / "large")
    again = _fetched(client, back)
    told = {miss.path: getattr(miss.error, "code", "") for miss in again.missed}
    assert told == {"/t/sub/c": "newer_here", "/t/large": "local_exists"}
    assert sorted(node.path for node in again.nodes) == ["/t/a", "/t/b"]
    texts = [(back / name).read_text() for name in ("a", "b", "sub/c")]
    assert (texts, (back / "large").is_symlink()) == (["a", "b", "newer"], True)


def test_what_is_changed_here_meanwhile_is_not_overwritten(
    uploader: Uploader, client: Client, tree: Path, tmp_path: Path
) -> None:
    """Between comparing and writing."""
    TreeUpload(uploader, "/t", "update").run(tree / "sub")
    mine = tmp_path / "back" / "c"

    class Editor(Silent):
        def expect(self, size: int) -> None:
            """Write the file, now that it is known to be missing."""
            mine.write_text("mine")
            _age(mine, 3600)

    down = TreeDownload(Downloader(client, progress=Editor()), "update")
    done = down.run(client.node("/t"), mine.parent)
    codes = [getattr(miss.error, "code", "") for miss in done.missed]
    assert (codes, mine.read_text()) == (["newer_here"], "mine")


def _fetched(client: Client, target: Path) -> TreeResult:
    return TreeDownload(Downloader(client), "update").run(client.node("/t"), target)


def test_what_is_newer_there_is_not_overwritten(
    uploader: Uploader, control: ControlPlane, tree: Path
) -> None:
    """It fails and says so; the other files go up."""
    TreeUpload(uploader, "/t", "update").run(tree)
    (tree / "a").write_text("from a backup")
    _age(tree / "a", -3600)
    (tree / "b").write_text("from today")
    again = TreeUpload(uploader, "/t", "update").run(tree)
    assert [(miss.path, getattr(miss.error, "code", "")) for miss in again.missed] == [
        ("a", "newer_there")
    ]
    assert (control.nodes["/t/a"]["version"], control.nodes["/t/b"]["version"]) == (1, 2)


def test_a_version_that_came_meanwhile_is_not_overwritten(
    uploader: Uploader, control: ControlPlane, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and sending somebody else may write: that is the base's concern."""
    TreeUpload(uploader, "/t", "update").run(tree)
    (tree / "a").write_text("changed")
    begin = uploader.client.begin_all

    def after_another(drafts: object) -> object:
        control.nodes["/t/a"]["version"] = 7
        return begin(drafts)  # type: ignore[arg-type]

    monkeypatch.setattr(uploader.client, "begin_all", after_another)
    again = TreeUpload(uploader, "/t", "update").run(tree)
    assert [getattr(miss.error, "code", "") for miss in again.missed] == ["stale_base"]


def test_another_spelling_there_is_not_overwritten(
    uploader: Uploader, control: ControlPlane, tree: Path
) -> None:
    """Whether it is the same file, renamed, is not for a program to guess."""
    key = {"size": 1, "hash": "sha256:" + "0" * 64}
    control.add("/t/A", "file", key)
    done = TreeUpload(uploader, "/t", "update").run(tree)
    assert [(miss.path, getattr(miss.error, "code", "")) for miss in done.missed] == [
        ("a", "spelled_otherwise")
    ]


def test_a_large_remote_folder_is_not_listed_for_a_few_files(
    uploader: Uploader, control: ControlPlane, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are looked up one by one: what is there costs nothing."""
    monkeypatch.setattr(remote_tree, "FEW", 2)
    monkeypatch.setattr(remote_tree, "WORTH", 1)
    TreeUpload(uploader, "/t", "update").run(tree)
    for number in range(9):
        control.add(f"/t/other{number}", "file", {"size": 1, "hash": "sha256:" + "0" * 64})
    control.calls.clear()
    assert TreeUpload(uploader, "/t", "update").run(tree).unchanged == 4
    assert control.calls.count("GET /v1/files") == 5
    assert _writes(control) == []
