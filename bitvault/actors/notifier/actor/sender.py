"""Sends what is queued: at least once, later each time, and not for ever.

Error handling: a mail server, a room or a database that is down is no attempt of any mail; the
sender waits, longer each time, and goes on. What the server says of one mail is that mail's: for
good, and it has failed; for now, and it is tried again, up to twelve times.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from attrs import define, field

from bitvault.actors.notifier import store
from bitvault.actors.notifier.actor.writer import Writer
from bitvault.actors.notifier.rules import queueing as rules
from bitvault.actors.notifier.store import Claimed, Outcome
from bitvault.drivers.mail.port import Mail, Mailer
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown
from supervisors import Child, Turns

_SLICE = 50
_LONGEST_PAUSE = 60.0


@define(eq=False)
class Sender:
    """One serial loop over all tenants, the longest due first."""

    database: Database
    mailer: Mailer
    writer: Writer
    clock: Clock
    interval: float = 1.0
    """Seconds between two looks at an empty queue."""
    turns: Turns = field(factory=lambda: Turns("mail"))
    sent: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)
    _queued: int = field(default=0, init=False)
    _oldest_at: datetime | None = field(default=None, init=False)
    _down: str = field(default="", init=False)

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

    async def _watched(self, child: Child) -> bool:
        """Take a turn, and tell of it; return whether there may be more to do at once."""
        sent, failed = self.sent, self.failed
        with self.turns.turn() as turn:
            try:
                busy, self._down = await self.turn(child), ""
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

        async def look(tx: Transaction) -> tuple[tuple[TenantId, UUID], ...]:
            self._queued, self._oldest_at = await store.waiting(tx)
            return await store.due(tx, now, _SLICE)

        found = await self.database.read(None, look)
        for tenant_id, mail_id in found:
            if child is not None and child.stopping.is_set():
                break
            await self._send(tenant_id, mail_id)
        if not found:
            await self.mailer.rest()
        return bool(found)

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
        mail = await self.writer.write(claimed)
        if isinstance(mail, str):
            return Outcome("dropped", now, mail)
        return await self._hand_over(claimed, mail)

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
            await store.settle(tx, claimed, outcome, now)
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
