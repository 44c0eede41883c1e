"""A tenant's marker appears nowhere but in what that tenant is told (X17-X24, the taint test).

Two tenants do all that can be done, in turns that are drawn; each has a marker in everything that
has a name. Whatever leaves the server for one must have no marker and no id of the other.
"""

import json
import random
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import httpx
import pytest
from attrs import define, field

import bitvault
from bitvault.http.routes.health import PAGES
from bitvault.services import SERVICES
from tests.flows.belongings import Belongings, make
from tests.flows.matrix import Example, send
from tests.flows.people import PASSWORD, TENANTS
from tests.flows.walls import closed
from tests.support.daemon import Daemon
from tests.support.tables import dump

SINKS: Mapping[str, str] = {
    "consumer audit": "its rows, and GET /v1/audit",
    "consumer notifier": "its rows, and GET /v1/admin/mail",
    "consumer sharing": "its rows",
    "driver bus": "carries tenant and number, no content",
    "driver disk": "free bytes",
    "driver limits": "in memory, by hashed key",
    "driver mail": "tests of the notifier: a letter names only what is its tenant's",
    "driver objects": "the index of the embedded store",
    "driver outgoing": "tests of single sign-on: a provider is asked for its own tenant alone",
    "driver passwords": "hashes",
    "driver postgres": "all rows of all tables",
    "driver sealing": "what it sealed is in a row",
    "driver transport": "a daemon that has all services has none",
}
"""Every way out of the server, and where it is looked at; a new one has to be added here."""
ENDS = {
    "close_session", "close_current_session", "close_other_sessions", "close_sessions_of",
    "change_password", "delete_user",
}  # fmt: skip
"""What would end the story early."""
TURNS = 4
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TENANTS_OF_ROWS = re.compile(r'"tenant_id": "([0-9a-f-]{36})"')


@define
class Side:
    """One tenant: its people, what they were told, and what is only theirs."""

    marker: str
    tenant: str
    belongings: Belongings
    people: list[httpx.Client]
    ids: set[str] = field(factory=set)

    def knows(self, text: str) -> bool:
        """Say whether a text has something of this tenant's."""
        return self.marker in text or not self.ids.isdisjoint(_UUID.findall(text))


@contextmanager
def sides(daemon: Daemon) -> Iterator[tuple[Side, Side]]:
    """Settle two tenants."""
    made = [_settle(daemon, f"taint{name}{uuid4().hex[:12]}") for name in ("one", "two")]
    try:
        yield (made[0], made[1])
    finally:
        for side in made:
            for client in side.people:
                client.close()


def _settle(daemon: Daemon, marker: str) -> Side:
    def come(authorization: str) -> httpx.Client:
        headers = {"Authorization": authorization, "User-Agent": marker}
        return httpx.Client(base_url=daemon.url, headers=headers, timeout=30)

    def log_in(login: str) -> httpx.Client:
        body = {"tenant": f"t{marker}", "login": login, "password": PASSWORD}
        opened = httpx.post(f"{daemon.url}/v1/sessions", json=body, timeout=30)
        return come(f"Bearer {opened.raise_for_status().json()['token']}")

    with daemon.client() as operator:
        body = {"name": f"t{marker}", "login": marker, "password": PASSWORD}
        tenant = operator.post(TENANTS, json=body).raise_for_status().json()["id"]
    owner = log_in(marker)
    owned = make(owner, marker)
    user = {"login": f"m{marker}", "displayName": marker, "password": PASSWORD}
    owner.post("/v1/users", json=user).raise_for_status()
    link = owner.post(f"/v1/files/{owned.folder}/links", json={"label": marker, "role": "editor"})
    guest = come(f"Bearer {link.raise_for_status().json()['token']}")
    return Side(marker, tenant, owned, [owner, log_in(user["login"]), guest])


def marked(example: Example, marker: str) -> Example:
    """Put a marker into the names an example gives."""
    method, path, body = example
    return method, path, json.loads(json.dumps(body).replace("mine", f"mine {marker}"))


