"""Background jobs, as far as operators are concerned with them: what waits, and who ran one."""

from collections.abc import Mapping
from uuid import UUID

from attrs import define

from bitvault.actors.identity.contract import JobStarted, RecordRun
from bitvault.actors.identity.store import erasures, keys
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.backlog import Backlog, CountBacklog
from bitvault.kernel.clock import Clock
from bitvault.kernel.principal import operator_of
from bitvault.kernel.refusal import IdempotencyConflict, Refused
from bitvault.outbox import Outbox
from supervisors import handles


@define(eq=False)
class Runs:
    """Operators are this room's, and so is their trail."""

    database: Database
    outbox: Outbox
    clock: Clock

    @handles(RecordRun)
    async def record_run(self, request: RecordRun) -> bool:
        """Tell the operators' trail, once under an Idempotency-Key."""
        caller, job_id = operator_of(request.caller), request.job_id
        now = self.clock.now()

        async def work(tx: Transaction) -> UUID | None:
            before = await keys.made_before(tx, caller, job_id, now)
            if before is None:
                event = JobStarted(job_id, 0, request.name)
                await self.outbox.append(tx, caller.tenant_id, [event], caller)
            return before

        before = await self.database.transact(caller.tenant_id, work)
        if before not in {None, job_id}:
            raise Refused(IdempotencyConflict())
        return before is None

    @handles(CountBacklog)
    async def count_backlog(self, _: CountBacklog) -> Mapping[str, Backlog]:
        """Count the tenants that are to be erased now."""
        now = self.clock.now()
        due = await self.database.read(None, lambda tx: erasures.backlog(tx, now))
        return {"erase-tenants": due}
