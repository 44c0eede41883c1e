"""Spaces and their members."""

from typing import Any
from uuid import UUID

from attrs import evolve

from bitvault.actors.files.actor.desk import Desk
from bitvault.actors.files.contract import (
    CreateSpace,
    DeleteSpace,
    GetMember,
    GetSpace,
    ListMembers,
    ListSpaces,
    Member,
    MemberNotFound,
    MemberRemoved,
    MemberSet,
    RemoveMember,
    Role,
    SetMember,
    Space,
    SpaceChanged,
    SpaceDeleted,
    SpaceNotFound,
    SpaceTaken,
    StaleMember,
    StaleRevision,
    Target,
    TraceNode,
    UpdateSpace,
    Way,
)
from bitvault.actors.files.rules.cursors import list_name
from bitvault.actors.files.rules.drafts import check_limit
from bitvault.actors.files.rules.names import name_key, valid_name
from bitvault.actors.files.rules.quotas import check_one_of, check_quota
from bitvault.actors.files.store.contents import Stamp
from bitvault.actors.files.store.locate import SQL as LOCATE
from bitvault.actors.files.store.locate import PersonalSpaceMissing, locate_one, spaces_of
from bitvault.actors.files.store.outcomes import keep, repeated
from bitvault.actors.files.store.places import steps_of
from bitvault.actors.files.store.spaces import (
    SQL,
    NewSpace,
    drop_space,
    hold_names,
    keep_manager,
    make_space,
    managers_of,
    members_after,
    put_member,
    put_quota,
    role_of,
    space_of,
)
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.access import Right, rights_of
from bitvault.kernel.ids import SpaceId, UserId
from bitvault.kernel.paging import Page, after_id, after_text, decode_cursor, page_of, page_size
from bitvault.kernel.principal import Caller, admin_of
from bitvault.kernel.refusal import Forbidden, Invalid, Refused
from supervisors import handles


