"""What a tenant's admins and the platform's operators do by the command line."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import enter, found_tenant, run
from tests.support.daemon import eventually

pytestmark = pytest.mark.slow


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


def test_an_operator_keeps_tenants(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """Create, list, suspend, resume, limit, by name; its admin is refused the same."""
    tenants = ("admin", "tenants")
    as_wil = found_tenant(logged_in, daemon[0], tmp_path, "acme", "wil")
    assert run(as_wil, *tenants, "list").returncode == 3
    assert run(logged_in, *tenants, "suspend", "acme").returncode == 0
    assert b"suspended" in run(logged_in, *tenants, "list").stdout
    refused = run(as_wil, "mkdir", "/x")
    assert (refused.returncode, b"is suspended" in refused.stderr) == (3, True)
    assert run(as_wil, "ls").returncode == 0
    assert run(logged_in, *tenants, "resume", "acme").returncode == 0
    assert run(as_wil, "mkdir", "/x").returncode == 0
    assert run(logged_in, *tenants, "limit", "acme", "--users", "1").returncode == 0
    created = run(as_wil, "users", "create", "jo", "--password-file", tmp_path / "password")
    assert (created.returncode, b"may have 1 users" in created.stderr) == (5, True)
    assert run(logged_in, *tenants, "suspend", "nowhere").returncode == 4
    assert run(logged_in, *tenants, "limit", "acme", "--rate", "50", "--users", "0").returncode == 0
    assert b"50/s" in run(logged_in, *tenants, "list").stdout
    quota = run(logged_in, "admin", "quota", "set", "--tenant", "acme", "--total", "1G")
    assert (quota.returncode, b"1.0 GiB" in quota.stdout) == (0, True), quota.stderr
    bound = run(logged_in, "admin", "policy", "set", "--tenant", "acme", "--longest-link", "30d")
    assert (bound.returncode, b"30d" in bound.stdout) == (0, True), bound.stderr
    laxer = run(as_wil, "admin", "policy", "set", "--longest-link", "31d", "--min-password", "9")
    assert (laxer.returncode, b"--longest-link: must" in laxer.stderr) == (2, True), laxer.stderr
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
    as_bil = found_tenant(logged_in, daemon[0], tmp_path, "initech", "bil")
    for words in (("list",), ("show", "collect"), ("run", "collect"), ("run", "everything")):
        assert run(as_bil, *jobs, *words).returncode == 3


def test_a_tenant_takes_its_data_along(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """Suspended first; records of every kind without secrets, each content once, and resumed."""
    tenants = ("admin", "tenants")
    as_ada = found_tenant(logged_in, daemon[0], tmp_path, "umbrella", "ada")
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
    # What is there of the right size and with other bytes is fetched again, and nothing else.
    (spoilt,) = {p for p in (tmp_path / "out" / "contents").iterdir() if p.read_bytes() == b"two"}
    spoilt.write_bytes(b"owt")
    again = json.loads(run(logged_in, *export, "--json").stdout)["results"][0]
    assert (again["fetched"], again["records"] >= len(records)) == (1, True)
    assert spoilt.read_bytes() == b"two"
    trail = json.loads(run(as_ada, "admin", "audit", "--subject", "tenant", "--json").stdout)
    assert "tenant.exported" in [one["kind"] for one in trail["results"]]
    assert {one["by"] for one in trail["results"]} == {"operator"}
    audit = ("admin", "audit", "--subject", "tenant", "--since", "1h")
    eventually(lambda: b"export umbrella" in run(logged_in, *audit).stdout, 20)
    assert b"suspend umbrella" in run(logged_in, *audit).stdout


def test_a_tenant_is_erased_unless_that_is_revoked(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """Suspended at once, kept by a word, and gone but for the record when its time has come."""
    tenants = ("admin", "tenants")
    as_gav = found_tenant(logged_in, daemon[0], tmp_path, "hooli", "gav")
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
    unbounded = run(logged_in, "users", "quota", "admin", "none")
    assert re.fullmatch(rb"\S+ \S+ used, without limit \(set by an admin\)\n", unbounded.stdout)
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


def test_a_trail_that_goes_on_says_so(logged_in: Mapping[str, str]) -> None:
    """On standard error, and as a warning of the envelope; one that is shown whole does not."""
    for name in ("one", "two"):
        run(logged_in, "mkdir", f"/goes-on-{name}")
    asked = ("admin", "audit", "-n")
    eventually(lambda: run(logged_in, *asked, 1).stdout.count(b"goes-on-two"), 20)
    warned = "and more than these 1; see them with --limit N"
    assert warned in run(logged_in, *asked, 1).stderr.decode()
    cut = json.loads(run(logged_in, *asked, 1, "--json").stdout)
    whole = json.loads(run(logged_in, *asked, 5000, "--json").stdout)
    assert (len(cut["results"]), cut["warnings"]) == (1, [warned])
    exact = json.loads(run(logged_in, *asked, len(whole["results"]), "--json").stdout)
    assert (whole["warnings"], exact["warnings"]) == ([], [])


def test_the_trail_of_a_folder_is_all_that_was_done_about_it(
    logged_in: Mapping[str, str], daemon: tuple[str, Path], tmp_path: Path
) -> None:
    """Its grants and links too, by which token, and by whom after they are deleted."""
    (tmp_path / "password").write_text("her own password")
    run(logged_in, "users", "create", "liz", "--password-file", tmp_path / "password")
    as_liz = enter(logged_in, daemon[0], tmp_path, "liz")
    run(as_liz, "mkdir", "/traced")
    token = run(as_liz, "token", "create", "scanner").stdout.decode().strip()
    folder = json.loads(run(as_liz, "stat", "/traced", "--json").stdout)["results"][0]["id"]
    run({**as_liz, "BITVAULT_TOKEN": token}, "link", "create", "/traced")
    run(as_liz, "share", "/traced", "admin", "viewer")
    assert run(logged_in, "users", "delete", "liz", "--yes").returncode == 0

    by_her = ("admin", "audit", "--user", "liz", "--subject", "user")
    eventually(lambda: run(logged_in, *by_her).returncode == 0, 20)
    trail = run(logged_in, "admin", "audit", "--node", folder).stdout
    assert b"node.created" in trail
    assert b"share.granted" in trail
    assert b"liz by token scanner  share.link_created" in trail


def test_identity_providers_are_looked_up_by_name(logged_in: Mapping[str, str]) -> None:
    """Here there are none; that is what is said, and no rule of the interface."""
    assert run(logged_in, "admin", "idp", "list").returncode == 0
    for command in (("show",), ("change", "--name", "Other"), ("remove", "--yes")):
        missing = run(logged_in, "admin", "idp", command[0], "Acme", *command[1:])
        assert (missing.returncode, b"no identity provider 'Acme'" in missing.stderr) == (4, True)
