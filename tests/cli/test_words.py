"""What is said, and where: names that bite, several things at once, standard output in use."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest

from bitvault.cli.context import remote
from bitvault.cli.failures import hint, said
from bitvault.cli.output import printable
from bitvault.cli.places import beside, inside
from bitvault.client.errors import Problem
from tests.cli.conftest import Run, program
from tests.client.control_plane import ControlPlane


def test_get_makes_the_folders_above_its_target(bitvault: Run, tmp_path: Path) -> None:
    """As put does there; for a file, and for a tree."""
    bitvault("put", "-", "/t/a", stdin=b"a")
    assert bitvault("get", "/t/a", "new/er/a").returncode == 0
    assert bitvault("get", "-r", "/t", "newest/of/all").returncode == 0
    assert (tmp_path / "new/er/a").read_bytes() == b"a"
    assert (tmp_path / "newest/of/all/a").read_bytes() == b"a"


def test_an_old_version_comes_back(bitvault: Run, tmp_path: Path) -> None:
    """With its own time, to a file or to standard output; one that never was is exit 4."""
    path = tmp_path / "a"
    for number, text in enumerate(("first", "second")):
        path.write_text(text)
        os.utime(path, (1000 + number, 1000 + number))
        assert bitvault("put", "a", "/a", "--if-exists", "update").returncode == 0
    assert bitvault("cat", "--version", "1", "/a").stdout == b"first"
    assert bitvault("get", "--version", "1", "/a", "-").stdout == b"first"
    assert bitvault("get", "--version", "1", "/a", "old").returncode == 0
    assert ((tmp_path / "old").read_text(), (tmp_path / "old").stat().st_mtime) == ("first", 1000)
    assert bitvault("get", "--version", "9", "/a", "none").returncode == 4
    assert bitvault("get", "--version", "1", "-r", "/", "none").returncode == 2


def test_a_time_comes_back_to_the_microsecond(bitvault: Run, tmp_path: Path) -> None:
    """Cut and not rounded, so that a second run sees it unchanged; odd years are no failure."""
    for name, stamp in (("a", 1_700_000_000_123_456_789), ("old", -1), ("far", 1 << 62)):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, ns=(stamp, stamp))
        assert bitvault("put", name, f"/{name}").returncode == 0
    assert bitvault("get", "/a", "back").returncode == 0
    assert (tmp_path / "back").stat().st_mtime_ns == 1_700_000_000_123_456_000
    again = bitvault("put", "a", "/a", "--if-exists", "update")
    assert again.stdout == b"0 files sent (0 B), 1 unchanged\n"


def test_a_tree_fetched_again_fetches_what_differs(
    bitvault: Run, control: ControlPlane, tmp_path: Path
) -> None:
    """``replace`` leaves alone what is the same, and mends what is not."""
    for name in ("a", "b"):
        bitvault("put", "-", f"/t/{name}", stdin=name.encode())
    bitvault("get", "-r", "/t", "t")
    (tmp_path / "t" / "a").write_text("x")
    foreseen = bitvault("get", "-r", "/t", "t", "--dry-run")
    assert (foreseen.returncode, foreseen.stdout) == (7, b"")
    assert foreseen.stderr.startswith(b"bitvault: would fail: t/a is newer here, modified ")
    refused = bitvault("get", "-r", "/t", "t")
    assert (refused.returncode, (tmp_path / "t" / "a").read_text()) == (7, "x")
    assert b"a is newer here, modified " in refused.stderr
    again = bitvault("get", "-r", "/t", "t", "--if-exists", "replace")
    assert again.stdout == b"1 file received (1 B), 1 unchanged\n"
    assert (tmp_path / "t" / "a").read_text() == "a"


def test_one_file_is_fetched_again_when_told_so(bitvault: Run, tmp_path: Path) -> None:
    """``update``: the same is left, what is newer here is a conflict, what is older is replaced."""
    bitvault("put", "-", "/a", stdin=b"first")
    again = ("get", "/a", "a", "--if-exists", "update")
    assert bitvault(*again).stdout == b"1 file received (5 B)\n"
    assert bitvault(*again).stdout == b"0 files received (0 B), 1 unchanged\n"
    (tmp_path / "a").write_text("mine")
    refused = bitvault(*again)
    assert (refused.returncode, (tmp_path / "a").read_text()) == (5, "mine")
    assert b"--if-exists replace" in refused.stderr
    os.utime(tmp_path / "a", (1000, 1000))
    assert (bitvault(*again).returncode, (tmp_path / "a").read_text()) == (0, "first")
    assert bitvault("get", "/a", "a").returncode == 5


@pytest.mark.parametrize("command", [("get", "/a", "-", "--json"), ("cat", "/a", "--json")])
def test_bytes_have_standard_output_to_themselves(bitvault: Run, command: tuple[str, ...]) -> None:
    """The envelope goes to standard error then, of success and of failure."""
    bitvault("put", "-", "/a", stdin=b"{}")
    answer = bitvault(*command)
    assert (answer.stdout, json.loads(answer.stderr)["ok"]) == (b"{}", True)
    missing = bitvault("cat", "/none", "--json")
    assert (missing.stdout, json.loads(missing.stderr)["error"]["code"]) == (b"", "node_not_found")


@pytest.mark.parametrize("words", [("ls", "/"), ("ls", "/", "--json"), ("cat", "/a")])
def test_a_full_standard_output_is_one_line(
    environment: Mapping[str, str], words: tuple[str, ...], bitvault: Run
) -> None:
    """It is named, with what to do; no traceback."""
    bitvault("put", "-", "/a", stdin=b"a")
    with Path("/dev/full").open("wb") as full:
        answer = subprocess.run(
            [*program(), *words],
            stdout=full,
            stderr=subprocess.PIPE,
            env=dict(environment),
            check=False,
        )
    told = answer.stderr.splitlines()
    assert (answer.returncode, told[0], len(told)) == (
        7,
        b"bitvault: standard output: No space left on device",
        2,
    )


@pytest.mark.parametrize(
    "command",
    [("login", "http://127.0.0.1:9", "--user", "u"), ("users", "create", "u"), ("passwd",)],
)
def test_a_password_is_not_asked_where_nobody_is(
    environment: Mapping[str, str], command: tuple[str, ...]
) -> None:
    """Exit 2 and the way out, instead of a warning of Python and exit 130."""
    answer = subprocess.run(
        [*program(), *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=dict(environment),
        check=False,
        start_new_session=True,
    )
    assert answer.returncode == 2
    assert b"--password-file -" in answer.stderr
    assert b"GetPass" not in answer.stderr


def test_one_of_several_that_fails_leaves_the_others(
    bitvault: Run, control: ControlPlane, tmp_path: Path
) -> None:
    """Exit 7, whatever the command; each failure has its line."""
    for name in ("1", "2"):
        (tmp_path / name).write_text(name)
    put = bitvault("put", "1", "none", "2", "/m/")
    assert (put.returncode, b"none" in put.stderr) == (7, True)
    cat = bitvault("cat", "/m/1", "/m/none", "/m/2")
    assert (cat.returncode, cat.stdout) == (7, b"12")
    made = bitvault("mkdir", "-p", "/m", "/new")
    assert made.stdout == b"there already: /m\nmade /new\n"
    gone = bitvault("rm", "/m/none", "/m/2")
    assert (gone.returncode, b"/m/none" in gone.stderr) == (7, True)
    assert sorted(path for path in control.nodes if path.startswith("/m/")) == ["/m/1"]
    assert bitvault("rm", "/m/none").returncode == 4


@pytest.mark.requirement("X62")
def test_a_name_cannot_write_to_the_terminal(
    bitvault: Run, control: ControlPlane, tmp_path: Path
) -> None:
    """Neither a local one nor a remote one; programs get it as JSON has it."""
    evil = "a\n\x1b[31m\x9b\u202eb"
    control.add(f"/{evil}", "file", {"size": 1, "hash": "sha256:" + "0" * 64})
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / evil).symlink_to("nowhere")
    listed = bitvault("ls")
    assert listed.stdout == b"a\\n\\x1b[31m\\x9b\\u202eb\n"
    assert bitvault("put", "-r", "t", "/t").stderr.count(b"\n") == 1
    document = bitvault("ls", "--json").stdout
    assert "\x9b".encode() not in document
    assert json.loads(document)["results"][0]["name"] == evil


def test_a_usage_error_is_printable_and_help_keeps_its_lines(bitvault: Run) -> None:
    """A group without a command shows its help."""
    assert rb"a\nb" in bitvault("ls", "a\nb").stderr
    assert b"Commands:\n" in bitvault("trash").stderr


def test_what_is_printable_stays() -> None:
    """Letters of any script, and emoji with their joiners."""
    for text in ("Ünïcödé", "日本", "👩\u200d🔬", "a b"):
        assert printable(text) == text


def test_long_lists_of_failures_are_cut_for_people(bitvault: Run, tmp_path: Path) -> None:
    """Ten lines and a number; a program gets all."""
    (tmp_path / "t").mkdir()
    for number in range(25):
        (tmp_path / "t" / f"f{number}").write_text("x")
    bitvault("put", "-r", "t", "/t")
    refused = bitvault("put", "-r", "t", "/t", "--if-exists", "fail")
    assert len(refused.stderr.splitlines()) == 11
    assert b"and 15 more" in refused.stderr
    every = bitvault("put", "-r", "t", "/t", "--if-exists", "fail", "--json")
    assert len(json.loads(every.stdout)["warnings"]) == 25
    skipped = bitvault("put", "-r", "t", "/t", "--if-exists", "skip")
    assert (skipped.stdout, skipped.stderr) == (b"0 files sent (0 B), 25 skipped\n", b"")


def test_paths_are_read_with_a_little_grace() -> None:
    """Slashes too many are one; the space one has named is named in answers."""
    assert remote("//weird//deep/") == "/weird/deep/"
    assert remote("Team:/") == "Team:/"
    assert remote("Team://a//b") == "Team:/a/b"
    assert beside("Team:/x", "from") == "Team:/from"
    assert beside("/x:/y", "Y") == "/x:/Y"
    assert inside("Team:/", "x") == "Team:/x"


@pytest.mark.parametrize(
    ("code", "detail", "words"),
    [
        (
            "name_taken",
            "name: 'a' exists here; choose another, or set ifExists.",
            "'a' exists here.",
        ),
        ("tree_rule", "parentId: must not be inside it", "the target: must not be inside it"),
        ("tree_rule", "id: the root of a space stays", "the root of a space stays"),
        (
            "unauthenticated",
            "A valid token is needed: POST /v1/sessions",
            "You are not logged in here, or the login has ended.",
        ),
        ("invalid", "name: must not be empty", "name: must not be empty"),
        (
            "unavailable",
            "namespace is not available; retry later. Send the same Idempotency-Key.",
            "namespace is not available; retry later.",
        ),
    ],
)
def test_the_words_are_those_of_the_command_line(code: str, detail: str, words: str) -> None:
    """Nobody has typed ``ifExists`` or ``parentId`` here."""
    assert said(Problem(409, {"code": code, "detail": detail})) == words


@pytest.mark.parametrize(
    ("command", "detail", "words"),
    [
        ("link create", "expiresAt: must be at most 30 days ahead", "--expires: must be at most"),
        ("request create", "expiresAt: must be in the future", "--deadline: must be"),
        ("admin policy set", "linksAllowed: must be false", "--links: must be false"),
        ("request create", "role: only a folder can have uploaders", "only a folder can have"),
        ("put", "password: must have 8 characters", "password: must have 8 characters"),
        (
            "put",
            "size: 73400320 bytes do not fit in the 10485531 that",
            "70.0 MiB do not fit in the",
        ),
        ("mkdir", "name: 'a' exists here; choose another, or set ifExists to x.", "'a' exists"),
        ("ls", "There is no space 'personal'.", "You have no files of your own here."),
    ],
)
def test_members_are_said_as_options(command: str, detail: str, words: str) -> None:
    """Those of the command that was typed."""
    assert said(Problem(422, {"code": "invalid", "detail": detail}), command).startswith(words)


@pytest.mark.parametrize(
    ("code", "detail", "step"),
    [
        ("forbidden", "You may not do this with a confined token here.", "unset BITVAULT_TOKEN"),
        ("forbidden", "You may not make links, by the policy of the tenant, here.", "policy set"),
        ("forbidden", "You may not operate the platform here.", "operators of the platform"),
        ("forbidden", "You may not keep the tokens of another person here.", "--service"),
        ("forbidden", "You may not see or say who has access here.", "manager of it"),
        ("forbidden", "You may not read the audit trail here.", "admins of your tenant"),
        ("space_not_found", "There is no space 'personal'.", "bitvault whoami"),
        ("space_not_found", f"There is no space '{UUID(int=7)}'.", "bitvault shared"),
        ("space_not_found", "There is no space 'Team'.", "bitvault spaces list"),
    ],
)
def test_a_refusal_has_the_step_that_helps(code: str, detail: str, step: str) -> None:
    """Not the same one for whoever asks."""
    assert step in hint(Problem(403, {"code": code, "detail": detail}), "x")


def test_a_token_of_the_environment_is_named_when_it_is_no_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To log in again does not help: the variable wins."""
    refused = Problem(401, {"code": "unauthenticated"})
    assert "bitvault login URL" in hint(refused, "ls")
    monkeypatch.setenv("BITVAULT_TOKEN", "junk")
    assert "BITVAULT_TOKEN is set" in hint(refused, "ls")
