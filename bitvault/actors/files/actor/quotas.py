"""How much tenants and spaces may hold: it takes effect on the next upload (ADR-0025)."""

from uuid import UUID

from attrs import define, evolve, frozen

from bitvault.actors.files.actor.options import FilesOptions
from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.contract import (
    ChangeQuota,
    ChangeUserQuota,
    DescribeUsage,
    DescribeUserUsage,
    SpaceChanged,
    SpaceUsage,
    StaleRevision,
    SyncQuota,
    TakeBackQuotas,
    TenantQuotaChanged,
    TenantUsage,
)
from bitvault.actors.files.rules.quotas import (
    changed_quotas,
    check_keeper,
    check_one_of,
    check_quota,
    says_more,
)
from bitvault.actors.files.store.contents import Stamp
from bitvault.actors.files.store.quotas import (
    SQL,
    hold_tenant_usage,
    personal_row,
    put_tenant_quota,
    take_back,
    tenant_usage,
    usage_of,
)
from bitvault.actors.files.store.spaces import NewSpace, make_space, put_quota
from bitvault.drivers.postgres.port import Database, Row, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, UserId
from bitvault.kernel.principal import Caller, Origin, admin_of
from bitvault.kernel.refusal import Refused
from bitvault.outbox import Outbox
from supervisors import handles


@frozen
class _Wanted:
    """What somebody's personal space is to have; ``source`` as in the contract."""

    owner_id: UserId
    login: str
    quota: int | None
    follows: bool
    source: str | None = None


