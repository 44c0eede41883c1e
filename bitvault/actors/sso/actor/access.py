"""A tenant's providers, and what they say of themselves."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from attrs import define, field

from bitvault.actors.sso.actor.issuers import Issuers
from bitvault.actors.sso.contract import ProviderNotFound
from bitvault.actors.sso.rules.discovery import Metadata
from bitvault.actors.sso.rules.tokens import Untrusted
from bitvault.actors.sso.store import providers as store
from bitvault.drivers.outgoing.port import Unreachable
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller, admin_of
from bitvault.kernel.refusal import Refused, Unavailable

_AT_ONCE = 8
"""Requests of one kind that wait for a tenant's providers, however many it has: slow ones must not
take the room from the others, nor its share of what goes out."""


@define(eq=False)
class ProviderAccess:
    """Finds providers, and bounds how many requests wait for them."""

    database: Database
    issuers: Issuers
    _waiting: Counter[tuple[TenantId, str]] = field(factory=Counter, init=False)

    async def kept(self, tenant_id: TenantId, provider_id: UUID) -> store.Kept:
        """Return a provider of a tenant."""

        async def work(tx: Transaction) -> store.Kept | None:
            return await store.provider(tx, tenant_id, provider_id)

        kept = await self.database.read(tenant_id, work)
        if kept is None:
            raise Refused(ProviderNotFound(str(provider_id)))
        return kept

    async def serving(self, provider_id: UUID) -> store.Kept:
        """Return a provider that lets people in, of any tenant: nobody is logged in yet."""

        async def whose(tx: Transaction) -> TenantId | None:
            return await store.tenant_of_provider(tx, provider_id)

        tenant_id = await self.database.read(None, whose)
        kept = await self.kept(tenant_id, provider_id) if tenant_id else None
        if kept is None or kept.provider.is_leaving:
            raise Refused(ProviderNotFound(str(provider_id)))
        return kept

    async def metadata(self, kept: store.Kept) -> Metadata:
        """Return where a provider is asked what; why it cannot be is for its admins alone."""
        try:
            return await self.issuers.metadata(kept.provider.terms.issuer)
        except (Untrusted, Unreachable) as error:
            raise Refused(Unavailable("the identity provider")) from error

    @contextmanager
    def waits_for(self, tenant_id: TenantId, what: str) -> Iterator[None]:
        """Bound what waits for a tenant's providers; no thing and no tenant keeps others out."""
        place = tenant_id, what
        if self._waiting[place] >= _AT_ONCE:
            raise Refused(Unavailable("the identity provider"))
        self._waiting[place] += 1
        try:
            yield
        finally:
            self._waiting[place] -= 1
            if not self._waiting[place]:
                del self._waiting[place]


def place_of(kept: store.Kept) -> str:
    """Return what a provider's secret is sealed for: in another row it does not open."""
    return f"sso.provider {kept.tenant_id} {kept.provider.provider_id}"


def keeper_of(caller: Caller) -> Caller:
    """Return the caller, who says who may be whom in their tenant.

    Raises:
        Refused: ``Forbidden``.
    """
    return admin_of(caller, "configure single sign-on")
