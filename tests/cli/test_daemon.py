"""The command line against the real daemon: login, bytes, resume, refusals."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import program
from tests.support.daemon import eventually

pytestmark = pytest.mark.slow

Result = subprocess.CompletedProcess[bytes]


@pytest.fixture(scope="module")
def daemon() -> Iterator[tuple[str, Path]]:
    """Run ``bitvaultd serve`` with everything embedded; yield its URL and data folder.

    Not below ``tmp_path``: PostgreSQL runs unprivileged and could not enter there.
    """
    folder = Path(tempfile.mkdtemp(prefix="bitvault-cli-"))
    folder.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    code = "from bitvault.daemon import main; raise SystemExit(main())"
    command = [sys.executable, "-c", code, "serve", "--data", str(folder), "--listen", listen]
    settings = {"BITVAULT_OBJECTS_LISTEN": "127.0.0.1:0", "BITVAULT_GARBAGE_INTERVAL": "1"}
    environment = {**os.environ, **settings}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            seen.append(line)
            if b"is ready at" in line:
                break
        else:
            raise AssertionError(b"".join(seen).decode())
        log = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        yield f"http://{listen}", folder
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.wait(10)
    shutil.rmtree(folder)


@pytest.fixture
def logged_in(daemon: tuple[str, Path], tmp_path: Path) -> Mapping[str, str]:
    """Log in as the admin of the first start; return the environment to go on with."""
    url, folder = daemon
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("BITVAULT_")
    } | {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_STATE_HOME": str(tmp_path / "state")}
    password = folder / "admin-password"
    done = run(environment, "login", url, "--user", "admin", "--password-file", password)
    assert done.returncode == 0, done.stderr
    return environment


def run(environment: Mapping[str, str], *arguments: object, stdin: bytes = b"") -> Result:
    """Run the command line to its end."""
    command = [*program(), *map(str, arguments)]
    return subprocess.run(
        command, input=stdin, capture_output=True, check=False, env=dict(environment), timeout=60
    )


def test_the_login_is_private(logged_in: Mapping[str, str], tmp_path: Path) -> None:
    """The token is readable by its owner only, and tells who one is."""
    stored = tmp_path / "config" / "bitvault" / "credentials.json"
    assert stored.stat().st_mode & 0o777 == 0o600
    answer = json.loads(run(logged_in, "whoami", "--json").stdout)
    assert answer["results"][0]["login"] == "admin"


def test_a_wrong_password_is_exit_3(daemon: tuple[str, Path], tmp_path: Path) -> None:
    """And nothing is stored."""
    (tmp_path / "password").write_text("wrong")
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    arguments = ("--user", "admin", "--password-file", tmp_path / "password")
    assert run(environment, "login", daemon[0], *arguments).returncode == 3
    assert not (tmp_path / "config").exists()


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


def test_users_and_members_are_named_by_login(logged_in: Mapping[str, str], tmp_path: Path) -> None:
    """Create, list, give a role, take it; who is not there is exit 4."""
    (tmp_path / "password").write_text("a password of hers\n")
    run(logged_in, "spaces", "create", "Members")
    made = run(logged_in, "users", "create", "ann", "--password-file", tmp_path / "password")
    assert made.returncode == 0, made.stderr
    assert b"ann" in run(logged_in, "users", "list").stdout
    assert run(logged_in, "spaces", "add-member", "Members", "ann", "editor").returncode == 0
    assert b"ann" in run(logged_in, "spaces", "members", "Members").stdout
    assert run(logged_in, "spaces", "add-member", "Members", "bob", "editor").returncode == 4
    assert run(logged_in, "spaces", "remove-member", "Members", "ann").returncode == 0
    assert b"ann" not in run(logged_in, "spaces", "members", "Members").stdout


def test_who_leaves_is_kept_out_and_leaves_the_files(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """Disable, enable, delete: what she had is in a space of its own."""
    password = tmp_path / "password"
    password.write_text("a password of hers")
    run(logged_in, "users", "create", "gil", "--password-file", password)
    as_gil = {**logged_in, "XDG_CONFIG_HOME": str(tmp_path / "gil")}
    login = ("login", daemon[0], "--user", "gil", "--password-file", password)
    assert run(as_gil, *login).returncode == 0
    assert run(as_gil, "put", "-", "/hers.txt", stdin=b"hers").returncode == 0
    assert run(logged_in, "users", "change", "gil").returncode == 2
    assert run(logged_in, "users", "change", "gil", "--name", "Gil").returncode == 0
    assert run(logged_in, "users", "disable", "gil").returncode == 0
    assert run(as_gil, "ls").returncode == 3
    assert run(as_gil, *login).returncode == 3
    assert b"off" in run(logged_in, "users", "list").stdout
    assert run(logged_in, "users", "enable", "gil").returncode == 0
    assert run(as_gil, *login).returncode == 0
    assert run(logged_in, "users", "delete", "gil", "--heir", "admin").returncode == 2
    gone = run(logged_in, "users", "delete", "gil", "--heir", "admin", "--yes")
    assert (gone.returncode, b"Files of gil:/" in gone.stdout) == (0, True), gone.stderr
    assert run(as_gil, "ls").returncode == 3
    assert run(logged_in, "cat", "Files of gil:/hers.txt").stdout == b"hers"
    assert run(logged_in, "users", "disable", "admin").returncode == 5


def test_a_program_has_tokens_of_its_own(
    logged_in: Mapping[str, str], daemon: tuple[str, Path]
) -> None:
    """Made and revoked by an admin; it has no password to log in with."""
    assert run(logged_in, "users", "create", "robot", "--service").returncode == 0
    made = run(logged_in, "token", "create", "ci", "--for", "robot")
    assert made.returncode == 0, made.stderr
    token = made.stdout.decode().strip()
    by_token = {**logged_in, "BITVAULT_SERVER": daemon[0], "BITVAULT_TOKEN": token}
    assert json.loads(run(by_token, "whoami", "--json").stdout)["results"][0]["kind"] == "service"
    assert b"ci" in run(logged_in, "token", "list", "--for", "robot").stdout
    assert run(logged_in, "token", "create", "x", "--for", "admin").returncode == 3
    assert run(logged_in, "token", "revoke", "ci", "--for", "robot").returncode == 0
    assert run(by_token, "whoami").returncode == 3


def test_sessions_are_seen_and_ended(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """One by its id, or all but this one."""
    elsewhere = {**logged_in, "XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}
    login = ("login", daemon[0], "--user", "admin", "--password-file", daemon[1] / "admin-password")
    assert run(elsewhere, *login).returncode == 0
    listed = json.loads(run(elsewhere, "sessions", "list", "--json").stdout)["results"]
    assert [one["isCurrent"] for one in listed[:2]] == [True, False]
    assert listed[0]["address"] == "127.0.0.1"
    assert run(elsewhere, "sessions", "end").returncode == 2
    assert run(elsewhere, "sessions", "end", listed[-1]["id"]).returncode == 0
    assert run(elsewhere, "sessions", "end", "--others").returncode == 0
    assert run(logged_in, "ls").returncode == 3
    assert len(json.loads(run(elsewhere, "sessions", "list", "--json").stdout)["results"]) == 1


def test_an_operator_keeps_tenants(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """Create, list, suspend, resume, limit, by name; its admin is refused the same."""
    password = tmp_path / "password"
    password.write_text("a password of theirs")
    tenants = ("admin", "tenants")
    made = run(logged_in, *tenants, "create", "acme", "--admin", "wil", "--password-file", password)
    assert made.returncode == 0, made.stderr
    as_wil = {**logged_in, "XDG_CONFIG_HOME": str(tmp_path / "wil")}
    login = ("--tenant", "acme", "--user", "wil", "--password-file", password)
    assert run(as_wil, "login", daemon[0], *login).returncode == 0
    assert run(as_wil, *tenants, "list").returncode == 3
    assert run(logged_in, *tenants, "suspend", "acme").returncode == 0
    assert b"suspended" in run(logged_in, *tenants, "list").stdout
    refused = run(as_wil, "mkdir", "/x")
    assert (refused.returncode, b"is suspended" in refused.stderr) == (3, True)
    assert run(as_wil, "ls").returncode == 0
    assert run(logged_in, *tenants, "resume", "acme").returncode == 0
    assert run(as_wil, "mkdir", "/x").returncode == 0
    assert run(logged_in, *tenants, "limit", "acme", "--users", "1").returncode == 0
    created = run(as_wil, "users", "create", "jo", "--password-file", password)
    assert (created.returncode, b"may have 1 users" in created.stderr) == (5, True)
    assert run(logged_in, *tenants, "suspend", "nowhere").returncode == 4
    assert run(logged_in, *tenants, "limit", "acme", "--rate", "50", "--users", "0").returncode == 0
    assert b"50/s" in run(logged_in, *tenants, "list").stdout
    quota = run(logged_in, "admin", "quota", "set", "--tenant", "acme", "--total", "1G")
    assert (quota.returncode, b"1.0 GiB" in quota.stdout) == (0, True), quota.stderr
    bound = run(logged_in, "admin", "policy", "set", "--tenant", "acme", "--longest-link", "30d")
    assert (bound.returncode, b"30d" in bound.stdout) == (0, True), bound.stderr
    laxer = run(as_wil, "admin", "policy", "set", "--longest-link", "31d", "--min-password", "9")
    assert (laxer.returncode, b"longestLife" in laxer.stderr) == (2, True), laxer.stderr
    assert run(as_wil, "admin", "policy", "set", "--longest-link", "1h").returncode == 0
    shown = json.loads(run(as_wil, "admin", "policy", "show", "--json").stdout)["results"][0]
    assert (shown["effective"]["longestLife"], shown["bound"]["longestLife"]) == (3600, 2_592_000)
    trail = run(as_wil, "admin", "audit", "--subject", "tenant")
    assert (trail.returncode, b"tenant.policy_changed" in trail.stdout) == (0, True), trail.stderr


def test_an_operator_sees_the_background_and_nudges_it(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """List, show, run and wait for it; it is in the trail, and a tenant's admin is refused."""
    jobs = ("admin", "jobs")
    listed = run(logged_in, *jobs, "list")
    assert (listed.returncode, b"collect" in listed.stdout) == (0, True), listed.stderr
    found = json.loads(run(logged_in, *jobs, "list", "--json").stdout)["results"]
    assert "mail" not in {one["name"] for one in found}
    shown = run(logged_in, *jobs, "show", "erase-tenants")
    assert (shown.returncode, b"root/workers/finalizer" in shown.stdout) == (0, True), shown.stderr

    waited = run(logged_in, *jobs, "run", "audit", "--wait")
    assert (waited.returncode, b"audit took" in waited.stdout) == (0, True), waited.stderr
    at_once = json.loads(run(logged_in, *jobs, "run", "collect", "--json").stdout)["results"][0]
    assert at_once["turn"] > at_once["job"]["turns"]
    unknown = run(logged_in, *jobs, "run", "everything")
    assert (unknown.returncode, b"no job 'everything'" in unknown.stderr) == (4, True)

    def told() -> bool:
        trail = run(logged_in, "admin", "audit", "--subject", "job").stdout.decode()
        return all(f"job.started  {name}" in trail for name in ("audit", "collect"))

    eventually(told, 20)
    password = tmp_path / "password"
    password.write_text("a password of theirs")
    made = ("create", "initech", "--admin", "bil", "--password-file", password)
    assert run(logged_in, "admin", "tenants", *made).returncode == 0
    as_bil = {**logged_in, "XDG_CONFIG_HOME": str(tmp_path / "bil")}
    login = ("--tenant", "initech", "--user", "bil", "--password-file", password)
    assert run(as_bil, "login", daemon[0], *login).returncode == 0
    for words in (("list",), ("show", "collect"), ("run", "collect"), ("run", "everything")):
        assert run(as_bil, *jobs, *words).returncode == 3


