"""A machine that runs the daemon's own tree (``bitvault.tree``) on simulated seams."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import trio
from attrs import define, field

from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.storage.actor import StorageOptions
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.services import SERVICES
from bitvault.tree import assemble, wire
from bitvault.wiring import Wiring
from supervisors import (
    Child,
    ChildCrashed,
    ChildSpec,
    GaveUp,
    Registry,
    StartFailed,
    SupervisorGaveUp,
    run_tree,
)
from tests.simulation.database import SimDatabase
from tests.simulation.plans import Knobs
from tests.simulation.seams import CheapPasswords, SimBus, SimClock, SimObjects
from tests.simulation.sessions import Sessions
from tests.simulation.world import Dead, Life, World, owner
from tests.support.determinism import SequenceIds

UPLOAD_TTL = timedelta(days=7)
_RESTART_SECONDS = 0.3


def options_of(knobs: Knobs) -> dict[str, Any]:
    """Return what the services of this world are told."""
    return {
        "letters": timedelta(days=60),
        "identity": IdentityOptions(),
        "storage": StorageOptions(
            single_max=knobs.single_max,
            min_part=knobs.part,
            grace=knobs.grace,
            retry=knobs.retry,
        ),
        "files": FilesOptions(
            upload_ttl=UPLOAD_TTL,
            default_space_quota=knobs.space_quota,
            tenant_quota=knobs.tenant_quota,
            grace=timedelta(seconds=knobs.grace),
            purge_at_once=knobs.purge_at_once,
        ),
        "finalizer": knobs.garbage_interval,
        "notifier": "",
    }


@define(eq=False)
class Machine:
    """What survives kill -9, and the registry of whoever lives now."""

    number: int
    world: World
    sessions: Sessions
    store: MemoryObjectStore
    ids: SequenceIds
    forbid: Callable[[str], None] = lambda _: None
    """Told of each object key before it is deleted."""
    registry: Registry | None = None
    _clock: SimClock = field(factory=SimClock)

    async def run(self) -> None:
        """Run the daemon again and again, as a service manager does."""
        owner.set(f"m{self.number}")
        while True:
            life = self.world.birth(self.number)
            with life.scope:
                try:
                    await self._live(life)
                except* Dead:
                    self.world.saw("a life was cut short")
                except* (GaveUp, StartFailed) as failed:
                    self.world.found.append(f"I25 the daemon ended by itself: {failed.exceptions}")
            life.dead = True
            self.registry = None
            await trio.sleep(_RESTART_SECONDS)

    async def _live(self, life: Life) -> None:
        wiring = wire(
            clock=self._clock,
            ids=self.ids,
            passwords=CheapPasswords(),
            bus=SimBus(self.world, life),
        )
        options, drivers = options_of(self.world.plan.knobs), self._drivers(life, wiring)
        root = assemble(SERVICES, wiring, options, drivers=drivers)
        self.registry = wiring.registry

        def observe(report: Any) -> None:
            if isinstance(report, ChildCrashed | SupervisorGaveUp) and not life.dead:
                self.world.found.append(f"I25 a child failed by itself: {report}")

        await run_tree(root, observer=observe)

    def _drivers(self, life: Life, wiring: Wiring) -> Sequence[ChildSpec]:
        async def ports(child: Child) -> None:
            wiring.provide(
                database=SimDatabase(self.world, life, self.sessions),
                objects=SimObjects(self.world, life, self.store, self.forbid),  # type: ignore[arg-type] - forwards
            )
            child.started()
            await child.stopping.wait()

        return [ChildSpec("ports", ports)]
