"""Statements on the socket itself: each gets its own answer, however that comes, whoever leaves."""

import asyncio  # noqa: TID251 - the border under test
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import trio
import trio.testing
from attrs import define, field

from bitvault.drivers import aio
from bitvault.drivers.postgres import wire
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Row, Transaction
from bitvault.drivers.postgres.sessions import Limits
from bitvault.drivers.postgres.wire import Wire, ahead_in_one, ahead_of_its_own
from bitvault.kernel.refusal import DependencyDown, StatementFailed
from tests.drivers.relay import Relay
from tests.support.postgres import PostgresServer, opened

_ECHO = Query("echo", "SELECT $1::text AS value", ("value",))
_ARRAY = Query("array", "SELECT $1::int[] AS value", ("value",))
_DIGEST = Query(
    "digest", "SELECT encode(sha256($1::bytea), 'hex') AS value, $1::bytea AS back", ("value",)
)
_WIDE = Query(
    "wide", "SELECT repeat(md5(n::text), 1000) AS x FROM generate_series(1, $1) n", ("n",)
)
_SLEEP = Query("sleep", "SELECT pg_sleep($1)", ("seconds",))
_PID = Query("pid", "SELECT pg_backend_pid() AS value", ())
_WHO = Query("who", "SELECT current_user || ' ' || current_setting('bitvault.tenant') AS value", ())
_NOTICED = Query("noticed", "SELECT probe.noticed($1) AS value", ("value",))
_ADD = Query("add", "INSERT INTO probe.note (id) VALUES ($1)", ("id",))
_NOTES = Query("notes", "SELECT *, current_user AS whose FROM probe.note", ())
_ONE, _OTHER = UUID(int=1), UUID(int=2)
_MIB = 1024**2

_MAKE = """
    CREATE SCHEMA probe; CREATE TABLE probe.note (id int PRIMARY KEY);
    GRANT ALL ON SCHEMA probe TO bitvault_app, bitvault_system;
    GRANT ALL ON probe.note TO bitvault_app, bitvault_system;
    CREATE FUNCTION probe.noticed(value text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
        RAISE NOTICE 'about %', value; PERFORM set_config('application_name', value, true);
        RAISE WARNING 'and %', value; RETURN value;
    END $$;
"""


async def as_owner(dsn: str, sql: str, *arguments: object) -> list[Row]:
    """Do what the pool's roles may not."""
    owner = await aio.call(asyncpg.connect, dsn)
    rows = [dict(row) for row in await aio.call(owner.fetch, sql, *arguments)]
    await aio.call(owner.close)
    return rows


async def value_of(tx: Transaction, query: Query, **parameters: Any) -> Any:
    """Return what a statement answers."""
    row = await tx.fetchrow(query, **parameters)
    assert row is not None
    return row["value"]


async def echoed(database: PostgresDatabase, value: str, tenant: UUID | None = None) -> str:
    """Send a value there and back."""
    return str(await database.read(tenant, lambda tx: value_of(tx, _ECHO, value=value)))


@pytest.fixture
async def notes(database: PostgresDatabase) -> PostgresDatabase:
    """Return a database with an empty table and a function that says more than it is asked."""
    owner = await aio.call(asyncpg.connect, database.sessions.dsn)
    await aio.call(owner.execute, _MAKE)
    await aio.call(owner.close)
    return database


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
    large = os.urandom(6 * _MIB)
    found: list[Row | None] = []

    async def work(tx: Transaction) -> None:
        await tx.fetchrow(_DIGEST, value=b"")
        relay.may_pass, relay.taken = trio.Event(), 0
        found.append(await tx.fetchrow(_DIGEST, value=large))

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
            asking.start_soon(echoed, database, "x" * 6 * _MIB)
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
    rows = await database.read(None, lambda tx: tx.fetch(_WIDE, n=250))
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
        return [await value_of(tx, _WHO), await value_of(tx, _ECHO, value="a")]

    async with behind(relay, database_dsn, family, tmp_path, nursery) as database:
        await echoed(database, "warm")
        relay.piece = piece
        for tenant in (_ONE, _OTHER):
            assert await database.transact(tenant, work) == [f"bitvault_app {tenant}", "a"]
            assert await database.read(tenant, work) == [f"bitvault_app {tenant}", "a"]
        assert (database.statistics().idle, database.statistics().retries) == (1, 0)


