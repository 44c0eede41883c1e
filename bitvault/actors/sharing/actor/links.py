"""Makes links, and says what whoever comes with one may do."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from attrs import define, evolve, field

from bitvault import text
from bitvault.actors.files.contract import EndUploads, NodeNotFound
from bitvault.actors.identity.contract import Standing
from bitvault.actors.room import ask_below
from bitvault.actors.sharing.actor.desk import Desk
from bitvault.actors.sharing.contract.links import (
    ChangeLink,
    CountDownloads,
    CreateLink,
    DeleteLink,
    DescribeOwnLink,
    GetLink,
    Link,
    LinkChanged,
    LinkCreated,
    LinkDeleted,
    LinkIssued,
    LinkNotFound,
    LinkPasswordNeeded,
    ListLinks,
    OpenLink,
    PasswordUnjudged,
    StaleLink,
    TooManyGuesses,
    TooManyLinks,
)
from bitvault.actors.sharing.rules import links as rules
from bitvault.actors.sharing.store import grants, links
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.access import Right, Role, rights_of
from bitvault.kernel.ids import UserId
from bitvault.kernel.limits import seconds_to_wait
from bitvault.kernel.paging import Page, after_id, page_of, page_size
from bitvault.kernel.principal import Caller, Origin, Principal, Scope
from bitvault.kernel.refusal import Invalid, Refused
from supervisors import handles

_KEPT: Final = 10_000


@define(eq=False)
class Links(Desk):
    """Links, their tokens and their guests."""

    _verified: OrderedDict[tuple[str, bytes], None] = field(factory=OrderedDict, init=False)
    """Password hashes, and digests of what was found to fit: a guest sends it every time."""

    @handles(CreateLink)
    async def create_link(self, message: CreateLink) -> LinkIssued:
        """Make a link; its token is in this answer only."""
        caller, has_password = message.caller, message.terms.password is not None
        access = await self._sharable(caller, message.node_id)
        terms = self._linkable(caller, access, message.terms, has_password=has_password)
        phc = await self._hash(terms.password)
        spot = self._spot(caller, message.node_id)
        link_id = rules.id_under_key(caller, spot.now) or self.ids.uuid7()
        token = rules.new_token(self.ids.secret(rules.SECRET_BYTES))

        async def work(tx: Transaction) -> Link:
            await grants.hold(tx, spot)
            digest = rules.token_digest(token) or b""
            if (made := await links.made_before(tx, spot, caller, link_id, digest)) is not None:
                about = (made.node_id, made.role.value, made.is_revoked)
                await self._tell(tx, caller, LinkChanged(made.link_id, made.revision, *about))
                return made
            counted = await tx.fetchrow(links.SQL["links_on"], **spot.key)
            if counted and counted["count"] >= rules.MOST_LINKS:
                raise Refused(TooManyLinks(rules.MOST_LINKS))
            row = await links.insert_link(tx, spot, link_id, digest, terms, phc)
            event = LinkCreated(link_id, 1, spot.node_id, terms.role.value)
            await self._tell(tx, caller, event)
            return links.link_of(row)

        return LinkIssued(await self._sharing(caller, message.node_id, work), token)

    @handles(ListLinks)
    async def list_links(self, message: ListLinks) -> Page[Link]:
        """List a node's links, or those the caller made."""
        caller, node_id = message.caller, message.node_id
        if caller.principal.confined_to and not node_id:
            return Page((), None)
        name = str(node_id or "mine")
        after, limit = after_id(message.cursor, ["links", name]), page_size(message.limit)
        if node_id:
            await self._sharable(caller, node_id)

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
        phc = None if message.keeps_password else await self._hash(terms.password)
        spot = self._spot(caller, before["node_id"])

        async def work(tx: Transaction) -> Link:
            await grants.hold(tx, spot)
            row = await self._locked(tx, caller, message.link_id)
            if message.if_revision not in (None, row["revision"]):
                raise Refused(StaleLink(row["revision"]))
            kept = row["password_hash"] if message.keeps_password else phc
            is_revoked = message.is_revoked
            if not is_revoked:
                self._judge(caller, terms, has_password=kept is not None)
            row = await links.update_link(
                tx, spot, message.link_id, terms, kept, is_revoked=is_revoked
            )
            await links.answer_for(tx, spot, message.link_id)
            fields = (row["node_id"], row["role"], is_revoked)
            await self._tell(tx, caller, LinkChanged(message.link_id, row["revision"], *fields))
            # Whoever changes a link answers for it.
            policy, now = caller.principal.policy, self.clock.now()
            return links.viewed(row, policy, now, is_answered=True)

        look = partial(self._governed, caller, message.link_id)
        changed = await self._sharing(caller, spot.node_id, work, look)
        if message.is_revoked:
            await self._end_uploads(caller, message.link_id)
        return changed

    @handles(DeleteLink)
    async def delete_link(self, message: DeleteLink) -> None:
        """Delete a link with what it grants."""
        caller, link_id = message.caller, message.link_id
        spot = self._spot(caller, (await self._governed(caller, link_id))["node_id"])

        async def work(tx: Transaction) -> None:
            await grants.hold(tx, spot)
            row = await self._locked(tx, caller, link_id)
            await links.ungrant(tx, spot, link_id)
            await tx.execute(links.SQL["delete_link"], tenant=spot.tenant, link_id=link_id)
            event = LinkDeleted(link_id, row["revision"] + 1, row["node_id"])
            await self._tell(tx, caller, event)

        await self._sharing(caller, spot.node_id, work, partial(self._governed, caller, link_id))
        await self._end_uploads(caller, link_id)

    async def _end_uploads(self, caller: Caller, link_id: UUID) -> None:
        """Have what guests reserved given back; what this misses expires soon by itself."""
        await ask_below(self.files, EndUploads(caller.tenant_id, link_id), "files")

    @handles(OpenLink)
    async def open_link(self, message: OpenLink) -> Principal | PasswordUnjudged:
        """Say who comes with a token: unknown, expired, revoked and used up look the same."""
        digest = rules.token_digest(message.token)

        async def find(tx: Transaction) -> Row | None:
            return await tx.fetchrow(links.SQL["link_by_token"], token_digest=digest)

        row = await self.database.read(None, find) if digest else None
        if row is None:
            raise Refused(LinkNotFound())
        standing = await self._sponsored(row, message.origin)
        policy = standing.policy
        if not links.leads_anywhere(row, policy, self.clock.now()):
            raise Refused(LinkNotFound())
        if not await self._check_password(row, message):
            return PasswordUnjudged()
        terms = links.terms_of(row, policy)
        writes = Right.ADD in rights_of(terms.role)
        return Principal(
            tenant_id=row["tenant_id"],
            user_id=UserId(row["link_id"]),
            login=f"link {row['label'] or row['link_id']}",
            is_admin=False,
            credential_id=row["link_id"],
            scope=Scope.WRITE if writes else Scope.READ,
            is_guest=True,
            drop=rules.drop_of(terms),
            policy=policy,
            is_suspended=standing.is_suspended,
            limit=standing.limit,
        )

    async def _sponsored(self, row: Row, origin: Origin) -> Standing:
        """Return how things stand with who answers for a link, and may still share its node."""
        tenant_id, sponsor_id = row["tenant_id"], links.sponsor_of(row)
        standing = (await self._standings(tenant_id, [sponsor_id]))[sponsor_id]
        groups, link_id = standing.groups, row["link_id"]
        sponsor = Principal(tenant_id, sponsor_id, "", False, link_id, groups)
        is_good = standing.is_active and await self._may_share(
            Caller(sponsor, origin), row["node_id"]
        )
        if not is_good:
            raise Refused(LinkNotFound())
        return standing

    async def _check_password(self, row: Row, message: OpenLink) -> bool:
        """Refuse a wrong password; False: it is unknown yet, and must not be hashed now."""
        phc, password = row["password_hash"], message.password
        if phc is None:
            return True
        if password is None:
            raise Refused(LinkPasswordNeeded())
        fit = (phc, hashlib.sha256(password.encode(errors="replace")).digest())
        if fit in self._verified:
            self._verified.move_to_end(fit)
            return True
        if not message.may_hash:
            return False
        charges = rules.guess(row["link_id"], message.origin.address)
        if wait := seconds_to_wait(await self.limits.take(charges)):
            raise Refused(TooManyGuesses(wait))
        form = text.normal(password) if row["password_is_nfc"] else password
        if not await self.passwords.verify(phc, form):
            raise Refused(LinkPasswordNeeded())
        await self.limits.give_back(charges)
        self._verified[fit] = None
        if len(self._verified) > _KEPT:
            self._verified.popitem(last=False)
        return True

    @handles(DescribeOwnLink)
    async def describe_own(self, message: DescribeOwnLink) -> Link:
        """Describe the link that a guest came with."""
        principal = message.caller.principal
        row = await self._row(message.caller, principal.credential_id)
        if row is None or not principal.is_guest:
            raise Refused(LinkNotFound())
        terms = links.terms_of(row, principal.policy)
        return evolve(links.link_of(row), expires_at=terms.expires_at)

    @handles(CountDownloads)
    async def count_downloads(self, message: CountDownloads) -> None:
        """Count downloads of a guest, who came with the link of that id."""
        caller = message.caller

        async def work(tx: Transaction) -> None:
            counted = await tx.fetchrow(
                links.SQL["count_downloads"],
                tenant=caller.tenant_id,
                link_id=caller.principal.credential_id,
                count=message.count,
                now=self.clock.now(),
            )
            if counted is None:
                raise Refused(LinkNotFound())

        await self.database.transact(caller.tenant_id, work)

    async def _governed(self, caller: Caller, link_id: UUID) -> Row:
        """Return a link whose node the caller may share."""
        row = await self._row(caller, link_id)
        if row is None:
            raise Refused(LinkNotFound())
        try:
            await self._sharable(caller, row["node_id"])
        except Refused as refused:
            if isinstance(refused.refusal, NodeNotFound):
                raise Refused(LinkNotFound()) from refused
            raise
        return row

    async def _viewed(self, caller: Caller, rows: Sequence[Row]) -> list[Link]:
        """Return links with how they stand now."""
        policy, now = caller.principal.policy, self.clock.now()
        standings = await self._standings(caller.tenant_id, map(links.sponsor_of, rows))
        there = {user_id for user_id, one in standings.items() if one.is_active}
        return [
            links.viewed(row, policy, now, is_answered=links.sponsor_of(row) in there)
            for row in rows
        ]

    async def _row(self, caller: Caller, link_id: UUID) -> Row | None:
        async def find(tx: Transaction) -> Row | None:
            return await tx.fetchrow(links.SQL["link"], tenant=caller.tenant_id, link_id=link_id)

        return await self.database.read(caller.tenant_id, find)

    async def _locked(self, tx: Transaction, caller: Caller, link_id: UUID) -> Row:
        row = await tx.fetchrow(links.SQL["lock_link"], tenant=caller.tenant_id, link_id=link_id)
        if row is None:
            raise Refused(LinkNotFound())
        return row

    async def _hash(self, password: str | None) -> str | None:
        return None if password is None else await self.passwords.hash(password)