Turn: TypeAlias = tuple[Side, Side, httpx.Client, Example, Belongings]
"""Who, beside whom, as which of its people, sends what, with whose ids."""


def turns(one: Side, two: Side) -> list[Turn]:
    """Draw an order: first all that reads, several times, then all there is."""
    draw = random.Random(17)  # noqa: S311 - an order, no secret

    def drawn(only: str) -> Iterator[Turn]:
        for side, other in ((one, two), (two, one)):
            for endpoint, example in closed():
                if endpoint.operation_id not in ENDS and endpoint.method.startswith(only):
                    client = draw.choice(side.people)
                    ids = draw.choice([side.belongings, side.belongings, other.belongings])
                    yield side, other, client, marked(example, side.marker), ids

    reading = [turn for _ in range(TURNS) for turn in drawn("GET")]
    doing = [turn for _ in range(TURNS) for turn in drawn("")]
    draw.shuffle(reading)
    draw.shuffle(doing)
    return reading + doing


@pytest.mark.requirement("X17", "X19", "X61")
def test_nothing_of_a_tenant_is_told_to_another(standing: Daemon) -> None:
    """Not in answers, rows, logs, metrics, pages or the object store's index; nor its ids."""
    with sides(standing) as (one, two):
        told: list[tuple[Side, Side, str, str]] = []
        for side, other, client, example, ids in turns(one, two):
            reply = send(client, example, ids)
            text = f"{reply.status_code} {reply.headers!r} {reply.text}"
            asked = f"{ids.fill(example[1])} {json.dumps(ids.fill(example[2]))}"
            told.append((side, other, asked, text))
            if ids is side.belongings:
                side.ids |= set(_UUID.findall(text))
        for side in (one, two):
            # What is looked for does occur where it may.
            assert sum(side.marker in text for who, _, _, text in told if who is side) > 50
            assert len(side.ids) > 50
        assert one.ids.isdisjoint(two.ids)
        leaks = [
            f"{asked}\n    {text}"
            for _, other, asked, text in told
            if other.marker in text
            or not other.ids.isdisjoint(set(_UUID.findall(text)) - set(_UUID.findall(asked)))
        ]
        assert not leaks, "\n".join(leaks)
        _look_behind(standing, one, two)


def _look_behind(daemon: Daemon, one: Side, two: Side) -> None:
    """Look at what is kept, and at what is shown to whoever watches the server."""
    kept = {side.tenant: 0 for side in (one, two)}
    others = {one.tenant: two, two.tenant: one}
    for name, rows in dump(daemon).items():
        for row in rows:
            for tenant in _TENANTS_OF_ROWS.findall(row):
                if tenant in others:
                    kept[tenant] += 1
                    assert not others[tenant].knows(row), f"{name}: {row}"
    assert min(kept.values()) > 100
    index = _index(daemon.data)
    with httpx.Client(base_url=daemon.url) as anybody:
        pages = {path: anybody.get(path).text for path in (*PAGES, "/metrics", "/v1/status")}
    for shown in (daemon.log, daemon.output, index, *pages.values()):
        assert shown
        assert not any(side.marker in shown for side in (one, two))


def _index(data: Path) -> str:
    """Return keys and headers of all objects and uploads."""
    [found] = data.rglob("index.sqlite3")
    with closing(sqlite3.connect(f"file:{found}?mode=ro", uri=True)) as database:
        tables = ("SELECT key, headers FROM object", "SELECT key, headers FROM upload")
        return "\n".join(str(row) for sql in tables for row in database.execute(sql))


def test_every_way_out_is_looked_at() -> None:
    """A new consumer of events or a new driver fails here, until it says where it is tested."""
    drivers = Path(bitvault.__file__).parent / "drivers"
    ways = {f"consumer {name}" for each in SERVICES for name in each.consumers}
    ways |= {f"driver {each.name}" for each in drivers.iterdir() if (each / "port.py").is_file()}
    assert ways <= SINKS.keys()
