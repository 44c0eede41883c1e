"""Spaces: listed, made, changed and deleted."""

from typing import Any
from uuid import UUID

from attrs import define

from bitvault.actors.files.actor.options import FilesOptions
from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.contract import (
    CreateSpace,
    DeleteSpace,
    GetSpace,
    ListSpaces,
    Space,
    SpaceChanged,
    SpaceDeleted,
    SpaceNotFound,
    SpaceTaken,
    StaleRevision,
    UpdateSpace,
)
from bitvault.actors.files.rules.cursors import list_name
from bitvault.actors.files.rules.drafts import check_limit
from bitvault.actors.files.rules.names import name_key, valid_name
from bitvault.actors.files.rules.quotas import check_one_of, check_quota
from bitvault.actors.files.store.contents import Stamp
from bitvault.actors.files.store.governing import governed, locked
from bitvault.actors.files.store.locate import SQL as LOCATE
from bitvault.actors.files.store.locate import PersonalSpaceMissing, spaces_of
from bitvault.actors.files.store.outcomes import keep, repeated
from bitvault.actors.files.store.spaces import (
    SQL,
    NewSpace,
    drop_space,
    hold_names,
    make_space,
    put_quota,
    role_of,
    space_of,
)
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, SpaceId
from bitvault.kernel.paging import Page, after_text, decode_cursor, page_of
from bitvault.kernel.principal import Caller, admin_of
from bitvault.kernel.refusal import Refused
from supervisors import handles


@define(eq=False)
class Spaces:
    """Team spaces, and the caller's own."""

    transactions: FilesTransactions
    clock: Clock
    ids: Ids
    options: FilesOptions

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

        return await self.transactions.read(caller, work)

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

        return await self.transactions.read(caller, work)

    @handles(GetSpace)
    async def get_space(self, message: GetSpace) -> Space:
        """Describe one space of the caller."""
        caller = message.caller
        return await self.transactions.read(
            caller, lambda tx: _visible(tx, caller, message.space_id)
        )

    @handles(CreateSpace)
    async def create_space(self, message: CreateSpace) -> Any:
        """Make a team space; its creator manages it."""
        name = valid_name(message.name)
        caller = admin_of(message.caller, "create a team space")
        check_quota(message.quota)
        stamp = Stamp(caller, self.clock.now())

        async def work(tx: Transaction) -> Any:
            before = await repeated(tx, caller, stamp.now)
            if before:
                return before[0]
            new = NewSpace("team", name, None, message.quota, *self.options.quotas)
            space = await self._make(tx, stamp, new)
            await keep(tx, caller, [space])
            return space

        return await self.transactions.write(caller, work)

    async def _make(self, tx: Transaction, stamp: Stamp, new: NewSpace) -> Space:
        append = self.transactions.appender(stamp.caller)
        space_id = await make_space(tx, stamp, self.ids, new, append)
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
            row = await governed(tx, caller, message.space_id)
            _check_update(row, message)
            if name is not None:
                await _rename(tx, caller, message.space_id, name)
            if _sets_quota(message):
                if name is None:
                    # A quota is none of the space's own row, but a change that If-Match must see.
                    await _rename(tx, caller, message.space_id, row["name"])
                space_id, follows = message.space_id, message.follows
                await put_quota(tx, caller, space_id, message.quota, follows=follows)
            changed = await locked(tx, caller, message.space_id)
            revision = changed["revision"]
            if revision != row["revision"]:
                event = SpaceChanged(message.space_id, revision, changed["name"], changed["quota"])
                await self.transactions.appender(caller)(tx, [event])
            return space_of(changed, role_of(changed, caller))

        return await self.transactions.write(caller, work)

    @handles(DeleteSpace)
    async def delete_space(self, message: DeleteSpace) -> None:
        """Delete an empty team space."""
        caller = message.caller

        async def work(tx: Transaction) -> None:
            # Nothing gets into the tree meanwhile.
            await tx.fetch(LOCATE["tree_lock"], tenant=caller.tenant_id)
            row = await governed(tx, caller, message.space_id)
            admin_of(caller, "delete a team space")
            if message.if_revision not in (None, row["revision"]):
                raise Refused(StaleRevision(row["revision"]))
            await drop_space(tx, caller, row)
            revision, root_id = row["revision"] + 1, row["root_id"]
            event = SpaceDeleted(message.space_id, revision, row["name"], root_id)
            await self.transactions.appender(caller)(tx, [event])

        await self.transactions.write(caller, work)


def _sets_quota(message: UpdateSpace) -> bool:
    return message.quota is not None or message.unlimited or message.follows


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
