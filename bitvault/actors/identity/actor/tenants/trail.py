"""The audit trails of two tenants: of the operators, and of the tenant they act on."""

from attrs import define, evolve

from bitvault.actors.identity.contract import Tenant, TenantNotFound, TenantOperated
from bitvault.actors.identity.store import tenants
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.events import Event
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller, Origin
from bitvault.kernel.refusal import Refused
from bitvault.outbox import Outbox


@define(eq=False)
class OperatorTrail:
    """Says in both trails what operators do to a tenant."""

    database: Database
    outbox: Outbox

    async def record(self, caller: Caller, tenant: Tenant, what: str) -> None:
        """Tell an operator's own trail what they are about to do to another tenant.

        These are rows of two tenants, and the record comes first: better one too many than an act
        that nobody can be asked about.
        """
        if tenant.tenant_id == caller.tenant_id:
            return
        event = TenantOperated(tenant.tenant_id, 0, tenant.name, what)

        async def work(tx: Transaction) -> None:
            await self.outbox.append(tx, caller.tenant_id, [event], caller)

        await self.database.transact(caller.tenant_id, work)

    async def append(
        self, tx: Transaction, tenant_id: TenantId, caller: Caller, event: Event
    ) -> None:
        """Append what was done to a tenant; from where, only if it was one of its own users."""
        known = caller
        if tenant_id != caller.tenant_id:
            known = evolve(caller, origin=Origin(caller.origin.request_id))
        await self.outbox.append(tx, tenant_id, [event], known)


async def known_tenant(tx: Transaction, tenant_id: TenantId) -> Tenant:
    """Return a tenant.

    Raises:
        Refused: ``TenantNotFound``.
    """
    found = await tenants.find_tenant(tx, tenant_id)
    if found is None:
        raise Refused(TenantNotFound(str(tenant_id)))
    return found
