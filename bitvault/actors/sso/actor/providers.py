"""A tenant's providers, as its admins keep them."""

from attrs import define, evolve

from bitvault.actors.room import erase_schema
from bitvault.actors.sso.actor.access import ProviderAccess, keeper_of, place_of
from bitvault.actors.sso.contract import (
    AddProvider,
    ChangeProvider,
    GetProvider,
    ListProviders,
    Provider,
    ProviderAdded,
    ProviderChanged,
    ProviderNotFound,
    ProviderTaken,
    StaleProvider,
    TooManyProviders,
)
from bitvault.actors.sso.rules import terms as rules
from bitvault.actors.sso.rules.tokens import Untrusted
from bitvault.actors.sso.store import providers as store
from bitvault.drivers.outgoing.port import Unreachable
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.drivers.sealing.port import Sealing
from bitvault.kernel.clock import Clock
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.ids import Ids
from bitvault.kernel.principal import check_in_person
from bitvault.kernel.refusal import Invalid, Refused
from bitvault.outbox import Outbox
from supervisors import handles


@define(eq=False)
class Providers:
    """The caller who configures a provider says who may be whom: so they are admins."""

    database: Database
    outbox: Outbox
    sealing: Sealing
    clock: Clock
    ids: Ids
    access: ProviderAccess

    @handles(AddProvider)
    async def add_provider(self, request: AddProvider) -> Provider:
        """Configure a provider; a repeat under an Idempotency-Key answers what is there."""
        caller = keeper_of(request.caller)
        check_in_person(caller, "configure single sign-on")
        terms = rules.checked(request.terms)
        secret = rules.checked_secret(request.client_secret)
        with self.access.waits_for(caller.tenant_id, "provider"):
            await self._discover(terms.issuer)
        made = Provider(self.ids.uuid7(), terms, secret is not None, 1, self.clock.now())
        kept = self._sealed(store.Kept(caller.tenant_id, made, None), secret)

        async def work(tx: Transaction) -> Provider:
            await store.hold_providers(tx, caller.tenant_id)
            there = await store.providers(tx, caller.tenant_id)
            same = _named(there, terms.name)
            if same is not None and caller.idempotency and same.provider.terms == terms:
                return same.provider
            if same is not None:
                raise Refused(ProviderTaken(terms.name))
            if len(there) >= rules.MOST_PROVIDERS:
                raise Refused(TooManyProviders(rules.MOST_PROVIDERS))
            await store.insert_provider(tx, kept)
            event = ProviderAdded(made.provider_id, 1, terms.name, terms.issuer)
            await self.outbox.append(tx, caller.tenant_id, [event], caller)
            return made

        return await self.database.transact(caller.tenant_id, work)

    @handles(ListProviders)
    async def list_providers(self, request: ListProviders) -> tuple[Provider, ...]:
        """List the tenant's providers."""
        caller = keeper_of(request.caller)

        async def work(tx: Transaction) -> tuple[store.Kept, ...]:
            return await store.providers(tx, caller.tenant_id)

        found = await self.database.read(caller.tenant_id, work)
        return tuple(kept.provider for kept in found)

    @handles(GetProvider)
    async def get_provider(self, request: GetProvider) -> Provider:
        """Describe a provider."""
        caller = keeper_of(request.caller)
        return (await self.access.kept(caller.tenant_id, request.provider_id)).provider

    @handles(ChangeProvider)
    async def change_provider(self, request: ChangeProvider) -> Provider:
        """Replace a provider's terms."""
        caller = keeper_of(request.caller)
        check_in_person(caller, "configure single sign-on")
        terms = rules.checked(request.terms)
        secret = rules.checked_secret(request.client_secret)

        async def work(tx: Transaction) -> Provider:
            await store.hold_providers(tx, caller.tenant_id)
            there = await store.providers(tx, caller.tenant_id)
            before = _by_id(there, request)
            if request.if_revision not in {None, before.provider.revision}:
                raise Refused(StaleProvider(before.provider.revision))
            if terms.issuer != before.provider.terms.issuer:
                raise Refused(Invalid("issuer", "cannot change; add another provider"))
            same = _named(there, terms.name)
            if same is not None and same.provider.provider_id != before.provider.provider_id:
                raise Refused(ProviderTaken(terms.name))
            kept = evolve(before, provider=evolve(before.provider, terms=terms))
            kept = kept if request.keeps_secret else self._sealed(kept, secret)
            if kept == before:
                return before.provider
            await store.update_provider(tx, kept)
            revision, has_secret = before.provider.revision + 1, kept.sealed_secret is not None
            event = ProviderChanged(request.provider_id, revision, terms.name, terms.issuer)
            await self.outbox.append(tx, caller.tenant_id, [event], caller)
            return evolve(kept.provider, revision=revision, has_secret=has_secret)

        return await self.database.transact(caller.tenant_id, work)

    @handles(EraseTenant)
    async def erase_tenant(self, request: EraseTenant) -> Erased:
        """Delete the providers of a tenant that is leaving, and what was begun with them."""
        return await erase_schema(self.database, "sso", request)

    async def _discover(self, issuer: str) -> None:
        """Refuse an issuer that is none: now, and not when somebody wants to sign in."""
        try:
            await self.access.issuers.metadata(issuer, fresh=True)
        except (Untrusted, Unreachable) as error:
            raise Refused(Invalid("issuer", error.reason)) from error

    def _sealed(self, kept: store.Kept, secret: str | None) -> store.Kept:
        sealed = None if secret is None else self.sealing.seal(secret, place_of(kept))
        return evolve(kept, sealed_secret=sealed)


def _named(there: tuple[store.Kept, ...], name: str) -> store.Kept | None:
    key = rules.name_key(name)
    return next((one for one in there if rules.name_key(one.provider.terms.name) == key), None)


def _by_id(there: tuple[store.Kept, ...], request: ChangeProvider) -> store.Kept:
    for one in there:
        if one.provider.provider_id == request.provider_id:
            return one
    raise Refused(ProviderNotFound(str(request.provider_id)))
