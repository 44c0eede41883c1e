"""One of everything a tenant can have, made through the front door."""

import time
from typing import Any
from uuid import uuid4

import httpx
from attrs import frozen

from tests.support.daemon import eventually
from tests.support.issuer import lasting_issuer
from tests.support.uploads import commit, init, send, sha256

LARGE = 100 << 20
"""Bytes of the multipart upload: seven parts."""


@frozen
class Belongings:
    """Ids as text; each names what the routes take."""

    node: str
    folder: str
    spare: str
    """A folder without anything in it."""
    entry: str
    space: str
    user: str
    tenant: str
    group: str
    link: str
    invitation: str
    mail: str
    robot: str
    """A service account, and a token of its."""
    robot_token: str
    session: str
    token: str
    provider: str
    """Of identities."""
    opened: str
    """An upload whose bytes were not sent."""
    sent: str
    """One whose bytes were sent, and not committed."""
    parts: str
    """One in parts, of which none was sent."""
    committed: str
    aborted: str

    def fill(self, value: Any) -> Any:
        """Put ids into every ``{name}`` of a path or body."""
        if isinstance(value, str):
            for name in type(self).__slots__:
                if name != "__weakref__":
                    value = value.replace("{" + name + "}", getattr(self, name))
            return value
        if isinstance(value, dict):
            return {key: self.fill(one) for key, one in value.items()}
        return [self.fill(one) for one in value] if isinstance(value, list) else value

    @classmethod
    def invented(cls) -> "Belongings":
        """Return ids that nobody has."""
        # Of this moment, so that they differ from real ones in nothing but existence.
        names = [name for name in cls.__slots__ if name != "__weakref__"]
        return cls(**{name: _uuid7() for name in names})


def _uuid7() -> str:
    tail = uuid4().hex[12:]
    stamp = f"{time.time_ns() // 1_000_000:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{tail[1:4]}-{tail[4:8]}-{tail[8:]}"


def make(client: httpx.Client, marker: str = "") -> Belongings:
    """Make one of everything, below a folder of its own; ``marker`` is in whatever has a name."""
    root = f"/belongings-{marker}{uuid4()}"
    content, unsent = root.encode(), b"sent only"

    def folder(name: str) -> str:
        body = {"path": f"{root}/{name}", "parents": True}
        return str(client.post("/v1/folders", json=body).raise_for_status().json()["node"]["id"])

    service = {"login": root[1:], "kind": "service"}
    robot = client.post("/v1/users", json=service).raise_for_status().json()
    committed = init(client, f"{root}/kept.txt", content)
    send(committed["transfers"][0], content).raise_for_status()
    node = commit(client, committed["uploadId"], content).raise_for_status().json()["node"]["id"]
    trashed = client.delete(f"/v1/files/{folder('trashed')}").raise_for_status().json()["entryId"]
    sent = init(client, f"{root}/sent.txt", unsent)
    send(sent["transfers"][0], unsent).raise_for_status()
    aborted = init(client, f"{root}/aborted.txt", b"aborted")["uploadId"]
    client.delete(f"/v1/files/uploads/{aborted}").raise_for_status()
    space = client.post("/v1/spaces", json={"name": f"Team {root[1:]}"}).raise_for_status().json()
    invitation, mail = _invite(client)
    session = next(s for s in client.get("/v1/sessions").json()["items"] if s["isCurrent"])
    large = {"path": f"{root}/large", "size": LARGE}
    return Belongings(
        node=node,
        folder=folder("kept"),
        spare=folder("spare"),
        entry=trashed,
        space=space["id"],
        user=client.get("/v1/me").json()["id"],
        tenant=client.get("/v1/me").json()["tenantId"],
        group=client.post("/v1/groups", json={"name": root[1:]}).json()["id"],
        invitation=invitation,
        mail=mail,
        robot=robot["id"],
        robot_token=client.post(f"/v1/users/{robot['id']}/tokens", json={"name": root[1:]}).json()[
            "id"
        ],
        link=client.post(f"/v1/files/{node}/links", json={"label": root[1:]})
        .raise_for_status()
        .json()["id"],
        session=session["id"],
        token=client.post("/v1/tokens", json={"name": root[1:]}).json()["id"],
        provider=client.post("/v1/identity-providers", json=_provider(root[1:]))
        .raise_for_status()
        .json()["id"],
        opened=init(client, f"{root}/opened.txt", b"opened")["uploadId"],
        sent=sent["uploadId"],
        parts=client.post("/v1/files", json=large).raise_for_status().json()["uploadId"],
        committed=committed["uploadId"],
        aborted=aborted,
    )


def _invite(client: httpx.Client) -> tuple[str, str]:
    """Invite somebody, and wait for the mail; where no mail is sent there is neither."""
    address = {"email": "bob@example.org", "login": f"bob {uuid4().hex}"}
    made = client.post("/v1/invitations", json=address)
    if made.status_code == 409 and made.json()["code"] == "mail_not_configured":
        return _uuid7(), _uuid7()
    invitation = str(made.raise_for_status().json()["id"])

    def sent() -> str:
        found = client.get("/v1/admin/mail?state=sent").raise_for_status().json()["items"]
        return next((str(each["id"]) for each in found if each["recipientId"] == invitation), "")

    return invitation, eventually(sent, 20)


def _provider(name: str) -> dict[str, str]:
    issuer = f"{lasting_issuer().url}/{name}"
    return {"name": name, "issuer": issuer, "clientId": "bitvault", "clientSecret": "s"}


HASH = sha256(b"whatever is not there")
