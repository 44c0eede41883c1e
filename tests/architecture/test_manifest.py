"""A service is a folder, its routes and one line: the registers are made from the manifests."""

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define

import tests.architecture.toyhouse.routes
from bitvault.actors.finalizer.actor.leaving import phases_of
from bitvault.actors.identity.contract import Authenticate, EnsureTenant, OpenSession, SecretIssued
from bitvault.daemon.loading import load
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.postgres.migrate import migrate_database
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.http.app import create_app, openapi_document
from bitvault.http.routes import ENDPOINTS, endpoints_of
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.events import Event
from bitvault.kernel.export import ExportRecords
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.manifest import Context
from bitvault.services import SERVICES, migrations_of, options_of, services_of
from bitvault.tree import assemble, wire
from bitvault.wiring import Wiring
from supervisors import Child, ChildSpec, TreeHandle, run_tree
from tests.architecture.toyhouse.toy.manifest import TOY

ROOT = Path(__file__).parents[2]
TOYS = Path(__file__).parent / "toyhouse"
HOUSE = (*SERVICES, TOY)
"""The one line."""
OPEN = (*ENDPOINTS, *endpoints_of(tests.architecture.toyhouse.routes))
PASSWORD = "correct horse"


@define(eq=False)
class House:
    """A running daemon without sockets, with one service more."""

    wiring: Wiring
    handle: TreeHandle
    client: Any
    token: str
    operator: Principal

    @property
    def tenant(self) -> TenantId:
        """Return the operator's."""
        return self.operator.tenant_id

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the answer's JSON."""
        headers = {"Authorization": f"Bearer {self.token}"}
        reply = await self.client.open(path, method=method, json=body, headers=headers)
        assert reply.status_code < 300, await reply.get_data()
        return await reply.get_json()

    async def job(self, name: str, *, turns: int) -> Any:
        """Wait until a job has taken so many turns, and describe it."""
        with trio.fail_after(20):
            job = {"turns": 0}
            while job["turns"] < turns:
                job = await self.send("GET", f"/v1/admin/jobs/{name}")
        return job

    async def run(self, name: str) -> Any:
        """Have a job take a turn, and describe it then."""
        asked = await self.send("POST", f"/v1/admin/jobs/{name}/run")
        return await self.job(name, turns=asked["turn"])


def _ports(wiring: Wiring, database: PostgresDatabase) -> ChildSpec:
    async def ports(child: Child) -> None:
        wiring.provide(database=database, objects=MemoryObjectStore(wiring.clock))  # type: ignore[arg-type]
        child.started()
        await child.stopping.wait()

    return ChildSpec("ports", ports)


@pytest.fixture
async def house(database_dsn: str, database: PostgresDatabase) -> AsyncIterator[House]:
    """Run the services that there are, and the toys."""
    assert "toy/0001_pre_toy.sql" in await migrate_database(database_dsn, migrations_of(HOUSE))
    wiring, options = wire(), options_of(HOUSE, load(None, {}, {}))
    root = assemble(HOUSE, wiring, options, drivers=[_ports(wiring, database)])
    async with trio.open_nursery() as nursery:
        handle = await nursery.start(run_tree, root)
        made = create_app(
            services_of(HOUSE, wiring.registry.ref),
            wiring.clock,
            wiring.ids,
            wiring.limits,
            tree=handle.status,
            endpoints=OPEN,
        )
        identity = wiring.registry.ref("identity")
        await identity.ask(EnsureTenant("default", "op", PASSWORD))
        opened = await identity.ask(OpenSession("default", "op", PASSWORD, Origin("r")))
        assert isinstance(opened, SecretIssued)
        operator = await identity.ask(Authenticate(opened.token, Origin("r")))
        assert isinstance(operator, Principal)
        yield House(wiring, handle, made.test_client(), opened.token, operator)
        nursery.cancel_scope.cancel()


async def test_a_toy_service_has_all_that_a_service_has(house: House) -> None:
    """A route, a migration, a consumer, a worker, jobs, an export and an erasure; all are shown."""
    made = (await house.send("POST", "/v1/toys", {"name": "bear"}))["id"]

    assert (await house.run("toy-notes"))["purpose"] == "notes which toys there are"
    assert (await house.run("wind-toys"))["totals"] == {"toys_wound": 2}
    assert (await house.run("break-toys"))["totals"] == {"toys_broken": 1}
    assert (await house.job("break-toys", turns=1))["backlog"]["waiting"] == 0
    await house.run("audit")
    trail = await house.send("GET", "/v1/audit")
    assert made in [one["aggregateId"] for one in trail["items"] if one["kind"] == "toy.made"]

    status, metrics = await house.send("GET", "/v1/status"), await _metrics(house)
    for path in ("rooms/toy", "workers/toy-notes", "workers/toy-winder"):
        assert f"root/{path}" in str(status)
        assert f'path="root/{path}"' in metrics
    assert b'"/v1/toys"' in openapi_document(OPEN)

    records = await _exported(house)
    assert [one["record"]["name"] for one in records if one["kind"] == "toy"] == ["bear"]
    ref = house.wiring.registry.ref
    assert "toy" in [one.name for one in phases_of(HOUSE, ref)[0]]
    assert await ref("toy").ask(EraseTenant(house.tenant, 10)) == Erased(1, is_done=True)