class Spaces(Desk):
    """Who may enter which tree."""

    @handles(ListSpaces)
    async def list_spaces(self, message: ListSpaces) -> Page[Space]:
        """List the caller's spaces, the personal one first."""
        check_limit(message.limit)
        if message.every:
            return await self._list_every(message)
        caller, cursor = message.caller, message.cursor
        if caller.principal.confined_to:
            return Page((), None)
        name = list_name("spaces", caller.principal.user_id)
        start: list[str | int] = ["", ""]
        kind, key = start if cursor is None else decode_cursor(cursor, [str, str], name)

        async def work(tx: Transaction) -> Page[Space]:
            rows = await tx.fetch(
                SQL["list_spaces"],
                tenant=caller.tenant_id,
                user_id=caller.principal.user_id,
                after_kind=kind,
                after_key=key,
                limit=message.limit + 1,
            )
            if cursor is None and (not rows or rows[0]["kind"] != "personal"):
                raise PersonalSpaceMissing
            spaces = [space_of(row, role_of(row, caller)) for row in rows]
            return page_of(spaces, message.limit, [(r["kind"], r["name_key"]) for r in rows], name)

        return await self._read(caller, work)

    async def _list_every(self, message: ListSpaces) -> Page[Space]:
        """List the team spaces of a tenant for its admin, who may have to mend one."""
        caller = admin_of(message.caller, "list the spaces of others")
        name = list_name("every space", caller.principal.user_id)
        key = after_text(message.cursor, name)

        async def work(tx: Transaction) -> Page[Space]:
            rows = await tx.fetch(
                SQL["list_team_spaces"],
                tenant=caller.tenant_id,
                user_id=caller.principal.user_id,
                after_key=key,
                limit=message.limit + 1,
            )
            spaces = [space_of(row, role_of(row, caller)) for row in rows]
            return page_of(spaces, message.limit, [(row["name_key"],) for row in rows], name)

        return await self._read(caller, work)

    @handles(GetSpace)
    async def get_space(self, message: GetSpace) -> Space:
        """Describe one space of the caller."""
        caller = message.caller
        return await self._read(caller, lambda tx: _visible(tx, caller, message.space_id))

    @handles(CreateSpace)
    async def create_space(self, message: CreateSpace) -> Any:
        """Make a team space; its creator manages it."""
        name = valid_name(message.name)
        caller = admin_of(message.caller, "create a team space")
        check_quota(message.quota)
        stamp = self._stamp(caller)

        async def work(tx: Transaction) -> Any:
            before = await repeated(tx, caller, stamp.now)
            if before:
                return before[0]
            options = self._options
            quotas = options.tenant_quota, options.default_space_quota
            new = NewSpace("team", name, None, message.quota, *quotas)
            space = await self._make(tx, stamp, new)
            await keep(tx, caller, [space])
            return space

        return await self._write(caller, work)

    async def _make(self, tx: Transaction, stamp: Stamp, new: NewSpace) -> Space:
        append = self._appender(stamp.caller)
        space_id = await make_space(tx, stamp, self._ids, new, append)
        if space_id is None:
            raise Refused(SpaceTaken(new.name))
        return await _visible(tx, stamp.caller, SpaceId(space_id))

    @handles(UpdateSpace)
    async def update_space(self, message: UpdateSpace) -> Space:
        """Rename a team space, or set its quota."""
        caller = message.caller
        name = None if message.name is None else valid_name(message.name)
        check_one_of(message.quota, unlimited=message.unlimited, follows=message.follows)

        async def work(tx: Transaction) -> Space:
            row = await _governed(tx, caller, message.space_id)
            _check_update(row, message)
            if name is not None:
                await _rename(tx, caller, message.space_id, name)
            if _sets_quota(message):
                if name is None:
                    # A quota is none of the space's own row, but a change that If-Match must see.
                    await _rename(tx, caller, message.space_id, row["name"])
                space_id, follows = message.space_id, message.follows
                await put_quota(tx, caller, space_id, message.quota, follows=follows)
            changed = await _locked(tx, caller, message.space_id)
            revision = changed["revision"]
            if revision != row["revision"]:
                event = SpaceChanged(message.space_id, revision, changed["name"], changed["quota"])
                await self._appender(caller)(tx, [event])
            return space_of(changed, role_of(changed, caller))

        return await self._write(caller, work)

    @handles(DeleteSpace)
    async def delete_space(self, message: DeleteSpace) -> None:
        """Delete an empty team space."""
        caller = message.caller

        async def work(tx: Transaction) -> None:
            # Nothing gets into the tree meanwhile.
            await tx.fetch(LOCATE["tree_lock"], tenant=caller.tenant_id)
            row = await _governed(tx, caller, message.space_id)
            admin_of(caller, "delete a team space")
            if message.if_revision not in (None, row["revision"]):
                raise Refused(StaleRevision(row["revision"]))
            await drop_space(tx, caller, row)
            revision, root_id = row["revision"] + 1, row["root_id"]
            event = SpaceDeleted(message.space_id, revision, row["name"], root_id)
            await self._appender(caller)(tx, [event])

        await self._write(caller, work)

    @handles(ListMembers)
    async def members(self, message: ListMembers) -> Page[Member]:
        """List who is in a space the caller may enter or, as an admin, govern."""
        check_limit(message.limit)
        caller, limit = message.caller, message.limit
        name = list_name("members", message.space_id)
        after = after_id(message.cursor, name)

        async def work(tx: Transaction) -> Page[Member]:
            await _entered_or_governed(tx, caller, message.space_id)
            found = await members_after(tx, caller, message.space_id, after, limit + 1)
            members = [Member(*one) for one in found]
            return page_of(members, limit, [(str(one.user_id),) for one in members], name)

        return await self._read(caller, work)

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

        return await self._read(caller, work)

    @handles(GetMember)
    async def member(self, message: GetMember) -> Member:
        """Say which role a user has in a space the caller may enter or, as an admin, govern."""
        caller = message.caller

        async def work(tx: Transaction) -> Member:
            await _entered_or_governed(tx, caller, message.space_id)
            rows = await spaces_of(tx, _as(caller, message.user_id), [message.space_id])
            role = _member_role(rows[0])
            if role is None:
                raise Refused(MemberNotFound(str(message.user_id)))
            return Member(message.user_id, role)

        return await self._read(caller, work)

    @handles(SetMember)
    async def set_member(self, message: SetMember) -> Member:
        """Give a user a role; whether the user exists is the edge's question to identity."""
        caller = message.caller
        if Right.READ not in rights_of(message.role):
            raise Refused(Invalid("role", "a member sees the space; share a folder in it instead"))

        async def work(tx: Transaction) -> Member:
            row = await _governed(tx, caller, message.space_id)
            await _check_role(tx, message)
            if message.role is not Role.MANAGER:
                await keep_manager(tx, caller, message.space_id, message.user_id)
            await put_member(tx, caller, message.space_id, message.user_id, message.role)
            event = MemberSet(
                message.space_id, row["revision"], message.user_id, message.role.value
            )
            await self._appender(caller)(tx, [event])
            return Member(message.user_id, message.role)

        return await self._write(caller, work)

    @handles(RemoveMember)
    async def remove_member(self, message: RemoveMember) -> None:
        """Take a user out of a space."""
        caller = message.caller

        async def work(tx: Transaction) -> None:
            row = await _governed(tx, caller, message.space_id)
            await _check_role(tx, message)
            await keep_manager(tx, caller, message.space_id, message.user_id)
            removed = await tx.execute(
                SQL["remove_member"],
                tenant=caller.tenant_id,
                space_id=message.space_id,
                user_id=message.user_id,
            )
            if removed:
                event = MemberRemoved(message.space_id, row["revision"], message.user_id)
                await self._appender(caller)(tx, [event])

        await self._write(caller, work)


