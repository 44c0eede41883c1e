"""The audit trail: one entry per event, for the admins of the tenant it happened in."""

from typing import Any, ClassVar
from uuid import UUID

import pytest
from attrs import evolve, frozen

from bitvault.actors.audit.actor import Audit
from bitvault.actors.audit.actor.downloads import Downloads
from bitvault.actors.audit.consumer import AuditSink
from bitvault.actors.audit.contract import Credential, Entry, Filter, ListEntries
from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.events import Event
from bitvault.kernel.ids import SystemIds, TenantId, UserId
from bitvault.kernel.paging import Page, encode_cursor
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Forbidden, Invalid
from bitvault.outbox import ConsumerLoop, Outbox, Wakeups

IDS = SystemIds()
NODE, OTHER = UUID(int=5), UUID(int=6)


@frozen
class NodeTouched(Event):
    """Something happened to a node."""

    kind: ClassVar[str] = "node.touched"
    name: str


@frozen
class NodeShared(Event):
    """Something was said of a node; the aggregate is a grant or a link."""

    kind: ClassVar[str] = "share.told"
    node_id: UUID


@frozen
class TokenMade(Event):
    """There is a token."""

    kind: ClassVar[str] = "token.created"
    name: str


class Unasked:
    """Stands where nothing comes by a link, and nobody asks."""

    async def ask(self, request: Any, *, timeout: float = 5) -> Any:  # noqa: ASYNC109 - Ref's shape
        """Fail: only what comes by a link is counted."""
        raise AssertionError(request)


def new_admin() -> Caller:
    """Return an admin of a new tenant."""
    tenant, user = TenantId(IDS.uuid7()), UserId(IDS.uuid7())
    principal = Principal(tenant, user, "root", is_admin=True, credential_id=IDS.uuid7())
    return Caller(principal, Origin("request-1", "192.0.2.7", "curl/8"))


def audit(database: Database) -> Audit:
    """Return the room."""
    return Audit(database, Downloads(), Unasked(), SystemClock(), IDS)


async def happen(database: Database, caller: Caller, *names: str, node: UUID = NODE) -> None:
    """Let the caller touch a node, and let the sink catch up."""
    events = [NodeTouched(node, at, name) for at, name in enumerate(names)]
    await tell(database, caller.tenant_id, caller, *events)


async def tell(database: Database, tenant: TenantId, caller: Caller, *events: Event) -> None:
    """Let the caller do something in a tenant, and let the sink catch up."""
    outbox = Outbox(IDS, SystemClock(), Wakeups())

    async def work(tx: Transaction) -> None:
        await outbox.append(tx, tenant, events, caller)

    await database.transact(tenant, work)
    loop = ConsumerLoop(
        AuditSink((NodeTouched, NodeShared, TokenMade)), database, MemoryBus(), SystemClock()
    )
    await loop.catch_up(tenant)


async def entries(database: Database, request: ListEntries) -> Page[Entry]:
    """Ask the room for a page."""
    page = await audit(database).handle(request)
    assert isinstance(page, Page)
    return page


async def test_an_entry_says_who_did_what_and_from_where(database: Database) -> None:
    """The event's fields and its origin are all there."""
    admin = new_admin()
    await happen(database, admin, "report.txt")

    [entry] = (await entries(database, ListEntries(admin))).items

    assert (entry.seq, entry.kind, entry.aggregate_id) == (1, "node.touched", NODE)
    assert entry.user_id == admin.principal.user_id
    assert (entry.request_id, entry.address, entry.user_agent) == (
        "request-1", "192.0.2.7", "curl/8",
    )  # fmt: skip
    assert entry.detail == {"name": "report.txt"}


async def test_pages_run_from_the_newest_to_the_oldest(database: Database) -> None:
    """Following the cursors shows every entry once."""
    admin, seqs = new_admin(), list[int]()
    await happen(database, admin, *"abcde")

    page = await entries(database, ListEntries(admin, limit=2))
    seqs += [entry.seq for entry in page.items]
    while page.next_cursor is not None:
        page = await entries(database, ListEntries(admin, page.next_cursor, limit=2))
        seqs += [entry.seq for entry in page.items]

    assert seqs == [5, 4, 3, 2, 1]


