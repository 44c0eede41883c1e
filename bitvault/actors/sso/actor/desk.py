"""What both parts of the room work with."""

from collections.abc import Callable
from uuid import UUID

from attrs import Factory, define, field

from bitvault.actors.room import Room
from bitvault.actors.sso.actor.issuers import Issuers
from bitvault.actors.sso.contract import ProviderNotFound
from bitvault.actors.sso.store import providers as store
from bitvault.drivers.outgoing.port import Outgoing
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.drivers.sealing.port import Sealing
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId
from bitvault.kernel.refusal import Refused
from bitvault.outbox import Outbox
from supervisors import Ref


@define(eq=False)
class Desk(Room):
    """The room's tools."""

    database: Database
    outbox: Outbox
    identity: Ref
    outgoing: Outgoing
    sealing: Sealing
    clock: Clock
    ids: Ids
    base_url: Callable[[], str]
    """How browsers reach this server, without a last slash."""
    issuers: Issuers = field(
        default=Factory(lambda self: Issuers(self.outgoing), takes_self=True), init=False
    )

    async def _kept(self, provider_id: UUID, tenant_id: TenantId | None = None) -> store.Kept:
        """Return a provider; of a tenant, or of any where nobody is logged in yet."""

        async def work(tx: Transaction) -> store.Kept | None:
            return await store.provider_by_id(tx, provider_id)

        kept = await self.database.read(tenant_id, work)
        if kept is None:
            raise Refused(ProviderNotFound(str(provider_id)))
        return kept


def place_of(kept: store.Kept) -> str:
    """Return what a provider's secret is sealed for: in another row it does not open."""
    return f"sso.provider {kept.tenant_id} {kept.provider.provider_id}"