async def test_what_is_said_unasked_is_no_answer(notes: PostgresDatabase) -> None:
    """Notices and changed settings between the messages of an answer change nothing about it."""

    async def work(tx: Transaction) -> list[str]:
        return [await value_of(tx, _NOTICED, value=each) for each in ("one", "two")]

    for run in (notes.transact, notes.read):
        for _ in range(2):
            assert await run(_ONE, work) == ["one", "two"]  # type: ignore[operator]
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
        return int(await value_of(tx, _PID))

    async with opened(database_dsn, limits) as database:
        before = await database.read(None, pid)
        with trio.fail_after(10):
            for run in (database.read, database.transact):
                with pytest.raises(DependencyDown, match=r"no answer within 0\.3 s") as caught:
                    await run(None, lambda tx: tx.execute(_SLEEP, seconds=60))
                assert not caught.value.unknown
                assert (database.statistics().in_use, database.statistics().idle) == (0, 0)
        assert await database.read(None, pid) != before


async def test_each_statement_has_its_own_time(database_dsn: str) -> None:
    """One timer serves them all: a late statement is ended for itself, not for an earlier one."""
    ended: list[str] = []
    async with opened(database_dsn, Limits(size=3, statement=0.0, network=0.4)) as database:

        async def late(name: str) -> None:
            with pytest.raises(DependencyDown, match="no answer within"):
                await database.read(None, lambda tx: tx.execute(_SLEEP, seconds=60))
            ended.append(name)

        await echoed(database, "done in time")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(late, "first")
            await database.read(None, lambda tx: tx.execute(_SLEEP, seconds=0.2))
            assert await echoed(database, "short") == "short"
            nursery.start_soon(late, "second")
    assert ended == ["first", "second"]


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "transact"])
async def test_nobody_reads_the_answer_of_another(database_dsn: str, is_read: bool) -> None:  # noqa: FBT001 - a case
    """Cancelled after any number of steps, a statement leaves nothing to the next one."""
    async with opened(database_dsn, Limits(size=1)) as database:
        run = database.read if is_read else database.transact

        async def ask(value: str) -> str:
            return str(await run(_ONE, lambda tx: value_of(tx, _ECHO, value=value)))

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
        before = await database.read(None, lambda tx: value_of(tx, _PID))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.read, None, lambda tx: tx.execute(_SLEEP, seconds=60))
            await trio.testing.wait_all_tasks_blocked(0.05)
            nursery.cancel_scope.cancel()
        with trio.fail_after(5):
            assert await database.read(None, lambda tx: value_of(tx, _PID)) == before


async def test_leaving_in_the_middle_of_a_large_answer(database_dsn: str) -> None:
    """What is still to come of it is not what the next statement on the session gets."""
    async with opened(database_dsn, Limits(size=1)) as database:
        for steps in range(4, 24, 4):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(database.read, None, lambda tx: tx.fetch(_WIDE, n=1000))
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
            nursery.start_soon(database.read, None, lambda tx: tx.execute(_SLEEP, seconds=0.1))
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
                nursery.start_soon(run, None, lambda tx: tx.execute(_SLEEP, seconds=60))
            await trio.testing.wait_all_tasks_blocked(0.05)
            nursery.cancel_scope.cancel()
    async with aio.open_loop():
        busy = """
            SELECT query FROM pg_stat_activity WHERE datname = current_database()
            AND application_name = 'bitvaultd' AND state <> 'idle'
        """
        assert await as_owner(database_dsn, busy) == []