def _sets_quota(message: UpdateSpace) -> bool:
    return message.quota is not None or message.unlimited or message.follows


async def _check_role(tx: Transaction, message: SetMember | RemoveMember) -> None:
    """Compare what the user's role must be; the caller holds the space, so it stays what it is."""
    if message.if_role is None:
        return
    row = await _locked(tx, _as(message.caller, message.user_id), message.space_id)
    role = _member_role(row)
    if role not in message.if_role:
        raise Refused(StaleMember(None if role is None else role.value))


def _member_role(row: Row) -> Role | None:
    return None if row["member_role"] is None else Role(row["member_role"])


def _as(caller: Caller, user_id: UserId) -> Caller:
    """Return the caller with another's place among the members."""
    return evolve(caller, principal=evolve(caller.principal, user_id=user_id))


def _check_update(row: Row, message: UpdateSpace) -> None:
    if message.if_revision not in (None, row["revision"]):
        raise Refused(StaleRevision(row["revision"]))
    if _sets_quota(message):
        admin_of(message.caller, "set the quota")


async def _visible(tx: Transaction, caller: Caller, space_id: SpaceId | None) -> Space:
    ids = [] if space_id is None else [space_id]
    rows = await spaces_of(tx, caller, ids, own=space_id is None)
    user_id: UUID = caller.principal.user_id
    wanted = [
        row
        for row in rows
        if (row["space_id"] == space_id if space_id else row["owner_id"] == user_id)
    ]
    if not wanted and space_id is None:
        raise PersonalSpaceMissing
    role = role_of(wanted[0], caller) if wanted else None
    if role is None:
        raise Refused(SpaceNotFound(str(space_id)))
    return space_of(wanted[0], role)


async def _locked(tx: Transaction, caller: Caller, space_id: SpaceId) -> Row:
    row = await tx.fetchrow(
        SQL["lock_space"],
        tenant=caller.tenant_id,
        user_id=caller.principal.user_id,
        space_id=space_id,
    )
    if row is None:
        raise Refused(SpaceNotFound(str(space_id)))
    return row


async def _governed(tx: Transaction, caller: Caller, space_id: SpaceId) -> Row:
    """Lock a team space that the caller manages, or administers as the tenant's admin."""
    row = await _locked(tx, caller, space_id)
    role, admin = role_of(row, caller), caller.principal.is_admin
    if row["kind"] == "personal":
        raise Refused(Forbidden("change a personal space") if role else _hidden(space_id))
    if role is None and not admin:
        raise Refused(_hidden(space_id))
    if not admin and Right.SHARE not in rights_of(role):
        raise Refused(Forbidden("manage the space"))
    return row


async def _entered_or_governed(tx: Transaction, caller: Caller, space_id: SpaceId) -> None:
    rows = await spaces_of(tx, caller, [space_id])
    row = next((one for one in rows if one["space_id"] == space_id), None)
    admin = row is not None and row["kind"] == "team" and caller.principal.is_admin
    if row is None or (role_of(row, caller) is None and not admin):
        raise Refused(_hidden(space_id))


def _hidden(space_id: SpaceId) -> SpaceNotFound:
    return SpaceNotFound(str(space_id))


async def _rename(tx: Transaction, caller: Caller, space_id: SpaceId, name: str) -> None:
    key = name_key(name)
    await hold_names(tx, caller)
    owner = await tx.fetchrow(SQL["name_owner"], tenant=caller.tenant_id, name_key=key)
    if owner and owner["space_id"] != space_id:
        raise Refused(SpaceTaken(name))
    await tx.execute(
        SQL["update_space"],
        tenant=caller.tenant_id,
        space_id=space_id,
        name=name,
        name_key=key,
    )
