"""Tenants, as the operators of the platform keep them."""

from uuid import UUID

from attrs import define, evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.access import AccountAccess
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.actor.tenants.trail import OperatorTrail, known_tenant
from bitvault.actors.identity.contract import (
    AddTenant,
    ChangeTenant,
    CreateTenant,
    EnsureTenant,
    FindTenants,
    ListTenants,
    LocateTenant,
    Tenant,
    TenantChanged,
    TenantLeaving,
    TenantNotFound,
    TenantTaken,
    User,
)
from bitvault.actors.identity.store import accounts, keys
from bitvault.actors.identity.store import tenants as store
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId
from bitvault.kernel.paging import Page, after_text, page_of, page_size
from bitvault.kernel.principal import operator_of
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Refused
from supervisors import handles

_TENANTS = ("tenants",)


@define(eq=False)
class Tenants:
    """An operator sees tenants from the outside: names and limits, no users and no files."""

    database: Database
    passwords: Passwords
    clock: Clock
    ids: Ids
    access: AccountAccess
    principals: Principals
    trail: OperatorTrail

    @handles(AddTenant)
    async def add_tenant(self, request: AddTenant) -> Tenant:
        """Create a tenant with its first admin, once under an Idempotency-Key.

        The key's row is the operator's tenant's and the tenant's rows are its own, which no one
        transaction may write: so the key settles the tenant's id first.
        """
        caller = operator_of(request.caller)
        fresh, now = TenantId(self.ids.uuid7()), self.clock.now()
        account = await self._first_admin(fresh, request)
        taken = await self._named(request.name) is not None

        async def claim(tx: Transaction) -> UUID | None:
            before = await keys.made_before(tx, caller, fresh, now)
            if before is None and taken:
                raise Refused(TenantTaken(account.user.tenant_name))
            return before

        before = await self.database.transact(caller.tenant_id, claim)
        if before is not None:
            return await self._again(TenantId(before), account, request.password)
        made = Tenant(fresh, account.user.tenant_name, now)
        await self.trail.record(caller, made, "create")
        await self._settle(account)
        return made

    async def _again(self, tenant_id: TenantId, asked: accounts.Account, password: str) -> Tenant:
        """Answer a repeat, or finish what was begun under the key."""
        user = asked.user
        place = rules.name_key(user.tenant_name), rules.name_key(user.login)

        async def find(tx: Transaction) -> tuple[Tenant | None, accounts.Account | None]:
            found = await store.find_tenant(tx, tenant_id)
            return found, await accounts.account_by_login(tx, *place)

        found, made = await self.database.read(None, find)
        if found is None:
            await self._settle(evolve(asked, user=evolve(user, tenant_id=tenant_id)))
            return Tenant(tenant_id, user.tenant_name, user.created_at)
        phc = made.password_hash if made and made.user.tenant_id == tenant_id else None
        same = await self.passwords.verify(phc, rules.normal_password(password))
        if not same or found.name != user.tenant_name:
            raise Refused(IdempotencyConflict())
        return found

    @handles(ListTenants)
    async def list_tenants(self, request: ListTenants) -> Page[Tenant]:
        """List all tenants by name."""
        operator_of(request.caller)
        limit = page_size(request.limit)
        after = after_text(request.cursor, _TENANTS)

        async def work(tx: Transaction) -> tuple[tuple[str, Tenant], ...]:
            return await store.tenants_after(tx, after, limit + 1)

        found = await self.database.read(None, work)
        return page_of([each for _, each in found], limit, [[key] for key, _ in found], _TENANTS)

    @handles(FindTenants)
    async def find_tenants(self, request: FindTenants) -> tuple[Tenant, ...]:
        """Find tenants by id or name."""
        operator_of(request.caller)
        name_keys = [key for name in request.names if (key := rules.name_key(name))]

        async def work(tx: Transaction) -> tuple[Tenant, ...]:
            return await store.tenants_found(tx, request.tenant_ids, name_keys)

        return await self.database.read(None, work)

    @handles(ChangeTenant)
    async def change_tenant(self, request: ChangeTenant) -> Tenant:
        """Suspend a tenant or let it go on, or limit it."""
        caller, tenant_id = operator_of(request.caller), request.tenant_id
        if request.is_suspended and tenant_id == caller.tenant_id:
            raise Refused(Forbidden("suspend your own tenant: nobody could undo it"))
        if request.is_suspended is False:
            await self._need_staying(tenant_id)
        now = self.clock.now()
        before = await self.database.read(None, lambda tx: known_tenant(tx, tenant_id))
        if rules.changed_tenant(before, request) != before:
            await self.trail.record(caller, before, _said(request))

        async def work(tx: Transaction) -> Tenant:
            await store.hold_tenant(tx, tenant_id)
            tenant = await known_tenant(tx, tenant_id)
            changed = rules.changed_tenant(tenant, request)
            if changed != tenant:
                await store.update_tenant(tx, changed, now)
                event = TenantChanged(
                    tenant_id,
                    0,
                    changed.is_suspended,
                    changed.max_users,
                    changed.rate,
                    changed.burst,
                )
                await self.trail.append(tx, tenant_id, caller, event)
            return changed

        changed = await self.database.transact(tenant_id, work)
        self.principals.forget_tenant(tenant_id)
        return changed

    async def _need_staying(self, tenant_id: TenantId) -> None:
        async def find(tx: Transaction) -> bool:
            return await store.is_leaving(tx, tenant_id)

        if await self.database.read(None, find):
            raise Refused(TenantLeaving())

    @handles(CreateTenant)
    async def create_tenant(self, request: CreateTenant) -> User:
        """Create a tenant with its first admin."""
        account = await self._first_admin(TenantId(self.ids.uuid7()), request)
        await self._settle(account)
        return account.user

    @handles(EnsureTenant)
    async def ensure_tenant(self, request: EnsureTenant) -> User | None:
        """Create the tenant at the first start, with the platform's first operator."""
        if await self._named(request.name) is not None:
            return None
        account = await self._first_admin(TenantId(self.ids.uuid7()), request)
        account = evolve(account, user=evolve(account.user, is_operator=True))
        try:
            await self._settle(account)
        except Refused:
            return None  # another daemon on this database was first
        return account.user

    @handles(LocateTenant)
    async def locate_tenant(self, request: LocateTenant) -> TenantId:
        """Say which tenant has a name."""
        found = await self._named(request.name)
        if found is None:
            raise Refused(TenantNotFound(request.name))
        return found

    async def _named(self, name: str) -> TenantId | None:
        key = rules.name_key(name)

        async def find(tx: Transaction) -> TenantId | None:
            return await store.tenant_by_key(tx, key)

        return await self.database.read(None, find)

    async def _first_admin(
        self, tenant_id: TenantId, wanted: AddTenant | CreateTenant | EnsureTenant
    ) -> accounts.Account:
        name = rules.checked_name("name", wanted.name)
        user = self.access.new_user(tenant_id, name, wanted.login, is_admin=True)
        password = rules.checked_password("password", wanted.password)
        return accounts.Account(user, await self.passwords.hash(password))

    async def _settle(self, account: accounts.Account) -> None:
        user, name = account.user, account.user.tenant_name
        key = rules.name_key(name)

        async def work(tx: Transaction) -> None:
            if not await store.insert_tenant(tx, user.tenant_id, name, key, user.created_at):
                raise Refused(TenantTaken(name))
            await accounts.insert_account(tx, account, rules.name_key(user.login))

        await self.database.transact(user.tenant_id, work)


def _said(request: ChangeTenant) -> str:
    if request.is_suspended is None:
        return "limit"
    return "suspend" if request.is_suspended else "resume"
