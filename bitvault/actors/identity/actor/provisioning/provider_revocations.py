"""What ends when a provider of identities takes its word back, or is removed."""

from attrs import define

from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.contract import (
    EndVouchedSessions,
    GroupLeft,
    SessionEnded,
    TakeBackMemberships,
)
from bitvault.actors.identity.store import credentials, outside, tenants
from bitvault.drivers.postgres.port import Database, Row, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import UserId
from bitvault.outbox import Outbox
from supervisors import handles


@define(eq=False)
class ProviderRevocations:
    """Each takes away what the provider gave, and nothing else."""

    database: Database
    outbox: Outbox
    clock: Clock
    principals: Principals

    @handles(EndVouchedSessions)
    async def end_vouched_sessions(self, request: EndVouchedSessions) -> int:
        """End sessions that came in by a provider."""

        async def work(tx: Transaction) -> list[Row]:
            ended = await self._end_vouched(tx, request)
            events = [SessionEnded(row["credential_id"], 0, row["user_id"]) for row in ended]
            if events:
                await self.outbox.append(tx, request.tenant_id, events, request.origin)
            return ended

        ended = await self.database.transact(request.tenant_id, work)
        for user_id in {UserId(row["user_id"]) for row in ended}:
            self.principals.forget(request.tenant_id, user_id)
        return len(ended)

    async def _end_vouched(self, tx: Transaction, request: EndVouchedSessions) -> list[Row]:
        tenant_id, source, sid = request.tenant_id, request.source, request.sid
        if request.subject is None:
            if sid is None:
                return []
            return list(await outside.end_vouched(tx, tenant_id, source, None, sid))
        # This holds the account: a session that is being opened is waited for, and ends too.
        user = await outside.outsider(tx, tenant_id, request.issuer, request.subject)
        if user is None:
            return []
        await credentials.delete_expired_sessions(tx, user, self.clock.now())
        return list(await outside.end_vouched(tx, tenant_id, source, user.user_id, sid))

    @handles(TakeBackMemberships)
    async def take_back_memberships(self, request: TakeBackMemberships) -> int:
        """Take users out of groups that a provider put them in; the groups stay."""
        caller = request.caller

        async def work(tx: Transaction) -> list[Row]:
            # As sign-ins do, so that both hold memberships in one order.
            await tenants.hold_tenant(tx, caller.tenant_id)
            taken = await outside.take_back(tx, caller.tenant_id, request.source, request.limit)
            events = [GroupLeft(row["group_id"], 0, row["user_id"]) for row in taken]
            if events:
                await self.outbox.append(tx, caller.tenant_id, events, caller)
            return list(taken)

        taken = await self.database.transact(caller.tenant_id, work)
        for user_id in {UserId(row["user_id"]) for row in taken}:
            self.principals.forget(caller.tenant_id, user_id)
        return len(taken)
