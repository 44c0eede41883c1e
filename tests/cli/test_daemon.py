"""Logging in by the command line at the real daemon: passwords, codes, sessions, tokens."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import program, run

pytestmark = pytest.mark.slow


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
    lost = run(as_scanner, "ls", "/")
    assert (lost.returncode, b"bitvault whoami" in lost.stderr) == (4, True)
    (me,) = json.loads(run(as_scanner, "whoami", "--json").stdout)["results"]
    assert (me["scope"], me["confinedTo"]) == ("write", inbox)
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
