"""One value that a client cannot read takes nothing else of a page away."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bitvault.cli.render import node_line, plain
from bitvault.client.client import Client
from bitvault.client.downloads import Downloader
from bitvault.client.errors import WrongAnswer
from bitvault.client.reading import read_answer
from bitvault.client.shapes import Listing, Node
from bitvault.client.tree_down import TreeDownload
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Source, Uploader
from tests.client.control_plane import ControlPlane

ODD = [
    ("contentModifiedAt", "infinity"),
    ("contentModifiedAt", "-infinity"),
    ("contentModifiedAt", "0001-01-01T00:00:00"),
    ("contentModifiedAt", "10000-01-01T00:00:00Z"),
    ("modifiedAt", "+292278994-08-17T07:12:55Z"),
    ("kind", "shortcut"),
    ("hash", "blake3:0123"),
    ("modifiedBy", "nobody"),
    ("color", "green"),
]
each_odd = pytest.mark.parametrize(("member", "value"), ODD, ids=[f"{k}-{v}" for k, v in ODD])


@pytest.fixture
def two(uploader: Uploader, tmp_path: Path) -> Path:
    """Put two files."""
    root = tmp_path / "tree"
    root.mkdir()
    for name in ("a", "b"):
        (root / name).write_text(name)
    TreeUpload(uploader, "/t", "fail").run(root)
    return root


@each_odd
def test_a_page_is_shown_for_all_that(
    client: Client, control: ControlPlane, two: Path, member: str, value: str
) -> None:
    """The odd value is the server's text, also in JSON; the rest has its types."""
    control.nodes["/t/a"][member] = value
    odd, fine = client.children(client.node("/t").id)
    assert (odd.name, fine.name, fine.modified_at) == ("a", "b", datetime(2026, 1, 1, tzinfo=UTC))
    assert plain(odd).get(member, value) == value
    assert node_line(odd).endswith("  a")


@each_odd
def test_trees_go_both_ways_for_all_that(
    uploader: Uploader,
    client: Client,
    control: ControlPlane,
    two: Path,
    tmp_path: Path,
    member: str,
    value: str,
) -> None:
    """What can be fetched and sent is, and what cannot is missed by itself."""
    control.nodes["/t/a"][member] = value
    got = TreeDownload(Downloader(client), "fail").run(client.node("/t"), tmp_path / "back")
    assert "b" in {node.name for node in got.nodes}
    assert [miss.path for miss in got.missed] == (["/t/a"] if member == "hash" else [])
    (two / "b").write_text("changed")
    sent = TreeUpload(uploader, "/t", "update").run(two)
    assert "b" in {node.name for node in sent.nodes}
    control.nodes["/u"] = {**control.nodes["/t"], member: value, "path": "/u"}
    assert TreeUpload(uploader, "/u", "fail").run(two).nodes


def test_what_no_text_can_stand_for_is_a_wrong_answer(client: Client, two: Path) -> None:
    """A member that is missing is no value that cannot be read."""
    with pytest.raises(WrongAnswer):
        client.rest.call("GET", "/v1/files", Listing[Node], params={"path": "/t"})
    with pytest.raises(msgspec.DecodeError):
        read_answer(json.dumps({"items": [{"id": "x"}]}).encode(), Listing[Node])


@pytest.mark.parametrize("ask", ["batch", "begin_all", "commit_all", "contents", "abort_all"])
@pytest.mark.parametrize(
    "items", [[], [{"status": 200}] * 2, [{"status": 200}], [{"status": 200, "result": "x"}]]
)
def test_a_batch_is_answered_one_by_one_or_wrongly(
    client: Client,
    control: ControlPlane,
    monkeypatch: pytest.MonkeyPatch,
    ask: str,
    items: list[object],
) -> None:
    """Fewer answers than were asked for, more, or other ones: the failure names the server."""
    monkeypatch.setattr(control, "many", lambda *_: {"items": items})
    with pytest.raises(WrongAnswer, match=control.url):
        getattr(client, ask)([{}])


def test_an_upload_has_its_requests_or_fails(
    uploader: Uploader, control: ControlPlane, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None to send a file with, alone or in a tree, or other parts: nothing waits, or is held."""
    begin, sign_part = control.begin, control.sign_part
    monkeypatch.setattr(control, "begin", lambda draft: {**begin(draft), "transfers": []})
    with pytest.raises(WrongAnswer, match=control.url):
        uploader.put(Source.of(two / "a"), "/alone")
    result = TreeUpload(uploader, "/u", "fail").run(two)
    assert [type(miss.error) for miss in result.missed] == [WrongAnswer, WrongAnswer]
    assert control.open_uploads() == []
    with (two / "large").open("wb") as large:
        large.truncate(65 << 20)
    part = {"partNumber": 99}
    monkeypatch.setattr(control, "sign_part", lambda *asked: {**sign_part(*asked), **part})
    with pytest.raises(WrongAnswer, match=control.url):
        uploader.put(Source.of(two / "large"), "/large")


def test_a_time_that_no_file_system_has_is_left_out(
    uploader: Uploader, client: Client, control: ControlPlane, two: Path, tmp_path: Path
) -> None:
    """The file comes, with the time of its coming."""
    control.nodes["/t/a"]["contentModifiedAt"] = "0001-01-01T00:00:00Z"
    node = client.node("/t/a")
    Downloader(client).get(node, tmp_path / "back")
    assert (tmp_path / "back").read_text() == "a"
    assert uploader.put(Source.of(two / "a"), "/t/a", "replace").size == 1
