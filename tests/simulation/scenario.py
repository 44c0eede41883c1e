"""One story: upload in a batch, commit, a folder with a key; then healing; then the invariants."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import trio
from attrs import define, evolve, field, frozen

from bitvault.actors.files.contract import (
    Apply,
    CommitUploads,
    CopyNode,
    IfExists,
    InitUploads,
    MakeFolder,
    Target,
    UploadCommit,
    UploadDraft,
    UploadOpened,
    Written,
)
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.port import Signed
from bitvault.drivers.objects.probe import Answer
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Idempotency, Origin, Principal
from bitvault.kernel.refusal import Refusal
from supervisors import ActorDied, AskTimeout, MailboxFull
from tests.simulation.database import Sessions
from tests.simulation.mutants import MUTANTS, NONE, Mutant
from tests.simulation.parts import Machine, SimClock
from tests.simulation.world import Plan, World, run_world
from tests.support.determinism import SequenceIds

TENANT = TenantId(UUID(int=0xA))
USER = UserId(UUID(int=0xB))
NAMES = ("a.txt", "b.txt", "c.txt")
_ASK_SECONDS = 5.0
_PAUSE = 0.05
_HEAL_SECONDS = 6.0
_PATIENCE = 400
_CONNECTIONS = 16


@frozen
class Outcome:
    """What a run found: broken invariants, and the world it ended in."""

    broken: tuple[str, ...]
    world: World


@define(eq=False)
class Client:
    """A client that retries until it has an answer, as ours does."""

    machine: Machine
    acknowledged: dict[str, str] = field(factory=dict)

    async def act(self) -> None:
        """Do the whole story."""
        bodies = {name: f"the content of {name}".encode() for name in NAMES}
        opened = await self._init(bodies)
        for name, upload in opened.items():
            await self._put(upload, bodies[name], damaged=name == NAMES[0])
        await self._commit(opened, bodies)
        folder = MakeFolder(parent=Target(path="/"), name="folder")
        await self._ask(lambda: Apply(self._caller("mkdir"), (evolve(folder, exist_ok=True),)))
        copy = CopyNode(Target(path="/b.txt"), Target(path="/"), "copy.txt", IfExists.RENAME)
        make = MakeFolder(target=Target(path="/made/here"), parents=True, exist_ok=True)
        for key, operation in (("copy", copy), ("make", make)):
            await self._ask(lambda k=key, o=operation: Apply(self._caller(k), (o,)))

    async def _init(self, bodies: Mapping[str, bytes]) -> dict[str, UploadOpened]:
        drafts = tuple(
            UploadDraft(size=len(body), target=Target(path=f"/{name}"), hash=_hash(body))
            for name, body in bodies.items()
        )
        outcomes = await self._ask(lambda: InitUploads(self._caller("init"), drafts))
        return dict(zip(bodies, outcomes, strict=True))

    async def _put(self, upload: UploadOpened, body: bytes, *, damaged: bool) -> None:
        step = upload.transfers[0]
        signed = Signed(step.method, step.url, step.headers, step.expires_at)
        if damaged:
            # A broken disk or a hostile client: same length, other bytes. A store that keeps its
            # promises refuses them, and the client sends the right ones.
            answer = await self.machine.store.send(signed, body[::-1])
            if answer.accepted:
                return
        answer: Answer = await self.machine.store.send(signed, body)
        assert answer.accepted, answer

    async def _commit(
        self, opened: Mapping[str, UploadOpened], bodies: Mapping[str, bytes]
    ) -> None:
        commits = tuple(
            UploadCommit(upload.upload_id, _hash(bodies[name])) for name, upload in opened.items()
        )
        outcomes = await self._ask(lambda: CommitUploads(self._caller(None), commits))
        for name, outcome in zip(opened, outcomes, strict=True):
            if isinstance(outcome, Written):
                self.acknowledged[name] = _hash(bodies[name])

    def _caller(self, key: str | None) -> Caller:
        principal = Principal(TENANT, USER, "user", True, UUID(int=0xC))
        if key is None or not self.machine.mutant.keeps_keys:
            return Caller(principal, Origin("request"))
        digest = hashlib.sha256(key.encode()).digest()
        return Caller(principal, Origin("request"), Idempotency(key, digest))

    async def _ask(self, request: Callable[[], Any]) -> Any:
        for _ in range(_PATIENCE):
            registry = self.machine.registry
            try:
                if registry is not None:
                    reply = await registry.ref("files").ask(request(), timeout=_ASK_SECONDS)
                    if not (isinstance(reply, Refusal) and reply.retryable):
                        return reply
            except (ActorDied, AskTimeout, MailboxFull):
                self.machine.world.saw("an outcome was unknown")
            await trio.sleep(_PAUSE)
        raise AssertionError("the daemon never answered: stuck")


def _hash(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def mutant_named(name: str) -> Mutant:
    """Find a mutant, or the right design."""
    return next((mutant for mutant in MUTANTS if mutant.name == name), NONE)


def run_plan(plan: Plan, sessions: Sessions) -> Outcome:
    """Run one plan from an empty database to its invariants."""
    sessions.warm(_CONNECTIONS)
    sessions.run(_empty(sessions))
    world, mutant = World(plan), mutant_named(plan.mutant)
    clock = SimClock()
    store = MemoryObjectStore(clock)
    if not mutant.store_checks:
        store.honours = evolve(store.honours, signed_checksum=False)
    machine = Machine(world, sessions, mutant, clock, SequenceIds(plan.seed), store)
    client = Client(machine)

    async def story() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(machine.run)
            await client.act()
            await trio.sleep(_HEAL_SECONDS)
            nursery.cancel_scope.cancel()

    stuck: list[str] = []
    try:
        run_world(world, story)
    except* AssertionError as group:
        stuck.extend(f"liveness: {error}" for error in group.exceptions)
    if stuck:
        return Outcome(tuple(stuck), world)
    return Outcome(sessions.run(_check(sessions, machine, client)), world)


async def _empty(sessions: Sessions) -> None:
    connection = sessions.idle.pop()
    tables = await connection.fetch(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN "
        "('files', 'storage', 'outbox', 'audit') ORDER BY 1"
    )
    for table in tables:
        await connection.execute(f"DELETE FROM {table['name']}")  # noqa: S608 - names of ours
    sessions.give_back(connection)


async def _check(sessions: Sessions, machine: Machine, client: Client) -> tuple[str, ...]:
    """Return the invariants that do not hold (numbers of reliability §2)."""
    connection = sessions.idle.pop()
    broken = []
    for name, sql in _INVARIANTS.items():
        if not await connection.fetchval(sql):
            broken.append(name)
    rows = await connection.fetch(
        "SELECT n.name, v.hash, b.object_key FROM files.node n JOIN files.version v USING "
        "(tenant_id, node_id) JOIN files.blob b ON b.hash = v.hash ORDER BY 1, 2"
    )
    sessions.give_back(connection)
    held = {row["name"]: row for row in rows}
    for name, digest in client.acknowledged.items():
        if name not in held or held[name]["hash"] != digest:
            broken.append(f"P1 acknowledged commit of {name} is lost")
    for row in rows:
        stored = machine.store._objects.get(row["object_key"])
        if stored is None or _hash(stored.data) != row["hash"]:
            broken.append(f"I1 the bytes of {row['name']} are not what was committed")
    if len(client.acknowledged) != len(NAMES):
        broken.append("liveness: a commit was refused")
    return tuple(broken)


_INVARIANTS = {
    "I4 seq has a gap": """SELECT coalesce(count(*) = max(seq), true) FROM outbox.event""",
    "I7 audit differs from events": """SELECT
        (SELECT array_agg(event_id ORDER BY seq) FROM audit.entry) IS NOT DISTINCT FROM
        (SELECT array_agg(event_id ORDER BY seq) FROM outbox.event)""",
    "I8 dead letters": "SELECT count(*) = 0 FROM outbox.dead_letter",
    "I8 an event is lost": """SELECT
        (SELECT count(*) FROM files.node WHERE kind = 'folder') =
        (SELECT count(*) FROM outbox.event WHERE kind = 'node.created') AND
        (SELECT count(*) FROM files.version) =
        (SELECT count(*) FROM outbox.event WHERE kind = 'node.committed')""",
    "I9 a version twice": """SELECT count(*) = count(DISTINCT node_id) FROM files.version""",
    "I15 refs differ from versions": """SELECT coalesce(bool_and(b.refs =
        (SELECT count(*) FROM files.version v WHERE v.hash = b.hash)), true) FROM files.blob b""",
    "I19 usage differs from versions": """SELECT coalesce(bool_and(reserved = 0 AND used =
        (SELECT coalesce(sum(size), 0) FROM files.version)), true) FROM files.usage""",
    "I23 an operation took effect twice": """SELECT count(*) = 8 FROM files.node""",
}
