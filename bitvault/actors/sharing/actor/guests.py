"""Says who comes with a link, and what they may do."""

from attrs import define, evolve

from bitvault.actors.identity.contract import Standing
from bitvault.actors.sharing.actor.access import NodeAccess
from bitvault.actors.sharing.actor.passwords import LinkPasswords
from bitvault.actors.sharing.contract.links import (
    CountDownloads,
    DescribeOwnLink,
    Link,
    LinkNotFound,
    OpenLink,
    PasswordUnjudged,
)
from bitvault.actors.sharing.rules import links as rules
from bitvault.actors.sharing.store import links
from bitvault.drivers.postgres.port import Database, Row, Transaction
from bitvault.kernel.access import Right, rights_of
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Caller, Origin, Principal, Scope
from bitvault.kernel.refusal import Refused
from supervisors import handles


@define(eq=False)
class Guests:
    """Those who come with a link's token instead of an account."""

    database: Database
    clock: Clock
    access: NodeAccess
    passwords: LinkPasswords

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
        if not await self.passwords.check(row, message):
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
        standing = (await self.access.standings(tenant_id, [sponsor_id]))[sponsor_id]
        groups, link_id = standing.groups, row["link_id"]
        sponsor = Principal(tenant_id, sponsor_id, "", False, link_id, groups)
        is_good = standing.is_active and await self.access.may_share(
            Caller(sponsor, origin), row["node_id"]
        )
        if not is_good:
            raise Refused(LinkNotFound())
        return standing

    @handles(DescribeOwnLink)
    async def describe_own(self, message: DescribeOwnLink) -> Link:
        """Describe the link that a guest came with."""
        tenant, principal = message.caller.tenant_id, message.caller.principal
        link_id = principal.credential_id
        row = await self.database.read(tenant, lambda tx: links.find(tx, tenant, link_id))
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
