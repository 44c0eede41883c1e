"""Decides who may give whom what, and writes it down with its event."""

from collections.abc import Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from attrs import define

from bitvault.actors.identity.contract import FindGroups, FindUsers
from bitvault.actors.room import ask_below
from bitvault.actors.sharing.actor.desk import Desk
from bitvault.actors.sharing.contract import (
    Allowed,
    CheckAccess,
    ExplainAccess,
    GetGrant,
    Grant,
    Grantee,
    GranteeKind,
    GranteeNotFound,
    GrantNotFound,
    Holder,
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
from bitvault.actors.sharing.rules import paging
from bitvault.actors.sharing.rules.grants import (
    MOST_GRANTS,
    Said,
    Saying,
    check_place,
    check_role,
    holders,
    managers_at_root,
    roles_at_root,
    unanswered,
    without,
)
from bitvault.actors.sharing.store import grants as store
from bitvault.actors.sharing.store import links
from bitvault.actors.sharing.store.spot import Spot
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.access import EVERYONE, grantees_of
from bitvault.kernel.ids import NodeId
from bitvault.kernel.paging import Page, after_id, page_of, page_size
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid, Refusal, Refused, Unavailable
from bitvault.kernel.request import Request
from supervisors import handles

R = TypeVar("R")


@define(eq=False)
class Grants(Desk):
    """Grants; what they come to on a node, the files room says where it finds the node."""

    @handles(CheckAccess)
    async def check_access(self, message: CheckAccess) -> Allowed:
        """Say what the caller may do to a node, or refuse."""
        access = await self._access(message.caller, message.node_id)
        if message.needed not in access.rights:
            raise Refused(Forbidden("do this"))
        return Allowed(access.rights)

    @handles(ListGrants)
    async def list_grants(self, message: ListGrants) -> Shares:
        """List what is said on a node."""
        caller, node_id = message.caller, message.node_id
        await self._sharable(caller, node_id)

        async def work(tx: Transaction) -> Shares:
            return store.shares_of(await store.rows_on(tx, caller.tenant_id, node_id))

        return await self.database.read(caller.tenant_id, work)

    @handles(ExplainAccess)
    async def explain(self, message: ExplainAccess) -> Page[Holder]:
        """Say who has access to a node, and by what."""
        caller, limit = message.caller, page_size(message.limit)
        name = ["access", str(message.node_id)]
        after = paging.after_holder(message.cursor, name)
        way = await self._way(caller, message.node_id, paging.first_user(after), limit)
        steps = [(step.node_id, step.path) for step in way.steps]
        said, sponsors = await self._said(caller, [node_id for node_id, _ in steps])
        lost = unanswered(steps, managers_at_root(way.owner_id, way.managers), said, sponsors)
        at_root = roles_at_root(way.owner_id, way.members)
        found = holders(steps, at_root, without(said, lost))
        last = way.members[-1][0] if way.is_more else None
        return paging.page_of_holders(found, after, last, limit, name)

    async def _said(
        self, caller: Caller, node_ids: Sequence[NodeId]
    ) -> tuple[dict[UUID, list[Said]], dict[UUID, tuple[UUID, ...]]]:
        """Return all that is said on some nodes, and who answers for the links among these."""

        async def work(tx: Transaction) -> tuple[dict[UUID, list[Said]], dict[UUID, Row]]:
            said = await store.said_on(tx, caller.tenant_id, node_ids)
            given = [one.grantee for found in said.values() for one in found]
            ids = [one.grantee_id for one in given if one.kind is GranteeKind.LINK]
            return said, await links.links_among(tx, caller.tenant_id, ids) if ids else {}

        said, rows = await self.database.read(caller.tenant_id, work)
        return said, await self._sponsors(caller, rows)

    async def _sponsors(
        self, caller: Caller, rows: Mapping[UUID, Row]
    ) -> dict[UUID, tuple[UUID, ...]]:
        """Return, of links that are good, the ids that who answers for them goes by."""
        policy, now = caller.principal.policy, self.clock.now()
        found = {
            link_id: links.sponsor_of(row)
            for link_id, row in rows.items()
            if links.leads_anywhere(row, policy, now)
        }
        standings = await self._standings(caller.tenant_id, found.values())
        by_id = {one: (one, *how.groups) for one, how in standings.items() if how.is_active}
        return {link_id: by_id[user_id] for link_id, user_id in found.items() if user_id in by_id}

    @handles(GetGrant)
    async def get_grant(self, message: GetGrant) -> Grant:
        """Describe one grant on a node."""
        caller, node_id = message.caller, message.node_id
        if message.grantee_id != caller.principal.user_id:
            await self._sharable(caller, node_id)

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
        access = await self._sharable(caller, message.node_id)
        if access.is_root:
            raise Refused(Invalid("id", "the root of a space has members; share a folder in it"))
        grantee = await self._grantee(caller, message.grantee_id)
        check_role(grantee, role)
        check_place(role, is_folder=access.is_folder)
        spot = self._spot(caller, message.node_id)

        async def work(tx: Transaction) -> Grant:
            rows = await store.hold(tx, spot)
            before = rows.get(grantee.grantee_id)
            if before and before["role"] == role.value:
                return store.grant_of(before)
            if before is None and len(rows) >= MOST_GRANTS:
                raise Refused(TooManyGrants(MOST_GRANTS))
            grant = await store.put_grant(tx, spot, grantee, role, self.ids.uuid7())
            previous = before["role"] if before else None
            await self._tell(tx, caller, _granted(grant, previous))
            return grant

        return await self._sharing(caller, message.node_id, work)

    @handles(RemoveGrant)
    async def remove_grant(self, message: RemoveGrant) -> None:
        """Take a role back, or give up one's own."""
        caller = message.caller
        # What is one's own to give up need not be seen: an uploader sees nothing.
        own = message.grantee_id == caller.principal.user_id
        if not own:
            await self._sharable(caller, message.node_id)
        spot = self._spot(caller, message.node_id)

        async def work(tx: Transaction) -> None:
            row = (await store.hold(tx, spot)).get(message.grantee_id)
            # A link's grant ends with the link, which would say that it is good.
            if row is None or row["role"] is None or row["grantee_kind"] == GranteeKind.LINK:
                raise Refused(GrantNotFound())
            left = Saying(None, store.saying_of(row).is_stop)
            await store.drop(tx, spot, row, left)
            await self._tell(tx, caller, _revoked(row))

        if own:
            await self.database.transact(caller.tenant_id, work)
        else:
            await self._sharing(caller, message.node_id, work)

    @handles(Restrict)
    async def restrict(self, message: Restrict) -> Shares:
        """Have a folder end, or pass on, what is granted above it."""
        caller, spot = message.caller, self._spot(message.caller, message.node_id)
        access = await self._sharable(caller, message.node_id)
        if access.is_root or not access.is_folder:
            raise Refused(Invalid("id", "only a folder below a space's root can be restricted"))

        async def work(tx: Transaction) -> Shares:
            rows = await store.hold(tx, spot)
            if message.is_restricted != store.shares_of(rows).is_restricted:
                revision = await self._set_restriction(tx, spot, rows, message.is_restricted)
                kind = ShareRestricted if message.is_restricted else ShareUnrestricted
                await self._tell(tx, caller, kind(spot.node_id, revision))
            return store.shares_of(await store.rows_on(tx, spot.tenant, spot.node_id))

        return await self._sharing(caller, message.node_id, work)

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

    async def _grantee(self, caller: Caller, grantee_id: UUID) -> Grantee:
        if grantee_id == EVERYONE:
            return Grantee(GranteeKind.EVERYONE, grantee_id)
        kinds: dict[GranteeKind, Request[Sequence[object] | Unavailable]] = {
            GranteeKind.USER: FindUsers(caller, (grantee_id,)),
            GranteeKind.GROUP: FindGroups(caller, (grantee_id,)),
        }
        for kind, request in kinds.items():
            found = await ask_below(self.identity, request, "identity")
            if isinstance(found, Refusal):
                raise Refused(found)
            if found:
                return Grantee(kind, grantee_id)
        raise Refused(GranteeNotFound())


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
