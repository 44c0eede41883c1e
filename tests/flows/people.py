"""Everybody who must not, each for a reason of their own, around what one owner has."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import httpx
from attrs import define, field

from bitvault.kernel.principal import Scope
from tests.flows.belongings import Belongings, make
from tests.support.daemon import Daemon

PASSWORD = "a password of theirs"
TENANTS = "/v1/admin/tenants"
EXPIRE_CREDENTIAL = """
    UPDATE identity.credential SET expires_at = now() - interval '1 s' WHERE credential_id = $1
"""
EXPIRE_LINK = "UPDATE sharing.link SET expires_at = now() - interval '1 s' WHERE link_id = $1"


@define
class Town:
    """Tenants with one of everything, and those who look at what the owner has."""

    daemon: Daemon
    owner: httpx.Client
    owned: Belongings
    stranger: httpx.Client
    """The admin of another tenant, with belongings of the same kinds."""
    foreign: Belongings
    suspended: httpx.Client
    """The admin of a tenant that was suspended, whose belongings these are."""
    kept: Belongings
    people: dict[str, httpx.Client] = field(factory=dict)
    """Users of the owner's tenant, and guests."""
    nobody: dict[str, httpx.Client] = field(factory=dict)
    """Those whose credential is none, or is none any more."""
    dead_links: dict[str, httpx.Client] = field(factory=dict)
    narrow: dict[Scope, httpx.Client] = field(factory=dict)
    """The owner, with a token of that scope."""


@contextmanager
def settled(daemon: Daemon) -> Iterator[Town]:
    """Settle them all; in tenants of their own, so that nothing else is in the way."""
    with ExitStack() as stack, daemon.client() as operator:

        def come(authorization: str) -> httpx.Client:
            headers = {"Authorization": authorization} if authorization else {}
            client = httpx.Client(base_url=daemon.url, headers=headers, timeout=30)
            return stack.enter_context(client)

        def log_in(tenant: str, login: str) -> httpx.Client:
            body = {"tenant": tenant, "login": login, "password": PASSWORD}
            opened = httpx.post(f"{daemon.url}/v1/sessions", json=body, timeout=30)
            return come(f"Bearer {opened.raise_for_status().json()['token']}")

        def found() -> tuple[str, str, httpx.Client]:
            body = {"name": f"t{uuid4().hex}", "login": "owner", "password": PASSWORD}
            made = operator.post(TENANTS, json=body).raise_for_status().json()
            return made["id"], body["name"], log_in(body["name"], "owner")

        _, home, owner = found()
        _, _, stranger = found()
        held, _, suspended = found()
        town = Town(
            daemon, owner, make(owner), stranger, make(stranger), suspended, make(suspended)
        )
        operator.patch(f"{TENANTS}/{held}", json={"isSuspended": True}).raise_for_status()

        def user(login: str, **more: Any) -> tuple[str, httpx.Client]:
            body = {"login": login, "password": PASSWORD, **more}
            made = owner.post("/v1/users", json=body).raise_for_status().json()
            return made["id"], log_in(home, login)

        _users(town, user)
        _guests(town, come)
        _nobody(town, user, come)
        for scope in (Scope.READ, Scope.WRITE, Scope.ADMIN):
            town.narrow[scope] = come(f"Bearer {_token(owner, scope=scope.name.lower())['token']}")
        yield town


def _users(town: Town, user: Any) -> None:
    _, town.people["member"] = user("member")
    _, town.people["admin"] = user("admin", isAdmin=True)
    for name, role in (("viewer", "viewer"), ("revoked", "manager")):
        user_id, town.people[name] = user(name)
        for path in _shares(town, user_id):
            town.owner.put(path, json={"role": role}).raise_for_status()
            if name == "revoked":
                town.owner.delete(path).raise_for_status()

    granted = f"/v1/files/{town.owned.node}/grants/{town.owned.group}"
    town.owner.put(granted, json={"role": "viewer"}).raise_for_status()
    user_id, town.people["uploader"] = user("uploader")
    given = _shares(town, user_id)[0]
    town.owner.put(given, json={"role": "uploader"}).raise_for_status()


def _shares(town: Town, user_id: str) -> list[str]:
    """Return where a user is let in: what was made below one folder, and the team space."""
    root = town.owner.get(f"/v1/files/{town.owned.folder}").json()["parentId"]
    return [
        f"/v1/files/{root}/grants/{user_id}",
        f"/v1/spaces/{town.owned.space}/members/{user_id}",
    ]


def _guests(town: Town, come: Any) -> None:
    owner, body = town.owner, {"role": "editor"}
    elsewhere = owner.post("/v1/folders", json={"path": "/elsewhere"}).json()["node"]["id"]
    links = {
        name: owner.post(f"/v1/files/{node}/links", json=body).raise_for_status().json()
        for name, node in (
            ("elsewhere", elsewhere),
            *((name, town.owned.folder) for name in ("expired", "revoked", "deleted")),
        )
    }
    above = owner.get(f"/v1/files/{town.owned.folder}").json()["parentId"]
    asked = owner.post(f"/v1/files/{above}/links", json={"role": "uploader"}).raise_for_status()
    town.people["guest who uploads"] = come(f"Bearer {asked.json()['token']}")
    town.daemon.rows(EXPIRE_LINK, links["expired"]["id"])
    owner.patch(f"/v1/links/{links['revoked']['id']}", json={"revoked": True}).raise_for_status()
    owner.delete(f"/v1/links/{links['deleted']['id']}").raise_for_status()
    guests = {name: come(f"Bearer {link['token']}") for name, link in links.items()}
    town.people["guest elsewhere"] = guests.pop("elsewhere")
    town.dead_links |= {**guests, "invented": come(f"Bearer bvl_{'A' * 32}")}


def _nobody(town: Town, user: Any, come: Any) -> None:
    owner, nobody = town.owner, town.nobody
    nobody["anonymous"] = come("")
    user_id, nobody["disabled"] = user("disabled")
    nobody["token of a disabled user"] = come(f"Bearer {_token(nobody['disabled'])['token']}")
    owner.patch(f"/v1/users/{user_id}", json={"isDisabled": True}).raise_for_status()
    user_id, nobody["deleted"] = user("deleted")
    owner.delete(f"/v1/users/{user_id}").raise_for_status()
    expired, revoked = _token(owner), _token(owner)
    town.daemon.rows(EXPIRE_CREDENTIAL, expired["id"])
    owner.delete(f"/v1/tokens/{revoked['id']}").raise_for_status()
    nobody["expired token"] = come(f"Bearer {expired['token']}")
    nobody["revoked token"] = come(f"Bearer {revoked['token']}")


def _token(client: httpx.Client, **more: str) -> Any:
    made = client.post("/v1/tokens", json={"name": "for the matrix", **more})
    return made.raise_for_status().json()
