"""Sharing by the command line: grants, links, file requests."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import enter, run

pytestmark = pytest.mark.slow


def test_a_folder_is_shared_and_taken_back(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """By login and by group; what came of it is listed, explained and ended."""
    password = tmp_path / "password"
    password.write_text("her own password")
    run(logged_in, "users", "create", "fay", "--password-file", password)
    as_fay = enter(logged_in, daemon[0], tmp_path, "fay")
    run(logged_in, "mkdir", "-p", "/shared/inner")
    run(logged_in, "groups", "create", "Crowd")

    told = run(logged_in, "share", "/shared", "fay", "editor", "--dry-run").stdout
    assert b"fay would be editor" in told
    assert b"of 2 files and folders" in told
    assert run(logged_in, "share", "/shared", "fay", "editor").returncode == 0
    assert run(logged_in, "share", "/shared", "crowd", "viewer").returncode == 0
    nobody = run(logged_in, "share", "/shared", "nobody", "viewer")
    assert (nobody.returncode, b"no user or group" in nobody.stderr) == (4, True)
    told = run(logged_in, "access", "/shared/inner").stdout
    assert b"fay" in told
    assert b"grant of /shared" in told
    (found,) = json.loads(run(as_fay, "shared", "--json").stdout)["results"]
    there = found["node"]["id"]
    assert found["role"] == "editor"
    assert b"inner" in run(as_fay, "ls", f"{there}:/").stdout
    assert run(as_fay, "shared").stdout.split()[-2:] == [b"admin", f"{there}:/".encode()]
    assert run(logged_in, "share", "/shared", "everyone", "viewer").returncode == 0
    assert there.encode() not in run(logged_in, "shared").stdout
    assert run(logged_in, "unshare", "/shared", "everyone").returncode == 0
    moved = run(logged_in, "mv", "/shared/inner", "/elsewhere", "--dry-run", "--json")
    (shift,) = json.loads(moved.stdout)["results"][0]["access"]["shifts"][-1:]
    assert (shift["grantee"]["name"], shift["after"]) == ("fay", None)
    seen = run(logged_in, "restrict", "/shared/inner", "--dry-run").stdout
    assert b"fay would lose access (is editor)" in seen
    assert run(logged_in, "restrict", "/shared/inner").returncode == 0
    assert run(as_fay, "ls", f"{there}:/inner").returncode == 4
    run(as_fay, "mkdir", f"{there}:/hers")
    run(logged_in, "mv", "/shared/inner", "/shared/hers/")
    for words in (("rm", "-r", "--dry-run"), ("rm", "-r")):
        kept = run(as_fay, *words, f"{there}:/hers")
        assert (kept.returncode, b"Managers of the folder" in kept.stderr) == (3, True)
        assert b"inner" not in kept.stdout + kept.stderr
    run(logged_in, "mv", "/shared/hers/inner", "/shared/")
    assert run(as_fay, "rm", "-r", f"{there}:/hers").returncode == 0
    assert run(logged_in, "restrict", "--lift", "/shared/inner").returncode == 0
    assert run(logged_in, "unshare", "/shared", "fay").returncode == 0
    assert run(as_fay, "ls", f"{there}:/").returncode == 4
    assert there.encode() not in run(as_fay, "shared").stdout


def test_what_is_named_below_an_id_is_answered_so(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """The server's paths begin elsewhere there, and could not be typed."""
    (tmp_path / "password").write_text("her own password")
    run(logged_in, "users", "create", "hal", "--password-file", tmp_path / "password")
    as_hal = enter(logged_in, daemon[0], tmp_path, "hal")
    run(logged_in, "mkdir", "/lent")
    run(logged_in, "share", "/lent", "hal", "editor")
    there = json.loads(run(as_hal, "shared", "--json").stdout)["results"][0]["id"]

    assert run(as_hal, "mkdir", f"{there}:/his").stdout == f"made {there}:/his\n".encode()
    moved = run(as_hal, "mv", f"{there}:/his", f"{there}:/hers").stdout.decode()
    assert moved == f"{there}:/his -> {there}:/hers\n"
    gone = run(as_hal, "rm", "-r", f"{there}:/hers").stdout.decode()
    assert gone.startswith(f"removed {there}:/hers; undo:")
    missing = run(as_hal, "trash", "restore", f"{there}:/hers")
    assert (missing.returncode, b"the id that `bitvault rm` printed" in missing.stderr) == (4, True)
    back = run(as_hal, "trash", "restore", gone.split()[-1], "--to", f"{there}:/").stdout
    assert back == f"restored {there}:/hers\n".encode()


