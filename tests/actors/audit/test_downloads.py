"""Downloads in the audit trail: written in batches, repeats counted, none dropped."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import pytest
import trio
import trio.testing
from attrs import define, evolve, field
from msgspec import to_builtins
from structlog.testing import capture_logs
from trio.testing import MockClock

from bitvault.actors.audit.actor import Audit
from bitvault.actors.audit.actor.downloads import Downloads
from bitvault.actors.audit.actor.writer import DownloadWriter
from bitvault.actors.audit.contract import (
    Credential,
    Download,
    Entry,
    Filter,
    ListEntries,
    RecordDownloads,
)
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.erasure import EraseTenant
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.paging import Page
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import DependencyDown, Forbidden, StatementFailed, Unavailable
from supervisors import ChildSpec, run_tree
from tests.actors.audit.test_audit import Unasked, happen
from tests.support.determinism import FixedClock, SequenceIds

T = TypeVar("T")
NODE, OTHER = UUID(int=5), UUID(int=6)
FILE = Download(NODE, 2, 9, "plan.odt")


@define(eq=False)
class Severed:
    """A database whose next commits happen and are not answered."""

    inner: Database
    cuts: int = 1

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Commit, and say that nobody knows."""
        answer = await self.inner.transact(tenant, work)
        if self.cuts:
            self.cuts -= 1
            raise DependencyDown("database", "cut off", unknown=True)
        return answer

    async def read(self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Pass it on."""
        return await self.inner.read(tenant, work)


@define(eq=False)
class Held:
    """A database whose transactions begin when they are let."""

    inner: Database
    begun: trio.Event = field(factory=trio.Event)
    go_on: trio.Event = field(factory=trio.Event)

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Say that one is asked for, and wait."""
        self.begun.set()
        await self.go_on.wait()
        return await self.inner.transact(tenant, work)

    read = transact


@define(eq=False)
class World:
    """The room, what waits, and who writes it."""

    database: Any
    clock: FixedClock
    ids: SequenceIds
    downloads: Downloads = field(factory=Downloads)

    @property
    def room(self) -> Audit:
        """Return the room."""
        return Audit(self.database, self.downloads, Unasked(), self.clock, self.ids)

    def admin(self) -> Caller:
        """Return an admin of a new tenant."""
        tenant, user = TenantId(self.ids.uuid7()), UserId(self.ids.uuid7())
        who = Principal(tenant, user, "root", is_admin=True, credential_id=self.ids.uuid7())
        return Caller(who, Origin("request-1", "192.0.2.7", "curl/8"))

    async def hand_out(
        self, caller: Caller, *what: Download, tenant_id: TenantId | None = None
    ) -> Any:
        """Record downloads."""
        return await self.room.handle(RecordDownloads(caller, what or (FILE,), tenant_id))

    async def write(self) -> None:
        """Write what waits."""
        await DownloadWriter(self.downloads, self.database).turn()

    async def told(self, caller: Caller, wanted: Filter = Filter()) -> list[Entry]:  # noqa: B008 - frozen
        """Write, and read the trail in pages of two."""
        await self.write()
        found, cursor = list[Entry](), None
        while True:
            page = await self.room.handle(ListEntries(caller, cursor, 2, wanted))
            assert isinstance(page, Page)
            found += page.items
            if (cursor := page.next_cursor) is None:
                return found


@pytest.fixture
def world(database: Database, clock: FixedClock, ids: SequenceIds) -> World:
    """Have a room on a database of its own."""
    return World(database, clock, ids)


async def test_a_download_says_who_what_by_what_and_from_where(world: World) -> None:
    """The file, its version, the credential, and the address are all there."""
    admin = world.admin()
    await world.hand_out(admin)

    [entry] = await world.told(admin)

    who, now = admin.principal, world.clock.now()
    assert (entry.kind, entry.aggregate_id, entry.seq) == ("node.downloaded", NODE, 0)
    assert (entry.user_id, entry.credential) == (who.user_id, Credential(who.credential_id))
    assert (entry.at, entry.request_id, entry.address, entry.user_agent, entry.by_operator) == (
        now, "request-1", "192.0.2.7", "curl/8", False,
    )  # fmt: skip
    assert entry.detail == {
        "name": "plan.odt", "version": 2, "size": 9, "times": 1, "last_at": to_builtins(now),
    }  # fmt: skip


async def test_an_operator_is_shown_as_one_and_no_more(world: World) -> None:
    """In the trail of the tenant whose content it is, without credential and address."""
    admin, operator = world.admin(), world.admin()
    await world.hand_out(operator, tenant_id=admin.tenant_id)

    [entry] = await world.told(admin)

    assert (entry.by_operator, entry.credential, entry.address) == (True, None, "")
    assert await world.told(operator) == []


async def test_repeats_within_a_minute_are_one_entry(world: World) -> None:
    """With their number and the time of the last, written before or not; then a new one begins."""
    admin = world.admin()
    elsewhere = evolve(admin, origin=Origin("request-2", "192.0.2.8", "curl/8"))
    began = world.clock.now()
    for seconds in (0, 30, 29):
        world.clock.advance(seconds)
        await world.hand_out(admin)
        await world.write()
    last = world.clock.now()
    world.clock.advance(1)
    for caller, version in ((admin, 2), (elsewhere, 2), (admin, 1)):
        await world.hand_out(caller, evolve(FILE, version=version))

    *rest, first = await world.told(admin)

    kept = first.detail
    assert (first.at, kept["last_at"], kept["times"]) == (began, to_builtins(last), 3)
    assert sorted((one.address, one.detail["version"], one.detail["times"]) for one in rest) == [
        ("192.0.2.7", 1, 1), ("192.0.2.7", 2, 1), ("192.0.2.8", 2, 1),
    ]  # fmt: skip


async def test_pages_lead_through_events_and_downloads_of_one_moment(world: World) -> None:
    """Each is told once, those of a node alone too, and each filter holds for both."""
    admin = world.admin()
    other = evolve(admin, principal=evolve(admin.principal, user_id=UserId(world.ids.uuid7())))
    await world.hand_out(admin, *(Download(NODE, number, 1) for number in range(1, 6)))
    await world.hand_out(other, Download(OTHER, 1, 1))
    await happen(world.database, admin, *"abc")
    await world.hand_out(admin, Download(NODE, 6, 1))

    async def told(wanted: Filter) -> list[str]:
        found = await world.told(admin, wanted)
        assert len({one.event_id for one in found}) == len(found)
        return sorted(str(one.detail.get("version", one.detail["name"])) for one in found)

    assert await told(Filter()) == await told(Filter(subject="node")) == [*"1123456abc"]
    assert await told(Filter(NODE)) == [*"123456abc"]
    assert await told(Filter(subject="download")) == [*"1123456"]
    assert await told(Filter(NODE, subject="download")) == [*"123456"]
    assert await told(Filter(user_id=other.principal.user_id)) == ["1"]
    assert await told(Filter(subject="share")) == await told(Filter(NODE, subject="blob")) == []
    assert await told(Filter(subject="download", until=world.clock.now())) == []


async def test_nobody_else_reads_of_it(world: World) -> None:
    """Neither a user who is no admin, nor another tenant's admin."""
    admin = world.admin()
    await world.hand_out(admin)
    user = evolve(admin, principal=evolve(admin.principal, is_admin=False))

    assert await world.told(world.admin()) == []
    refused = await world.room.handle(ListEntries(user, wanted=Filter(NODE)))
    assert refused == Forbidden("read the audit trail")


async def test_a_commit_of_which_nobody_knows_counts_once(world: World) -> None:
    """What is written again is the same row with the same count."""
    admin, world.database = world.admin(), Severed(world.database)
    await world.hand_out(admin)
    await world.write()
    await world.hand_out(admin)

    [entry] = await world.told(admin)

    assert entry.detail["times"] == 2
    assert world.downloads.waiting == 0


async def test_what_cannot_be_written_holds_nobody_up(world: World) -> None:
    """It alone is lost, and counted."""
    admin = world.admin()
    wrong = Download(OTHER, 1 << 63, 1)
    await world.hand_out(admin, FILE, wrong, evolve(FILE, version=3))

    versions = [one.detail["version"] for one in await world.told(admin)]

    assert versions == [3, 2]
    assert (world.downloads.lost, world.downloads.waiting) == (1, 0)


async def test_an_outage_is_told_once_and_so_is_its_end(world: World) -> None:
    """However many turns it lasts: one line, and one when what waited is written."""
    writer = DownloadWriter(world.downloads, Severed(world.database, cuts=3))
    await world.hand_out(world.admin())
    with capture_logs() as lines:
        for _ in range(5):
            await writer.turn()

    assert [(one["log_level"], one["event"]) for one in lines] == [
        ("warning", "downloads wait to be written"),
        ("info", "downloads are written again"),
    ]
    assert world.downloads.waiting == 0


async def test_a_fault_of_ours_is_told_once(world: World) -> None:
    """However many rows it costs: one line with one traceback, and the number of those lost."""
    admin = world.admin()
    writer = DownloadWriter(world.downloads, world.database)
    with capture_logs() as lines:
        for turn in range(3):
            wrong = [Download(OTHER, (1 << 63) + 9 * turn + one, 1) for one in range(9)]
            await world.hand_out(admin, FILE, *wrong)
            await writer.turn()

    [line] = lines
    assert (line["log_level"], line["event"]) == ("error", "downloads cannot be written")
    assert (line["lost"], type(line["exc_info"])) == (9, StatementFailed)
    assert world.downloads.lost == 27


async def test_what_finds_no_room_in_time_is_not_handed_out(
    clock: FixedClock, ids: SequenceIds, autojump_clock: MockClock
) -> None:
    """It waits for the writer, and is refused before it would be forgotten."""
    world = World(None, clock, ids, Downloads(most=8))
    admin = world.admin()
    assert await world.hand_out(admin, FILE, evolve(FILE, version=3)) is None

    assert await world.hand_out(admin, evolve(FILE, version=4)) == Unavailable("audit trail")
    assert (world.downloads.refused, world.downloads.waiting) == (1, 2)

    async with trio.open_nursery() as nursery:
        answers = list[Any]()

        async def wait() -> None:
            answers.append(await world.hand_out(admin, evolve(FILE, version=4)))

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert answers == []
        world.downloads.done(world.downloads.next_batch(1))
    assert (answers, world.downloads.waiting) == ([None], 2)


async def test_a_tenant_leaves_the_others_room(
    clock: FixedClock, ids: SequenceIds, autojump_clock: MockClock
) -> None:
    """It fills a quarter, however many it asks for at once; four of them are refused no more."""
    world = World(None, clock, ids, Downloads(most=8))
    greedy, *others = [world.admin() for _ in range(4)]
    many = [evolve(FILE, version=number) for number in range(1, 5)]

    full = Unavailable("audit trail")
    assert await world.hand_out(greedy, *many) == full
    assert [await world.hand_out(greedy, one) for one in many] == [None, None, full, full]
    for other in others:
        assert await world.hand_out(other, *many[:2]) is None
    assert (world.downloads.waiting, await world.hand_out(world.admin())) == (8, full)


async def test_nothing_is_written_of_a_tenant_after_its_erasure(world: World) -> None:
    """What waits in memory is dropped with its rows, and what others wait with is kept."""
    admin, other = world.admin(), world.admin()
    await world.hand_out(admin)
    await world.hand_out(other)

    erased = await world.room.handle(EraseTenant(admin.tenant_id, 10))

    assert (erased.is_done, world.downloads.waiting) == (True, 1)
    assert (await world.told(admin), len(await world.told(other))) == ([], 1)


async def test_an_erasure_waits_for_what_is_being_written(world: World) -> None:
    """Rows that the writer has taken are there before they are erased, or not at all."""
    admin = world.admin()
    await world.hand_out(admin)
    held = Held(world.database)
    writer = DownloadWriter(world.downloads, held)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.turn)
        await held.begun.wait()
        nursery.start_soon(world.room.handle, EraseTenant(admin.tenant_id, 10))
        await trio.testing.wait_all_tasks_blocked()
        held.go_on.set()

    assert await world.told(admin) == []


async def test_a_polite_stop_writes_what_waits(world: World) -> None:
    """Nothing is lost, though the writer's next turn was far away."""
    admin = world.admin()
    writer = DownloadWriter(world.downloads, world.database, interval=3600.0)

    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(run_tree, ChildSpec("downloads", writer.run), stop=stop))
        await world.hand_out(admin)
        stop.set()
    assert (world.downloads.written, world.downloads.waiting) == (1, 0)
