"""Bytes by the command line, to the real daemon and back: files, trees, versions, the trash."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import run

pytestmark = pytest.mark.slow


def test_bytes_come_back(logged_in: Mapping[str, str], large: Path, tmp_path: Path) -> None:
    """Through pipes, and in parts."""
    assert run(logged_in, "put", "-", "/pipe", stdin=b"\x00\xff").returncode == 0
    assert run(logged_in, "cat", "/pipe").stdout == b"\x00\xff"
    assert run(logged_in, "put", large, "/dir/large").returncode == 0
    assert run(logged_in, "get", "/dir/large", tmp_path / "back").returncode == 0
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def test_versions_and_skips(logged_in: Mapping[str, str]) -> None:
    """A second put of the name is a conflict, a version, or nothing, as one says."""
    codes = [
        run(logged_in, "put", "-", "/v", "--if-exists", what, stdin=b"%d" % number).returncode
        for number, what in enumerate(("replace", "fail", "skip", "replace"))
    ]
    listed = json.loads(run(logged_in, "versions", "list", "/v", "--json").stdout)["results"]
    assert (codes, [one["version"] for one in listed]) == ([0, 5, 0, 0], [2, 1])


def test_a_tree_comes_back(logged_in: Mapping[str, str], tmp_path: Path) -> None:
    """Folders, empty ones too, and hundreds of files in batches."""
    tree = tmp_path / "tree"
    (tree / "empty").mkdir(parents=True)
    for number in range(300):
        (tree / f"f{number}").write_bytes(b"%d" % number)
    sent = run(logged_in, "put", "-r", tree, "/trees/t")
    assert sent.returncode == 0, sent.stderr
    assert run(logged_in, "get", "-r", "/trees/t", tmp_path / "back").returncode == 0
    difference = subprocess.run(["diff", "-r", tree, tmp_path / "back"], check=False)
    assert difference.returncode == 0


def test_a_tree_put_again_sends_what_changed(logged_in: Mapping[str, str], tmp_path: Path) -> None:
    """Times survive the server; what is newer there stays; a name that was chosen is told."""
    tree = tmp_path / "again"
    (tree / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (tree / name).write_text(name)
    put = ("put", "-r", tree, "/again")
    assert b"3 files sent" in run(logged_in, *put).stdout
    assert run(logged_in, *put).stdout == b"0 files sent (0 B), 3 unchanged\n"
    (tree / "a").write_text("longer")
    (tree / "sub" / "c").write_text("from a backup")
    os.utime(tree / "sub" / "c", (1, 1))
    again = run(logged_in, *put, "--json")
    told = json.loads(again.stdout)["summary"]
    assert (again.returncode, told["transferred"], told["unchanged"], told["failed"]) == (
        7,
        1,
        1,
        1,
    )
    assert run(logged_in, "cat", "/again/sub/c").stdout == b"sub/c"
    assert run(logged_in, "cat", "/again/a", "--version", "1").stdout == b"a"
    numbered = run(logged_in, *put, "--if-exists", "rename")
    assert b"a: exists; sent as a (2)" in numbered.stderr


def test_what_is_removed_can_be_restored(logged_in: Mapping[str, str]) -> None:
    """The trash gives it back under the entry that ``rm`` told."""
    run(logged_in, "put", "-", "/gone/a", stdin=b"a")
    removed = run(logged_in, "rm", "/gone/a", "--json")
    assert removed.returncode == 0, removed.stdout
    entry = json.loads(removed.stdout)["results"][0]["entryId"]
    assert run(logged_in, "stat", "/gone/a").returncode == 4
    assert run(logged_in, "trash", "restore", entry).returncode == 0
    assert run(logged_in, "cat", "/gone/a").stdout == b"a"


def test_the_trash_takes_paths(logged_in: Mapping[str, str]) -> None:
    """The newest entry from there, in the own space or a team's; nothing else is touched."""
    run(logged_in, "spaces", "create", "Bins")
    for path in ("/bin/a", "Bins:/a"):
        for content in (b"old", b"new"):
            run(logged_in, "put", "-", path, stdin=content)
            assert run(logged_in, "rm", path).returncode == 0
        assert run(logged_in, "trash", "restore", path).returncode == 0
        assert run(logged_in, "cat", path).stdout == b"new"
        assert run(logged_in, "trash", "purge", path).returncode == 0
        gone = run(logged_in, "trash", "restore", path, "--json")
        assert (gone.returncode, json.loads(gone.stdout)["error"]["code"]) == (4, "not_in_trash")


def test_a_purged_folder_leaves_what_was_removed_before(logged_in: Mapping[str, str]) -> None:
    """A dry run says so, the trash still has it, and it comes back to where it was."""
    for name in ("early", "late"):
        run(logged_in, "put", "-", f"/nest/{name}", stdin=name.encode())
    assert run(logged_in, "rm", "/nest/early").returncode == 0
    told = run(logged_in, "rm", "-r", "/nest", "--dry-run").stdout
    assert told == b"would remove /nest, with all in it but what was removed from it before\n"
    assert run(logged_in, "stat", "/nest/late").returncode == 0
    assert run(logged_in, "rm", "-r", "/nest").returncode == 0
    assert run(logged_in, "trash", "purge", "/nest").returncode == 0

    assert b"/nest/early" in run(logged_in, "trash", "list").stdout
    assert run(logged_in, "trash", "restore", "/nest/early").returncode == 0
    assert run(logged_in, "cat", "/nest/early").stdout == b"early"
    assert run(logged_in, "stat", "/nest/late").returncode == 4


def test_unfinished_uploads_are_given_up_at_once(logged_in: Mapping[str, str]) -> None:
    """All of them, and only when told so: nobody is there to be asked."""
    draft = ("-f", "path=/unfinished", "-f", f"size={100 << 20}")
    assert run(logged_in, "api", "POST", "/v1/files", *draft).returncode == 0
    assert run(logged_in, "uploads", "abort", "--all").returncode == 2
    assert b"/unfinished" in run(logged_in, "uploads", "list").stdout
    assert run(logged_in, "uploads", "abort", "--all", "--yes").returncode == 0
    assert b"/unfinished" not in run(logged_in, "uploads", "list").stdout
