"""Statements on the socket itself: each gets its own answer, however that comes, whoever leaves."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import define, field

from bitvault.drivers import aio
from bitvault.drivers.postgres import wire
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.drivers.postgres.sessions import Limits
from bitvault.kernel.refusal import DependencyDown
from tests.drivers.probe import (
    DIGEST,
    ECHO,
    MIB,
    NOTICED,
    ONE,
    OTHER,
    PID,
    SLEEP,
    WHO,
    WIDE,
    as_owner,
    echoed,
    value_of,
)
from tests.drivers.relay import Relay
from tests.support.postgres import PostgresServer, opened


@define(eq=False)
class HeldUp(Relay):
    """Passes on upwards only when it may."""

    may_pass: trio.Event = field(factory=trio.Event)
    taken: int = 0
    """Bytes that came from the client."""

    async def upwards(self, chunk: bytes) -> None:
        """Wait until the server may have it."""
        await self.may_pass.wait()
        self.taken += len(chunk)


@pytest.fixture
async def relay(migrated_server: PostgresServer) -> HeldUp:
    """Have a relay that lets everything pass."""
    relay = HeldUp(str(migrated_server.embedded.socket))
    relay.may_pass.set()
    return relay


@asynccontextmanager
async def behind(
    relay: HeldUp, dsn: str, family: str, tmp_path: Path, nursery: trio.Nursery
) -> AsyncIterator[PostgresDatabase]:
    """Open a database at the other end of a relay on a Unix socket, or on TCP."""
    socket = trio.socket.socket(trio.socket.AF_UNIX if family == "unix" else trio.socket.AF_INET)
    if family == "unix":
        await socket.bind(str(tmp_path / ".s.PGSQL.5432"))
        place = str(tmp_path)
    else:
        await socket.bind(("127.0.0.1", 0))
        place = f"127.0.0.1&port={socket.getsockname()[1]}"
    socket.listen()
    await nursery.start(trio.serve_listeners, relay.serve, [trio.SocketListener(socket)])
    async with opened(dsn.replace(relay.server, place), Limits(size=2)) as database:
        yield database


families = pytest.mark.parametrize("family", ["unix", "tcp"])


@families
async def test_a_large_parameter_meets_a_server_that_reads_slowly(
    relay: HeldUp, family: str, database_dsn: str, tmp_path: Path, nursery: trio.Nursery
) -> None:
    """What the socket does not take waits; the rest follows, and nothing is lost or twice there."""
    large = os.urandom(6 * MIB)
    found: list[Row | None] = []

    async def work(tx: Transaction) -> None:
        await tx.fetchrow(DIGEST, value=b"")
        relay.may_pass, relay.taken = trio.Event(), 0
        found.append(await tx.fetchrow(DIGEST, value=large))

    async with (
        behind(relay, database_dsn, family, tmp_path, nursery) as database,
        trio.open_nursery() as asking,
    ):
        asking.start_soon(database.transact, None, work)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert (relay.taken, found) == (0, [])
        relay.may_pass.set()
    assert found[0] is not None
    assert found[0]["value"] == hashlib.sha256(large).hexdigest()
    assert found[0]["back"] == large
    assert relay.taken > len(large)


async def test_leaving_in_the_middle_of_sending(
    relay: HeldUp, database_dsn: str, tmp_path: Path, nursery: trio.Nursery
) -> None:
    """The rest is sent all the same, so that the server does not take the next words for it."""
    async with behind(relay, database_dsn, "unix", tmp_path, nursery) as database:
        await echoed(database, "warm")
        relay.may_pass = trio.Event()
        async with trio.open_nursery() as asking:
            asking.start_soon(echoed, database, "x" * 6 * MIB)
            await trio.testing.wait_all_tasks_blocked(0.05)
            asking.cancel_scope.cancel()
        relay.may_pass.set()
        assert await echoed(database, "mine") == "mine"
        assert database.statistics().idle == 1


async def test_a_large_answer_is_read_in_bounded_pieces(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight megabytes come whole, and no single read may take more than its bound."""
    asked: list[int] = []
    read = os.read

    def counted(file: int, most: int) -> bytes:
        asked.append(most)
        return read(file, most)

    monkeypatch.setattr(wire.os, "read", counted)
    rows = await database.read(None, lambda tx: tx.fetch(WIDE, n=250))
    assert [row["x"] for row in rows] == [
        hashlib.md5(str(n).encode()).hexdigest() * 1000  # noqa: S324 - what PostgreSQL offers
        for n in range(1, 251)
    ]
    assert len(asked) > 8_000_000 // max(asked)
    assert max(asked) <= 256 * 1024


@families
@pytest.mark.parametrize("piece", [1, 3, 7])
async def test_an_answer_that_comes_in_crumbs(
    relay: HeldUp, family: str, piece: int, database_dsn: str, tmp_path: Path, nursery: trio.Nursery
) -> None:
    """Wherever the bytes are parted, each statement gets its own answer, and what is ahead none."""

    async def work(tx: Transaction) -> list[str]:
        return [await value_of(tx, WHO), await value_of(tx, ECHO, value="a")]

    async with behind(relay, database_dsn, family, tmp_path, nursery) as database:
        await echoed(database, "warm")
        relay.piece = piece
        for tenant in (ONE, OTHER):
            assert await database.transact(tenant, work) == [f"bitvault_app {tenant}", "a"]
            assert await database.read(tenant, work) == [f"bitvault_app {tenant}", "a"]
        assert (database.statistics().idle, database.statistics().retries) == (1, 0)


