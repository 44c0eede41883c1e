"""A login of the command line goes on by itself, in any number of processes, and a copy ends it."""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from attrs import define

from bitvault.actors.identity.rules.rotation import read
from bitvault.client.client import Client
from bitvault.client.devices import DeviceLogin
from bitvault.client.logins import LoginFile, LoginMemory, opened
from bitvault.client.retry import RetryPolicy
from bitvault.client.state import UploadStates
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Uploader
from bitvault.client.workers import each
from tests.cli.conftest import program
from tests.flows.test_identity_trail import trail
from tests.flows.test_mail import link_in, mail_to
from tests.support.daemon import Daemon
from tests.support.smtp import SmtpServer

PASSWORD = "a password of theirs"
_ENDED = "secret_expires_at = now(), previous_until = previous_until - interval '10 s'"
_OF = "WHERE family_hash IS NOT NULL AND user_id = $1 RETURNING credential_id"
END_TOKEN = f"UPDATE identity.credential SET {_ENDED} {_OF}"  # noqa: S608 - from two constants
END_PREVIOUS = f"""
    UPDATE identity.credential SET previous_until = previous_until - interval '10 s' {_OF}
"""  # noqa: S608 - the same
END_GRACE = f"""
    UPDATE identity.credential SET refreshed_at = refreshed_at - interval '10 s' {_OF}
"""  # noqa: S608 - the same
"""Time passes in the row: a daemon's clock is nobody's to turn."""
PREVIOUS = """
    SELECT previous_refresh_digest FROM identity.credential
    WHERE family_hash IS NOT NULL AND user_id = $1
"""