async def _exported(house: House) -> list[Any]:
    """Ask for every kind of record, as the route for operators does."""
    services = services_of(HOUSE, house.wiring.registry.ref)
    caller = Caller(house.operator, Origin("r"))
    found = []
    for kind, ref in services.exports.items():
        told = await ref.ask(ExportRecords(caller, house.tenant, kind.name))
        found += [{"kind": kind.name, "record": one} for one in told.records]
    return found


async def _metrics(house: House) -> str:
    headers = {"Authorization": f"Bearer {house.token}"}
    reply = await house.client.get("/metrics", headers=headers)
    return (await reply.get_data()).decode()


def test_a_new_service_costs_its_folder_its_routes_and_a_line() -> None:
    """What the toys are made of; no other file names them, but this test and its one line."""
    files = sorted(
        str(path.relative_to(TOYS)) for path in TOYS.rglob("*.*") if path.suffix in {".py", ".sql"}
    )
    parts = ["__init__", "actor", "consumer", "contract", "manifest"]
    code = [f"toy/{part}.py" for part in parts]
    sql = ["toy/migrations/0001_pre_toy.sql", "toy/queries.sql"]
    assert files == ["__init__.py", "routes/__init__.py", "routes/toys.py", *code, *sql]


def test_every_folder_of_a_service_is_listed_once() -> None:
    """No manifest is forgotten, and none is another's."""
    folders = {path.parent.name for path in (ROOT / "bitvault/actors").glob("*/contract*")}
    assert sorted(one.name for one in SERVICES) == sorted(folders)


def test_a_request_and_a_job_belong_to_one_service() -> None:
    """The edge finds who answers by the type of the request alone, and a job by its name."""
    for declared in (
        [request for one in HOUSE for request in one.requests],
        [job.name for one in HOUSE for job in one.jobs],
        [kind.name for one in HOUSE for kind in one.exports],
        [name for one in HOUSE for name in one.consumers],
    ):
        assert len(declared) == len(set(declared))


def test_what_a_service_answers_is_what_its_manifest_says() -> None:
    """Who has records of a tenant erases them, and tells of them if it says so."""
    assert [one.name for one in HOUSE if (EraseTenant in one.handles) != bool(one.erasure)] == []
    assert [one.name for one in HOUSE if (ExportRecords in one.handles) != bool(one.exports)] == []


def test_every_event_is_in_a_manifest() -> None:
    """So its subject can be asked for, and its consumers know its class."""
    found = {event for one in HOUSE for event in one.events}
    mine = tuple(f"{one.package}." for one in HOUSE)
    declared = {kind for kind in Event.__subclasses__() if kind.__module__.startswith(mine)}
    assert declared == found


def test_every_consumer_has_the_name_and_the_job_of_its_manifest() -> None:
    """A cursor is found by the name under which its consumer is listed."""
    every: Context[Any] = Context(wire(), None, HOUSE, options_of(HOUSE, load(None, {}, {})))
    jobs = {job.name for one in HOUSE for job in one.jobs}
    for one in HOUSE:
        for name, make in one.consumers.items():
            assert make(every.of(one)).name == name
            assert name in jobs


def test_the_lists_of_the_import_linter_name_every_service_in_ask_order() -> None:
    """They stay literal, since the tool reads nothing else."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    by_id = {contract["id"]: contract for contract in linter["contracts"]}
    shaped = [one.rpartition(".")[2] for one in by_id["room-shape"]["containers"]]
    layers = [layer.split(" | ") for layer in reversed(by_id["asks"]["layers"])]
    asks = [[one.strip().rpartition(".")[2] for one in layer] for layer in layers]
    order = [one.name for one in SERVICES]
    assert sorted(shaped) == sorted(order)
    assert [sorted(order.index(one) for one in layer) for layer in asks] == _runs(asks)


def _runs(layers: list[list[str]]) -> list[list[int]]:
    """Return the places of the layers if they stand one after the other."""
    places = iter(range(len(SERVICES)))
    return [[next(places) for _ in layer] for layer in layers]
