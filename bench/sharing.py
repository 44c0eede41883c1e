"""What sharing costs: a check on the way down, pages of what is shared, folders as a viewer."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvloop

from bench.checking import checks
from bench.company import Company, Person, found
from bench.daemon import Daemon
from bench.table import Row
from bitvault.drivers.postgres.embedded import prepare

DEPTH, GRANTS = 20, 1000
MANY, FEW, PAGE = 5000, 50, 50
FULL, LISTED = 10_000, 100
RUNS, ROUNDS = 60, 3


def sharing(daemon: Daemon) -> Iterator[Row]:
    """Yield the rows; what they look at is made first, in the database."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        company = runner.run(found(daemon))
        asked = runner.run(_deep(company))
        yield from _checks(daemon, *asked)
        yield runner.run(_shared(company))
        for kind in ("file", "folder"):
            yield runner.run(_listed(company, kind))


async def _deep(company: Company) -> tuple[Any, Any, Any]:
    """Make a deep tree with many grants on its way, one of them to somebody at its top."""
    ann = await company.hire("deep")
    way = [await company.folder("/" + "/".join(["deep"] * depth)) for depth in range(1, DEPTH + 1)]
    await company.share(way[0], ann)
    await company.grant(way, GRANTS // DEPTH)
    await company.settle()
    sql = "SELECT tenant_id FROM files.node WHERE node_id = $1"
    return await company.rows.fetchval(sql, way[-1]), ann.user_id, way[-1]


def _checks(daemon: Daemon, *asked: Any) -> Iterator[Row]:
    embedded = prepare(daemon.data / "postgres")
    pairs = [checks(embedded, *asked) for _ in range(ROUNDS)]
    ours, bare = (statistics.median(pair[at].alone for pair in pairs) for at in (0, 1))
    yield Row(
        f"CheckAccess, {DEPTH} deep, {GRANTS} grants", f"{ours * 1000:.2f} ms",
        f"asyncpg {bare * 1000:.2f} ms", ours / bare, "<= 2",
    )  # fmt: skip
    ours, bare = (statistics.median(pair[at].together for pair in pairs) for at in (0, 1))
    yield Row("… at once", f"{ours:.0f}/s", f"asyncpg {bare:.0f}/s", bare / ours)


async def _shared(company: Company) -> Row:
    """Compare a page of what was shared with somebody, among many shares and among few."""
    folder = await company.full_folder("/pile", MANY)
    people = {}
    for login, count in (("few", FEW), ("many", MANY)):
        people[login] = await company.hire(login)
        await company.grant(await company.below(folder, count), person=people[login])
    await company.settle()

    def page(person: Person) -> Callable[[], Awaitable[Any]]:
        return lambda: person.worker.json("GET", f"/v1/shared?limit={PAGE}")

    many, few = await _alternating(page(people["many"]), page(people["few"]))
    what = f"page of {MANY} shares"
    return Row(what, _ms(many), f"of {FEW}: {_ms(few)}", many / few, "<= 2")


async def _listed(company: Company, kind: str) -> Row:
    """Compare a page of a full folder as its viewer and as its owner sees it."""
    folder, viewer = (
        await company.full_folder(f"/full-{kind}", FULL, kind),
        await company.hire(kind),
    )
    await company.share(folder, viewer)
    await company.settle()
    page = f"/v1/folders/{folder}/children?limit={LISTED}"
    as_viewer, as_owner = await _alternating(
        lambda: viewer.worker.json("GET", page), lambda: company.owner.json("GET", page)
    )
    what = f"page of {FULL} {kind}s as viewer"
    return Row(what, _ms(as_viewer), f"as owner {_ms(as_owner)}", as_viewer / as_owner, "<= 1.3")


async def _alternating(*calls: Callable[[], Awaitable[Any]]) -> list[float]:
    """Return the median seconds of each call, taken in turn."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(RUNS):
        for call, taken in zip(calls, times, strict=True):
            begin = time.perf_counter()
            await call()
            taken.append(time.perf_counter() - begin)
    return [statistics.median(taken) for taken in times]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