def test_a_link_is_made_revoked_and_revived(logged_in: Mapping[str, str]) -> None:
    """Its address is shown once; the list tells how it stands."""
    run(logged_in, "mkdir", "-p", "/linked")
    for words in (("link", "create", "/linked"), ("request", "create", "/linked")):
        assert b"whoever has the link would be" in run(logged_in, *words, "--dry-run").stdout
    assert json.loads(run(logged_in, "link", "list", "/linked", "--json").stdout)["results"] == []
    made = run(logged_in, "link", "create", "/linked", "--expires", "7d", "--label", "for all")
    assert b"/s#bvl_" in made.stdout, made.stderr
    (link,) = json.loads(run(logged_in, "link", "list", "/linked", "--json").stdout)["results"]
    asked = run(logged_in, "request", "create", "/linked")
    assert asked.returncode == 0, asked.stderr
    assert run(logged_in, "link", "revoke", link["id"]).returncode == 0
    (line,) = run(logged_in, "link", "list", "/linked").stdout.splitlines()[1:]
    assert line.split()[1:4] == [b"/linked", b"viewer", b"revoked"]
    assert b" uploader " in run(logged_in, "link", "list", "/linked", "--requests").stdout
    assert run(logged_in, "link", "revive", link["id"]).returncode == 0
    assert run(logged_in, "link", "create", "/linked", "--expires", "soon").returncode == 2
    assert run(logged_in, "link", "delete", link["id"]).returncode == 0
    assert run(logged_in, "link", "revoke", link["id"]).returncode == 4


def test_a_request_takes_files_until_it_is_closed(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """Made, listed, closed and reopened; who is uploader puts files where they see nothing."""
    run(logged_in, "mkdir", "-p", "/asked")
    made = run(
        logged_in, "request", "create", "/asked", "--deadline", "7d", "--max-size", "2M",
        "--ext", "pdf", "--message", "Send them", "--max-files", "3", "--json",
    )  # fmt: skip
    (request,) = json.loads(made.stdout)["results"]
    terms = {"message": "Send them", "maxFiles": 3, "maxSize": 2 << 20, "extensions": ["pdf"]}
    assert request["request"] == {**terms, "files": 0, "bytes": 0}
    assert b"0 of 3" in run(logged_in, "request", "list", "/asked").stdout
    assert run(logged_in, "request", "close", request["id"]).returncode == 0
    assert b"closed" in run(logged_in, "request", "list").stdout
    assert run(logged_in, "request", "reopen", request["id"], "--deadline", "1d").returncode == 0
    assert run(logged_in, "request", "create", "/asked", "--max-size", "much").returncode == 2
    assert run(logged_in, "request", "delete", request["id"]).returncode == 0

    password, sent = tmp_path / "password", tmp_path / "sent.txt"
    password.write_text("her long password")
    sent.write_text("hers")
    run(logged_in, "users", "create", "gus", "--password-file", password)
    as_gus = enter(logged_in, daemon[0], tmp_path, "gus")
    run(logged_in, "share", "/asked", "gus", "uploader")
    (box,) = json.loads(run(as_gus, "shared", "--json").stdout)["results"]
    assert (box["name"], box["node"], box["role"]) == ("asked", None, "uploader")
    for _ in range(2):
        put = run(as_gus, "put", sent, f"{box['id']}:/sent.txt", "--if-exists", "rename")
        assert (put.returncode, b"a name that was taken got a number" in put.stderr) == (0, True)
    hidden = run(as_gus, "ls", f"{box['id']}:/")
    assert (hidden.returncode, b"(asked), and see nothing of it" in hidden.stderr) == (4, True)
    (tmp_path / "tree" / "below").mkdir(parents=True)
    (tmp_path / "tree" / "below" / "f").write_text("deep")
    assert run(as_gus, "put", "-r", tmp_path / "tree", f"{box['id']}:/tree").returncode == 0
    assert b"sent (2).txt" in run(logged_in, "ls", "/asked").stdout
    assert run(logged_in, "cat", "/asked/tree/below/f").stdout == b"deep"
