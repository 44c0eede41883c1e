"""How much tenants and spaces may hold: it takes effect on the next upload (ADR-0025)."""

from uuid import UUID

from attrs import evolve

from bitvault.actors.files.actor.desk import Desk
from bitvault.actors.files.contract import (
    ChangeQuota,
    ChangeUserQuota,
    DescribeUsage,
    DescribeUserUsage,
    SpaceChanged,
    SpaceUsage,
    StaleRevision,
    TenantQuotaChanged,
    TenantUsage,
)
from bitvault.actors.files.rules.quotas import changed_quotas, check_keeper, check_one_of
from bitvault.actors.files.store.quotas import (
    SQL,
    Quotas,
    hold_tenant_usage,
    personal_row,
    put_tenant_quota,
    tenant_usage,
    usage_of,
)
from bitvault.actors.files.store.spaces import NewSpace, make_space, put_quota
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.principal import Caller, Origin, admin_of
from bitvault.kernel.refusal import Refused
from supervisors import handles


class QuotaKeeping(Desk):
    """What operators say of tenants, and tenants' admins of spaces."""

    @handles(DescribeUsage)
    async def describe_usage(self, message: DescribeUsage) -> TenantUsage:
        """Tell what a tenant has."""
        tenant_id = message.tenant_id or message.caller.tenant_id
        check_keeper(ChangeQuota(message.caller, message.tenant_id))
        return await self._database.read(
            tenant_id, lambda tx: tenant_usage(tx, tenant_id, self._defaults)
        )

    @handles(ChangeQuota)
    async def change_quota(self, message: ChangeQuota) -> TenantUsage:
        """Change what a tenant, or each of its spaces, may hold."""
        check_keeper(message)
        caller = message.caller
        tenant_id = message.tenant_id or caller.tenant_id

        async def work(tx: Transaction) -> TenantUsage:
            usage = await hold_tenant_usage(tx, tenant_id, self._defaults)
            if message.if_revision not in (None, usage.revision):
                raise Refused(StaleRevision(usage.revision))
            quotas = changed_quotas(usage, message)
            if quotas == (usage.quota, usage.space_quota):
                return usage
            await put_tenant_quota(tx, tenant_id, quotas)
            event = TenantQuotaChanged(tenant_id, usage.revision + 1, *quotas)
            await self._outbox.append(tx, tenant_id, [event], _told(caller, tenant_id))
            return evolve(
                usage, quota=quotas[0], space_quota=quotas[1], revision=usage.revision + 1
            )

        return await self._database.transact(tenant_id, work)

    @handles(DescribeUserUsage)
    async def describe_user_usage(self, message: DescribeUserUsage) -> SpaceUsage:
        """Tell what a user's personal space holds."""
        caller = _admin(message.caller)

        async def work(tx: Transaction) -> SpaceUsage:
            row = await personal_row(tx, caller.tenant_id, message.owner_id, hold=False)
            default = await tenant_usage(tx, caller.tenant_id, self._defaults)
            return usage_of(row, default.space_quota)

        return await self._database.read(caller.tenant_id, work)

    @handles(ChangeUserQuota)
    async def change_user_quota(self, message: ChangeUserQuota) -> SpaceUsage:
        """Say what a user's personal space may hold."""
        caller, owner_id = _admin(message.caller), message.owner_id
        quota, follows = message.quota, message.follows
        check_one_of(quota, unlimited=message.unlimited, follows=follows)

        async def work(tx: Transaction) -> SpaceUsage:
            default = await tenant_usage(tx, caller.tenant_id, self._defaults)
            row = await personal_row(tx, caller.tenant_id, owner_id, hold=True)
            if message.if_revision not in (None, row["revision"] if row else 0):
                raise Refused(StaleRevision(row["revision"] if row else 0))
            if quota is None and not (message.unlimited or follows):
                return usage_of(row, default.space_quota)
            if row is None:
                await self._make_for(tx, message)
                row = await personal_row(tx, caller.tenant_id, owner_id, hold=True)
            if row is None:
                raise AssertionError("the space was made, or there")
            space_id: UUID = row["space_id"]
            await put_quota(tx, caller, space_id, quota, follows=follows)
            await tx.execute(SQL["touch_space"], tenant=caller.tenant_id, space_id=space_id)
            changed = await personal_row(tx, caller.tenant_id, owner_id, hold=False)
            usage = usage_of(changed, default.space_quota)
            event = SpaceChanged(space_id, usage.revision, row["name"], usage.quota)
            await self._appender(caller)(tx, [event])
            return usage

        return await self._write(caller, work)

    async def _make_for(self, tx: Transaction, message: ChangeUserQuota) -> None:
        """Make the personal space of somebody who has put nothing there yet."""
        space, tenant = self._options.default_space_quota, self._options.tenant_quota
        new = NewSpace("personal", message.login, message.owner_id, None, tenant, space)
        append, stamp = self._appender(message.caller), self._stamp(message.caller)
        await make_space(tx, stamp, self._ids, new, append)

    @property
    def _defaults(self) -> Quotas:
        return self._options.tenant_quota, self._options.default_space_quota


def _admin(caller: Caller) -> Caller:
    return admin_of(caller, "keep the quotas of users")


def _told(caller: Caller, tenant_id: UUID) -> Caller:
    """Return who did it, as the tenant may know them: from where, only of its own users."""
    if tenant_id == caller.tenant_id:
        return caller
    return evolve(caller, origin=Origin(caller.origin.request_id))
