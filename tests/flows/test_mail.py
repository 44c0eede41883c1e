"""Mail from end to end: an invitation and a forgotten password, by way of a real mail server."""

import json
import os
import re
import subprocess
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from tests.cli.conftest import program
from tests.support.daemon import Daemon, eventually
from tests.support.smtp import SmtpServer

PASSWORD = "a password of theirs"


def mail_to(server: SmtpServer, address: str, count: int = 1) -> EmailMessage:
    """Wait for the last of so many mails to an address."""

    def found() -> list[EmailMessage]:
        mails = [mail for mail in server.inbox.mails if mail["To"] == address]
        return mails if len(mails) >= count else []

    mails: list[EmailMessage] = eventually(found, 20)
    assert len(mails) == count
    return mails[-1]


def link_in(mail: EmailMessage) -> str:
    """Return the link, which is the same in the text and in the HTML."""
    bodies = [mail.get_body((kind,)) for kind in ("plain", "html")]
    texts = [body.get_content() for body in bodies if body is not None]
    [links] = {tuple(re.findall(r"https?://[^\s\"]+#[\w-]+", text)) for text in texts}
    [link] = links
    return link


def enter(daemon: Daemon, login: str, password: str) -> httpx.Response:
    """Try to log in."""
    body = {"login": login, "password": password}
    return httpx.post(f"{daemon.url}/v1/sessions", json=body, timeout=30)


@pytest.mark.requirement("X14")
def test_who_is_invited_chooses_a_password_and_forgets_it(
    standing: Daemon, client: httpx.Client, mail_server: SmtpServer
) -> None:
    """Invite, accept, share, forget, reset: each by its mail, each link once."""
    group = client.post("/v1/groups", json={"name": "Invited"}).raise_for_status().json()["id"]
    body = {"email": "ina@example.org", "login": "ina", "groups": [group]}
    client.post("/v1/invitations", json=body).raise_for_status()
    link = link_in(mail_to(mail_server, "ina@example.org"))
    page, token = link.split("#")
    assert page == f"{standing.url}/invite"
    shown = httpx.get(page)
    assert (shown.status_code, shown.headers["Referrer-Policy"]) == (200, "no-referrer")
    opened = httpx.post(f"{standing.url}/v1/invitations/open", json={"token": token})
    assert (opened.json()["login"], opened.json()["tenant"]) == ("ina", "default")
    accept = {"token": token, "password": PASSWORD, "displayName": "Ina"}
    accepted = httpx.post(f"{standing.url}/v1/invitations/accept", json=accept, timeout=30)
    assert accepted.status_code == 201, accepted.text
    user, headers = accepted.json()["user"], {"Authorization": f"Bearer {accepted.json()['token']}"}
    assert (user["login"], user["displayName"], user["isAdmin"]) == ("ina", "Ina", False)
    again = httpx.post(f"{standing.url}/v1/invitations/accept", json=accept, timeout=30)
    assert (again.status_code, again.json()["code"]) == (404, "invitation_not_found")
    members = client.get(f"/v1/groups/{group}/members").json()["items"]
    assert [member["login"] for member in members] == ["ina"]

    folder = client.post("/v1/folders", json={"path": "/For Ina <&>"}).json()["node"]["id"]
    client.put(f"/v1/files/{folder}/grants/{user['id']}", json={"role": "viewer"})
    told = mail_to(mail_server, "ina@example.org", 2)
    assert told["Subject"] == "admin shared For Ina <&> with you"
    html = told.get_body(("html",))
    assert html is not None
    assert "For Ina &lt;&amp;&gt;" in html.get_content()

    asked = httpx.post(f"{standing.url}/v1/password-resets", json={"login": "ina"})
    nobody = httpx.post(f"{standing.url}/v1/password-resets", json={"login": "nobody at all"})
    assert [asked.status_code, asked.text] == [nobody.status_code, nobody.text] == [202, ""]
    page, token = link_in(mail_to(mail_server, "ina@example.org", 3)).split("#")
    assert page == f"{standing.url}/reset"
    use = {"token": token, "newPassword": PASSWORD + "!"}
    used = httpx.post(f"{standing.url}/v1/password-resets/use", json=use, timeout=30)
    assert used.status_code == 204, used.text
    used = httpx.post(f"{standing.url}/v1/password-resets/use", json=use, timeout=30)
    assert (used.status_code, used.json()["code"]) == (404, "link_spent")
    assert httpx.get(f"{standing.url}/v1/me", headers=headers).status_code == 401
    assert enter(standing, "ina", PASSWORD).status_code == 401
    assert enter(standing, "ina", PASSWORD + "!").status_code == 201
    notice = mail_to(mail_server, "ina@example.org", 4)
    assert notice["Subject"] == "The password of ina was changed"
    assert token not in str(client.get("/v1/audit", params={"limit": 200}).text)
    assert not any(
        token in str(row) for row in standing.rows("SELECT m::text FROM notifier.mail m")
    )