async def test_what_is_said_unasked_is_no_answer(notes: PostgresDatabase) -> None:
    """Notices and changed settings between the messages of an answer change nothing about it."""

    async def work(tx: Transaction) -> list[str]:
        return [await value_of(tx, NOTICED, value=each) for each in ("one", "two")]

    for run in (notes.transact, notes.read):
        for _ in range(2):
            assert await run(ONE, work) == ["one", "two"]  # type: ignore[operator]
    assert notes.statistics().idle == 1


@pytest.mark.parametrize("nonsense", [b"Z\0\0\0\5I", b"E\0\0\0\4", b"\0" * 9, b"D\0\0\0\4"])
async def test_a_server_that_talks_nonsense(
    nonsense: bytes, relay: HeldUp, database_dsn: str, tmp_path: Path, nursery: trio.Nursery
) -> None:
    """What nobody asked for ends the session at most; who asks next gets a true answer."""
    async with behind(relay, database_dsn, "unix", tmp_path, nursery) as database:
        await echoed(database, "warm")
        await trio.testing.wait_all_tasks_blocked()  # the relay may still be passing on the answer
        await relay.clients[-1].send_all(nonsense)
        assert await echoed(database, "mine") == "mine"
        assert database.statistics().idle == 1


async def test_a_silent_server_has_its_time(database_dsn: str) -> None:
    """A statement without an answer in time ends its session, and the next one works on another."""
    limits = Limits(size=2, statement=0.0, network=0.3)  # 0: the server has no limit of its own

    async def pid(tx: Transaction) -> int:
        return int(await value_of(tx, PID))

    async with opened(database_dsn, limits) as database:
        before = await database.read(None, pid)
        with trio.fail_after(10):
            for run in (database.read, database.transact):
                with pytest.raises(DependencyDown, match=r"no answer within 0\.3 s") as caught:
                    await run(None, lambda tx: tx.execute(SLEEP, seconds=60))
                assert not caught.value.unknown
                assert (database.statistics().in_use, database.statistics().idle) == (0, 0)
        assert await database.read(None, pid) != before


async def test_each_statement_has_its_own_time(database_dsn: str) -> None:
    """One timer serves them all: a late statement is ended for itself, not for an earlier one."""
    ended: list[str] = []
    async with opened(database_dsn, Limits(size=3, statement=0.0, network=0.4)) as database:

        async def late(name: str) -> None:
            with pytest.raises(DependencyDown, match="no answer within"):
                await database.read(None, lambda tx: tx.execute(SLEEP, seconds=60))
            ended.append(name)

        await echoed(database, "done in time")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(late, "first")
            await database.read(None, lambda tx: tx.execute(SLEEP, seconds=0.2))
            assert await echoed(database, "short") == "short"
            nursery.start_soon(late, "second")
    assert ended == ["first", "second"]


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "transact"])
async def test_nobody_reads_the_answer_of_another(database_dsn: str, is_read: bool) -> None:  # noqa: FBT001 - a case
    """Cancelled after any number of steps, a statement leaves nothing to the next one."""
    async with opened(database_dsn, Limits(size=1)) as database:
        run = database.read if is_read else database.transact

        async def ask(value: str) -> str:
            return str(await run(ONE, lambda tx: value_of(tx, ECHO, value=value)))

        for steps in range(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, f"left {steps}")
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            assert await ask(f"mine {steps}") == f"mine {steps}"
        assert database.statistics().in_use == 0


async def test_leaving_stops_the_server(database_dsn: str) -> None:
    """A cancelled reader does not leave its statement running, and its session serves on."""
    async with opened(database_dsn, Limits(size=1)) as database:
        before = await database.read(None, lambda tx: value_of(tx, PID))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.read, None, lambda tx: tx.execute(SLEEP, seconds=60))
            await trio.testing.wait_all_tasks_blocked(0.05)
            nursery.cancel_scope.cancel()
        with trio.fail_after(5):
            assert await database.read(None, lambda tx: value_of(tx, PID)) == before


async def test_leaving_in_the_middle_of_a_large_answer(database_dsn: str) -> None:
    """What is still to come of it is not what the next statement on the session gets."""
    async with opened(database_dsn, Limits(size=1)) as database:
        for steps in range(4, 24, 4):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(database.read, None, lambda tx: tx.fetch(WIDE, n=1000))
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            assert await echoed(database, f"mine {steps}") == f"mine {steps}"


async def test_sessions_that_were_closed_while_idle_cost_no_retry(
    database: PostgresDatabase,
) -> None:
    """That they are gone is seen when they are taken, before anything is sent on them."""
    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(database.read, None, lambda tx: tx.execute(SLEEP, seconds=0.1))
    assert database.statistics().idle == 4
    await as_owner(
        database.sessions.dsn,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    assert await echoed(database, "again") == "again"
    assert (database.statistics().idle, database.statistics().retries) == (1, 0)


async def test_stopping_with_statements_under_way(database_dsn: str) -> None:
    """Every caller is let go, every session is closed, and the server is busy with none of them."""
    with trio.fail_after(10):
        async with opened(database_dsn) as database, trio.open_nursery() as nursery:
            for run in (database.read, database.transact) * 2:
                nursery.start_soon(run, None, lambda tx: tx.execute(SLEEP, seconds=60))
            await trio.testing.wait_all_tasks_blocked(0.05)
            nursery.cancel_scope.cancel()
    async with aio.open_loop():
        busy = """
            SELECT query FROM pg_stat_activity WHERE datname = current_database()
            AND application_name = 'bitvaultd' AND state <> 'idle'
        """
        assert await as_owner(database_dsn, busy) == []
