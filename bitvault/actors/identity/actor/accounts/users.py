"""Users, as they are made and found."""

from attrs import define, evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.access import AccountAccess
from bitvault.actors.identity.contract import (
    CreateUser,
    DescribeMe,
    DescribeStandings,
    FindUsers,
    ListUsers,
    LoginTaken,
    Standing,
    TooManyUsers,
    User,
    UserCreated,
)
from bitvault.actors.identity.store import accounts as store
from bitvault.actors.identity.store import keys, tenants
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.ids import UserId
from bitvault.kernel.paging import Page, after_text, page_of, page_size
from bitvault.kernel.principal import admin_of, check_in_person
from bitvault.kernel.refusal import IdempotencyConflict, Refused
from bitvault.outbox import Outbox
from supervisors import handles

_USERS = ("users",)


@define(eq=False)
class Users:
    """Who there is."""

    database: Database
    outbox: Outbox
    passwords: Passwords
    access: AccountAccess

    @handles(DescribeMe)
    async def describe_me(self, request: DescribeMe) -> User:
        """Say who the caller is."""
        return await self.access.user_of(request.caller)

    @handles(ListUsers)
    async def list_users(self, request: ListUsers) -> Page[User]:
        """List the users of the caller's tenant."""
        tenant_id, limit = request.caller.tenant_id, page_size(request.limit)
        after = rules.name_key(after_text(request.cursor, _USERS))

        async def work(tx: Transaction) -> tuple[User, ...]:
            return await store.accounts_after(tx, tenant_id, after, limit + 1)

        found = await self.database.read(tenant_id, work)
        return page_of(found, limit, [(user.login,) for user in found], _USERS)

    @handles(CreateUser)
    async def create_user(self, request: CreateUser) -> User | IdempotencyConflict:
        """Create a user in the caller's tenant."""
        admin_of(request.caller, "create users")
        if request.is_admin:
            check_in_person(request.caller, "make admins")
        me = await self.access.user_of(request.caller)
        least = (await self.access.policy(me.tenant_id)).min_password
        password = rules.password_for(request.kind, request.password, least)
        user = self.access.new_user(me.tenant_id, me.tenant_name, request.login, request.is_admin)
        user = evolve(user, kind=request.kind)
        if request.display_name:
            name = rules.checked_name("displayName", request.display_name)
            user = evolve(user, display_name=name)
        account = store.Account(user, await self.passwords.hash(password) if password else None)

        async def work(tx: Transaction) -> store.Account | None:
            made_id = await keys.made_before(tx, request.caller, user.user_id, user.created_at)
            if made_id is not None:
                return await store.account_by_id(tx, me.tenant_id, UserId(made_id))
            await tenants.hold_tenant(tx, me.tenant_id)
            most = await tenants.full_at(tx, me.tenant_id)
            if most is not None:
                raise Refused(TooManyUsers(most))
            if not await store.insert_account(tx, account, rules.name_key(user.login)):
                raise Refused(LoginTaken(user.login))
            event = UserCreated(user.user_id, 0, user.login, user.kind, user.is_admin)
            await self.outbox.append(tx, request.caller.tenant_id, [event], request.caller)
            return account

        made = await self.database.transact(me.tenant_id, work)
        if made is account:
            return user
        return await self._same_user(made, account, password)

    async def _same_user(
        self, made: store.Account | None, asked: store.Account, password: str | None
    ) -> User | IdempotencyConflict:
        """Answer a repeat; the password is compared as at a login, because no more is kept."""
        if made is None or _words(made.user) != _words(asked.user):
            return IdempotencyConflict()
        same = password is None or await self.passwords.verify(made.password_hash, password)
        return made.user if same else IdempotencyConflict()

    @handles(DescribeStandings)
    async def describe_standings(self, request: DescribeStandings) -> tuple[Standing, ...]:
        """Say how things stand with some users."""
        tenant_id, user_ids = request.tenant_id, request.user_ids

        async def work(tx: Transaction) -> tuple[Standing, ...]:
            return await store.standings(tx, tenant_id, user_ids)

        return await self.database.read(tenant_id, work)

    @handles(FindUsers)
    async def find_users(self, request: FindUsers) -> tuple[User, ...]:
        """Find users of the caller's tenant."""
        login_keys = [key for login in request.logins if (key := rules.name_key(login))]

        async def work(tx: Transaction) -> tuple[store.Account, ...]:
            tenant_id = request.caller.tenant_id
            return await store.accounts_named(
                tx, tenant_id, request.user_ids, login_keys, deleted=request.deleted
            )

        found = await self.database.read(request.caller.tenant_id, work)
        return tuple(account.user for account in found)


def _words(user: User) -> tuple[str, str, bool, str]:
    return user.login, user.display_name, user.is_admin, user.kind
