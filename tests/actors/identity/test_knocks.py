"""Wrong passwords, told of once each, whoever asks and whatever fails."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
import trio
from attrs import define

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.actor.accounts import failed_login_publisher
from bitvault.actors.identity.contract import CreateTenant, OpenSession, Refusals, TellRefusals
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.postgres.port import Database, Query, Transaction
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Origin
from bitvault.kernel.refusal import DependencyDown, Unavailable
from tests.actors.identity.conftest import PASSWORD
from tests.actors.identity.racing import Pausing
from tests.support.determinism import FixedClock
from tests.support.rewiring import rewire

T = TypeVar("T")
EVENTS = Query("events", "SELECT payload FROM outbox.event WHERE kind = 'session.refused'", ())
TENANTS = ("acme", "other", "third")


@define(eq=False)
class Failing:
    """A database that is down for writers, after as many transactions as it is told."""

    inner: Database
    left: int

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Do the work, or be down."""
        if not self.left:
            raise DependencyDown("postgres", "is down")
        self.left -= 1
        return await self.inner.transact(tenant, work)

    async def read(self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Read."""
        return await self.inner.read(tenant, work)


@pytest.fixture
async def guessed(identity: Identity, clock: FixedClock) -> Identity:
    """Return the room after a minute in which somebody guessed at a user of each tenant."""
    rewire(identity, limits=MemoryLimits(now=lambda: 1.0))
    for name in TENANTS[1:]:
        await identity.handle(CreateTenant(name, "root", PASSWORD))
    for name in TENANTS:
        await guess(identity, name)
    clock.advance(60)
    return identity


async def guess(identity: Identity, tenant: str) -> None:
    """Give a wrong password."""
    origin = Origin("r", "192.0.2.1", "pytest")
    await identity.handle(OpenSession(tenant, "root", "wrong", origin))


async def told(identity: Identity) -> list[int]:
    """Return the counts that were published."""

    async def work(tx: Transaction) -> list[Any]:
        return list(await tx.fetch(EVENTS))

    rows = await identity.database.read(None, work)
    return sorted(row["payload"]["count"] for row in rows)


async def test_two_who_ask_at_once_tell_each_once(guessed: Identity) -> None:
    """The second finds nothing to publish, while the first has not committed yet."""
    database = Pausing(guessed.database)
    rewire(guessed, database=database)
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(guessed.handle, TellRefusals())
            await database.arrived.wait()
            assert await guessed.handle(TellRefusals()) == Refusals(0, 0)
            await guess(guessed, "acme")
            database.released.set()
    assert await told(guessed) == [1, 1, 1]
    assert guessed.failed_login_publisher.failed_logins.waiting(guessed.clock.now()) == 0


async def test_what_could_not_be_published_is_told_later(
    guessed: Identity, clock: FixedClock
) -> None:
    """With what was counted since then; what was published is not told again."""
    database = guessed.database
    rewire(guessed, database=Failing(database, left=1))
    assert isinstance(await guessed.handle(TellRefusals()), Unavailable)
    rewire(guessed, database=database)
    for name in TENANTS:
        await guess(guessed, name)
    assert await guessed.handle(TellRefusals()) == Refusals(0, 0)
    assert await told(guessed) == [1, 2, 2]
    clock.advance(60)
    await guessed.handle(TellRefusals())
    assert await told(guessed) == [1, 1, 2, 2]


async def test_one_turn_is_bounded(guessed: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says how many wait for the next."""
    monkeypatch.setattr(failed_login_publisher, "MOST_TOLD", 2)
    assert await guessed.handle(TellRefusals()) == Refusals(0, 0, 1)
    assert await guessed.handle(TellRefusals()) == Refusals(0, 0, 0)
    assert await told(guessed) == [1, 1, 1]
