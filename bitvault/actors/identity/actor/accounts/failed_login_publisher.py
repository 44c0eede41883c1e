"""Publishes who was guessed at: one event for each user and minute, however many the guesses.

Error handling: a room that does not answer, or whose database is down, is asked again at the next
turn; the counts stay. What is lost in a crash is the count of a minute. Whoever publishes takes the
counts out first, so a second one that asks meanwhile finds others. On the same turn former
addresses are forgotten whose time is over.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog
from attrs import asdict, define, field

from bitvault.actors.identity.actor.accounts.failed_logins import FailedLogin, FailedLogins
from bitvault.actors.identity.contract import LoginsRefused, Refusals, TellRefusals
from bitvault.actors.identity.store import mailboxes
from bitvault.actors.room import ask_below
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Origin
from bitvault.kernel.refusal import DependencyDown, Unavailable
from bitvault.outbox import Outbox
from supervisors import Child, ChildSpec, Ref, Turns, handles

MOST_TOLD: Final = 200
"""In one turn, each in a transaction of its own: an ask has its answer within seconds."""


@define(eq=False)
class FailedLoginPublisher:
    """Takes out what was counted, and publishes it."""

    database: Database
    outbox: Outbox
    clock: Clock
    failed_logins: FailedLogins

    @handles(TellRefusals)
    async def tell_refusals(self, _request: TellRefusals) -> Refusals:
        """Publish some of what was counted in minutes that are over."""
        await self._publish_each(self.failed_logins.take_over(self.clock.now(), MOST_TOLD))
        await self._forget_former()
        waiting = self.failed_logins.waiting(self.clock.now())
        return Refusals(self.failed_logins.unknown, self.failed_logins.uncounted, waiting)

    async def publish_all(self) -> None:
        """Publish the rest at the end, if the database still answers."""
        with suppress(DependencyDown):
            await self._publish_each(self.failed_logins.take_all())

    async def _publish_each(self, failed: Sequence[FailedLogin]) -> None:
        """Publish what was taken out; what could not be is counted again."""
        left = deque(failed)
        try:
            while left:
                await self._publish(left[0])
                left.popleft()
                self.failed_logins.told()
        finally:
            self.failed_logins.put_back(left)

    async def _forget_former(self) -> None:
        """Forget former addresses whose time is over, of one tenant in a turn."""
        now = self.clock.now()

        async def look(tx: Transaction) -> TenantId | None:
            return await mailboxes.former_tenant(tx, now)

        tenant_id = await self.database.read(None, look)
        if tenant_id is None:
            return
        place = tenant_id

        async def work(tx: Transaction) -> None:
            await mailboxes.forget_former(tx, place, now)

        await self.database.transact(place, work)

    async def _publish(self, failed: FailedLogin) -> None:
        event = LoginsRefused(failed.user_id, 0, failed.count, failed.since, failed.address)

        async def work(tx: Transaction) -> None:
            await self.outbox.append(tx, failed.tenant_id, [event], Origin("", failed.address))

        await self.database.transact(failed.tenant_id, work)


@define(eq=False)
class FailedLoginTimer:
    """Asks the room to publish, on a timer."""

    identity: Ref
    interval: float = 15.0
    """Seconds between two turns."""
    turns: Turns = field(factory=lambda: Turns("doorbell"))
    last: Refusals = field(default=Refusals(0, 0), init=False)

    async def run(self, child: Child) -> None:
        """Ask until asked to stop."""
        child.statistics = lambda: asdict(self.last)
        child.started()
        with self.turns.taken_by(child):
            while not child.stopping.is_set():
                busy = await self.turn()
                await self.turns.rest(child, 0 if busy else self.interval)

    async def turn(self) -> bool:
        """Ask once; return whether there is more to publish."""
        with self.turns.turn() as turn:
            reply = await ask_below(self.identity, TellRefusals(), "identity")
            if isinstance(reply, Unavailable):
                structlog.get_logger("doorbell").warning("postponed", error=reply.detail)
                turn.fail(f"{reply.dependency} does not answer")
                return False
            self.last = reply
            return reply.waiting > 0


def failed_login_child(timer: FailedLoginTimer) -> ChildSpec:
    """Describe it as a child."""
    return ChildSpec("doorbell", timer.run)
