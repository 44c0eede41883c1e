"""Users who change, are kept out, or go."""

from attrs import define

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.desk import Desk, admin_of
from bitvault.actors.identity.contract import (
    ChangeUser,
    DeleteUser,
    LastAdmin,
    User,
    UserNotFound,
)
from bitvault.actors.identity.store import accounts, credentials, groups
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refused
from supervisors import handles


@define(eq=False)
class Lifecycle(Desk):
    """What admins do to users. A tenant keeps an admin who can log in, whoever asks at once."""

    @handles(ChangeUser)
    async def change_user(self, request: ChangeUser) -> User:
        """Change a user's name or role, disable or enable them."""
        caller = admin_of(request.caller, "change users")
        now = self.clock.now()

        async def work(tx: Transaction) -> User:
            user = await self._held_alone(tx, caller, request)
            changed = rules.changed_user(user, request)
            if rules.can_administer(user) and not rules.can_administer(changed):
                await _leave_an_admin(tx, user)
            await accounts.update_account(tx, changed, now)
            if changed.is_disabled:
                await credentials.delete_credentials(tx, user.tenant_id, user.user_id)
            return changed

        user = await self.database.transact(caller.tenant_id, work)
        self.principals.forget(user.tenant_id, user.user_id)
        return user

    @handles(DeleteUser)
    async def delete_user(self, request: DeleteUser) -> None:
        """Delete a user; their name stays with what they did."""
        caller = admin_of(request.caller, "delete users")
        now = self.clock.now()

        async def work(tx: Transaction) -> None:
            user = await self._held_alone(tx, caller, request)
            if rules.can_administer(user):
                await _leave_an_admin(tx, user)
            await credentials.delete_credentials(tx, user.tenant_id, user.user_id)
            await groups.leave_groups(tx, user.tenant_id, user.user_id)
            await accounts.bury_account(tx, user, now)

        await self.database.transact(caller.tenant_id, work)
        self.principals.forget(caller.tenant_id, request.user_id)

    async def _held_alone(
        self, tx: Transaction, caller: Caller, request: ChangeUser | DeleteUser
    ) -> User:
        """Hold the tenant before the user: two admins who remove each other take turns."""
        await accounts.hold_tenant(tx, caller.tenant_id)
        user = await self._held(tx, caller.tenant_id, request.user_id)
        if user is None:
            raise Refused(UserNotFound(str(request.user_id)))
        return user


async def _leave_an_admin(tx: Transaction, user: User) -> None:
    if not await accounts.has_other_admin(tx, user.tenant_id, user.user_id):
        raise Refused(LastAdmin(user.login))