class TestAhead:
    """BEGIN and SET in front of the first statement."""

    @pytest.fixture
    async def connected(self, notes: PostgresDatabase) -> Wire:
        """Return the wire of an idle session."""
        await echoed(notes, "warm")
        return notes.sessions.idle[-1].wire

    @pytest.mark.parametrize("form", [ahead_in_one, ahead_of_its_own])
    @pytest.mark.parametrize("is_cached", [True, False], ids=["cached", "new"])
    async def test_an_error_in_it_is_the_statements(
        self,
        form: Callable[..., wire.Ahead],
        is_cached: bool,  # noqa: FBT001 - a case
        connected: Wire,
    ) -> None:
        """The caller gets the error of what went ahead, and the session is of no more use."""
        fetch = connected.connection.fetch
        if is_cached:
            await connected.run(None, fetch, "SELECT 5 AS five")
        with pytest.raises(asyncpg.InvalidParameterValueError, match="nobody"):
            await connected.run(form(("SET ROLE nobody",)), fetch, "SELECT 5 AS five")
        assert connected.refused
        assert not connected.in_force

    @pytest.mark.parametrize("form", [ahead_in_one, ahead_of_its_own])
    async def test_what_is_said_beside_its_answer_is_heard(
        self, form: Callable[..., wire.Ahead], connected: Wire
    ) -> None:
        """The answer is dropped, but not the settings that it changed."""
        ahead = form(("SET application_name = 'told'", "SET bitvault.tenant = ''"))
        (row,) = await connected.run(ahead, connected.connection.fetch, "SELECT 5 AS five")
        assert row["five"] == 5
        assert connected.in_force
        assert connected.connection.get_settings().application_name == "told"

    @pytest.mark.parametrize("is_cached", [True, False], ids=["cached", "new"])
    async def test_without_its_transaction_a_statement_does_not_run(
        self,
        is_cached: bool,  # noqa: FBT001 - a case
        connected: Wire,
        notes: PostgresDatabase,
    ) -> None:
        """A BEGIN that fails takes what was sent behind it with it."""
        if is_cached:
            await notes.transact(None, lambda tx: tx.execute(_ADD, id=1))
        ahead = ahead_in_one(("BEGIN ISOLATION LEVEL SOMEHOW", "SET LOCAL ROLE bitvault_app"))
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await connected.run(ahead, connected.connection.execute, _ADD.sql, 2)
        rows = await as_owner(notes.sessions.dsn, "SELECT id FROM probe.note")
        assert rows == ([{"id": 1}] if is_cached else [])

    @pytest.mark.parametrize("is_read", [True, False], ids=["read", "transact"])
    async def test_an_error_in_it_ends_the_session(
        self,
        is_read: bool,  # noqa: FBT001 - a case
        migrated_server: PostgresServer,
        database_dsn: str,
    ) -> None:
        """An account that may not be the pool's role is told so, and its session is not kept."""
        migrated_server.run("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
        dsn = database_dsn.rpartition("user=")[0] + "user=stranger"
        async with opened(dsn) as database:
            run = database.read if is_read else database.transact
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="set role"):
                await run(_ONE, lambda tx: value_of(tx, _ECHO, value="no"))
            assert (database.statistics().idle, database.statistics().in_use) == (0, 0)

    async def test_a_statement_that_was_never_sent_takes_nothing_along(
        self, notes: PostgresDatabase
    ) -> None:
        """BEGIN and the tenant are still said when work goes on after a wrong argument."""
        await notes.read(_OTHER, lambda tx: value_of(tx, _ARRAY, value=[1]))

        async def work(tx: Transaction) -> str:
            with pytest.raises(StatementFailed):
                await tx.fetchrow(_ARRAY, value="x")
            return str(await value_of(tx, _WHO))

        async def failing(tx: Transaction) -> None:
            with pytest.raises(StatementFailed):
                await tx.fetchrow(_ARRAY, value="x")
            await tx.execute(_ADD, id=7)
            raise LookupError

        for _ in range(2):
            assert await notes.read(_ONE, work) == f"bitvault_app {_ONE}"
            assert await notes.transact(_OTHER, work) == f"bitvault_app {_OTHER}"
        with pytest.raises(LookupError):
            await notes.transact(_ONE, failing)
        assert await as_owner(notes.sessions.dsn, "SELECT id FROM probe.note") == []
        assert notes.statistics().idle == 1

    async def test_a_failed_statement_leaves_the_reader_who_it_is(
        self, notes: PostgresDatabase
    ) -> None:
        """What was said before a statement of a reader's is in force even if that one fails."""
        await echoed(notes, "warm", _OTHER)

        async def work(tx: Transaction) -> str:
            with pytest.raises(StatementFailed):
                await tx.fetchrow(_NONSENSE)
            return str(await value_of(tx, _WHO))

        assert await notes.read(_ONE, work) == f"bitvault_app {_ONE}"

    async def test_a_changed_table_is_read_again_by_the_same_reader(
        self, notes: PostgresDatabase
    ) -> None:
        """A statement on a table that has changed is prepared again, and sees the same rows."""
        await notes.transact(_ONE, lambda tx: tx.execute(_ADD, id=1))
        await notes.read(None, lambda tx: tx.fetch(_NOTES))
        await as_owner(notes.sessions.dsn, "ALTER TABLE probe.note ADD COLUMN more int DEFAULT 3")
        (row,) = await notes.read(_ONE, lambda tx: tx.fetch(_NOTES))
        assert dict(row) == {"id": 1, "more": 3, "whose": "bitvault_app"}
        assert notes.statistics().idle == 1

    async def test_a_changed_table_fails_a_transaction_once(self, notes: PostgresDatabase) -> None:
        """Inside a transaction nothing can be repeated; the next one prepares it again."""
        await notes.transact(_ONE, lambda tx: tx.execute(_ADD, id=1))
        await notes.transact(_ONE, lambda tx: tx.fetch(_NOTES))
        await as_owner(notes.sessions.dsn, "ALTER TABLE probe.note ADD COLUMN more int DEFAULT 3")
        with pytest.raises(asyncpg.InvalidCachedStatementError):
            await notes.transact(_ONE, lambda tx: tx.fetch(_NOTES))
        (row,) = await notes.transact(_ONE, lambda tx: tx.fetch(_NOTES))
        assert dict(row) == {"id": 1, "more": 3, "whose": "bitvault_app"}