@define(eq=False)
class QuotaSettings:
    """What operators say of tenants, and tenants' admins of spaces."""

    database: Database
    outbox: Outbox
    transactions: FilesTransactions
    clock: Clock
    ids: Ids
    options: FilesOptions

    @handles(DescribeUsage)
    async def describe_usage(self, message: DescribeUsage) -> TenantUsage:
        """Tell what a tenant has."""
        tenant_id = message.tenant_id or message.caller.tenant_id
        check_keeper(ChangeQuota(message.caller, message.tenant_id))
        return await self.database.read(
            tenant_id, lambda tx: tenant_usage(tx, tenant_id, self.options.quotas)
        )

    @handles(ChangeQuota)
    async def change_quota(self, message: ChangeQuota) -> TenantUsage:
        """Change what a tenant, or each of its spaces, may hold."""
        check_keeper(message)
        caller = message.caller
        tenant_id = message.tenant_id or caller.tenant_id

        async def work(tx: Transaction) -> TenantUsage:
            usage = await hold_tenant_usage(tx, tenant_id, self.options.quotas)
            if message.if_revision not in (None, usage.revision):
                raise Refused(StaleRevision(usage.revision))
            quotas = changed_quotas(usage, message)
            if quotas == (usage.quota, usage.space_quota):
                return usage
            await put_tenant_quota(tx, tenant_id, quotas)
            event = TenantQuotaChanged(tenant_id, usage.revision + 1, *quotas)
            await self.outbox.append(tx, tenant_id, [event], _told(caller, tenant_id))
            return evolve(
                usage, quota=quotas[0], space_quota=quotas[1], revision=usage.revision + 1
            )

        return await self.database.transact(tenant_id, work)

    @handles(DescribeUserUsage)
    async def describe_user_usage(self, message: DescribeUserUsage) -> SpaceUsage:
        """Tell what a user's personal space holds."""
        caller = _admin(message.caller)

        async def work(tx: Transaction) -> SpaceUsage:
            row = await personal_row(tx, caller.tenant_id, message.owner_id, hold=False)
            default = await tenant_usage(tx, caller.tenant_id, self.options.quotas)
            return usage_of(row, default.space_quota)

        return await self.database.read(caller.tenant_id, work)

    @handles(ChangeUserQuota)
    async def change_user_quota(self, message: ChangeUserQuota) -> SpaceUsage:
        """Say what a user's personal space may hold."""
        caller, quota, follows = _admin(message.caller), message.quota, message.follows
        check_one_of(quota, unlimited=message.unlimited, follows=follows)
        wanted = _Wanted(message.owner_id, message.login, quota, follows)

        async def work(tx: Transaction) -> SpaceUsage:
            usage = await self._usage(tx, caller, wanted.owner_id)
            if message.if_revision not in (None, usage.revision):
                raise Refused(StaleRevision(usage.revision))
            if quota is None and not (message.unlimited or follows):
                return usage
            return await self._set(tx, caller, wanted)

        return await self.transactions.write(caller, work)

    @handles(SyncQuota)
    async def sync_quota(self, message: SyncQuota) -> SpaceUsage:
        """Take over what a provider says of the space of who signs in."""
        caller, who = message.caller, message.caller.principal
        check_quota(message.quota)
        wanted = _Wanted(
            who.user_id,
            who.login,
            message.quota,
            message.follows,
            None if message.follows else message.source,
        )

        async def work(tx: Transaction) -> SpaceUsage:
            usage = await self._usage(tx, caller, wanted.owner_id)
            return await self._set(tx, caller, wanted) if says_more(usage, message) else usage

        return await self.transactions.write(caller, work)

    @handles(TakeBackQuotas)
    async def take_back_quotas(self, message: TakeBackQuotas) -> int:
        """Let spaces follow the tenant again that have a quota of a provider."""
        caller, source = message.caller, message.source

        async def work(tx: Transaction) -> int:
            default = await tenant_usage(tx, caller.tenant_id, self.options.quotas)
            taken = await take_back(tx, caller.tenant_id, source, message.limit)
            events = [
                SpaceChanged(row["space_id"], row["revision"], row["name"], default.space_quota)
                for row in taken
            ]
            await self.transactions.appender(caller)(tx, events)
            return len(taken)

        return await self.transactions.write(caller, work)

    async def _usage(self, tx: Transaction, caller: Caller, owner_id: UserId) -> SpaceUsage:
        """Return what a personal space has, and keep it until the end."""
        default = await tenant_usage(tx, caller.tenant_id, self.options.quotas)
        row = await personal_row(tx, caller.tenant_id, owner_id, hold=True)
        return usage_of(row, default.space_quota)

    async def _set(self, tx: Transaction, caller: Caller, wanted: _Wanted) -> SpaceUsage:
        """Give a personal space its quota."""
        space = await self._made(tx, caller, wanted)
        space_id: UUID = space["space_id"]
        follows, source = wanted.follows, wanted.source
        await put_quota(tx, caller, space_id, wanted.quota, follows=follows, source=source)
        await tx.execute(SQL["touch_space"], tenant=caller.tenant_id, space_id=space_id)
        usage = await self._usage(tx, caller, wanted.owner_id)
        event = SpaceChanged(space_id, usage.revision, space["name"], usage.quota)
        await self.transactions.appender(caller)(tx, [event])
        return usage

    async def _made(self, tx: Transaction, caller: Caller, wanted: _Wanted) -> Row:
        """Return the personal space, made for somebody who has put nothing there yet."""
        row = await personal_row(tx, caller.tenant_id, wanted.owner_id, hold=True)
        if row is None:
            await self._make_for(tx, caller, wanted)
            row = await personal_row(tx, caller.tenant_id, wanted.owner_id, hold=True)
        if row is None:
            raise AssertionError("the space was made, or there")
        return row

    async def _make_for(self, tx: Transaction, caller: Caller, wanted: _Wanted) -> None:
        """Make the personal space of somebody who has put nothing there yet."""
        quotas = self.options.quotas
        new = NewSpace("personal", wanted.login, wanted.owner_id, None, *quotas)
        append, stamp = self.transactions.appender(caller), Stamp(caller, self.clock.now())
        await make_space(tx, stamp, self.ids, new, append)


def _admin(caller: Caller) -> Caller:
    return admin_of(caller, "keep the quotas of users")


def _told(caller: Caller, tenant_id: UUID) -> Caller:
    """Return who did it, as the tenant may know them: from where, only of its own users."""
    if tenant_id == caller.tenant_id:
        return caller
    return evolve(caller, origin=Origin(caller.origin.request_id))
