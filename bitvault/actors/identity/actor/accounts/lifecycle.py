"""Users who change, are kept out, or go."""

from attrs import define, evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.actor.provisioning.names import take_external_id, take_login
from bitvault.actors.identity.contract import (
    ChangeUser,
    DeleteUser,
    LastAdmin,
    LastOperator,
    ProvisionedUser,
    ReviseUser,
    User,
    UserChanged,
    UserDeleted,
    UserNotFound,
)
from bitvault.actors.identity.store import (
    accounts,
    credentials,
    groups,
    mailboxes,
    outside,
    provisioning,
    tenants,
)
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.principal import Caller, admin_of, check_in_person, operator_of
from bitvault.kernel.refusal import Refused
from bitvault.outbox import Outbox
from supervisors import handles


@define(eq=False)
class Lifecycle:
    """What admins do to users. A tenant keeps an admin who can log in, whoever asks at once."""

    database: Database
    outbox: Outbox
    clock: Clock
    principals: Principals

    @handles(ChangeUser)
    async def change_user(self, request: ChangeUser) -> User:
        """Change a user's name or role, disable or enable them."""
        caller = admin_of(request.caller, "change users")

        async def work(tx: Transaction) -> User:
            user = await self._held_alone(tx, caller, request)
            return await self._change(tx, user, request)

        changed = await self.database.transact(caller.tenant_id, work)
        self.principals.forget(caller.tenant_id, request.user_id)
        return changed

    @handles(ReviseUser)
    async def revise_user(self, request: ReviseUser) -> ProvisionedUser:
        """Change a person, and what the directory calls them."""
        caller, user_id = admin_of(request.caller, "change users"), request.user_id
        external_id = request.external_id
        if external_id is not None:
            external_id = rules.checked_external_id(external_id)

        async def work(tx: Transaction) -> ProvisionedUser:
            user = await self._held_alone(tx, caller, request)
            if user.kind != "person":
                raise Refused(UserNotFound(str(user_id)))
            changed = await self._change(tx, user, _change_of(user, request))
            was = await self._provisioned(tx, changed)
            if external_id in {None, was.external_id}:
                return was
            await take_external_id(tx, changed, external_id or "")
            if changed == user:
                await self.outbox.append(tx, caller.tenant_id, [_told(changed)], caller)
            return evolve(was, external_id=external_id or "")

        revised = await self.database.transact(caller.tenant_id, work)
        self.principals.forget(caller.tenant_id, user_id)
        return revised

    async def _provisioned(self, tx: Transaction, user: User) -> ProvisionedUser:
        place = user.tenant_id, user.user_id
        return (await provisioning.users_fitting(tx, *place, None, None)).items[0]

    async def _change(self, tx: Transaction, user: User, request: ChangeUser) -> User:
        changed = rules.changed_user(user, request)
        if request.is_operator is not None:
            operator_of(request.caller)
        if changed.is_admin > user.is_admin or changed.is_operator > user.is_operator:
            check_in_person(request.caller, "make admins")
        await _leave_enough(tx, user, changed)
        if changed.login != user.login:
            await take_login(tx, changed)
        await accounts.update_account(tx, changed, self.clock.now())
        if changed.is_disabled:
            await credentials.delete_credentials(tx, user.tenant_id, user.user_id)
            await mailboxes.drop_reset(tx, user.tenant_id, user.user_id)
        if changed != user:
            await self.outbox.append(tx, request.caller.tenant_id, [_told(changed)], request.caller)
        return changed

    @handles(DeleteUser)
    async def delete_user(self, request: DeleteUser) -> None:
        """Delete a user; their name stays with what they did."""
        caller = admin_of(request.caller, "delete users")
        now = self.clock.now()

        async def work(tx: Transaction) -> None:
            user = await self._held_alone(tx, caller, request)
            await _leave_enough(tx, user, None)
            await credentials.delete_credentials(tx, user.tenant_id, user.user_id)
            await groups.leave_groups(tx, user.tenant_id, user.user_id)
            await mailboxes.drop_mailbox(tx, user.tenant_id, user.user_id)
            await outside.forget_outsiders(tx, user.tenant_id, user.user_id)
            await accounts.bury_account(tx, user, now)
            event = UserDeleted(user.user_id, 0, user.login)
            await self.outbox.append(tx, caller.tenant_id, [event], caller)

        await self.database.transact(caller.tenant_id, work)
        self.principals.forget(caller.tenant_id, request.user_id)

    async def _held_alone(
        self, tx: Transaction, caller: Caller, request: ChangeUser | DeleteUser | ReviseUser
    ) -> User:
        """Hold the tenant before the user: two admins who remove each other take turns."""
        await tenants.hold_tenant(tx, caller.tenant_id)
        user = await accounts.hold_user(tx, caller.tenant_id, request.user_id)
        if user is None:
            raise Refused(UserNotFound(str(request.user_id)))
        if user.is_operator:
            operator_of(caller)
        return user


def _change_of(user: User, wanted: ReviseUser) -> ChangeUser:
    name = wanted.display_name
    return ChangeUser(
        wanted.caller,
        user.user_id,
        (wanted.login or user.login) if name == "" else name,
        is_disabled=wanted.is_disabled,
        login=wanted.login,
    )


def _told(user: User) -> UserChanged:
    return UserChanged(
        user.user_id,
        0,
        user.login,
        user.display_name,
        user.is_admin,
        user.is_operator,
        user.is_disabled,
    )


async def _leave_enough(tx: Transaction, user: User, changed: User | None) -> None:
    """Refuse to lose the last one who can log in and administer the tenant, or the platform."""
    place = user.tenant_id, user.user_id
    stays = changed is not None and rules.can_administer(changed)
    if rules.can_administer(user) and not stays and not await accounts.has_other_admin(tx, *place):
        raise Refused(LastAdmin(user.login))
    stays = changed is not None and rules.can_operate(changed)
    if rules.can_operate(user) and not stays and not await accounts.has_other_operator(tx, *place):
        raise Refused(LastOperator(user.login))
