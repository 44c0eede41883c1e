"""Users and groups as a directory makes, finds and changes them."""

from typing import Final, TypeVar
from uuid import UUID

from attrs import define, evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.access import AccountAccess
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.actor.provisioning.names import (
    rename_group,
    take_external_id,
    take_group_external_id,
)
from bitvault.actors.identity.contract import (
    FindProvisionedGroups,
    FindProvisionedUsers,
    Group,
    GroupCreated,
    GroupJoined,
    GroupLeft,
    GroupNotFound,
    GroupRenamed,
    GroupTaken,
    LoginTaken,
    Matches,
    Membership,
    ProvisionedGroup,
    ProvisionedUser,
    ProvisionGroup,
    ProvisionUser,
    ReviseGroup,
    TooManyGroups,
    TooManyUsers,
    User,
    UserCreated,
    UserNotFound,
)
from bitvault.actors.identity.store import accounts, groups, keys, tenants
from bitvault.actors.identity.store import provisioning as store
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Event
from bitvault.kernel.ids import GroupId, Ids, TenantId, UserId
from bitvault.kernel.paging import MAX_LIMIT
from bitvault.kernel.principal import Caller, admin_of
from bitvault.kernel.refusal import IdempotencyConflict, Refused
from bitvault.outbox import Outbox
from supervisors import handles

_MOST_MEMBERS: Final = 20_000
"""In one page of groups; more than a group can be given at once."""


@define(eq=False)
class Provisioning:
    """What a directory may do: no more than the admin whose token it has."""

    database: Database
    outbox: Outbox
    clock: Clock
    ids: Ids
    access: AccountAccess
    principals: Principals

    @handles(ProvisionUser)
    async def provision_user(self, request: ProvisionUser) -> ProvisionedUser:
        """Create a person who has no password."""
        caller = admin_of(request.caller, "create users")
        external_id = rules.checked_external_id(request.external_id)
        me = await self.access.user_of(caller)
        user = self.access.new_user(me.tenant_id, me.tenant_name, request.login, is_admin=False)
        if request.display_name:
            name = rules.checked_name("displayName", request.display_name)
            user = evolve(user, display_name=name)
        user = evolve(user, is_disabled=request.is_disabled)

        async def work(tx: Transaction) -> ProvisionedUser:
            made_id = await keys.made_before(tx, caller, user.user_id, user.created_at)
            if made_id is not None:
                return await _same_user(tx, made_id, ProvisionedUser(user, external_id))
            await tenants.hold_tenant(tx, user.tenant_id)
            await self._provision(tx, caller, user, external_id)
            return ProvisionedUser(user, external_id)

        return await self.database.transact(user.tenant_id, work)

    async def _provision(
        self, tx: Transaction, caller: Caller, user: User, external_id: str
    ) -> None:
        most = await tenants.full_at(tx, user.tenant_id)
        if most is not None:
            raise Refused(TooManyUsers(most))
        account = accounts.Account(user, None)
        if not await accounts.insert_account(tx, account, rules.name_key(user.login)):
            raise Refused(LoginTaken(user.login))
        if external_id:
            await take_external_id(tx, user, external_id)
        if user.is_disabled:
            await accounts.update_account(tx, user, user.created_at)
        event = UserCreated(user.user_id, 0, user.login, user.kind, user.is_admin)
        await self.outbox.append(tx, caller.tenant_id, [event], caller)

    @handles(FindProvisionedUsers)
    async def find_provisioned_users(
        self, request: FindProvisionedUsers
    ) -> Matches[ProvisionedUser]:
        """Find the users that fit, or a part of all of them."""
        tenant_id = admin_of(request.caller, "see what a directory sees").tenant_id
        key = None if request.login is None else rules.name_key(request.login)
        given = request.user_id, key, _sought(request)

        async def work(tx: Transaction) -> Matches[ProvisionedUser]:
            if given == (None, None, None):
                return await store.users_page(tx, tenant_id, *_part(request))
            return _cut(await store.users_fitting(tx, tenant_id, *given), request)

        return await self.database.read(tenant_id, work)

    @handles(ProvisionGroup)
    async def provision_group(self, request: ProvisionGroup) -> ProvisionedGroup:
        """Create a group with its members."""
        caller = admin_of(request.caller, "create groups")
        name = rules.checked_name("displayName", request.name)
        external_id = rules.checked_external_id(request.external_id)
        group = Group(GroupId(self.ids.uuid7()), name, self.clock.now())

        async def work(tx: Transaction) -> tuple[ProvisionedGroup, tuple[UserId, ...]]:
            made_id = await keys.made_before(tx, caller, group.group_id, group.created_at)
            if made_id is not None:
                return await _same_group(tx, caller, made_id, (name, external_id)), ()
            await tenants.hold_tenant(tx, caller.tenant_id)
            if not await groups.insert_group(tx, caller.tenant_id, group, rules.name_key(name)):
                raise Refused(GroupTaken(name))
            if external_id:
                await take_group_external_id(tx, caller.tenant_id, group.group_id, external_id)
            wanted = Membership(added=request.members)
            joined, _ = await _reseat(tx, caller.tenant_id, group.group_id, wanted)
            made: list[Event] = [GroupCreated(group.group_id, 0, name)]
            made += [GroupJoined(group.group_id, 0, user_id) for user_id in joined]
            await self.outbox.append(tx, caller.tenant_id, made, caller)
            return await _shown(tx, caller.tenant_id, group.group_id), joined

        shown, joined = await self.database.transact(caller.tenant_id, work)
        self.principals.forget(caller.tenant_id, *joined)
        return shown

    @handles(ReviseGroup)
    async def revise_group(self, request: ReviseGroup) -> ProvisionedGroup:
        """Change a group's name and members."""
        caller, group_id = admin_of(request.caller, "change groups"), request.group_id
        name = request.name
        if name is not None:
            name = rules.checked_name("displayName", name)
        if request.external_id is not None:
            rules.checked_external_id(request.external_id)

        async def work(tx: Transaction) -> tuple[ProvisionedGroup, tuple[UserId, ...]]:
            await tenants.hold_tenant(tx, caller.tenant_id)
            events: list[Event] = []
            found = await groups.groups_found(tx, caller.tenant_id, [group_id], [])
            if not found:
                raise Refused(GroupNotFound(str(group_id)))
            if name is not None and name != found[0].name:
                await rename_group(tx, caller.tenant_id, group_id, name)
                events.append(GroupRenamed(group_id, 0, name))
            if request.external_id is not None:
                await take_group_external_id(tx, caller.tenant_id, group_id, request.external_id)
            joined, left = await _reseat(tx, caller.tenant_id, group_id, request.members)
            events += [GroupJoined(group_id, 0, user_id) for user_id in joined]
            events += [GroupLeft(group_id, 0, user_id) for user_id in left]
            if events:
                await self.outbox.append(tx, caller.tenant_id, events, caller)
            return await _shown(tx, caller.tenant_id, group_id), (*joined, *left)

        shown, moved = await self.database.transact(caller.tenant_id, work)
        self.principals.forget(caller.tenant_id, *moved)
        return shown

    @handles(FindProvisionedGroups)
    async def find_provisioned_groups(
        self, request: FindProvisionedGroups
    ) -> Matches[ProvisionedGroup]:
        """Find the groups that fit, or a part of all of them."""
        tenant_id = admin_of(request.caller, "see what a directory sees").tenant_id
        key = None if request.name is None else rules.name_key(request.name)
        given = request.group_id, key, _sought(request), request.member

        async def work(tx: Transaction) -> Matches[ProvisionedGroup]:
            if given == (None, None, None, None):
                found = await store.groups_page(tx, tenant_id, *_part(request))
            else:
                fitting = await store.groups_fitting(tx, tenant_id, *given)
                found = _cut(Matches(fitting, len(fitting)), request)
            if not request.with_members:
                return found
            return evolve(found, items=await _with_members(tx, tenant_id, found.items))

        return await self.database.read(tenant_id, work)


