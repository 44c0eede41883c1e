"""Removing a provider: what it gave goes first, slice by slice, and then the provider."""

from uuid import UUID

from attrs import define

from bitvault.actors.files.contract import TakeBackQuotas
from bitvault.actors.identity.contract import TakeBackMemberships
from bitvault.actors.room import ask_below
from bitvault.actors.sso.actor.access import keeper_of
from bitvault.actors.sso.contract import ProviderNotFound, ProviderRemoved, RemoveProvider
from bitvault.actors.sso.store import providers as store
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refusal, Refused, Unavailable
from bitvault.outbox import Outbox
from supervisors import Ref, handles


@define(eq=False)
class Removals:
    """One that is interrupted leaves a provider that lets nobody in; a repeat goes on."""

    database: Database
    outbox: Outbox
    identity: Ref
    files: Ref

    @handles(RemoveProvider)
    async def remove_provider(self, request: RemoveProvider) -> None:
        """Remove a provider, what it gave, and the sign-ins that are under way with it."""
        caller, provider_id = keeper_of(request.caller), request.provider_id

        async def begin(tx: Transaction) -> None:
            if not await store.begin_leaving(tx, caller.tenant_id, provider_id):
                raise Refused(ProviderNotFound(str(provider_id)))

        async def end(tx: Transaction) -> None:
            gone = await store.delete_provider(tx, caller.tenant_id, provider_id)
            if gone is None:
                raise Refused(ProviderNotFound(str(provider_id)))
            event = ProviderRemoved(provider_id, 0, *gone)
            await self.outbox.append(tx, caller.tenant_id, [event], caller)

        await self.database.transact(caller.tenant_id, begin)
        await self.take_back(caller, provider_id)
        await self.database.transact(caller.tenant_id, end)

    async def take_back(self, caller: Caller, provider_id: UUID) -> None:
        """Take back the memberships and quotas that a provider gave, which lets nobody in."""
        source = str(provider_id)
        asked = (
            (self.identity, "identity", TakeBackMemberships(caller, source)),
            (self.files, "files", TakeBackQuotas(caller, source)),
        )
        for room, name, request in asked:
            while taken := await ask_below(room, request, name):
                if isinstance(taken, Refusal):
                    raise Refused(Unavailable(name))
