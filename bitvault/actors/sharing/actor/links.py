"""Makes, changes and deletes links."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from attrs import define, evolve

from bitvault.actors.files.contract import EndUploads, NodeNotFound
from bitvault.actors.room import ask_below
from bitvault.actors.sharing.actor.access import NodeAccess
from bitvault.actors.sharing.actor.passwords import LinkPasswords
from bitvault.actors.sharing.actor.transactions import SharingTransactions
from bitvault.actors.sharing.contract.links import (
    ChangeLink,
    CreateLink,
    DeleteLink,
    GetLink,
    Link,
    LinkChanged,
    LinkCreated,
    LinkDeleted,
    LinkIssued,
    LinkNotFound,
    ListLinks,
    StaleLink,
    TooManyLinks,
)
from bitvault.actors.sharing.rules import links as rules
from bitvault.actors.sharing.store import grants, links
from bitvault.actors.sharing.store.spot import Spot
from bitvault.drivers.postgres.port import Database, Row, Transaction
from bitvault.kernel.access import Role
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids
from bitvault.kernel.paging import Page, after_id, page_of, page_size
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Invalid, Refused
from supervisors import Ref, handles


@define(eq=False)
class Links:
    """Links, and their tokens."""

    database: Database
    files: Ref
    clock: Clock
    ids: Ids
    access: NodeAccess
    transactions: SharingTransactions
    passwords: LinkPasswords

    @handles(CreateLink)
    async def create_link(self, message: CreateLink) -> LinkIssued:
        """Make a link; its token is in this answer only."""
        caller, has_password = message.caller, message.terms.password is not None
        access = await self.access.sharable(caller, message.node_id)
        policy, now = caller.principal.policy, self.clock.now()
        terms = rules.new_terms(message.terms, access, policy, now, has_password=has_password)
        phc = await self.passwords.hash(terms.password)
        spot = Spot.of(caller, message.node_id, self.clock.now())
        link_id = rules.id_under_key(caller, spot.now) or self.ids.uuid7()
        token = rules.new_token(self.ids.secret(rules.SECRET_BYTES))

        async def work(tx: Transaction) -> Link:
            await grants.hold(tx, spot)
            digest = rules.token_digest(token) or b""
            if (made := await links.made_before(tx, spot, caller, link_id, digest)) is not None:
                about = (made.node_id, made.role.value, made.is_revoked)
                renewed = LinkChanged(made.link_id, made.revision, *about)
                await self.transactions.tell(tx, caller, renewed)
                return made
            counted = await tx.fetchrow(links.SQL["links_on"], **spot.key)
            if counted and counted["count"] >= rules.MOST_LINKS:
                raise Refused(TooManyLinks(rules.MOST_LINKS))
            row = await links.insert_link(tx, spot, link_id, digest, terms, phc)
            event = LinkCreated(link_id, 1, spot.node_id, terms.role.value)
            await self.transactions.tell(tx, caller, event)
            return links.link_of(row)

        return LinkIssued(await self.transactions.run(caller, message.node_id, work), token)

    @handles(ListLinks)
    async def list_links(self, message: ListLinks) -> Page[Link]:
        """List a node's links, or those the caller made."""
        caller, node_id = message.caller, message.node_id
        if caller.principal.confined_to and not node_id:
            return Page((), None)
        name = str(node_id or "mine")
        after, limit = after_id(message.cursor, ["links", name]), page_size(message.limit)
        if node_id:
            await self.access.sharable(caller, node_id)

        async def work(tx: Transaction) -> Sequence[Row]:
            tenant, user_id = caller.tenant_id, caller.principal.user_id
            if node_id:
                return await links.page_of_node(tx, tenant, node_id, after, limit + 1)
            return await links.page_of_maker(tx, tenant, user_id, after, limit + 1)

        rows = await self.database.read(caller.tenant_id, work)
        found = await self._viewed(caller, rows)
        return page_of(found, limit, [(str(one.link_id),) for one in found], ["links", name])

    @handles(GetLink)
    async def get_link(self, message: GetLink) -> Link:
        """Describe a link."""
        row = await self._governed(message.caller, message.link_id)
        return (await self._viewed(message.caller, [row]))[0]

    @handles(ChangeLink)
    async def change_link(self, message: ChangeLink) -> Link:
        """Replace a link's terms."""
        caller, terms = message.caller, message.terms
        before = await self._governed(caller, message.link_id)
        is_over = message.is_revoked and terms.expires_at == before["expires_at"]
        # What is revoked need not end in the future to be changed.
        checked = evolve(terms, expires_at=None) if is_over else terms
        checked = rules.checked_terms(checked, self.clock.now())
        terms = evolve(checked, expires_at=terms.expires_at)
        if Role.UPLOADER in {terms.role, Role(before["role"])} and terms.role != before["role"]:
            raise Refused(Invalid("role", "a file request stays one; make another link"))
        phc = None if message.keeps_password else await self.passwords.hash(terms.password)
        spot = Spot.of(caller, before["node_id"], self.clock.now())

        async def work(tx: Transaction) -> Link:
            await grants.hold(tx, spot)
            row = await self._locked(tx, caller, message.link_id)
            if message.if_revision not in (None, row["revision"]):
                raise Refused(StaleLink(row["revision"]))
            kept = row["password_hash"] if message.keeps_password else phc
            is_revoked, policy = message.is_revoked, caller.principal.policy
            if not is_revoked:
                has_password = kept is not None
                rules.check_policy(terms, policy, self.clock.now(), has_password=has_password)
            row = await links.update_link(
                tx, spot, message.link_id, terms, kept, is_revoked=is_revoked
            )
            await links.answer_for(tx, spot, message.link_id)
            fields = (row["node_id"], row["role"], is_revoked)
            event = LinkChanged(message.link_id, row["revision"], *fields)
            await self.transactions.tell(tx, caller, event)
            # The user who changes a link answers for it.
            return links.viewed(row, policy, self.clock.now(), is_answered=True)

        look = partial(self._governed, caller, message.link_id)
        changed = await self.transactions.run(caller, spot.node_id, work, look)
        if message.is_revoked:
            await self._end_uploads(caller, message.link_id)
        return changed

    @handles(DeleteLink)
    async def delete_link(self, message: DeleteLink) -> None:
        """Delete a link with what it grants."""
        caller, link_id = message.caller, message.link_id
        look = partial(self._governed, caller, link_id)
        spot = Spot.of(caller, (await look())["node_id"], self.clock.now())

        async def work(tx: Transaction) -> None:
            await grants.hold(tx, spot)
            row = await self._locked(tx, caller, link_id)
            await links.ungrant(tx, spot, link_id)
            await tx.execute(links.SQL["delete_link"], tenant=spot.tenant, link_id=link_id)
            event = LinkDeleted(link_id, row["revision"] + 1, row["node_id"])
            await self.transactions.tell(tx, caller, event)

        await self.transactions.run(caller, spot.node_id, work, look)
        await self._end_uploads(caller, link_id)

    async def _end_uploads(self, caller: Caller, link_id: UUID) -> None:
        """Have what guests reserved given back; what this misses expires soon by itself."""
        await ask_below(self.files, EndUploads(caller.tenant_id, link_id), "files")

    async def _governed(self, caller: Caller, link_id: UUID) -> Row:
        """Return a link whose node the caller may share."""
        tenant = caller.tenant_id
        row = await self.database.read(tenant, lambda tx: links.find(tx, tenant, link_id))
        if row is None:
            raise Refused(LinkNotFound())
        try:
            await self.access.sharable(caller, row["node_id"])
        except Refused as refused:
            if isinstance(refused.refusal, NodeNotFound):
                raise Refused(LinkNotFound()) from refused
            raise
        return row

    async def _viewed(self, caller: Caller, rows: Sequence[Row]) -> list[Link]:
        """Return links with how they stand now."""
        policy, now = caller.principal.policy, self.clock.now()
        standings = await self.access.standings(caller.tenant_id, map(links.sponsor_of, rows))
        there = {user_id for user_id, one in standings.items() if one.is_active}
        return [
            links.viewed(row, policy, now, is_answered=links.sponsor_of(row) in there)
            for row in rows
        ]

    async def _locked(self, tx: Transaction, caller: Caller, link_id: UUID) -> Row:
        row = await tx.fetchrow(links.SQL["lock_link"], tenant=caller.tenant_id, link_id=link_id)
        if row is None:
            raise Refused(LinkNotFound())
        return row
