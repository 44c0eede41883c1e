"""What every part of the room works with."""

from attrs import define, field

from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.contract import Unauthenticated, User
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.identity.store import accounts as store
from bitvault.actors.room import Room
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Refused


@define(eq=False)
class Desk(Room):
    """The room's tools; the messages are handled in the classes built on it."""

    database: Database
    passwords: Passwords
    clock: Clock
    ids: Ids
    limits: Limits
    options: IdentityOptions
    principals: Principals = field(factory=Principals, init=False)

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

    async def _held(self, tx: Transaction, tenant_id: TenantId, user_id: UserId) -> User | None:
        account = await store.hold_account(tx, tenant_id, user_id)
        return account.user if account else None


def admin_of(caller: Caller, action: str) -> Caller:
    """Return the caller, who administers the tenant.

    Raises:
        Refused: ``Forbidden`` to do ``action``.
    """
    if not caller.principal.is_admin:
        raise Refused(Forbidden(action))
    return caller