@define
class Machine:
    """A user's command line, whose folder may be copied."""

    daemon: Daemon
    admin: httpx.Client
    user_id: str
    config: Path

    @property
    def file(self) -> LoginFile:
        """Return where the login is kept."""
        return LoginFile(self.config / "bitvault" / "credentials.json")

    def begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start the command line."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BITVAULT_")}
        environment |= {"XDG_CONFIG_HOME": str(self.config), "XDG_STATE_HOME": str(self.config)}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*program(), *arguments], env=environment, **pipes)

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run it to its end, and return what it says."""
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        return (out if code == 0 else err).decode()

    def pass_time(self, *changes: str) -> None:
        """Have the present token end, or what else is meant."""
        for change in changes or (END_TOKEN,):
            assert len(self.daemon.rows(change, self.user_id)) == 1
        # Whatever is said of a user drops what is remembered of them for a second.
        said = self.admin.patch(f"/v1/users/{self.user_id}", json={"displayName": "Una"})
        said.raise_for_status()

    def copied(self, to: Path) -> "Machine":
        """Take a copy of all that is kept."""
        shutil.copytree(self.config, to)
        return Machine(self.daemon, self.admin, self.user_id, to)

    def refresh_elsewhere(self) -> Any:
        """Refresh, and lose the answer: as a process that dies before it wrote it."""
        login = self.file.read()
        assert login
        body = {"refreshToken": login.refresh_token}
        answer = httpx.post(f"{self.daemon.url}/v1/sessions/refresh", json=body, timeout=30)
        return answer.raise_for_status().json()


@pytest.fixture
def machine(standing: Daemon, client: httpx.Client, tmp_path: Path) -> Iterator[Machine]:
    """Log in as a new user."""
    login = f"u{uuid4().hex}"
    body = {"login": login, "password": PASSWORD}
    user = client.post("/v1/users", json=body).raise_for_status().json()["id"]
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    made = Machine(standing, client, user, tmp_path / "machine")
    made.run("login", standing.url, "--user", login, "--password-file", str(password))
    yield made
    client.patch(f"/v1/users/{user}", json={"isDisabled": True}).raise_for_status()


@pytest.mark.requirement("X7")
def test_a_copied_login_is_noticed_and_ends(
    machine: Machine, client: httpx.Client, mail_server: SmtpServer, tmp_path: Path
) -> None:
    """A backup of it is used after its owner went on: both are out, in the trail and by mail."""
    address = f"{machine.user_id}@example.org"
    client.put(f"/v1/users/{machine.user_id}/email", json={"email": address}).raise_for_status()
    token = link_in(mail_to(mail_server, address)).split("#")[1]
    login = machine.file.read()
    assert login
    headers = {"Authorization": f"Bearer {login.token}"}
    confirm = f"{machine.daemon.url}/v1/me/email/confirm"
    httpx.post(confirm, json={"token": token}, headers=headers).raise_for_status()
    session = httpx.get(f"{machine.daemon.url}/v1/sessions/current", headers=headers).json()["id"]

    backup = machine.copied(tmp_path / "backup")
    machine.pass_time()
    machine.run("whoami")
    machine.pass_time(END_TOKEN, END_GRACE)
    assert "Log in again" in backup.run("whoami", code=3)
    assert "Log in again" in machine.run("whoami", code=3)
    assert "Log in again" in machine.run("ls", code=3)

    told = trail(client, session, most=2)
    assert [one["kind"] for one in told] == ["session.opened", "session.refresh_reused"]
    assert (told[1]["userId"], told[1]["detail"]["ownerId"]) == (None, machine.user_id)
    notice = mail_to(mail_server, address, 2)
    assert "was ended" in notice["Subject"]
    queued = client.get("/v1/admin/mail", params={"limit": 100}).json()["items"]
    assert ("reuse", machine.user_id) in {(one["kind"], one["recipientId"]) for one in queued}


@pytest.mark.requirement("X7")
def test_processes_that_share_a_login_refresh_it_once(machine: Machine) -> None:
    """Six at once find the token ended: one asks, the others read what it wrote; all go on."""
    before = machine.file.read()
    machine.pass_time()
    asked = machine.daemon.log.count("/v1/sessions/refresh")
    started = [machine.begin("whoami", "--json") for _ in range(6)]
    ended = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * 6, ended
    after = machine.file.read()
    assert before
    assert after
    assert after.token != before.token
    assert stat.S_IMODE(machine.file.path.stat().st_mode) == 0o600
    presented = read(before.refresh_token or "")
    assert presented
    # What came before the present one is the one they all began with: it was refreshed once.
    assert machine.daemon.rows(PREVIOUS, machine.user_id) == [(presented.digest,)]
    assert machine.daemon.log.count("/v1/sessions/refresh") == asked + 1


@pytest.mark.requirement("X7")
def test_an_answer_that_was_lost_is_had_again(machine: Machine) -> None:
    """A process died between the answer and the file: in the grace the next is told the same."""
    lost = machine.refresh_elsewhere()
    machine.pass_time(END_PREVIOUS)
    machine.run("whoami")
    kept = machine.file.read()
    assert kept
    assert (kept.token, kept.refresh_token) == (lost["token"], lost["refreshToken"])


def test_after_the_grace_one_has_to_log_in_again(machine: Machine) -> None:
    """It says so, each time, and asks the server with the dead token no second time."""
    machine.refresh_elsewhere()
    machine.pass_time(END_TOKEN, END_GRACE)
    for _ in range(2):
        assert "Log in again: bitvault login" in machine.run("whoami", code=3)
        kept = machine.file.read()
        assert kept
        assert kept.refresh_token is None
    assert machine.run("logout") == "Logged out.\n"
    assert machine.file.read() is None


def test_a_tree_is_sent_while_the_token_ends(machine: Machine, tmp_path: Path) -> None:
    """What runs longer than a token lasts goes on, with threads that all are refused at once."""
    tree = tmp_path / "tree"
    for number in range(40):
        (tree / str(number % 4)).mkdir(parents=True, exist_ok=True)
        (tree / str(number % 4) / f"{number}.txt").write_text(f"{number}")
    first = machine.file.read()
    ended: list[str] = []

    class Ending:
        def expect(self, size: int) -> None:
            """Have the token end before the first request of the upload is made."""
            if size and not ended:
                ended.append("first")
                machine.pass_time()

        def advance(self, _size: int) -> None:
            """Have it end again between the bytes and the commit."""
            if len(ended) == 1:
                ended.append("second")
                machine.pass_time()

        def note(self, text: str) -> None:
            """Hear of nothing that was left out."""
            raise AssertionError(text)

    with Client(machine.daemon.url, machine.file) as client:
        states = UploadStates(tmp_path / "state")
        uploader = Uploader(client, jobs=8, states=states, progress=Ending())
        done = TreeUpload(uploader, "/tree", "update").run(tree)
        assert (len(done.nodes), done.missed) == (40, [])
        assert ended == ["first", "second"]
        machine.pass_time()
        names = each(
            8,
            lambda number: len(list(client.children(client.node(f"/tree/{number}").id))),
            range(4),
        )
    assert names == [10] * 4
    last = machine.file.read()
    assert first
    assert last
    assert last.refresh_token != first.refresh_token


def test_a_program_keeps_a_login_in_memory(machine: Machine, client: httpx.Client) -> None:
    """The SDK refreshes without any file; one who disabled its user stops it."""
    login = client.get(f"/v1/users/{machine.user_id}").json()["login"]
    machine.run("logout")
    policy = RetryPolicy(attempts=1)
    with Client(machine.daemon.url, policy=policy) as anybody:
        session = anybody.login(login, PASSWORD, refreshable=True)
    memory = LoginMemory(opened(machine.daemon.url, session))
    with Client(machine.daemon.url, memory, policy=policy) as program:
        machine.pass_time()
        assert program.me()["login"] == login
        assert memory.read() != opened(machine.daemon.url, session)


def test_a_session_rotates_if_its_client_asks_for_it(
    standing: Daemon, client: httpx.Client
) -> None:
    """By a code from elsewhere as with a password; who says nothing gets one token, as ever."""
    with Client(standing.url) as anybody:
        told = []
        for is_asked in (True, False):
            asked = DeviceLogin(anybody.rest, "probe")
            code = {"userCode": asked.begun.user_code}
            client.post("/v1/device-authorizations/approve", json=code).raise_for_status()
            told.append(asked.wait(sleep=lambda _: None, refreshable=is_asked))
    rotating, lasting = told
    assert rotating.expires_at
    assert rotating.session_expires_at
    assert rotating.session_expires_at - rotating.expires_at > timedelta(days=29)
    assert (rotating.refresh_token or "").startswith("bvf_")
    assert (lasting.refresh_token, lasting.expires_at) == (None, lasting.session_expires_at)
    for session in told:
        with Client(standing.url, session.token) as one:
            one.logout()


def test_logging_out_ends_the_session_though_its_token_has_ended(
    machine: Machine, client: httpx.Client
) -> None:
    """It refreshes to end it; nothing of it is left, here or there."""
    machine.pass_time()
    machine.run("logout")
    assert machine.daemon.rows(END_TOKEN, machine.user_id) == []
    assert machine.file.read() is None
    assert "bitvault login" in machine.run("whoami", code=3)
    assert client.get("/v1/me").status_code == 200


@pytest.mark.requirement("X12")
def test_no_refresh_token_opens_anything_else(machine: Machine) -> None:
    """It is no bearer token, and an access token refreshes nothing."""
    login = machine.file.read()
    assert login
    headers = {"Authorization": f"Bearer {login.refresh_token}"}
    assert httpx.get(f"{machine.daemon.url}/v1/me", headers=headers).status_code == 401
    asked: Sequence[Any] = [
        httpx.post(f"{machine.daemon.url}/v1/sessions/refresh", json={"refreshToken": token})
        for token in (login.token, "bvf_x", f"bvf_{'A' * 64}000000")
    ]
    assert {one.status_code for one in asked} == {401}
    assert {one.json()["code"] for one in asked} == {"unauthenticated"}
    assert {json.dumps({**one.json(), "requestId": ""}) for one in asked} == {
        json.dumps({**asked[0].json(), "requestId": ""})
    }
    machine.run("whoami")