@pytest.mark.requirement("X14")
def test_an_address_counts_once_its_user_confirmed_it(
    standing: Daemon, client: httpx.Client, mail_server: SmtpServer
) -> None:
    """An admin proposes; before the user has said yes while logged in, no password goes there."""
    body = {"login": "max", "password": PASSWORD}
    user = client.post("/v1/users", json=body).raise_for_status().json()["id"]
    client.put(f"/v1/users/{user}/email", json={"email": "max@example.org"}).raise_for_status()
    page, token = link_in(mail_to(mail_server, "max@example.org")).split("#")
    assert page == f"{standing.url}/confirm"
    refused = client.post("/v1/me/email/confirm", json={"token": token})
    assert (refused.status_code, refused.json()["code"]) == (404, "link_spent")
    httpx.post(f"{standing.url}/v1/password-resets", json={"login": "max"}).raise_for_status()

    session = enter(standing, "max", PASSWORD).json()["token"]
    headers = {"Authorization": f"Bearer {session}"}
    with httpx.Client(base_url=standing.url, headers=headers) as theirs:
        confirmed = theirs.post("/v1/me/email/confirm", json={"token": token}).json()
        assert confirmed == {"email": "max@example.org", "proposed": None, "muted": []}
        theirs.put("/v1/me/mail", json={"muted": ["share"]}).raise_for_status()
        folder = client.post("/v1/folders", json={"path": "/For Max"}).json()["node"]["id"]
        client.put(f"/v1/files/{folder}/grants/{user}", json={"role": "viewer"}).raise_for_status()
        theirs.post("/v1/tokens", json={"name": "robot"}).raise_for_status()
    notice = mail_to(mail_server, "max@example.org", 2)
    assert notice["Subject"] == "A new API token of max"

    def of_user() -> dict[str, str]:
        listed = client.get("/v1/admin/mail").json()["items"]
        return {mail["kind"]: mail["state"] for mail in listed if mail["recipientId"] == user}

    # What is told for courtesy comes after what is told for safety.
    eventually(lambda: "queued" not in of_user().values(), 20)
    # A former address would have been told of the new one: there was none.
    assert of_user() == {"confirmation": "sent", "token": "sent", "share": "dropped"}


def test_the_command_line_invites_asks_and_looks(
    standing: Daemon, client: httpx.Client, mail_server: SmtpServer
) -> None:
    """Invite, list, send again, revoke, ask for a new password, and see what became of it."""
    environment = {
        **os.environ,
        "BITVAULT_SERVER": standing.url,
        "BITVAULT_TOKEN": client.headers["Authorization"].removeprefix("Bearer "),
    }

    def bitvault(*arguments: str, code: int = 0) -> Any:
        command = [*program(), *arguments, "--json"]
        run = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
        assert run.returncode == code, run.stderr
        return json.loads(run.stdout)["results"] if code == 0 else run.stdout

    [made] = bitvault("admin", "invite", "uta@example.org", "--login", "uta", "--admin")
    mail_to(mail_server, "uta@example.org")
    assert made["id"] in [one["id"] for one in bitvault("admin", "invitations", "list")]
    bitvault("admin", "invitations", "send", made["id"])
    link_in(mail_to(mail_server, "uta@example.org", 2))
    bitvault("admin", "invitations", "revoke", made["id"])
    bitvault("admin", "invitations", "revoke", made["id"], code=4)
    assert b"email" in bitvault("admin", "invite", "uta", "--login", "uta", code=2)
    assert bitvault("passwd", "--reset", "--user", "nobody") == []
    listed = bitvault("admin", "mail", "list", "--state", "sent")
    mine = [one["id"] for one in listed if one["recipientId"] == made["id"]]
    assert len(mine) == 2
    [status] = bitvault("admin", "mail", "status")
    assert (status["isOn"], status["failed"]) == (True, 0)
    bitvault("admin", "mail", "resend", mine[0])
    assert bitvault("mail", "mute", "share") == bitvault("mail", "show")
    assert bitvault("mail", "unmute", "share")[0]["muted"] == []
