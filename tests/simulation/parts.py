"""The simulated seams besides the database: clock, object store, one incarnation of the tree."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import trio
from attrs import define, frozen

from bitvault.actors.audit.consumer import AuditSink
from bitvault.actors.files.actor import Files, FilesOptions
from bitvault.actors.storage.actor import Storage, StorageOptions
from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.outbox import Outbox, Relay, Wakeups
from supervisors import Child, ChildSpec, Flags, Registry, actor, run_tree, supervisor
from tests.simulation.database import Sessions, SimDatabase
from tests.simulation.mutants import Mutant
from tests.simulation.world import Dead, World
from tests.support.determinism import SequenceIds

_START = datetime(2030, 1, 1, tzinfo=UTC)
_RESTART_SECONDS = 0.3


@frozen
class SimClock:
    """Wall time that passes with the virtual clock."""

    def now(self) -> datetime:
        """Return the simulated time."""
        return _START + timedelta(seconds=trio.current_time())


@define(eq=False)
class SimObjects:
    """The object store as one incarnation reaches it: each request is a durable effect."""

    world: World
    incarnation: int
    inner: MemoryObjectStore

    def __getattr__(self, name: str) -> Any:
        """Signing is arithmetic and passes; everything else may be the moment of a crash."""
        inner = getattr(self.inner, name)
        if name == "capabilities" or name.startswith("sign_"):
            return inner

        async def request(*arguments: Any) -> Any:
            return await self.world.effect(
                self.incarnation, f"store.{name}", lambda: inner(*arguments)
            )

        return request


@define(eq=False)
class Machine:
    """What survives kill -9: the database, the store, the ids already given out."""

    world: World
    sessions: Sessions
    mutant: Mutant
    clock: SimClock
    ids: SequenceIds
    store: MemoryObjectStore
    registry: Registry | None = None

    async def run(self) -> None:
        """Run incarnation after incarnation of the daemon."""
        while True:
            incarnation = self.world.incarnation
            with trio.CancelScope() as self.world.kill:
                try:
                    await self._live(incarnation)
                except* Dead:
                    self.world.saw("an incarnation died")
            self.registry = None
            await trio.sleep(_RESTART_SECONDS)

    async def _live(self, incarnation: int) -> None:
        registry = Registry()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_tree, self._tree(incarnation, registry))
            self.registry = registry

    def _tree(self, incarnation: int, registry: Registry) -> ChildSpec:
        database = SimDatabase(self.world, incarnation, self.sessions)
        objects = SimObjects(self.world, incarnation, self.store)
        wakeups, bus = Wakeups(), MemoryBus()
        outbox = self.mutant.outbox(Outbox(self.ids, self.clock, wakeups), database)
        consumer = self.mutant.consumer(AuditSink(), database, bus, self.clock)

        def storage() -> Storage:
            return Storage(
                database=database,
                objects=objects,  # type: ignore[arg-type] - forwards what it does not fence
                outbox=outbox,
                clock=self.clock,
                ids=self.ids,
                options=StorageOptions(),
            )

        def files() -> Files:
            below = registry.ref("storage")
            return Files(database, outbox, below, self.clock, self.ids, FilesOptions())

        children: Sequence[ChildSpec] = [
            actor("storage", storage, registry=registry),
            actor("files", files, registry=registry),
            ChildSpec("relay", Relay(database, bus, wakeups).run),
            ChildSpec("audit", consumer.run),
            ChildSpec("late", _sleeper(outbox)),
        ]
        return supervisor("root", Flags(intensity=1000, period=1.0), children)


def _sleeper(outbox: Any) -> Any:
    async def run(child: Child) -> None:
        child.started()
        await getattr(outbox, "drain", child.stopping.wait)()

    return run
