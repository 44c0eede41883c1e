"""Finding the accounts that requests are about, and drafting new ones."""

from uuid import UUID

from attrs import define

from bitvault.actors.identity import rules
from bitvault.actors.identity.contract import Policy, Unauthenticated, User, UserNotFound
from bitvault.actors.identity.rules.terms import strictest
from bitvault.actors.identity.store import accounts as store
from bitvault.actors.identity.store import policies
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId, UserId
from bitvault.kernel.principal import Caller, admin_of, operator_of
from bitvault.kernel.refusal import Forbidden, Refused


@define(eq=False)
class AccountAccess:
    """Reads accounts and the policy they are under; refuses what is not the caller's."""

    database: Database
    clock: Clock
    ids: Ids

    async def account_of(self, caller: Caller) -> store.Account:
        """Return the caller's account."""
        principal = caller.principal

        async def work(tx: Transaction) -> store.Account | None:
            return await store.account_by_id(tx, principal.tenant_id, principal.user_id)

        account = await self.database.read(principal.tenant_id, work)
        if account is None:
            raise Refused(Unauthenticated())
        return account

    async def user_of(self, caller: Caller) -> User:
        """Return the caller as a user."""
        return (await self.account_of(caller)).user

    async def service_account(self, caller: Caller, user_id: UUID) -> User:
        """Return a service account whose credentials the caller may keep."""
        admin_of(caller, "keep the tokens of others")

        async def find(tx: Transaction) -> tuple[store.Account, ...]:
            return await store.accounts_named(tx, caller.tenant_id, [user_id], (), deleted=False)

        named = await self.database.read(caller.tenant_id, find)
        if not named:
            raise Refused(UserNotFound(str(user_id)))
        if named[0].user.kind != "service":
            raise Refused(Forbidden("keep the tokens of another person"))
        if named[0].user.is_operator:
            operator_of(caller)
        return named[0].user

    async def policy(self, tenant_id: TenantId) -> Policy:
        """Return the policy that is in force in a tenant."""

        async def work(tx: Transaction) -> policies.Terms:
            return await policies.terms(tx, tenant_id)

        terms = await self.database.read(tenant_id, work)
        return strictest(terms.own, terms.bound)

    def new_user(
        self,
        tenant_id: TenantId,
        tenant_name: str,
        login: str,
        is_admin: bool,  # noqa: FBT001 - a fact, not a switch
    ) -> User:
        """Draft a user, who is named as they log in."""
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


async def hold_active(tx: Transaction, user: User) -> None:
    """Make nothing for a user who was disabled or deleted a moment ago.

    Raises:
        Refused: ``Unauthenticated``.
    """
    if not await store.hold_active(tx, user.tenant_id, user.user_id):
        raise Refused(Unauthenticated())