async def _same_user(tx: Transaction, made_id: UUID, asked: ProvisionedUser) -> ProvisionedUser:
    found = await store.users_fitting(tx, asked.user.tenant_id, made_id, None, None)
    if not found.items or _words(found.items[0]) != _words(asked):
        raise Refused(IdempotencyConflict())
    return found.items[0]


def _words(one: ProvisionedUser) -> tuple[object, ...]:
    return one.user.login, one.user.display_name, one.user.is_disabled, one.external_id


async def _same_group(
    tx: Transaction, caller: Caller, made_id: UUID, asked: tuple[str, str]
) -> ProvisionedGroup:
    made = await store.groups_fitting(tx, caller.tenant_id, made_id, None, None, None)
    if not made or (made[0].group.name, made[0].external_id) != asked:
        raise Refused(IdempotencyConflict())
    (shown,) = await _with_members(tx, caller.tenant_id, made)
    return shown


async def _reseat(
    tx: Transaction, tenant_id: TenantId, group_id: GroupId, wanted: Membership
) -> tuple[tuple[UserId, ...], tuple[UserId, ...]]:
    """Bring a group's members to what is wanted; returns who joined and who left."""
    joining = (wanted.anew or frozenset()) | wanted.added
    missing = joining - await store.hold_accounts(tx, tenant_id, joining)
    if missing:
        raise Refused(UserNotFound(str(min(missing))))
    left: tuple[UserId, ...] = ()
    if wanted.anew is not None:
        left += await store.leave_all_but(tx, tenant_id, group_id, joining)
    left += await store.leave_all(tx, tenant_id, group_id, wanted.removed)
    joined = await store.join_all(tx, tenant_id, group_id, joining)
    if await store.overfull(tx, tenant_id, joined, rules.MAX_GROUPS) is not None:
        raise Refused(TooManyGroups(rules.MAX_GROUPS))
    return joined, left


async def _shown(tx: Transaction, tenant_id: TenantId, group_id: GroupId) -> ProvisionedGroup:
    found = await store.groups_fitting(tx, tenant_id, group_id, None, None, None)
    (shown,) = await _with_members(tx, tenant_id, found)
    return shown


async def _with_members(
    tx: Transaction, tenant_id: TenantId, found: tuple[ProvisionedGroup, ...]
) -> tuple[ProvisionedGroup, ...]:
    """Return groups with all their members: as many as that are not too many, one at least."""
    ids = [one.group.group_id for one in found]
    members = await store.members_of(tx, tenant_id, ids, _MOST_MEMBERS if len(ids) > 1 else None)
    if not members and ids:
        members = await store.members_of(tx, tenant_id, ids[:1])
    shown = [one for one in found if one.group.group_id in members]
    return tuple(evolve(one, members=tuple(members[one.group.group_id])) for one in shown)


T = TypeVar("T")
Asked = FindProvisionedUsers | FindProvisionedGroups


def _sought(request: Asked) -> str | None:
    found = request.external_id
    return None if found is None else rules.checked_external_id(found)


def _part(request: Asked) -> tuple[int, int]:
    return max(0, request.offset), max(0, min(request.limit, MAX_LIMIT))


def _cut(found: Matches[T], request: Asked) -> Matches[T]:
    after, most = _part(request)
    return evolve(found, items=found.items[after : after + most])