_NONSENSE = Query("nonsense", "SELECT 'x'::text::int AS value", ())


class TestLeaningOn:
    """What ``wire.py`` uses and nobody promises: an upgrade that moves it fails here, by name."""

    @pytest.mark.parametrize(
        ("owner", "name"),
        [
            (asyncpg.Connection, "_transport"),
            (asyncio.Transport, "write"), (asyncio.Transport, "abort"),
            (asyncio.Transport, "pause_reading"), (asyncio.Transport, "resume_reading"),
            (asyncio.Transport, "get_protocol"), (asyncio.Transport, "set_protocol"),
            (asyncio.Transport, "get_write_buffer_size"),
        ],
        ids=lambda part: getattr(part, "__qualname__", part),
    )  # fmt: skip
    def test_a_name_is_there(self, owner: type, name: str) -> None:
        """Each is still called so."""
        assert hasattr(owner, name), f"{owner.__qualname__}.{name} has moved: see wire.py"

    async def test_asyncpg_waits_for_futures_of_its_loop_alone(self, database_dsn: str) -> None:
        """Each step of a statement yields one future, made by the loop's ``create_future``."""
        async with aio.open_loop() as loop:
            connection = await aio.call(asyncpg.connect, database_dsn)
            loop.is_driven = True
            answer = connection.fetch("SELECT 1 AS one").send(None)
            loop.is_driven = False
            assert isinstance(answer, asyncio.Future)
            assert answer.get_loop() is not loop
            assert not answer.done()
            connection.terminate()
            assert isinstance(answer.exception(), asyncpg.ConnectionDoesNotExistError)

    async def test_a_statement_costs_the_loop_nothing(self, notes: PostgresDatabase) -> None:
        """No task is made and nothing is called soon; nor after one that was left to the loop."""
        await echoed(notes, "warm", _ONE)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(notes.read, _ONE, lambda tx: tx.execute(_SLEEP, seconds=60))
            await trio.testing.wait_all_tasks_blocked(0.05)
            nursery.cancel_scope.cancel()
        await echoed(notes, "by the loop", _ONE)
        steps: list[Callable[..., Any]] = []
        loop = asyncio.get_running_loop()
        call_soon: Callable[..., Any] = loop.call_soon

        def counted(callback: Callable[..., Any], *args: Any, **options: Any) -> Any:
            steps.append(callback)
            return call_soon(callback, *args, **options)

        loop.call_soon = counted  # type: ignore[method-assign]
        for _ in range(3):
            await notes.transact(_ONE, lambda tx: value_of(tx, _ECHO, value="x"))
            await echoed(notes, "y", _ONE)
        assert notes.statistics().idle == 1
        assert steps == []
        assert asyncio.all_tasks(loop) == set()