def test_a_tenant_takes_its_data_along(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """Suspended first; records of every kind without secrets, each content once, and resumed."""
    password = tmp_path / "password"
    password.write_text("a password of theirs")
    tenants = ("admin", "tenants")
    made = ("create", "umbrella", "--admin", "ada", "--password-file", password)
    assert run(logged_in, *tenants, *made).returncode == 0
    as_ada = {**logged_in, "XDG_CONFIG_HOME": str(tmp_path / "ada")}
    login = ("--tenant", "umbrella", "--user", "ada", "--password-file", password)
    assert run(as_ada, "login", daemon[0], *login).returncode == 0
    for path, text in (("/a", b"one"), ("/a", b"two"), ("/b", b"one")):
        put = run(as_ada, "put", "-", path, "--if-exists", "replace", stdin=text)
        assert put.returncode == 0, put.stderr
    assert run(as_ada, "link", "create", "/a").returncode == 0
    assert run(as_ada, *tenants, "export", "umbrella", tmp_path / "x").returncode == 3
    export = (*tenants, "export", "umbrella", tmp_path / "out")
    assert run(logged_in, *export).returncode == 5
    assert run(logged_in, *tenants, "suspend", "umbrella").returncode == 0

    done = run(logged_in, *export, "--json")

    assert done.returncode == 0, done.stderr
    text = (tmp_path / "out" / "manifest.jsonl").read_text()
    records = [json.loads(line) for line in text.splitlines()]
    kinds = {one["kind"] for one in records}
    assert kinds >= {"user", "space", "node", "version", "grant", "link", "audit_entry"}
    versions = [one["record"] for one in records if one["kind"] == "version"]
    found = sorted((tmp_path / "out" / one["content"]).read_bytes() for one in versions)
    assert found == [b"one", b"one", b"two"]
    assert "argon2" not in text
    assert "X-Amz-Signature" not in text
    again = json.loads(run(logged_in, *export, "--json").stdout)["results"][0]
    assert (again["fetched"], again["records"] >= len(records)) == (0, True)
    trail = json.loads(run(as_ada, "admin", "audit", "--subject", "tenant", "--json").stdout)
    assert "tenant.exported" in [one["kind"] for one in trail["results"]]


def test_a_tenant_is_erased_unless_that_is_revoked(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """Suspended at once, kept by a word, and gone but for the record when its time has come."""
    password = tmp_path / "password"
    password.write_text("a password of theirs")
    tenants = ("admin", "tenants")
    made = ("create", "hooli", "--admin", "gav", "--password-file", password)
    assert run(logged_in, *tenants, *made).returncode == 0
    as_gav = {**logged_in, "XDG_CONFIG_HOME": str(tmp_path / "gav")}
    login = ("--tenant", "hooli", "--user", "gav", "--password-file", password)
    assert run(as_gav, "login", daemon[0], *login).returncode == 0
    assert run(as_gav, "mkdir", "/x").returncode == 0
    assert run(logged_in, *tenants, "erase", "hooli").returncode == 2
    assert run(logged_in, *tenants, "erase", "hooli", "--yes").returncode == 0
    assert run(as_gav, "mkdir", "/y").returncode == 3
    assert run(logged_in, *tenants, "resume", "hooli").returncode == 5
    assert run(logged_in, *tenants, "keep", "hooli").returncode == 0
    assert run(logged_in, *tenants, "resume", "hooli").returncode == 0
    assert run(as_gav, "mkdir", "/y").returncode == 0
    assert run(logged_in, *tenants, "erase", "hooli", "--after", "1s", "--yes").returncode == 0

    def listed() -> str:
        return run(logged_in, *tenants, "erasures").stdout.decode()

    eventually(lambda: "erased" in listed(), 60)
    assert run(as_gav, "ls").returncode == 3
    assert b"hooli" not in run(logged_in, *tenants, "list").stdout


def test_spaces_are_renamed_limited_and_deleted(logged_in: Mapping[str, str]) -> None:
    """By name; what holds something is not deleted; users have quotas, too."""
    assert run(logged_in, "spaces", "create", "Lab", "--quota", "1G").returncode == 0
    assert run(logged_in, "spaces", "rename", "Lab", "Attic").returncode == 0
    for size, word in (("2G", b"2.0 GiB"), ("none", b"-"), ("default", b"-")):
        assert run(logged_in, "spaces", "quota", "Attic", size).returncode == 0
        listed = run(logged_in, "spaces", "list", "--all").stdout.splitlines()
        assert word in next(line for line in listed if line.startswith(b"Attic"))
    assert run(logged_in, "spaces", "quota", "Attic", "much").returncode == 2
    assert run(logged_in, "mkdir", "Attic:/box").returncode == 0
    full = run(logged_in, "spaces", "delete", "Attic", "--yes")
    assert (full.returncode, b"trash" in full.stderr) == (5, True), full.stderr
    assert run(logged_in, "rm", "-r", "Attic:/box").returncode == 0
    assert run(logged_in, "trash", "empty", "--space", "Attic", "--yes").returncode == 0
    assert run(logged_in, "spaces", "delete", "Attic", "--yes").returncode == 0
    assert run(logged_in, "spaces", "rename", "Attic", "Lab").returncode == 4
    assert run(logged_in, "put", "-", "/seeds/first.txt", stdin=b"hello").returncode == 0
    assert run(logged_in, "admin", "template", "set", "team", "/seeds").returncode == 0
    assert run(logged_in, "spaces", "create", "Field").returncode == 0
    assert run(logged_in, "cat", "Field:/first.txt").stdout == b"hello"
    none = run(logged_in, "admin", "template", "set", "team", "none")
    assert (none.returncode, b"team      -" in none.stdout) == (0, True), none.stderr
    assert run(logged_in, "users", "quota", "admin", "5G").returncode == 0
    assert b"of 5.0 GiB" in run(logged_in, "users", "quota", "admin").stdout
    assert run(logged_in, "users", "quota", "admin", "default").returncode == 0


def test_groups_are_named_by_name(logged_in: Mapping[str, str]) -> None:
    """Create, fill, list, rename, empty, delete; nobody is there to be asked."""
    assert run(logged_in, "groups", "create", "Staff").returncode == 0
    assert run(logged_in, "groups", "create", "STAFF").returncode == 5
    assert run(logged_in, "groups", "add-member", "staff", "admin").returncode == 0
    assert b"admin" in run(logged_in, "groups", "members", "Staff").stdout
    assert run(logged_in, "groups", "add-member", "Staff", "nobody").returncode == 4
    assert run(logged_in, "groups", "rename", "Staff", "Crew").returncode == 0
    assert run(logged_in, "groups", "members", "Staff").returncode == 4
    assert run(logged_in, "groups", "remove-member", "Crew", "admin").returncode == 0
    assert b"admin" not in run(logged_in, "groups", "members", "Crew").stdout
    assert run(logged_in, "groups", "delete", "Crew").returncode == 2
    assert b"Crew" in run(logged_in, "groups", "list").stdout
    assert run(logged_in, "groups", "delete", "Crew", "--yes").returncode == 0
    assert b"Crew" not in run(logged_in, "groups", "list").stdout


def test_a_folder_is_shared_and_taken_back(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """By login and by group; what came of it is listed, explained and ended."""
    password = tmp_path / "password"
    password.write_text("her own password")
    run(logged_in, "users", "create", "fay", "--password-file", password)
    as_fay = {**logged_in, "XDG_CONFIG_HOME": str(tmp_path / "fay")}
    run(as_fay, "login", daemon[0], "--user", "fay", "--password-file", password)
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
    assert run(as_fay, "mkdir", f"{there}:/inner/hers").returncode == 0
    moved = run(logged_in, "mv", "/shared/inner", "/elsewhere", "--dry-run", "--json")
    (shift,) = json.loads(moved.stdout)["results"][0]["access"]["shifts"][-1:]
    assert (shift["grantee"]["name"], shift["after"]) == ("fay", None)
    seen = run(logged_in, "restrict", "/shared/inner", "--dry-run").stdout
    assert b"fay would lose access (is editor)" in seen
    assert run(logged_in, "restrict", "/shared/inner").returncode == 0
    assert run(as_fay, "ls", f"{there}:/inner").returncode == 4
    assert run(logged_in, "restrict", "--lift", "/shared/inner").returncode == 0
    assert run(logged_in, "unshare", "/shared", "fay").returncode == 0
    assert run(as_fay, "ls", f"{there}:/").returncode == 4
    assert there.encode() not in run(as_fay, "shared").stdout


def test_a_link_is_made_revoked_and_revived(logged_in: Mapping[str, str]) -> None:
    """Its address is shown once; the list tells how it stands."""
    run(logged_in, "mkdir", "-p", "/linked")
    for words in (("link", "create", "/linked"), ("request", "create", "/linked")):
        assert b"whoever has the link would be" in run(logged_in, *words, "--dry-run").stdout
    assert json.loads(run(logged_in, "link", "list", "/linked", "--json").stdout)["results"] == []
    made = run(logged_in, "link", "create", "/linked", "--expires", "7d", "--label", "for all")
    assert b"/s#bvl_" in made.stdout, made.stderr
    (link,) = json.loads(run(logged_in, "link", "list", "/linked", "--json").stdout)["results"]
    assert run(logged_in, "link", "revoke", link["id"]).returncode == 0
    assert b"revoked" in run(logged_in, "link", "list", "/linked").stdout
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

    password, sent = tmp_path / "pw", tmp_path / "sent.txt"
    password.write_text("her long password")
    sent.write_text("hers")
    run(logged_in, "users", "create", "gil", "--password-file", password)
    as_gil = {**logged_in, "XDG_CONFIG_HOME": str(tmp_path / "gil")}
    run(as_gil, "login", daemon[0], "--user", "gil", "--password-file", password)
    run(logged_in, "share", "/asked", "gil", "uploader")
    (box,) = json.loads(run(as_gil, "shared", "--json").stdout)["results"]
    assert (box["name"], box["node"], box["role"]) == ("asked", None, "uploader")
    for _ in range(2):
        put = run(as_gil, "put", sent, f"{box['id']}:/sent.txt", "--if-exists", "rename")
        assert put.returncode == 0, put.stderr
    assert run(as_gil, "ls", f"{box['id']}:/").returncode == 4
    (tmp_path / "tree" / "below").mkdir(parents=True)
    (tmp_path / "tree" / "below" / "f").write_text("deep")
    assert run(as_gil, "put", "-r", tmp_path / "tree", f"{box['id']}:/tree").returncode == 0
    assert b"sent (2).txt" in run(logged_in, "ls", "/asked").stdout
    assert run(logged_in, "cat", "/asked/tree/below/f").stdout == b"deep"


def test_a_password_can_be_changed(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """The wrong one is exit 3 and says which; the right one lets the new one log in."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("her first password")
    new.write_text("her second password")
    run(logged_in, "users", "create", "eva", "--password-file", old)
    as_eva = {**logged_in, "XDG_CONFIG_HOME": str(tmp_path / "eva")}
    login = ("login", daemon[0], "--user", "eva", "--password-file")
    assert run(as_eva, *login, old).returncode == 0
    wrong = run(as_eva, "passwd", "--password-file", new, "--new-password-file", new)
    assert wrong.returncode == 3
    assert b"your present password" in wrong.stderr
    done = run(as_eva, "passwd", "--password-file", old, "--new-password-file", new)
    assert done.returncode == 0, done.stderr
    assert run(as_eva, *login, old).returncode == 3
    assert run(as_eva, *login, new).returncode == 0


def test_an_admin_reads_the_trail_and_finds_no_letters(logged_in: Mapping[str, str]) -> None:
    """Of a node by its path, of a user by login; a replay of nothing is fine."""
    run(logged_in, "put", "-", "/audited", stdin=b"a")
    asked = ("admin", "audit", "--node", "/audited", "--user", "admin", "--since", "1h", "--json")
    listed = eventually(lambda: json.loads(run(logged_in, *asked).stdout)["results"], 20)
    assert [(one["kind"], one["login"]) for one in listed] == [("node.committed", "admin")]
    assert run(logged_in, "admin", "audit", "--until", "2020-01-01").stdout == b""
    assert run(logged_in, "admin", "dead-letters", "list").stdout == b""
    replayed = json.loads(
        run(logged_in, "admin", "dead-letters", "replay", "--all", "--json").stdout
    )
    assert replayed["results"] == [{"applied": 0, "failing": []}]


def test_unfinished_uploads_are_given_up_at_once(logged_in: Mapping[str, str]) -> None:
    """All of them, and only when told so: nobody is there to be asked."""
    draft = ("-f", "path=/unfinished", "-f", f"size={100 << 20}")
    assert run(logged_in, "api", "POST", "/v1/files", *draft).returncode == 0
    assert run(logged_in, "uploads", "abort", "--all").returncode == 2
    assert b"/unfinished" in run(logged_in, "uploads", "list").stdout
    assert run(logged_in, "uploads", "abort", "--all", "--yes").returncode == 0
    assert b"/unfinished" not in run(logged_in, "uploads", "list").stdout


def test_a_token_is_revoked_by_its_name(logged_in: Mapping[str, str]) -> None:
    """As long as one alone has that name."""
    for _ in range(2):
        run(logged_in, "token", "create", "twin")
    run(logged_in, "token", "create", "single")
    assert run(logged_in, "token", "revoke", "twin").returncode == 2
    assert run(logged_in, "token", "revoke", "single").returncode == 0
    assert run(logged_in, "token", "revoke", "single").returncode == 4


def test_a_token_is_good_for_what_it_was_made_for(
    logged_in: Mapping[str, str], daemon: tuple[str, Path]
) -> None:
    """Reading reads; what needs more is exit 3, says what would do, and changes nothing."""
    asked = ("token", "create", "reader", "--scope", "read", "--expires", "30d", "--json")
    made = json.loads(run(logged_in, *asked).stdout)["results"][0]
    by_token = {**logged_in, "BITVAULT_SERVER": daemon[0], "BITVAULT_TOKEN": made["token"]}
    assert (made["scope"], made["expiresAt"] > made["createdAt"]) == ("read", True)
    assert run(by_token, "ls").returncode == 0
    refused = run(by_token, "mkdir", "/by-a-reader")
    assert (refused.returncode, b"scope 'write'" in refused.stderr) == (3, True), refused.stderr
    assert run(by_token, "token", "create", "another").returncode == 3
    assert run(logged_in, "stat", "/by-a-reader").returncode == 4
    assert run(logged_in, "token", "create", "t", "--expires", "soon").returncode == 2
    assert b"reader" in run(logged_in, "token", "list").stdout


@contextmanager
def waiting(url: str, folder: Path, *more: str) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Log in by a code on a machine of its own; yield the process and the code it shows."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "headless")}
    command = [*program(), "login", url, "--device", *more]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as process:  # type: ignore[call-overload]
        assert process.stderr is not None
        shown = [process.stderr.readline() for _ in range(2)]
        page, code = re.findall(rb"(http://\S+/device)#([A-Z]{4}-[A-Z]{4})", shown[0])[0]
        assert (page.decode(), code in shown[1]) == (f"{url}/device", True)
        yield process, code.decode()


def test_a_machine_without_a_browser_logs_in(
    daemon: tuple[str, Path], logged_in: Mapping[str, str], tmp_path: Path
) -> None:
    """It shows a code, waits, and is in once somebody approved it elsewhere."""
    with waiting(daemon[0], tmp_path, "--json") as (process, code):
        data = json.dumps({"userCode": code})
        approve = ("api", "POST", "/v1/device-authorizations/approve", "--data", data)
        assert run(logged_in, *approve).returncode == 0
        told = json.loads(process.communicate(timeout=60)[0])
    assert (process.returncode, told["results"][0]["user"]["login"]) == (0, "admin")
    headless = {**logged_in, "XDG_CONFIG_HOME": str(tmp_path / "headless")}
    assert b"admin" in run(headless, "whoami").stdout
    assert b"bitvault on" in run(logged_in, "sessions", "list").stdout


def test_a_login_that_is_denied_is_exit_3(
    daemon: tuple[str, Path], logged_in: Mapping[str, str], tmp_path: Path
) -> None:
    """And nothing is stored; nor is it after Ctrl-C."""
    with waiting(daemon[0], tmp_path) as (process, code):
        data = json.dumps({"userCode": code})
        deny = ("api", "POST", "/v1/device-authorizations/deny", "--data", data)
        assert run(logged_in, *deny).returncode == 0
        assert b"denied" in process.communicate(timeout=60)[1]
    with waiting(daemon[0], tmp_path) as (stopped, _):
        stopped.send_signal(signal.SIGINT)
        assert b"Nothing was stored" in stopped.communicate(timeout=60)[1]
    assert (process.returncode, stopped.returncode) == (3, 130)
    assert not (tmp_path / "headless" / "bitvault" / "credentials.json").exists()


def test_a_token_is_made_for_a_folder(logged_in: Mapping[str, str]) -> None:
    """It is named by path, and listed with the path of today."""
    run(logged_in, "mkdir", "/inbox")
    made = run(logged_in, "token", "create", "scanner", "--path", "/inbox/")
    assert made.returncode == 0, made.stderr
    as_scanner = {**logged_in, "BITVAULT_TOKEN": made.stdout.decode().strip()}
    inbox = json.loads(run(logged_in, "stat", "/inbox", "--json").stdout)["results"][0]["id"]
    assert run(as_scanner, "put", "-", f"{inbox}:/scan", stdin=b"scan").returncode == 0
    assert run(as_scanner, "put", "-", "/inbox/scan", stdin=b"scan").returncode == 4
    assert run(as_scanner, "ls", "/").returncode == 4
    run(logged_in, "mv", "/inbox", "/intake")
    assert b"/intake" in run(logged_in, "token", "list").stdout
    assert run(logged_in, "token", "create", "x", "--path", "/nowhere").returncode == 4


def test_a_revoked_token_is_exit_3(logged_in: Mapping[str, str], daemon: tuple[str, Path]) -> None:
    """A token works until it is revoked."""
    made = json.loads(run(logged_in, "token", "create", "t", "--json").stdout)["results"][0]
    by_token = {**logged_in, "BITVAULT_SERVER": daemon[0], "BITVAULT_TOKEN": made["token"]}
    assert run(by_token, "ls").returncode == 0
    assert run(logged_in, "token", "revoke", made["id"]).returncode == 0
    assert run(by_token, "ls").returncode == 3