async def test_the_trail_can_be_asked_for_a_node_a_user_and_a_time(database: Database) -> None:
    """Each filter, and all together; what does not meet them is not there."""
    admin = new_admin()
    other = evolve(admin, principal=evolve(admin.principal, user_id=UserId(IDS.uuid7())))
    await happen(database, admin, "a")
    await happen(database, other, "b", node=OTHER)
    await happen(database, other, "c")
    everything = (await entries(database, ListEntries(admin))).items
    third, second, first = everything

    async def named(wanted: Filter) -> list[str]:
        found = await entries(database, ListEntries(admin, wanted=wanted))
        return [entry.detail["name"] for entry in found.items]

    assert await named(Filter(aggregate_id=NODE)) == ["c", "a"]
    assert await named(Filter(user_id=other.principal.user_id)) == ["c", "b"]
    assert await named(Filter(NODE, other.principal.user_id)) == ["c"]
    assert await named(Filter(since=second.at, until=third.at)) == ["b"]
    assert await named(Filter(NODE, admin.principal.user_id, since=second.at)) == []
    assert await named(Filter(until=first.at)) == []
    assert await named(Filter(subject="node")) == ["c", "b", "a"]
    for wanted in (Filter(), Filter(NODE), Filter(user_id=admin.principal.user_id)):
        assert await named(evolve(wanted, subject="blob")) == []


async def test_what_was_said_of_a_node_is_part_of_its_history(database: Database) -> None:
    """A grant or a link is an aggregate of its own, and found by the node all the same."""
    admin = new_admin()
    await happen(database, admin, "a")
    told = [NodeShared(IDS.uuid7(), 0, node) for node in (NODE, OTHER)]
    await tell(database, admin.tenant_id, admin, *told)

    page = await entries(database, ListEntries(admin, wanted=Filter(NODE)))
    assert [entry.kind for entry in page.items] == ["share.told", "node.touched"]


async def test_an_entry_says_by_which_credential_it_was_done(database: Database) -> None:
    """By its name, after it is gone too; of an operator no more is told than that it was one."""
    admin, operator = new_admin(), new_admin()
    token = TokenMade(admin.principal.credential_id, 0, "scanner")
    await happen(database, admin, "before")
    await tell(database, admin.tenant_id, admin, token)
    await tell(database, admin.tenant_id, operator, NodeTouched(NODE, 1, "from outside"))

    outside, made, before = (await entries(database, ListEntries(admin))).items
    known = Credential(admin.principal.credential_id, "token", "scanner")
    assert (before.credential, made.credential, before.by_operator) == (known, known, False)
    assert (outside.credential, outside.by_operator) == (None, True)


async def test_pages_of_a_filter_lead_to_its_end(database: Database) -> None:
    """A cursor goes on where the page ended, also among entries of one moment."""
    admin = new_admin()
    await happen(database, admin, *"abcde")
    wanted, names, cursor = Filter(aggregate_id=NODE), list[str](), None
    while True:
        page = await entries(database, ListEntries(admin, cursor, 2, wanted))
        names += [entry.detail["name"] for entry in page.items]
        if (cursor := page.next_cursor) is None:
            break

    assert names == ["e", "d", "c", "b", "a"]


async def test_only_admins_read_it(database: Database) -> None:
    """Anybody else of the tenant is refused."""
    admin = new_admin()
    user = evolve(admin, principal=evolve(admin.principal, is_admin=False))

    assert await audit(database).handle(ListEntries(user)) == Forbidden("read the audit trail")


@pytest.mark.requirement("X17")
async def test_another_tenant_sees_nothing_of_it(database: Database) -> None:
    """An admin sees the own tenant only."""
    await happen(database, new_admin(), "secret")

    assert (await entries(database, ListEntries(new_admin()))).items == ()


@pytest.mark.requirement("X59")
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "WyJhIl0",
        "WzFd" * 1000,
        "W10",
        "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OV0",
        encode_cursor([1]),
        encode_cursor([1, 1]),
        encode_cursor([1, 1, "no id"]),
        encode_cursor([(1 << 63) - 1, 1, str(NODE)]),
        encode_cursor([-(1 << 63), 1, str(NODE)]),
    ],
)
async def test_a_forged_cursor_is_refused(database: Database, cursor: str) -> None:
    """No cursor of somebody's making is a crash."""
    refusal = await audit(database).handle(ListEntries(new_admin(), cursor))

    assert isinstance(refusal, Invalid)
    assert refusal.field == "cursor"
