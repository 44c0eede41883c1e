"""Decides who may give whom what, and writes it with its event."""

from typing import TypeVar
from uuid import UUID

from attrs import define

from bitvault.actors.sharing.actor.access import NodeAccess
from bitvault.actors.sharing.actor.transactions import SharingTransactions
from bitvault.actors.sharing.contract import (
    GetGrant,
    Grant,
    GranteeKind,
    GrantNotFound,
    ListGrants,
    ListShared,
    PutGrant,
    RemoveGrant,
    Restrict,
    SharedNode,
    ShareGranted,
    ShareRestricted,
    ShareRevoked,
    Shares,
    ShareUnrestricted,
    TooManyGrants,
)
from bitvault.actors.sharing.rules.grants import (
    MOST_GRANTS,
    Saying,
    check_place,
    check_role,
)
from bitvault.actors.sharing.store import grants as store
from bitvault.actors.sharing.store.spot import Spot
from bitvault.drivers.postgres.port import Database, Row, Transaction
from bitvault.kernel.access import EVERYONE, grantees_of
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids
from bitvault.kernel.paging import Page, after_id, page_of, page_size
from bitvault.kernel.refusal import Invalid, Refused
from supervisors import handles

R = TypeVar("R")


@define(eq=False)
class Grants:
    """Roles on nodes, and restrictions of folders."""

    database: Database
    clock: Clock
    ids: Ids
    access: NodeAccess
    transactions: SharingTransactions

    @handles(ListGrants)
    async def list_grants(self, message: ListGrants) -> Shares:
        """List what is said on a node."""
        caller, node_id = message.caller, message.node_id
        await self.access.sharable(caller, node_id)

        async def work(tx: Transaction) -> Shares:
            return store.shares_of(await store.rows_on(tx, caller.tenant_id, node_id))

        return await self.database.read(caller.tenant_id, work)

    @handles(GetGrant)
    async def get_grant(self, message: GetGrant) -> Grant:
        """Describe one grant on a node."""
        caller, node_id = message.caller, message.node_id
        if message.grantee_id != caller.principal.user_id:
            await self.access.sharable(caller, node_id)

        async def work(tx: Transaction) -> dict[UUID, Row]:
            return await store.rows_on(tx, caller.tenant_id, node_id)

        row = (await self.database.read(caller.tenant_id, work)).get(message.grantee_id)
        if row is None or row["role"] is None or row["grantee_kind"] == GranteeKind.LINK:
            raise Refused(GrantNotFound())
        return store.grant_of(row)

    @handles(PutGrant)
    async def put_grant(self, message: PutGrant) -> Grant:
        """Give a role; the same role again changes nothing."""
        caller, role = message.caller, message.role
        access = await self.access.sharable(caller, message.node_id)
        if access.is_root:
            raise Refused(Invalid("id", "the root of a space has members; share a folder in it"))
        grantee = await self.access.grantee(caller, message.grantee_id)
        check_role(grantee, role)
        check_place(role, is_folder=access.is_folder)
        spot = Spot.of(caller, message.node_id, self.clock.now())

        async def work(tx: Transaction) -> Grant:
            rows = await store.hold(tx, spot)
            before = rows.get(grantee.grantee_id)
            if before and before["role"] == role.value:
                return store.grant_of(before)
            if before is None and len(rows) >= MOST_GRANTS:
                raise Refused(TooManyGrants(MOST_GRANTS))
            grant = await store.put_grant(tx, spot, grantee, role, self.ids.uuid7())
            previous = before["role"] if before else None
            await self.transactions.tell(tx, caller, _granted(grant, previous))
            return grant

        return await self.transactions.run(caller, message.node_id, work)

    @handles(RemoveGrant)
    async def remove_grant(self, message: RemoveGrant) -> None:
        """Take a role back, or give up one's own."""
        caller = message.caller
        # What is one's own to give up need not be seen: an uploader sees nothing.
        own = message.grantee_id == caller.principal.user_id
        if not own:
            await self.access.sharable(caller, message.node_id)
        spot = Spot.of(caller, message.node_id, self.clock.now())

        async def work(tx: Transaction) -> None:
            row = (await store.hold(tx, spot)).get(message.grantee_id)
            # A link's grant ends with the link, which would say that it is good.
            if row is None or row["role"] is None or row["grantee_kind"] == GranteeKind.LINK:
                raise Refused(GrantNotFound())
            left = Saying(None, store.saying_of(row).is_stop)
            await store.drop(tx, spot, row, left)
            await self.transactions.tell(tx, caller, _revoked(row))

        if own:
            await self.database.transact(caller.tenant_id, work)
        else:
            await self.transactions.run(caller, message.node_id, work)

    @handles(Restrict)
    async def restrict(self, message: Restrict) -> Shares:
        """Have a folder end, or pass on, what is granted above it."""
        caller, spot = message.caller, Spot.of(message.caller, message.node_id, self.clock.now())
        access = await self.access.sharable(caller, message.node_id)
        if access.is_root or not access.is_folder:
            raise Refused(Invalid("id", "only a folder below a space's root can be restricted"))

        async def work(tx: Transaction) -> Shares:
            rows = await store.hold(tx, spot)
            if message.is_restricted != store.shares_of(rows).is_restricted:
                revision = await self._set_restriction(tx, spot, rows, message.is_restricted)
                kind = ShareRestricted if message.is_restricted else ShareUnrestricted
                await self.transactions.tell(tx, caller, kind(spot.node_id, revision))
            return store.shares_of(await store.rows_on(tx, spot.tenant, spot.node_id))

        return await self.transactions.run(caller, message.node_id, work)

    async def _set_restriction(
        self,
        tx: Transaction,
        spot: Spot,
        rows: dict[UUID, Row],
        wanted: bool,  # noqa: FBT001 - the state it is set to
    ) -> int:
        if wanted:
            row = await store.put_restriction(tx, spot, self.ids.uuid7())
            return int(row["revision"])
        row = rows[EVERYONE]
        await store.drop(tx, spot, row, Saying(store.saying_of(row).role, is_stop=False))
        return int(row["revision"]) + 1

    @handles(ListShared)
    async def list_shared(self, message: ListShared) -> Page[SharedNode]:
        """List what others shared with the caller."""
        caller, limit = message.caller, page_size(message.limit)
        if caller.principal.confined_to:
            return Page((), None)
        after, grantees = after_id(message.cursor, ["shared"]), grantees_of(caller.principal)

        async def work(tx: Transaction) -> list[SharedNode]:
            return await store.shared_with(tx, caller.tenant_id, grantees, after, limit + 1)

        found = await self.database.read(caller.tenant_id, work)
        return page_of(found, limit, [(str(one.node_id),) for one in found], ["shared"])


def _granted(grant: Grant, previous_role: str | None) -> ShareGranted:
    return ShareGranted(
        grant.grant_id,
        grant.revision,
        grant.node_id,
        grant.grantee.kind.value,
        grant.grantee.grantee_id,
        grant.role.value,
        previous_role,
    )


def _revoked(row: Row) -> ShareRevoked:
    return ShareRevoked(
        row["grant_id"],
        row["revision"] + 1,
        row["node_id"],
        row["grantee_kind"],
        row["grantee_id"],
        row["role"],
    )
