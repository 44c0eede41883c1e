"""Services of two processes give the answers that they give in one."""

import json
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio

from bitvault.actors.identity.contract import Authenticate, EnsureTenant, OpenSession, SecretIssued
from bitvault.daemon.loading import load
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.http.app import create_app
from bitvault.kernel.export import ExportRecords
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.remote import Answering, Remote, codec_of
from bitvault.services import SERVICES, options_of, services_of
from bitvault.tree import assemble, wire
from bitvault.wiring import Wiring
from supervisors import Child, ChildSpec, TreeHandle, run_tree
from tests.contracts.wire import Wire
from tests.support.determinism import FixedClock
from tests.support.postgres import PostgresServer, opened

PASSWORD = "correct horse"
_SECRET = r"bv[a-z]?_[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
_VARIES = re.compile(
    rf"[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|[0-9a-f]{{12,32}}|{_SECRET}"
)
"""Ids and secrets."""
_IN_TIME = {"audit_entry", "download"}
"""Kinds of records that are written some time later."""
NAMES = frozenset(one.name for one in SERVICES if one.actor)


@asynccontextmanager
async def _process(
    wiring: Wiring, ports: ChildSpec, remote: Collection[str], way: Wire
) -> AsyncIterator[TreeHandle]:
    """Run the services that are not remote."""
    codec, options = codec_of(SERVICES), options_of(SERVICES, load(None, {}, {}))
    asking = {one.name: partial(Remote, one, codec, way) for one in SERVICES if one.name in remote}
    root = assemble(SERVICES, wiring, options, drivers=[ports], remote=asking)
    async with trio.open_nursery() as nursery:
        yield await nursery.start(run_tree, root)
        nursery.cancel_scope.cancel()


def _ports(wiring: Wiring, database: PostgresDatabase, objects: MemoryObjectStore) -> ChildSpec:
    async def ports(child: Child) -> None:
        wiring.provide(database=database, objects=objects)  # type: ignore[arg-type]
        child.started()
        await child.stopping.wait()

    return ChildSpec("ports", ports)


async def _told(database: PostgresDatabase, remote: Collection[str]) -> tuple[list[Any], int]:
    """Send the story to an edge whose services are partly elsewhere; count what was carried."""
    clock = FixedClock()
    objects = MemoryObjectStore(clock)
    here, there = wire(clock=clock), wire(clock=clock)
    rest, codec = NAMES - set(remote), codec_of(SERVICES)
    async with trio.open_nursery() as nursery:
        out = Wire(nursery, Answering(set(remote), codec, there.registry.ref))
        back = Wire(nursery, Answering(rest, codec, here.registry.ref))
        near = _process(here, _ports(here, database, objects), remote, out)
        far = _process(there, _ports(there, database, objects), rest, back)
        async with near as handle, far:
            made = create_app(
                services_of(SERVICES, here.registry.ref), here.clock, here.ids, here.limits,
                tree=handle.status,
            )  # fmt: skip
            await here.registry.ref("identity").ask(EnsureTenant("default", "op", PASSWORD))
            answers = await _story(made.test_client())
            answers += await _exported(here)
        nursery.cancel_scope.cancel()
    return answers, len(out.carried)


async def _exported(wiring: Wiring) -> list[Any]:
    """Have each service tell its records, to whom operates the platform."""
    identity = wiring.registry.ref("identity")
    opened = await identity.ask(OpenSession("default", "op", PASSWORD, Origin("r")))
    assert isinstance(opened, SecretIssued)
    operator = await identity.ask(Authenticate(opened.token, Origin("r")))
    assert isinstance(operator, Principal)
    told = []
    for kind, ref in services_of(SERVICES, wiring.registry.ref).exports.items():
        if kind.name not in _IN_TIME:
            request = ExportRecords(Caller(operator, Origin("r")), operator.tenant_id, kind.name)
            told.append(("export", kind.name, 200, repr(await ref.ask(request))))
    return told


async def _story(client: Any) -> list[Any]:
    """Sign in, make, share, refuse, page and export; return each status and body."""
    told, ids, headers = [], {}, {"User-Agent": "story"}

    async def send(method: str, path: str, body: Any = None, name: str = "", **extra: str) -> Any:
        reply = await client.open(
            path.format(**ids), method=method, json=body, headers=headers | extra
        )
        text = (await reply.get_data()).decode()
        told.append((method, path, reply.status_code, text))
        found = json.loads(text) if text else {}
        if name:
            assert reply.status_code < 300, text
            ids[name] = found["id"]
        return found

    login = {"tenant": "default", "login": "op", "password": PASSWORD}
    await send("POST", "/v1/sessions", login | {"password": "wrong"})
    opened = await send("POST", "/v1/sessions", login)
    headers["Authorization"] = f"Bearer {opened['token']}"
    await send("GET", "/v1/me")
    await send("POST", "/v1/users", {"login": "ann", "password": PASSWORD}, "ann")
    await send("POST", "/v1/users", {"login": "ann", "password": PASSWORD})
    await send("POST", "/v1/spaces", {"name": "Team"}, "space")
    key = {"Idempotency-Key": "folder-1"}
    for _ in range(2):
        made = await send("POST", "/v1/folders", {"path": "/a/b", "parents": True}, **key)
    ids["folder"] = (made.get("node") or made)["id"]
    await send("POST", "/v1/folders", {"path": "/a/b"})
    await send("POST", "/v1/files", {"path": "/a/f.txt", "size": 3, "hash": "sha256:" + "a" * 64})
    await send("GET", "/v1/folders/children?path=/a&limit=1")
    await send("GET", "/v1/folders/children?path=/none")
    for who in ("{ann}", "{space}"):
        await send("PUT", "/v1/files/{folder}/grants/" + who, {"role": "editor"})
    await send("PUT", "/v1/files/{folder}/grants/{ann}", {"role": "owner"})
    await send("POST", "/v1/files/{folder}/links", {"role": "viewer", "label": "all"})
    for path in ("grants", "access", "links"):
        await send("GET", "/v1/files/{folder}/" + path)
    await send("PUT", "/v1/files/{folder}/restriction")
    await send("GET", "/v1/shared")
    await send("DELETE", "/v1/files/{folder}")
    await send("GET", "/v1/trash")
    await send("GET", "/v1/admin/jobs/none")
    await send("GET", "/v1/users/{folder}")
    return told


def _alike(answers: list[Any]) -> list[Any]:
    """Name ids and secrets in the order in which they come."""
    seen: dict[str, str] = {}
    return [
        (*rest, _VARIES.sub(lambda found: seen.setdefault(found[0], f"<{len(seen)}>"), text))
        for *rest, text in answers
    ]


@pytest.mark.parametrize("remote", [{"sharing"}, NAMES], ids=["sharing", "all"])
async def test_answers_do_not_say_where_a_service_is(
    remote: Collection[str], migrated_server: PostgresServer
) -> None:
    """A story of successes and refusals reads the same, whichever services are elsewhere."""
    stories = []
    for elsewhere in (set(), remote):
        name = await trio.to_thread.run_sync(migrated_server.clone)
        async with opened(migrated_server.dsn(name)) as database:
            stories.append(await _told(database, elsewhere))
        await trio.to_thread.run_sync(migrated_server.drop, name)

    (together, carried_none), (apart, carried) = stories
    for one, other in zip(_alike(apart), _alike(together), strict=True):
        assert one == other
    assert {status for *_, status, _ in together} >= {200, 201, 400, 401, 404, 409}
    assert carried_none == 0 < carried
