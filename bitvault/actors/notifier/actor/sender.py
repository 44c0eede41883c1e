"""Sends what is queued: at least once, later each time, and not for ever.

Error handling: a mail server, a room or a database that is down is no attempt of any mail; the
sender waits, longer each time, and goes on. What the server says of one mail is that mail's: for
good, and it has failed; for now, and it is tried again, up to twelve times.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

import structlog
from attrs import define, field

from bitvault.actors.notifier import store
from bitvault.actors.notifier.actor.writer import Writer
from bitvault.actors.notifier.rules import limits
from bitvault.actors.notifier.rules import queueing as rules
from bitvault.actors.notifier.store import Claimed, Outcome
from bitvault.drivers.mail.port import Mail, Mailer
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown
from bitvault.outbox import Lease
from supervisors import Child, Turns

_LONGEST_PAUSE = 60.0


@define(eq=False)
class Sender:
    """One serial loop over all tenants: what is waited for first, and of each tenant in turn."""

    database: Database
    mailer: Mailer
    writer: Writer
    clock: Clock
    interval: float = 1.0
    """Seconds between two looks at an empty queue."""
    lease: Lease | None = None
    """None: there is no other daemon."""
    turns: Turns = field(factory=lambda: Turns("mail"))
    sent: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)
    _queued: int = field(default=0, init=False)
    _oldest_at: datetime | None = field(default=None, init=False)
    _down: str = field(default="", init=False)
    _after: dict[int, UUID] = field(factory=dict, init=False)
    """By urgency, the tenant whose turn was the last."""

    async def run(self, child: Child) -> None:
        """Send until asked to stop."""
        child.statistics = self.statistics
        child.started()
        with self.turns.taken_by(child):
            while not child.stopping.is_set():
                busy = await self._watched(child)
                failures = min(self.turns.failures, 10)
                wait = min(self.interval * 2.0**failures, _LONGEST_PAUSE)
                await self.turns.rest(child, 0 if busy else wait)
        await self.mailer.rest()
        if self.lease is not None:
            await self.lease.release()

    async def _watched(self, child: Child) -> bool:
        """Take a turn, and tell of it; return whether there may be more to do at once."""
        sent, failed = self.sent, self.failed
        with self.turns.turn() as turn:
            try:
                held = self.lease is None or await self.lease.hold()
                busy, self._down = held and await self.turn(child), ""
            except DependencyDown as down:
                busy, self._down = False, str(down)
                structlog.get_logger("mail").warning("paused", reason=str(down))
                turn.fail(str(down))
            finally:
                turn.count("sent", self.sent - sent)
                turn.count("failed", self.failed - failed)
        return busy

    def statistics(self) -> Mapping[str, int | float | str]:
        """Return what this life did, how many wait and how long, and why nothing is sent."""
        oldest = self._oldest_at
        age = 0.0 if oldest is None else (self.clock.now() - oldest).total_seconds()
        counts = {"sent": self.sent, "failed": self.failed, "queued": self._queued}
        return {**counts, "oldest_seconds": max(0.0, age), "down": self._down}

    async def turn(self, child: Child | None = None) -> bool:
        """Send what is due now; return whether there was anything.

        Raises:
            DependencyDown: nothing can be sent now; the mails stay queued.
        """
        now = self.clock.now()

        async def look(tx: Transaction) -> tuple[store.Due, ...]:
            self._queued, self._oldest_at = await store.waiting(tx)
            return tuple([await self._due(tx, urgency, now) for urgency in rules.URGENCIES])

        looked = await self.database.read(None, look)
        for tenant_id, mail_id in chain.from_iterable(one.mails for one in looked):
            if child is not None and child.stopping.is_set():
                return True
            await self._send(tenant_id, mail_id)
        self._after = dict(zip(rules.URGENCIES, (one.after for one in looked), strict=True))
        if any(one.mails for one in looked):
            return True
        await self.mailer.rest()
        return any(one.after != store.FIRST for one in looked)

    async def _due(self, tx: Transaction, urgency: int, now: datetime) -> store.Due:
        after = self._after.get(urgency, store.FIRST)
        return await store.due(tx, urgency, after, rules.URGENCIES[urgency], now)

    async def _send(self, tenant_id: TenantId, mail_id: UUID) -> None:
        now = self.clock.now()

        async def take(tx: Transaction) -> Claimed | None:
            return await store.claim(tx, tenant_id, mail_id, now, now + rules.LEASE)

        claimed = await self.database.transact(tenant_id, take)
        if claimed is None:
            return
        try:
            outcome = await self._try(claimed)
        except DependencyDown as down:
            await self._give_back(claimed, str(down))
            raise
        await self._settle(claimed, outcome)

    async def _try(self, claimed: Claimed) -> Outcome:
        now = self.clock.now()
        if rules.is_too_late(claimed.kind, claimed.queued_at, now):
            return Outcome("failed", now, "waited too long to be of use")
        if claimed.attempts > rules.MOST_ATTEMPTS:
            # Whoever tried it did not live to say so; it may not end all who come after, too.
            return Outcome("failed", now, f"given up after {rules.MOST_ATTEMPTS} attempts")
        mail = await self.writer.write(claimed)
        if isinstance(mail, str):
            return Outcome("dropped", now, mail)
        if not await self._may_reach(claimed, mail.recipient):
            return Outcome("dropped", now, limits.OVER_AT_ADDRESS)
        return await self._hand_over(claimed, mail)

    async def _may_reach(self, claimed: Claimed, address: str) -> bool:
        """Look at the address's limit, the first time: what is tried again is no other mail."""
        if claimed.attempts > 1:
            return True
        charges, now = limits.sent(claimed.kind, address), self.clock.now()

        async def work(tx: Transaction) -> bool:
            verdicts = await store.judge(tx, claimed.tenant_id, charges, now)
            return all(verdict.is_allowed for verdict in verdicts)

        return await self.database.read(claimed.tenant_id, work)

    async def _hand_over(self, claimed: Claimed, mail: Mail) -> Outcome:
        rejection = await self.mailer.send(mail)
        now = self.clock.now()
        if rejection is None:
            return Outcome("sent", now, None, mail.recipient)
        if rejection.is_permanent or claimed.attempts >= rules.MOST_ATTEMPTS:
            return Outcome("failed", now, rejection.reason, mail.recipient)
        later = now + rules.wait_after(claimed.attempts)
        return Outcome("queued", later, rejection.reason, mail.recipient)

    async def _settle(self, claimed: Claimed, outcome: Outcome) -> None:
        now = self.clock.now()

        async def work(tx: Transaction) -> None:
            is_settled = await store.settle(tx, claimed, outcome, now)
            if is_settled and outcome.address is not None and outcome.state != "queued":
                charges = limits.sent(claimed.kind, outcome.address)
                await store.spend(tx, claimed.tenant_id, charges, now)
            await store.forget(tx, claimed.tenant_id, now - rules.KEPT)

        await self.database.transact(claimed.tenant_id, work)
        self.sent += outcome.state == "sent"
        if outcome.state == "failed":
            self.failed += 1
            structlog.get_logger("mail").error(
                "mail failed",
                tenant=str(claimed.tenant_id),
                mail=str(claimed.mail_id),
                kind=claimed.kind,
                reason=outcome.error,
            )

    async def _give_back(self, claimed: Claimed, reason: str) -> None:
        """Leave it as it was; if that fails too, its lease ends by itself."""
        soon = self.clock.now() + timedelta(seconds=self.interval)

        async def work(tx: Transaction) -> None:
            await store.give_back(tx, claimed, soon, reason)

        await self.database.transact(claimed.tenant_id, work)
