"""Who may enter which tree."""

from attrs import define, evolve

from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.contract import (
    GetMember,
    ListMembers,
    Member,
    MemberNotFound,
    MemberRemoved,
    MemberSet,
    RemoveMember,
    Role,
    SetMember,
    StaleMember,
    Target,
    TraceNode,
    Way,
)
from bitvault.actors.files.rules.cursors import list_name
from bitvault.actors.files.rules.drafts import check_limit
from bitvault.actors.files.store.governing import check_entered, governed, locked
from bitvault.actors.files.store.locate import locate_one, spaces_of
from bitvault.actors.files.store.places import steps_of
from bitvault.actors.files.store.spaces import (
    SQL,
    keep_manager,
    managers_of,
    members_after,
    put_member,
)
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.access import Right, rights_of
from bitvault.kernel.ids import UserId
from bitvault.kernel.paging import Page, after_id, page_of, page_size
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid, Refused
from supervisors import handles


@define(eq=False)
class Members:
    """Members of spaces, and the way to what they share."""

    transactions: FilesTransactions

    @handles(ListMembers)
    async def members(self, message: ListMembers) -> Page[Member]:
        """List who is in a space the caller may enter or, as an admin, govern."""
        check_limit(message.limit)
        caller, limit = message.caller, message.limit
        name = list_name("members", message.space_id)
        after = after_id(message.cursor, name)

        async def work(tx: Transaction) -> Page[Member]:
            await check_entered(tx, caller, message.space_id)
            found = await members_after(tx, caller, message.space_id, after, limit + 1)
            members = [Member(*one) for one in found]
            return page_of(members, limit, [(str(one.user_id),) for one in members], name)

        return await self.transactions.read(caller, work)

    @handles(TraceNode)
    async def trace(self, message: TraceNode) -> Way:
        """Tell the way to a node that the caller may share."""
        caller, target = message.caller, Target(node_id=message.node_id)

        async def work(tx: Transaction) -> Way:
            place = await locate_one(tx, caller, target, Right.SHARE)
            if caller.principal.confined_to:
                raise Refused(Forbidden("say who may do what"))
            space_id, owner_id = place.space["space_id"], place.space["owner_id"]
            managers = await managers_of(tx, caller, space_id)
            limit = page_size(message.limit)
            found = await members_after(tx, caller, space_id, message.after, limit + 1)
            members, is_more = tuple(found[:limit]), len(found) > limit
            return Way(space_id, owner_id, managers, members, is_more, steps_of(place))

        return await self.transactions.read(caller, work)

    @handles(GetMember)
    async def member(self, message: GetMember) -> Member:
        """Say which role a user has in a space the caller may enter or, as an admin, govern."""
        caller = message.caller

        async def work(tx: Transaction) -> Member:
            await check_entered(tx, caller, message.space_id)
            rows = await spaces_of(tx, _as(caller, message.user_id), [message.space_id])
            role = _member_role(rows[0])
            if role is None:
                raise Refused(MemberNotFound(str(message.user_id)))
            return Member(message.user_id, role)

        return await self.transactions.read(caller, work)

    @handles(SetMember)
    async def set_member(self, message: SetMember) -> Member:
        """Give a user a role; whether the user exists is the edge's question to identity."""
        caller = message.caller
        if Right.READ not in rights_of(message.role):
            raise Refused(Invalid("role", "a member sees the space; share a folder in it instead"))

        async def work(tx: Transaction) -> Member:
            row = await governed(tx, caller, message.space_id)
            await _check_role(tx, message)
            if message.role is not Role.MANAGER:
                await keep_manager(tx, caller, message.space_id, message.user_id)
            whose = message.space_id, message.user_id
            previous = await put_member(tx, caller, *whose, message.role)
            event = MemberSet(
                message.space_id,
                row["revision"],
                message.user_id,
                message.role.value,
                previous,
                row["root_id"],
            )
            await self.transactions.appender(caller)(tx, [event])
            return Member(message.user_id, message.role)

        return await self.transactions.write(caller, work)

    @handles(RemoveMember)
    async def remove_member(self, message: RemoveMember) -> None:
        """Take a user out of a space."""
        caller = message.caller

        async def work(tx: Transaction) -> None:
            row = await governed(tx, caller, message.space_id)
            await _check_role(tx, message)
            await keep_manager(tx, caller, message.space_id, message.user_id)
            removed = await tx.fetchrow(
                SQL["remove_member"],
                tenant=caller.tenant_id,
                space_id=message.space_id,
                user_id=message.user_id,
            )
            if removed:
                was = message.user_id, removed["role"], row["root_id"]
                event = MemberRemoved(message.space_id, row["revision"], *was)
                await self.transactions.appender(caller)(tx, [event])

        await self.transactions.write(caller, work)


async def _check_role(tx: Transaction, message: SetMember | RemoveMember) -> None:
    """Compare what the user's role must be; the caller holds the space, so it stays what it is."""
    if message.if_role is None:
        return
    row = await locked(tx, _as(message.caller, message.user_id), message.space_id)
    role = _member_role(row)
    if role not in message.if_role:
        raise Refused(StaleMember(None if role is None else role.value))


def _member_role(row: Row) -> Role | None:
    return None if row["member_role"] is None else Role(row["member_role"])


def _as(caller: Caller, user_id: UserId) -> Caller:
    """Return the caller with another's place among the members."""
    return evolve(caller, principal=evolve(caller.principal, user_id=user_id))
