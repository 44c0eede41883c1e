"""One of every secret there is, and none of them in any row or line of the log (X32, I28)."""

import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

import bitvault
from tests.flows.people import TENANTS
from tests.flows.test_devices import begin
from tests.flows.test_mail import link_in, mail_to
from tests.flows.test_single_sign_on import start
from tests.support.daemon import Daemon
from tests.support.issuer import running_issuer
from tests.support.smtp import SmtpServer
from tests.support.tables import dump

DRAWN = {
    "actors/identity/actor/accounts/issuer.py": "token of a session, of a program, to refresh with",
    "actors/identity/actor/accounts/rotations.py": "what a refreshed session has",
    "actors/identity/actor/accounts/devices.py": "code of a device, code that is typed",
    "actors/identity/actor/accounts/invitations.py": "invitation",
    "actors/identity/actor/accounts/addresses.py": "confirmation",
    "actors/identity/actor/accounts/resets.py": "reset",
    "actors/sharing/actor/links.py": "link",
    "actors/sso/actor/sign_ins.py": "state, cookie, and code of a sign-in",
    "actors/storage/actor/ledger.py": "no secret: the name of an object",
    "drivers/objects/s3.py": "no secret: the name of an object",
}
"""Where secrets are drawn, and as what they are looked for below."""


def test_every_secret_that_is_drawn_is_looked_for() -> None:
    """Whoever draws a new one adds it here, and to the story below."""
    root = Path(bitvault.__file__).parent
    drawing = [path for path in root.rglob("*.py") if re.search(r"ids\.secret\(", path.read_text())]
    assert {str(path.relative_to(root)) for path in drawing} == DRAWN.keys()


Secrets: TypeAlias = Iterator[tuple[str, str]]


def sessions(daemon: Daemon, tenant: str, password: str) -> Secrets:
    """Yield the secrets of a session, before and after it was refreshed."""
    body = {"tenant": tenant, "login": "owner", "password": password, "refreshable": True}
    opened = httpx.post(f"{daemon.url}/v1/sessions", json=body, timeout=30).raise_for_status()
    yield "session", opened.json()["token"]
    yield "refresh", opened.json()["refreshToken"]
    again = {"refreshToken": opened.json()["refreshToken"]}
    rotated = httpx.post(f"{daemon.url}/v1/sessions/refresh", json=again, timeout=30)
    yield "session refreshed", rotated.raise_for_status().json()["token"]
    yield "refresh refreshed", rotated.json()["refreshToken"]


def codes(daemon: Daemon, client: httpx.Client) -> Secrets:
    """Yield the codes of two devices: one waits, one is let in and has not come for its session."""
    for name in ("waiting", "approved"):
        begun = begin(daemon)
        yield f"device code, {name}", begun["deviceCode"]
        yield f"user code, {name}", begun["userCode"]
    code = {"userCode": begun["userCode"]}
    client.post("/v1/device-authorizations/approve", json=code).raise_for_status()


def mails(
    daemon: Daemon, owner: httpx.Client, server: SmtpServer, tenant: str, password: str
) -> Secrets:
    """Yield what is in the links of mails: to confirm an address, to choose a password."""
    address, guest = f"{tenant}@example.org", f"guest.{tenant}@example.org"
    owner.post("/v1/invitations", json={"login": "guest", "email": guest}).raise_for_status()
    yield "invitation", link_in(mail_to(server, guest)).partition("#")[2]
    owner.put("/v1/me/email", json={"email": address, "currentPassword": password})
    token = link_in(mail_to(server, address)).partition("#")[2]
    yield "confirmed", token
    owner.post("/v1/me/email/confirm", json={"token": token}).raise_for_status()
    body = {"tenant": tenant, "login": "owner"}
    httpx.post(f"{daemon.url}/v1/password-resets", json=body).raise_for_status()
    yield "reset", link_in(mail_to(server, address, 2)).partition("#")[2]
    owner.put("/v1/me/email", json={"email": f"new.{address}", "currentPassword": password})
    yield "confirmation", link_in(mail_to(server, f"new.{address}")).partition("#")[2]


def sign_ins(daemon: Daemon, owner: httpx.Client) -> Secrets:
    """Yield the secrets of a provider, of a sign-in that waits, and of one that succeeded."""
    with running_issuer() as issuer, httpx.Client(timeout=30) as browser:
        issuer.now, secret = time.time, f"secret-of-{uuid4()}"
        body = {"name": "issuer", "issuer": issuer.url, "clientId": "b", "clientSecret": secret}
        made = owner.post("/v1/identity-providers", json={**body, "makesUsers": True})
        provider = made.raise_for_status().json()["id"]
        yield "client secret", secret
        for name in ("waiting", "done"):
            begun = browser.get(start(daemon, provider))
            state = issuer.grant(begun.headers["Location"])
            yield f"state, {name}", state
            yield f"cookie, {name}", begun.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
        query = {"state": state, "code": "good", "iss": issuer.url}
        back = browser.get(f"{daemon.url}/v1/sso/{provider}/callback", params=query)
        yield "ticket", parse_qs(urlsplit(back.headers["Location"]).query)["code"][0]


def forms(secret: str) -> set[str]:
    """Return how a secret may stand in a row: as text or bytes, as it is or decoded.

    The beginning of a token is shown to its user in lists, and is no secret.
    """
    body = secret.partition("_")[2] if secret.startswith("bv") else secret
    middle = body[-24:]
    found = {middle, middle.encode().hex()}
    if re.fullmatch(r"[\w-]{32,}", body):
        found.add(urlsafe_b64decode(body[:32])[12:].hex())
    return found


@pytest.mark.requirement("X12", "X14", "X32")
def test_no_secret_is_kept_in_the_clear(
    standing: Daemon, client: httpx.Client, mail_server: SmtpServer
) -> None:
    """Tokens, codes and passwords of all kinds, in all tables and in the log."""
    tenant, password = f"t{uuid4().hex[:12]}", f"a password {uuid4()}"
    body = {"name": tenant, "login": "owner", "password": password}
    client.post(TENANTS, json=body).raise_for_status()
    secrets = {"password": password, "link password": f"for the link {uuid4()}"}
    secrets |= sessions(standing, tenant, password)
    headers = {"Authorization": f"Bearer {secrets['session refreshed']}"}
    with httpx.Client(base_url=standing.url, headers=headers, timeout=30) as owner:
        made = owner.post("/v1/tokens", json={"name": "program"}).raise_for_status()
        secrets["token"] = made.json()["token"]
        folder = owner.post("/v1/folders", json={"path": "/shared"}).json()["node"]["id"]
        for name, terms in (("link", {}), ("locked", {"password": secrets["link password"]})):
            made = owner.post(f"/v1/files/{folder}/links", json=terms).raise_for_status()
            secrets[name] = made.json()["token"]
        secrets |= codes(standing, owner)
        secrets |= mails(standing, owner, mail_server, tenant, password)
        secrets |= sign_ins(standing, owner)

    kept = [*(row for rows in dump(standing).values() for row in rows), standing.log]
    found = {
        name: [one for one in kept if any(form in one for form in forms(secret))]
        for name, secret in secrets.items()
    }
    assert {name: rows for name, rows in found.items() if rows} == {}
    assert len(secrets) == 23
