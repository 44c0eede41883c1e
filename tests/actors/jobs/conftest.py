"""A shift: the room of jobs over the finalizer, with rooms that answer by contract.

Time is virtual: of the process by ``autojump_clock``, of the world by that of the process.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import trio
from attrs import define, evolve, field

from bitvault.actors.files.contract import Garbage, InspectGarbage
from bitvault.actors.files.manifest import FILES
from bitvault.actors.finalizer.actor import Finalizer, sweeps_of
from bitvault.actors.identity.contract import RecordRun
from bitvault.actors.jobs.actor import Jobs
from bitvault.actors.jobs.contract import Job, ListJobs, RunJob, RunStarted
from bitvault.actors.storage.contract import InspectLedger, ListDueObjects
from bitvault.actors.storage.manifest import STORAGE
from bitvault.kernel.backlog import CountBacklog
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Idempotency, Origin, Principal, Scope
from bitvault.services import SERVICES
from supervisors import Board, Child
from supervisors.child import Tree

BEGINNING = datetime(2030, 1, 1, tzinfo=UTC)
INTERVAL = 60.0
OPERATOR = Caller(
    Principal(
        TenantId(UUID(int=1)), UserId(UUID(int=2)), "op", True, UUID(int=3), scope=Scope.ACCOUNT,
        is_operator=True,
    ),
    Origin("r-1"),
)  # fmt: skip


@define(eq=False)
class StandIn:
    """A room: answers with what a test sets, else that there is nothing to do."""

    name: str = "stand-in"
    answers: dict[type, Callable[[], Any]] = field(factory=dict)
    asked: list[Any] = field(factory=list)
    held: trio.Event | None = None
    """Until it is set, nothing is done."""

    async def ask(self, request: Any, *, timeout: float = 30) -> Any:  # noqa: ASYNC109 - a Ref's
        """Answer."""
        self.asked.append(request)
        if self.held is not None and not isinstance(request, CountBacklog):
            await self.held.wait()
        usual: dict[type, Any] = {
            InspectGarbage: Garbage(None, None, None),
            InspectLedger: None,
            ListDueObjects: (),
            CountBacklog: {},
            RecordRun: True,
        }
        answer = self.answers.get(type(request))
        return usual.get(type(request), 0) if answer is None else answer()

    def count(self, kind: type) -> int:
        """Return how often it was asked that."""
        return sum(isinstance(one, kind) for one in self.asked)


class WorldClock:
    """The world's time goes with that of the process."""

    def now(self) -> datetime:
        """Return it."""
        return BEGINNING + timedelta(seconds=trio.current_time())


@define(eq=False)
class Shift:
    """What a test holds on to."""

    files: StandIn = field(factory=StandIn)
    storage: StandIn = field(factory=StandIn)
    identity: StandIn = field(factory=StandIn)
    others: StandIn = field(factory=StandIn)
    board: Board = field(factory=Board)
    room: Jobs = field(init=False)
    child: Child = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Put the room over the others."""
        counting: Any = (self.files, self.storage, self.identity, self.others)
        identity: Any = self.identity
        purposes = {job.name: job.purpose for each in SERVICES for job in each.jobs}
        self.room = Jobs(self.board, identity, purposes, counting, WorldClock())
        self.begin_again()

    def begin_again(self) -> None:
        """Give the worker its next life."""
        self.child = Child("root/workers/finalizer", Tree(lambda _: None), lambda _: None)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Let the finalizer work meanwhile."""
        files: Any = self.files
        storage: Any = self.storage
        clock = WorldClock()
        sweeps = sweeps_of((STORAGE, FILES), {"files": files, "storage": storage}.__getitem__)
        finalizer = Finalizer(
            files, storage, clock, INTERVAL, lambda: 0.5, sweeps=sweeps, board=self.board
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(finalizer.run, self.child)
            await trio.sleep(1)
            yield
            self.child.stopping.set()

    async def job(self, name: str) -> Job:
        """Describe a job."""
        (found,) = [
            one for one in await self.room.list_jobs(ListJobs(OPERATOR)) if one.name == name
        ]
        return found

    async def run(self, name: str, key: str = "") -> RunStarted:
        """Have a job take a turn."""
        idempotency = Idempotency(key, b"") if key else None
        caller = evolve(OPERATOR, idempotency=idempotency)
        started = await self.room.handle(RunJob(caller, name))
        assert isinstance(started, RunStarted), started
        return started


@pytest.fixture
def shift() -> Shift:
    """Begin a shift."""
    return Shift()
