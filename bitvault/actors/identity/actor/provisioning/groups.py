"""Groups, and who is in them."""

from uuid import UUID

from attrs import define

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.actor.provisioning.names import rename_group
from bitvault.actors.identity.contract import (
    AddMember,
    CreateGroup,
    DeleteGroup,
    FindGroups,
    Group,
    GroupCreated,
    GroupDeleted,
    GroupJoined,
    GroupLeft,
    GroupNotFound,
    GroupRenamed,
    GroupTaken,
    ListGroups,
    ListMembers,
    RemoveMember,
    RenameGroup,
    TooManyGroups,
    User,
    UserNotFound,
)
from bitvault.actors.identity.store import accounts, keys
from bitvault.actors.identity.store import groups as store
from bitvault.actors.identity.store.tenants import hold_tenant
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import GroupId, Ids
from bitvault.kernel.paging import Page, after_id, after_text, page_of, page_size
from bitvault.kernel.principal import Caller, admin_of
from bitvault.kernel.refusal import IdempotencyConflict, Refused
from bitvault.outbox import Outbox
from supervisors import handles

_GROUPS = ("groups",)


@define(eq=False)
class Groups:
    """Sets of users that a role can be given to."""

    database: Database
    outbox: Outbox
    clock: Clock
    ids: Ids
    principals: Principals

    @handles(CreateGroup)
    async def create_group(self, request: CreateGroup) -> Group:
        """Create a group; a repeat under the same Idempotency-Key answers the first."""
        caller = admin_of(request.caller, "create groups")
        name = rules.checked_name("name", request.name)
        group = Group(GroupId(self.ids.uuid7()), name, self.clock.now())

        async def work(tx: Transaction) -> Group:
            made_id = await keys.made_before(tx, caller, group.group_id, group.created_at)
            if made_id is not None:
                return await _same_group(tx, caller, made_id, name)
            await hold_tenant(tx, caller.tenant_id)
            if not await store.insert_group(tx, caller.tenant_id, group, rules.name_key(name)):
                raise Refused(GroupTaken(name))
            event = GroupCreated(group.group_id, 0, name)
            await self.outbox.append(tx, caller.tenant_id, [event], caller)
            return group

        return await self.database.transact(caller.tenant_id, work)

    @handles(RenameGroup)
    async def rename_group(self, request: RenameGroup) -> Group:
        """Rename a group."""
        caller = admin_of(request.caller, "rename groups")
        tenant_id, group_id = caller.tenant_id, request.group_id
        name = rules.checked_name("name", request.name)

        async def work(tx: Transaction) -> Group:
            await hold_tenant(tx, tenant_id)
            renamed = await rename_group(tx, tenant_id, group_id, name)
            if renamed is None:
                raise Refused(GroupNotFound(str(group_id)))
            event = GroupRenamed(group_id, 0, name)
            await self.outbox.append(tx, caller.tenant_id, [event], caller)
            return renamed

        return await self.database.transact(tenant_id, work)

    @handles(DeleteGroup)
    async def delete_group(self, request: DeleteGroup) -> GroupNotFound | None:
        """Delete a group with its memberships."""
        caller = admin_of(request.caller, "delete groups")

        async def work(tx: Transaction) -> bool:
            await hold_tenant(tx, caller.tenant_id)
            found = await store.delete_group(tx, caller.tenant_id, request.group_id)
            if found:
                event = GroupDeleted(request.group_id, 0)
                await self.outbox.append(tx, caller.tenant_id, [event], caller)
            return found

        found = await self.database.transact(caller.tenant_id, work)
        self.principals.forget_tenant(caller.tenant_id)
        return None if found else GroupNotFound(str(request.group_id))

    @handles(ListGroups)
    async def list_groups(self, request: ListGroups) -> Page[Group]:
        """List the tenant's groups by name."""
        tenant_id = request.caller.tenant_id
        limit = page_size(request.limit)
        after = after_text(request.cursor, _GROUPS)

        async def work(tx: Transaction) -> tuple[tuple[str, Group], ...]:
            return await store.groups_after(tx, tenant_id, after, limit + 1)

        found = await self.database.read(tenant_id, work)
        return page_of([group for _, group in found], limit, [[key] for key, _ in found], _GROUPS)

    @handles(FindGroups)
    async def find_groups(self, request: FindGroups) -> tuple[Group, ...]:
        """Find groups of the caller's tenant."""
        tenant_id = request.caller.tenant_id
        name_keys = [key for name in request.names if (key := rules.name_key(name))]

        async def work(tx: Transaction) -> tuple[Group, ...]:
            return await store.groups_found(tx, tenant_id, request.group_ids, name_keys)

        return await self.database.read(tenant_id, work)

    @handles(ListMembers)
    async def list_members(self, request: ListMembers) -> Page[User]:
        """List a group's members, those first who are users longest."""
        tenant_id, group_id = request.caller.tenant_id, request.group_id
        limit = page_size(request.limit)
        listed = ("members", str(group_id))
        after = after_id(request.cursor, listed)

        async def work(tx: Transaction) -> tuple[User, ...]:
            if not await store.groups_found(tx, tenant_id, [group_id], []):
                raise Refused(GroupNotFound(str(group_id)))
            return await store.members_after(tx, tenant_id, group_id, after, limit + 1)

        found = await self.database.read(tenant_id, work)
        return page_of(found, limit, [[str(user.user_id)] for user in found], listed)

    @handles(AddMember)
    async def add_member(self, request: AddMember) -> User:
        """Put a user in a group."""
        caller = admin_of(request.caller, "change who is in a group")
        tenant_id, user_id = caller.tenant_id, request.user_id

        async def work(tx: Transaction) -> User:
            if not await store.hold_group(tx, tenant_id, request.group_id):
                raise Refused(GroupNotFound(str(request.group_id)))
            user = await accounts.hold_user(tx, tenant_id, user_id)
            if user is None:
                raise Refused(UserNotFound(str(user_id)))
            most = rules.MAX_GROUPS
            if not await store.insert_membership(tx, tenant_id, request.group_id, user_id, most):
                raise Refused(TooManyGroups(most))
            event = GroupJoined(request.group_id, 0, user_id)
            await self.outbox.append(tx, caller.tenant_id, [event], caller)
            return user

        user = await self.database.transact(tenant_id, work)
        self.principals.forget(tenant_id, user_id)
        return user

    @handles(RemoveMember)
    async def remove_member(self, request: RemoveMember) -> None:
        """Take a user out of a group."""
        caller = admin_of(request.caller, "change who is in a group")
        tenant_id = caller.tenant_id

        async def work(tx: Transaction) -> None:
            if not await store.hold_group(tx, tenant_id, request.group_id):
                raise Refused(GroupNotFound(str(request.group_id)))
            left = tenant_id, request.group_id, request.user_id
            if await store.delete_membership(tx, *left):
                event = GroupLeft(request.group_id, 0, request.user_id)
                await self.outbox.append(tx, caller.tenant_id, [event], caller)

        await self.database.transact(tenant_id, work)
        self.principals.forget(tenant_id, request.user_id)


async def _same_group(tx: Transaction, caller: Caller, made_id: UUID, name: str) -> Group:
    made = await store.groups_found(tx, caller.tenant_id, [made_id], [])
    if not made or made[0].name != name:
        raise Refused(IdempotencyConflict())
    return made[0]
