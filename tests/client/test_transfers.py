"""Bytes go up and come down through the real object store."""

from pathlib import Path

import pytest

from bitvault.client.client import Client
from bitvault.client.downloads import Downloader
from bitvault.client.errors import IntegrityError, LocalExists, Problem, SourceChanged
from bitvault.client.names import beside, numbered
from bitvault.client.tree_down import TreeDownload
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Source, Uploader
from tests.client.control_plane import ControlPlane


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (3 << 20) + 5])
def test_a_small_file_comes_back(
    uploader: Uploader, client: Client, tmp_path: Path, size: int
) -> None:
    """The bytes and the modification time are the same."""
    path, back = tmp_path / "a", tmp_path / "b"
    path.write_bytes(bytes(range(251)) * (size // 251) + b"x" * (size % 251))
    node = uploader.put(Source.of(path), f"/a{size}")
    Downloader(client).get(node, back)
    assert back.read_bytes() == path.read_bytes()
    assert abs(back.stat().st_mtime - path.stat().st_mtime) < 0.001


def test_a_large_file_comes_back(
    uploader: Uploader, client: Client, control: ControlPlane, large: Path, tmp_path: Path
) -> None:
    """Parts are signed several at a time, and ranges come down in parallel."""
    node = uploader.put(Source.of(large), "/large")
    Downloader(client).get(node, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    assert sorted(control.signed) == [1, 2, 3, 4, 5, 6]
    assert not list(tmp_path.glob(".back*"))


def test_an_expired_part_is_signed_again(
    uploader: Uploader, control: ControlPlane, large: Path
) -> None:
    """A 403 of the store means another URL, not a failure."""
    control.expired_parts = {2}
    uploader.put(Source.of(large), "/large")
    assert sorted(control.signed) == [1, 2, 2, 3, 4, 5, 6]


def test_an_unavailable_commit_is_repeated(
    uploader: Uploader, control: ControlPlane, tmp_path: Path
) -> None:
    """A retryable refusal costs a retry and nothing else."""
    control.break_commit = 2
    (tmp_path / "a").write_bytes(b"hello")
    assert uploader.put(Source.of(tmp_path / "a"), "/a").size == 5


def test_an_upload_is_resumed_with_what_the_store_holds(
    uploader: Uploader, control: ControlPlane, large: Path
) -> None:
    """After a commit that failed for good, no byte is sent twice."""
    control.break_commit = 99
    with pytest.raises(Problem):
        uploader.put(Source.of(large), "/large")
    control.break_commit, control.signed = 0, []
    uploader.put(Source.of(large), "/large")
    assert control.signed == []


def test_a_file_that_changes_is_not_committed(
    uploader: Uploader, control: ControlPlane, tmp_path: Path
) -> None:
    """What was planned is what is sent, or nothing."""
    path = tmp_path / "a"
    path.write_bytes(b"before")
    source = Source.of(path)
    path.write_bytes(b"something else")
    with pytest.raises(SourceChanged):
        uploader.put(source, "/a")
    assert "/a" not in control.nodes


def test_wrong_bytes_never_take_the_name(
    uploader: Uploader, client: Client, control: ControlPlane, tmp_path: Path
) -> None:
    """A download whose hash differs leaves nothing behind."""
    (tmp_path / "a").write_bytes(b"hello")
    node = uploader.put(Source.of(tmp_path / "a"), "/a")
    control.nodes["/a"]["hash"] = f"sha256:{'0' * 64}"
    with pytest.raises(IntegrityError):
        Downloader(client).get(node, tmp_path / "back")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a"]


def test_a_resumed_download_fetches_only_what_is_missing(
    uploader: Uploader, client: Client, large: Path, tmp_path: Path
) -> None:
    """Parts on disk are hashed again: a harmed one is fetched, the others are not."""
    node = uploader.put(Source.of(large), "/large")
    draft, back = tmp_path / ".back.bv-part", tmp_path / "back"
    downloader = Downloader(client, 2)
    notes = _interrupted(downloader, client, node, back)
    assert notes.exists()
    with draft.open("r+b") as file:
        file.write(b"harmed")
    downloader.get(node, back)
    assert back.read_bytes() == large.read_bytes()
    assert not notes.exists()


def _interrupted(downloader: Downloader, client: Client, node: object, back: Path) -> Path:
    """Stop a download after some bytes, as ^C does."""

    class Stop:
        seen = 0

        def expect(self, size: int) -> None:
            """Ignore it."""

        def note(self, text: str) -> None:
            """Ignore it."""

        def advance(self, size: int) -> None:
            """Interrupt in the third part."""
            Stop.seen += size
            if Stop.seen > 40 << 20:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Downloader(client, 1, Stop()).get(node, back)  # type: ignore[arg-type]
    return back.with_name(f".{back.name}.bv-part.json")


def test_an_existing_file_is_not_touched(
    uploader: Uploader, client: Client, tmp_path: Path
) -> None:
    """Unless one says what to do."""
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    node = uploader.put(Source.of(path), "/a")
    with pytest.raises(LocalExists):
        Downloader(client).get(node, path)
    assert Downloader(client).get(node, path, "rename").name == "a (2)"


def test_a_tree_comes_back(uploader: Uploader, client: Client, tmp_path: Path) -> None:
    """Empty folders too; links are left out with a note."""
    root = tmp_path / "tree"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "empty").mkdir()
    for number in range(120):
        (root / "deep" / f"f{number}").write_bytes(b"%d" % number)
    (root / "deep" / "er" / "ü.txt").write_text("x")
    (root / "link").symlink_to("/etc")
    sent = TreeUpload(uploader, "/t", "fail").run(root)
    got = TreeDownload(Downloader(client), "fail").run(client.node("/t"), tmp_path / "back")
    assert (len(sent.nodes), sent.missed, len(got.nodes), got.missed) == (121, [], 121, [])
    assert _contents(tmp_path / "back") == {k: v for k, v in _contents(root).items() if k != "link"}


def _contents(root: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


def test_one_taken_name_does_not_stop_a_tree(
    uploader: Uploader, control: ControlPlane, tmp_path: Path
) -> None:
    """What fails is listed; with ``skip`` it is no failure."""
    root = tmp_path / "tree"
    root.mkdir()
    (root / "a").write_text("a")
    (root / "b").write_text("b")
    control.add("/t/a", "file", {"size": 1, "hash": "sha256:" + "0" * 64})
    first = TreeUpload(uploader, "/t", "fail").run(root)
    again = TreeUpload(uploader, "/t", "skip").run(root)
    assert ([miss.path for miss in first.missed], len(first.nodes)) == (["a"], 1)
    assert (again.skipped, again.missed) == (["a", "b"], [])


@pytest.mark.parametrize("name", ["..", "a/b", "../../evil", ""])
def test_a_name_that_leads_out_is_not_written(
    client: Client, control: ControlPlane, tmp_path: Path, name: str
) -> None:
    """A hostile server can't make the client write outside the target."""
    control.add("/t/x", "file", {"size": 1, "hash": "sha256:" + "0" * 64})["name"] = name
    result = TreeDownload(Downloader(client), "fail").run(client.node("/t"), tmp_path / "in")
    assert [miss.error.code for miss in result.missed] == ["unsafe_name"]  # type: ignore[union-attr]
    assert list((tmp_path / "in").iterdir()) == []


def test_the_longest_names_come_back(
    uploader: Uploader, client: Client, large: Path, tmp_path: Path
) -> None:
    """What is beside them while they arrive fits too; and so does a number behind them."""
    small, name = tmp_path / "small", "ü" * 125 + ".text"
    small.write_bytes(b"small")
    for source in (small, large):
        node = uploader.put(Source.of(source), f"/{source.name}")
        back = tmp_path / source.suffix.lstrip(".") / name
        back.parent.mkdir(exist_ok=True)
        Downloader(client).get(node, back)
        second = Downloader(client).get(node, back, "rename")
        assert back.read_bytes() == second.read_bytes() == source.read_bytes()
        assert second.name.endswith("ü (2).text")


def test_names_that_are_cut_are_told_apart(tmp_path: Path) -> None:
    """Two long names with one beginning, and a name that is all extension."""
    one, other = (beside(tmp_path / ("x" * 253 + end), ".bv-part.json") for end in "ab")
    assert one != other
    assert len(one.name) == len(other.name) == 255
    assert len(numbered(tmp_path / ("a." + "x" * 253), 2).name) == 255
