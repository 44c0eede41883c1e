"""Publishes who was guessed at: one event for each user and minute, however many the guesses.

Error handling: a room that does not answer, or whose database is down, is asked again at the next
turn; the counts stay. What is lost in a crash is the count of a minute.
"""

from collections.abc import Sequence
from contextlib import suppress

import structlog
from attrs import asdict, define, field

from bitvault.actors.identity.actor.desk import Desk
from bitvault.actors.identity.actor.knocks import Knock
from bitvault.actors.identity.contract import LoginsRefused, Refusals, TellRefusals
from bitvault.actors.room import ask_below
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.principal import Origin
from bitvault.kernel.refusal import DependencyDown, Unavailable
from bitvault.outbox import Outbox
from supervisors import Child, ChildSpec, Ref, Turns, handles


@define(eq=False)
class Doorkeeper(Desk):
    """The part of the room that publishes."""

    @handles(TellRefusals)
    async def tell_refusals(self, _request: TellRefusals) -> Refusals:
        """Publish what was counted in minutes that are over."""
        await self._publish_each(self.knocks.over(self.clock.now()))
        return Refusals(self.knocks.unknown, self.knocks.uncounted)

    async def on_stop(self) -> None:
        """Publish the rest, if the database still answers."""
        with suppress(DependencyDown):
            await self._publish_each(self.knocks.every())

    async def _publish_each(self, knocks: Sequence[Knock]) -> None:
        for knock in knocks:
            await self._publish(knock)
            self.knocks.told(knock)

    async def _publish(self, knock: Knock) -> None:
        event = LoginsRefused(knock.user_id, 0, knock.count, knock.since, knock.address)

        async def work(tx: Transaction) -> None:
            outbox = Outbox(self.ids, self.clock, self.wakeups)
            await outbox.append(tx, knock.tenant_id, [event], Origin("", knock.address))

        await self.database.transact(knock.tenant_id, work)


@define(eq=False)
class Doorbell:
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
                await self.turn()
                await self.turns.rest(child, self.interval)

    async def turn(self) -> None:
        """Ask once."""
        with self.turns.turn() as turn:
            reply = await ask_below(self.identity, TellRefusals(), "identity")
            if isinstance(reply, Unavailable):
                structlog.get_logger("doorbell").warning("postponed", error=reply.detail)
                turn.fail(f"{reply.dependency} does not answer")
            else:
                self.last = reply


def doorbell_child(doorbell: Doorbell) -> ChildSpec:
    """Describe it as a child."""
    return ChildSpec("doorbell", doorbell.run)
