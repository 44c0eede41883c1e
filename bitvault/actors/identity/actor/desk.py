"""What every part of the room works with."""

from attrs import define, evolve, field

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.knocks import Knocks
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.contract import (
    MailNotConfigured,
    Policy,
    Tenant,
    TenantNotFound,
    TenantOperated,
    Unauthenticated,
    User,
)
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.identity.rules.terms import strictest
from bitvault.actors.identity.store import accounts as store
from bitvault.actors.identity.store import policies, tenants
from bitvault.actors.room import Room
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Event
from bitvault.kernel.ids import Ids, TenantId, UserId
from bitvault.kernel.principal import Caller, Origin
from bitvault.kernel.refusal import Refused
from bitvault.outbox import Outbox, Wakeups


@define(eq=False)
class Desk(Room):
    """The room's tools; the messages are handled in the classes built on it."""

    database: Database
    passwords: Passwords
    clock: Clock
    ids: Ids
    limits: Limits
    options: IdentityOptions
    wakeups: Wakeups = field(factory=Wakeups)
    """Tells the relay that there are events; one of its own leaves it to look for itself."""
    principals: Principals = field(factory=Principals, init=False)
    knocks: Knocks = field(factory=Knocks, init=False)

    async def _append(self, tx: Transaction, caller: Caller, *events: Event) -> None:
        """Append to the outbox, as the transaction's last statement."""
        await self._outbox().append(tx, caller.tenant_id, events, caller)

    def _outbox(self) -> Outbox:
        return Outbox(self.ids, self.clock, self.wakeups)

    async def _tell(
        self, tx: Transaction, tenant_id: TenantId, caller: Caller, *events: Event
    ) -> None:
        """Append what was done to a tenant; from where, only if it was one of its own users."""
        known = caller
        if tenant_id != caller.tenant_id:
            known = evolve(caller, origin=Origin(caller.origin.request_id))
        await self._outbox().append(tx, tenant_id, events, known)

    async def _record(self, caller: Caller, tenant: Tenant, what: str) -> None:
        """Tell an operator's own trail what they are about to do to another tenant.

        These are rows of two tenants, and the record comes first: better one too many than an act
        that nobody can be asked about.
        """
        if tenant.tenant_id == caller.tenant_id:
            return
        event = TenantOperated(tenant.tenant_id, 0, tenant.name, what)

        async def work(tx: Transaction) -> None:
            await self._append(tx, caller, event)

        await self.database.transact(caller.tenant_id, work)

    async def _policy(self, tenant_id: TenantId) -> Policy:
        async def work(tx: Transaction) -> policies.Terms:
            return await policies.terms(tx, tenant_id)

        terms = await self.database.read(tenant_id, work)
        return strictest(terms.own, terms.bound)

    def _need_mail(self) -> None:
        if not self.options.sends_mail:
            raise Refused(MailNotConfigured())

    async def _me(self, caller: Caller) -> User:
        return (await self._account(caller)).user

    async def _account(self, caller: Caller) -> store.Account:
        principal = caller.principal

        async def work(tx: Transaction) -> store.Account | None:
            return await store.account_by_id(tx, principal.tenant_id, principal.user_id)

        account = await self.database.read(principal.tenant_id, work)
        if account is None:
            raise Refused(Unauthenticated())
        return account

    def _new_user(
        self,
        tenant_id: TenantId,
        tenant_name: str,
        login: str,
        is_admin: bool,  # noqa: FBT001 - a fact, not a switch
    ) -> User:
        name = rules.checked_name("login", login)
        return User(
            user_id=UserId(self.ids.uuid7()),
            tenant_id=tenant_id,
            tenant_name=tenant_name,
            login=name,
            display_name=name,
            is_admin=is_admin,
            created_at=self.clock.now(),
        )

    async def _held(self, tx: Transaction, tenant_id: TenantId, user_id: UserId) -> User | None:
        account = await store.hold_account(tx, tenant_id, user_id)
        return account.user if account else None


async def known_tenant(tx: Transaction, tenant_id: TenantId) -> Tenant:
    """Return a tenant.

    Raises:
        Refused: ``TenantNotFound``.
    """
    found = await tenants.find_tenant(tx, tenant_id)
    if found is None:
        raise Refused(TenantNotFound(str(tenant_id)))
    return found
