"""What tenants ask of their links, passwords and sessions."""

from attrs import define

from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.actor.tenants.trail import OperatorTrail, known_tenant
from bitvault.actors.identity.contract import (
    ChangePolicy,
    DescribePolicy,
    Policy,
    PolicyChanged,
    StalePolicy,
    Tenant,
    TenantPolicy,
)
from bitvault.actors.identity.rules.terms import changed_policy, strictest
from bitvault.actors.identity.store import policies as store
from bitvault.actors.identity.store import tenants
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller, admin_of, operator_of
from bitvault.kernel.refusal import Refused
from supervisors import handles


@define(eq=False)
class Policies:
    """A tenant's admins keep its terms, within the bounds that the operators set."""

    database: Database
    principals: Principals
    trail: OperatorTrail

    @handles(DescribePolicy)
    async def describe_policy(self, request: DescribePolicy) -> TenantPolicy:
        """Tell a tenant's terms."""
        tenant_id, side = _whose(request.caller, request.tenant_id)

        async def work(tx: Transaction) -> store.Terms:
            await known_tenant(tx, tenant_id)
            return await store.terms(tx, tenant_id)

        return _shown(await self.database.read(tenant_id, work), side)

    @handles(ChangePolicy)
    async def change_policy(self, request: ChangePolicy) -> TenantPolicy:
        """Change one side of a tenant's terms."""
        caller = request.caller
        tenant_id, side = _whose(caller, request.tenant_id)
        if side == "own":
            admin_of(caller, "change the tenant's policy")
        else:
            await self._record_bound(caller, tenant_id, request)

        async def work(tx: Transaction) -> store.Terms:
            await tenants.hold_tenant(tx, tenant_id)
            await known_tenant(tx, tenant_id)
            terms = await store.terms(tx, tenant_id)
            revision = terms.revisions.get(side, 0)
            if request.if_revision not in (None, revision):
                raise Refused(StalePolicy(revision))
            before = terms.own if side == "own" else terms.bound
            bound = terms.bound if side == "own" else Policy()
            policy = changed_policy(before, request.change, bound)
            if policy == before:
                return terms
            await store.put_policy(tx, tenant_id, side, policy, revision + 1)
            event = PolicyChanged(tenant_id, revision + 1, side, **store.columns(policy))
            changed = await store.terms(tx, tenant_id)
            await self.trail.append(tx, tenant_id, caller, event)
            return changed

        changed = await self.database.transact(tenant_id, work)
        self.principals.forget_tenant(tenant_id)
        return _shown(changed, side)

    async def _record_bound(
        self, caller: Caller, tenant_id: TenantId, request: ChangePolicy
    ) -> None:
        async def look(tx: Transaction) -> tuple[Tenant, Policy]:
            tenant = await known_tenant(tx, tenant_id)
            return tenant, (await store.terms(tx, tenant_id)).bound

        tenant, before = await self.database.read(tenant_id, look)
        if changed_policy(before, request.change, Policy()) != before:
            await self.trail.record(caller, tenant, "bound")


def _whose(caller: Caller, tenant_id: TenantId | None) -> tuple[TenantId, str]:
    """Return whose terms are meant, and which side of them the caller keeps."""
    if tenant_id is None:
        return caller.tenant_id, "own"
    operator_of(caller)
    return tenant_id, "bound"


def _shown(terms: store.Terms, side: str) -> TenantPolicy:
    effective = strictest(terms.own, terms.bound)
    return TenantPolicy(terms.own, terms.bound, effective, terms.revisions.get(side, 0))
